/**
 * A stay of a run in a node's memory: a span, from its arrival to its departure. It is made only
 * once the stay does something that others see; a run that looks around and leaves makes none.
 *
 * @module
 */

import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { decodeError } from "../base/values_failure.ts";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun, InboxRow } from "../ports/rows.ts";
import type { AttemptFacts, AttemptTelemetry, StayTelemetry } from "../ports/telemetry.ts";
import { Attempt } from "./attempt.ts";
import { errorType, markFailed } from "./errors.ts";
import { quietly } from "./quiet.ts";
import { NO_ATTEMPT } from "./silent.ts";
import { placed, runAttributes, runLabels, type Shared, tracerOf } from "./shared.ts";
import { summarize } from "./summary.ts";
import {
  contextText,
  isSampled,
  readContext,
  readTrace,
  type RunTrace,
  withStay,
} from "./trace_text.ts";

const NO_FACTS: Readonly<Record<string, string>> = {};

/** A stay under way. */
export class Stay implements StayTelemetry {
  readonly #shared: Shared;
  readonly #run: ClaimedRun;
  readonly #trace: RunTrace;
  readonly #attributes: Attributes;
  readonly #isFirst: boolean;
  readonly #arrivedAt = Date.now();
  /** The database's time at the arrival. */
  readonly #now: number;
  #generation: number;
  /** Why the run is here; `undefined`: not known yet. */
  #reason: string | undefined;
  readonly #links: Link[] = [];
  #replayed = 0;
  #events = 0;
  #attempts = 0;
  /** `null`: it could not be made. */
  #span: Span | null | undefined;
  /** The parent of attempts; `undefined`: nothing is traced. */
  #parent: Context | undefined;
  #context: SpanContext | undefined;
  #labelled: Attributes | undefined;

