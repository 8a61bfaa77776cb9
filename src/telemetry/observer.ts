/**
 * The observer: it makes spans and metrics of what the engine and the client tell it.
 *
 * @module
 */

import { context, ROOT_CONTEXT, type Span, SpanKind } from "@opentelemetry/api";
import type { ClaimedRun } from "../ports/rows.ts";
import type {
  AttemptFacts,
  AttemptTelemetry,
  RunOfTask,
  Sending,
  Sent,
  StayTelemetry,
  Telemetry,
  TelemetryHost,
} from "../ports/telemetry.ts";
import type { TaskBase } from "../ports/tasks.ts";
import { Attempt } from "./attempt.ts";
import { errorType, markFailed } from "./errors.ts";
import { warnOfOtherApi } from "./global_api.ts";
import { quietly, tellTo } from "./quiet.ts";
import { placed, runAttributes, runLabels, type Shared, tracerOf } from "./shared.ts";
import { NO_STAY } from "./silent.ts";
import { Stay } from "./stay.ts";
import { contextText, isSampled, readContext } from "./trace_text.ts";

/** Makes spans and metrics. */
export class Observer implements Telemetry {
  readonly #shared: Shared;

  /** @param shared What its parts share. */
  constructor(shared: Shared) {
    this.#shared = shared;
  }

  attach(host: TelemetryHost): () => void {
    const untell = tellTo(host);
    quietly(() => warnOfOtherApi(host.log), undefined);
    const detach = quietly(() => this.#shared.instruments.attach(host), undefined);
    return () => {
      quietly(() => detach?.(), undefined);
      untell();
    };
  }

  detached<T>(work: () => T): T {
    let isCalled = false;
    const once = () => {
      isCalled = true;
      return work();
    };
    try {
      return context.with(ROOT_CONTEXT, once);
    } catch (error) {
      if (isCalled) throw error;
      return work();
    }
  }

  sending(sent: Sent): Sending {
    const span = quietly(() => this.#sendingSpan(sent), undefined);
    return {
      trace: span && quietly(() => contextText(span.spanContext()), undefined),
      ended: (failure) => {
        if (span === undefined) return;
        quietly(() => failure && markFailed(span, failure.error), undefined);
        quietly(() => span.end(), undefined);
      },
    };
  }

  arrived(run: ClaimedRun, now: number): StayTelemetry {
    return quietly(() => new Stay(this.#shared, run, now), NO_STAY);
  }

  attempt(
    task: Pick<TaskBase, "trace" | "hash"> & RunOfTask,
    facts: AttemptFacts,
  ): AttemptTelemetry {
    const cause = quietly(() => readContext(task.trace), undefined);
    return new Attempt(this.#shared, facts, {
      run: task,
      attributes: runAttributes(task),
      ...placed(cause, Infinity),
      isRecorded: this.#shared.spans && (cause === undefined || isSampled(cause)),
    });
  }

  flushed(rows: number, ms: number): void {
    quietly(() => {
      const { instruments } = this.#shared;
      if (!instruments.isOn) return;
      instruments.time("continuum.flush.duration", ms);
      instruments.record("continuum.flush.rows", rows);
    }, undefined);
  }

  loaded(source: string, ms: number, failure?: { readonly error: unknown }): void {
    quietly(() => {
      const { instruments } = this.#shared;
      instruments.time("continuum.version.load.duration", ms, {
        "continuum.source": source,
        ...(failure === undefined
          ? {}
          : { "error.type": instruments.bounded("error.type", errorType(failure.error)) }),
      });
    }, undefined);
  }

  endedOutside(run: { readonly workflow: string; readonly hash: string }, outcome: string): void {
    quietly(() => {
      const labels = { ...runLabels(this.#shared, run), "continuum.outcome": outcome };
      this.#shared.instruments.count("continuum.run.ended", labels);
    }, undefined);
  }

  /** The caller's span is its parent. */
  #sendingSpan(sent: Sent): Span | undefined {
    if (!this.#shared.spans) return undefined;
    const { operation, workflow, signal, runs } = sent;
    return tracerOf(this.#shared).startSpan(
      workflow === null ? operation : `${operation} ${workflow}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...runAttributes(sent),
          ...(signal === undefined ? {} : { "continuum.signal.name": signal }),
          ...(runs === undefined ? {} : { "continuum.runs": runs }),
        },
      },
      context.active(),
    );
  }
}
