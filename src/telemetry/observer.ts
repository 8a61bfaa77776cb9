/**
 * The observer: it makes spans and metrics of what the engine and the client tell it.
 *
 * @module
 */

import {
  context,
  type MeterProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type TracerProvider,
} from "@opentelemetry/api";
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
import { type AttemptPlace, beginAttempt, waited, within } from "./attempt.ts";
import { errorType, markFailed } from "./errors.ts";
import { warnOfOtherApi } from "./global_api.ts";
import { Instruments } from "./instruments.ts";
import { quietly, tellTo } from "./quiet.ts";
import { RunMetersFinder } from "./run_meters.ts";
import { look, metersOf, placed, runAttributes, type Shared } from "./shared.ts";
import { NO_STAY } from "./silent.ts";
import { Sites } from "./sites.ts";
import { Stay } from "./stay.ts";
import { contextText, isSampled, readContext } from "./trace_text.ts";
import { Tracing } from "./tracing.ts";

/** What an observer makes, and where it goes. */
export interface ObserverOptions {
  /** Whether spans are made. */
  readonly spans: boolean;
  /** Whether metrics of runs name the version. */
  readonly versions: boolean;
  /** Whether gauges of the whole database are reported. */
  readonly database: boolean;
  /** Where spans go; the global provider when `undefined`. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Where metrics go; the global provider when `undefined`. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Makes an observer.
 *
 * @param options What it makes.
 * @param now Milliseconds of a monotonic clock.
 * @returns The observer.
 */
export function makeObserver(
  options: ObserverOptions,
  now: () => number = () => performance.now(),
): Observer {
  return new Observer({
    tracing: new Tracing(options.spans, options.tracerProvider),
    instruments: new Instruments(options.meterProvider, options.database),
    meters: new RunMetersFinder(options.versions),
    sites: new Sites(),
    now,
  });
}

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
    quietly(() => look(this.#shared), undefined);
    const detach = quietly(() => this.#shared.instruments.attach(host), undefined);
    return () => {
      quietly(() => detach?.(), undefined);
      untell();
    };
  }

  beat(): void {
    quietly(() => {
      look(this.#shared);
      this.#shared.instruments.pass();
    }, undefined);
  }

  detached<T>(work: () => T): T {
    const active = quietly(() => context.active(), undefined);
    return active === ROOT_CONTEXT ? work() : within(ROOT_CONTEXT, work);
  }

  sending(sent: Sent): Sending | undefined {
    const span = quietly(() => this.#sendingSpan(sent), undefined);
    if (span === undefined) return undefined;
    return {
      trace: quietly(() => contextText(span.spanContext()), undefined),
      ended: (failure) => {
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
  ): AttemptTelemetry | undefined {
    return quietly(() => {
      look(this.#shared);
      waited(this.#shared, facts);
      const meters = metersOf(this.#shared, task)?.attempts(facts.kind, facts.name);
      return beginAttempt(facts, meters, this.#placeOf(task), this.#shared.now);
    }, undefined);
  }

  flushed(rows: number, ms: number): void {
    quietly(() => {
      look(this.#shared);
      const { board } = this.#shared.instruments;
      if (board === undefined) return;
      board.flushDuration.addMs(ms);
      board.flushRows.add(rows);
    }, undefined);
  }

  loaded(source: string, ms: number, failure?: { readonly error: unknown }): void {
    quietly(() => {
      look(this.#shared);
      const { board } = this.#shared.instruments;
      if (board === undefined) return;
      board.series("continuum.version.load.duration", {
        "continuum.source": source,
        ...(failure === undefined
          ? {}
          : { "error.type": board.bounded("error.type", errorType(failure.error)) }),
      }).addMs(ms);
    }, undefined);
  }

  endedOutside(run: { readonly workflow: string; readonly hash: string }, outcome: string): void {
    quietly(() => {
      look(this.#shared);
      const meters = metersOf(this.#shared, run);
      meters?.count("continuum.run.ended", { "continuum.outcome": outcome });
      this.#shared.instruments.pass(); // a client has no heartbeat
    }, undefined);
  }

  /** The span of an attempt whose run is elsewhere is a trace of its own. */
  #placeOf(task: Pick<TaskBase, "trace" | "hash"> & RunOfTask): AttemptPlace | undefined {
    const { tracing: { tracer }, sites } = this.#shared;
    const cause = readContext(task.trace);
    if (tracer === undefined && cause === undefined) return undefined;
    return {
      ...placed(cause, Infinity),
      tracer: cause === undefined || isSampled(cause) ? tracer : undefined,
      attributes: runAttributes(task),
      sites: typeof task.hash === "string" ? sites.of(task.hash) : undefined,
    };
  }

  /** The caller's span is its parent. */
  #sendingSpan(sent: Sent): Span | undefined {
    const { tracer } = this.#shared.tracing;
    if (tracer === undefined) return undefined;
    const { operation, workflow, signal, runs } = sent;
    return tracer.startSpan(
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