  /**
   * The run has arrived.
   *
   * @param shared The observer.
   * @param run The run.
   * @param now The database's time.
   */
  constructor(shared: Shared, run: ClaimedRun, now: number) {
    this.#shared = shared;
    this.#run = run;
    this.#now = now;
    this.#generation = run.generation;
    this.#attributes = runAttributes(run);
    this.#isFirst = run.generation === 0 && (!run.began || run.dueAt === run.startedAt);
    this.#trace = readTrace(run.trace);
    if (this.#isFirst) this.#reason = "start";
    else if (!run.began) this.#reason = "retry";
    const { instruments } = shared;
    if (!instruments.isOn) return;
    if (this.#isFirst) instruments.count("continuum.run.started", this.#labels);
    if (typeof run.dueAt === "number") {
      instruments.time("continuum.run.wait", now - run.dueAt, this.#labels);
    }
  }

  /** The attributes of metrics of the run. */
  get #labels(): Attributes {
    return this.#labelled ??= runLabels(this.#shared, this.#run);
  }

  get trace(): string | undefined {
    return quietly(() => {
      this.#open();
      return this.#context && contextText(this.#context);
    }, undefined);
  }

  get logFacts(): Readonly<Record<string, string>> {
    return quietly(() => {
      if (!this.#open() || this.#context === undefined) return NO_FACTS;
      if (contextText(this.#context) === undefined) return NO_FACTS;
      const { traceId, spanId } = this.#context;
      return { trace_id: traceId, span_id: spanId };
    }, NO_FACTS);
  }

  wantsSite(kind: string, name: string): boolean {
    return this.#mayRecord && this.#shared.sites.wants(this.#run.hash, kind, name);
  }

  /** Whether attempts of this stay have spans, as far as that is known. */
  get #mayRecord(): boolean {
    if (!this.#shared.spans || this.#span === null) return false;
    const context = this.#context ?? this.#trace.start;
    return context === undefined || isSampled(context);
  }

  replayed(events: number, ms: number): void {
    this.#replayed += events;
    quietly(() => {
      const { instruments } = this.#shared;
      instruments.time("continuum.replay.duration", ms, this.#labels);
      instruments.record("continuum.replay.events", events, this.#labels);
    }, undefined);
  }

  took({ kind, sentAt, trace }: InboxRow, now: number): void {
    this.#reason ??= kind;
    quietly(() => {
      const { instruments } = this.#shared;
      if (kind === "signal" && sentAt !== undefined) {
        instruments.time("continuum.signal.latency", now - sentAt, this.#labels);
      }
      const context = readContext(trace);
      if (context === undefined || !isSampled(context)) return;
      if (this.#span) this.#span.addLink({ context });
      else this.#links.push({ context });
    }, undefined);
  }

  fired(lateMs: number): void {
    this.#reason ??= "timer";
    quietly(() => {
      this.#shared.instruments.time("continuum.timer.lateness", lateMs, this.#labels);
    }, undefined);
  }

  attempt(facts: AttemptFacts): AttemptTelemetry {
    this.#attempts++;
    if (this.#span === undefined) quietly(() => this.#open(), false);
    const parent = this.#parent;
    if (parent === undefined && !quietly(() => this.#shared.instruments.isOn, false)) {
      return NO_ATTEMPT;
    }
    return new Attempt(this.#shared, facts, {
      run: this.#run,
      attributes: this.#attributes,
      parent: parent ?? ROOT_CONTEXT,
      isRecorded: parent !== undefined && isSampled(this.#context!),
    });
  }

  wrote(events: number): void {
    this.#events += events;
    if (events > 0 && this.#span === undefined) quietly(() => this.#open(), false);
  }

  continued(generation: number): void {
    this.#generation = generation;
  }

  trail(): string | undefined {
    return quietly(() => {
      if (this.#isFirst) this.#open();
      const context = this.#context;
      if (context === undefined || !isSampled(context)) return undefined;
      return withStay(this.#run.trace, context);
    }, undefined);
  }

  left(exit: Exit, now: number): void {
    quietly(() => this.#count(exit, now), undefined);
    quietly(() => this.#close(exit, now), undefined);
  }

  /** Makes the span; `false`: there is none. */
  #open(): boolean {
    if (this.#span !== undefined) return this.#span !== null;
    this.#span = null;
    if (!this.#shared.spans) return false;
    const { workflow, createdAt } = this.#run;
    const { parent, links } = placed(this.#trace.start, this.#now - (createdAt ?? this.#now));
    const span = tracerOf(this.#shared).startSpan(
      `run ${workflow}`,
      {
        kind: SpanKind.CONSUMER,
        startTime: this.#arrivedAt,
        links: [...links, ...this.#links],
        attributes: {
          ...this.#attributes,
          "continuum.run.generation": this.#generation,
          "continuum.resume.reason": this.#reason ??= "handover",
          "continuum.replayed_events": this.#replayed,
        },
      },
      parent,
    );
    this.#span = span;
    const context = span.spanContext();
    this.#context = context;
    if (contextText(context) !== undefined) this.#parent = trace.setSpan(ROOT_CONTEXT, span);
    return true;
  }

  #count(exit: Exit, now: number): void {
    const { instruments } = this.#shared;
    if (!instruments.isOn) return;
    const labels = this.#labels;
    if (exit.kind === "lost") instruments.count("continuum.lease.lost", labels);
    if (exit.kind === "stuck") {
      instruments.count("continuum.run.parked", { ...labels, "continuum.reason": exit.state });
    }
    if (exit.kind !== "ended") return;
    const ended = { ...labels, "continuum.outcome": exit.state };
    instruments.count("continuum.run.ended", ended);
    const error = failureOf(exit);
    instruments.time("continuum.run.duration", now - startOf(this.#run), {
      ...ended,
      ...(error === undefined
        ? {}
        : { "error.type": instruments.bounded("error.type", errorType(error.error)) }),
    });
  }

  #close(exit: Exit, now: number): void {
    const isSeen = exit.kind === "ended" || exit.kind === "stuck";
    if (!isSeen && this.#span === undefined) return;
    if (!this.#open() || !this.#span) return;
    const span = this.#span;
    const failure = failureOf(exit);
    span.setAttributes({
      "continuum.outcome": "state" in exit ? exit.state : exit.kind,
      "continuum.run.generation": this.#generation,
      "continuum.replayed_events": this.#replayed,
      "continuum.events": this.#events,
      "continuum.attempts": this.#attempts,
    });
    if (failure !== undefined) markFailed(span, failure.error);
    else if (exit.kind === "stuck") markFailed(span, new Error(`The run is parked: ${exit.state}`));
    span.end();
    if (exit.kind !== "ended" || this.#context === undefined || !isSampled(this.#context)) return;
    summarize(this.#shared, {
      run: this.#run,
      generation: this.#generation,
      outcome: exit.state,
      failure,
      startedAt: startOf(this.#run),
      now,
      start: this.#trace.start,
      stays: readTrace(withStay(this.#run.trace, this.#context)).stays,
    });
  }
}

/** When a run started: at its creation, or at the time that was chosen for it. */
function startOf({ startAt, createdAt, startedAt }: ClaimedRun): number {
  return startAt ?? createdAt ?? startedAt;
}

/** What a run failed with; a cancellation is no error. */
function failureOf(exit: Exit): { readonly error: unknown } | undefined {
  if (exit.kind !== "ended" || exit.state !== "failed" || exit.error === null) return undefined;
  return { error: decodeError(exit.error) };
}
