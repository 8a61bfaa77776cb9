/**
 * A stay of a run in a node's memory: a span, from its arrival to its departure. It is made only
 * once the stay does something that others see; a run that looks around and leaves makes none.
 *
 * - STAY-1: a step of a stay makes no text, no attributes and no closure here, unless its span is
 *   recorded or its time is taken (TIMED-1 of `attempt.ts`).
 *
 * @module
 */

import {
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun, InboxRow } from "../ports/rows.ts";
import type { AttemptFacts, AttemptTelemetry, StayTelemetry } from "../ports/telemetry.ts";
import { type AttemptPlace, beginAttempt, waited } from "./attempt.ts";
import type { Board } from "./board.ts";
import { countDeparture, failureOf, startOf } from "./departure.ts";
import { markFailed } from "./errors.ts";
import { quietly, tell } from "./quiet.ts";
import type { RunMeters } from "./run_meters.ts";
import { look, metersOf, placed, runAttributes, type Shared } from "./shared.ts";
import type { SitesOfVersion } from "./sites.ts";
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
  /** The run's trace as it came; read on demand. */
  #came: RunTrace | undefined;
  /** `null`: there is none. */
  #span: Span | null | undefined;
  #tracer: Tracer | undefined;
  #context: SpanContext | undefined;
  /** Where attempts stand; `undefined`: no span is active in them. */
  #place: AttemptPlace | undefined;
  /** Where effects are requested; `undefined`: no attempt has a span, as far as that is known. */
  #sites: SitesOfVersion | undefined;
  #board: Board | undefined;
  #metersOfBoard: RunMeters | undefined;

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
    this.#isFirst = run.generation === 0 && (!run.began || run.dueAt === run.startedAt);
    if (this.#isFirst) this.#reason = "start";
    else if (!run.began) this.#reason = "retry";
    look(shared);
    if (shared.tracing.tracer !== undefined) {
      const { start } = this.#trace;
      if (start === undefined || isSampled(start)) this.#sites = shared.sites.of(run.hash);
    }
    const meters = this.#meters;
    if (meters === undefined) return;
    if (this.#isFirst) meters.count("continuum.run.started");
    if (typeof run.dueAt === "number") meters.series("continuum.run.wait").addMs(now - run.dueAt);
  }

  /** The metrics of the run; `undefined`: there is no provider of metrics. */
  get #meters(): RunMeters | undefined {
    const { board } = this.#shared.instruments;
    if (board !== this.#board) {
      this.#board = board;
      this.#metersOfBoard = metersOf(this.#shared, this.#run);
    }
    return this.#metersOfBoard;
  }

  get #trace(): RunTrace {
    return this.#came ??= readTrace(this.#run.trace);
  }

  get trace(): string | undefined {
    return quietly(() => {
      this.#open();
      return this.#context && contextText(this.#context);
    }, undefined);
  }

  get logFacts(): Readonly<Record<string, string>> {
    return quietly(() => {
      this.#open();
      if (this.#context === undefined || contextText(this.#context) === undefined) return NO_FACTS;
      const { traceId, spanId } = this.#context;
      return { trace_id: traceId, span_id: spanId };
    }, NO_FACTS);
  }

  wantsSite(kind: string, name: string): boolean {
    return this.#sites !== undefined && this.#sites.wants(kind, name);
  }

  replayed(events: number, ms: number): void {
    this.#replayed += events;
    quietly(() => {
      const meters = this.#meters;
      meters?.series("continuum.replay.duration").addMs(ms);
      meters?.series("continuum.replay.events").add(events);
    }, undefined);
  }

  took({ kind, sentAt, trace }: InboxRow, now: number): void {
    this.#reason ??= kind;
    quietly(() => {
      if ((kind === "signal" || kind === "ask") && sentAt !== undefined) {
        this.#meters?.series("continuum.signal.latency").addMs(now - sentAt);
      }
      const context = readContext(trace);
      if (context === undefined || !isSampled(context)) return;
      if (this.#span) this.#span.addLink({ context });
      else this.#links.push({ context });
    }, undefined);
  }

  fired(lateMs: number): void {
    this.#reason ??= "timer";
    quietly(() => this.#meters?.series("continuum.timer.lateness").addMs(lateMs), undefined);
  }

  attempt(facts: AttemptFacts): AttemptTelemetry | undefined {
    this.#attempts++;
    try {
      if (this.#span === undefined) this.#open();
      if (facts.queue !== undefined) waited(this.#shared, facts);
      const meters = this.#meters?.attempts(facts.kind, facts.name);
      return beginAttempt(facts, meters, this.#place, this.#shared.now);
    } catch (error) {
      tell(error);
      return undefined;
    }
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
    quietly(() => {
      const meters = this.#meters;
      if (meters !== undefined) countDeparture(meters, this.#run, exit, now);
    }, undefined);
    quietly(() => this.#close(exit, now), undefined);
  }

  /** Makes the span, unless the run is not sampled; `false`: there is none. */
  #open(): boolean {
    if (this.#span !== undefined) return this.#span !== null;
    this.#span = null;
    const { tracing: { tracer }, sites } = this.#shared;
    this.#sites = undefined;
    if (tracer === undefined) return false;
    const { start } = this.#trace;
    if (start !== undefined && !isSampled(start)) {
      // What an unsampled caller starts stays unsampled: no sampler needs to be asked.
      this.#context = start;
      const parent = trace.setSpanContext(ROOT_CONTEXT, start);
      this.#place = { parent, tracer: undefined, attributes: NO_FACTS, sites: undefined };
      return false;
    }
    const { workflow, createdAt, hash } = this.#run;
    const attributes = runAttributes(this.#run);
    const { parent, links } = placed(start, this.#now - (createdAt ?? this.#now));
    const span = tracer.startSpan(
      `run ${workflow}`,
      {
        kind: SpanKind.CONSUMER,
        startTime: this.#arrivedAt,
        links: [...links, ...this.#links],
        attributes: {
          ...attributes,
          "continuum.run.generation": this.#generation,
          "continuum.resume.reason": this.#reason ??= "handover",
          "continuum.replayed_events": this.#replayed,
        },
      },
      parent,
    );
    this.#span = span;
    this.#tracer = tracer;
    const context = span.spanContext();
    this.#context = context;
    if (contextText(context) === undefined) return true;
    if (isSampled(context)) this.#sites = sites.of(hash);
    this.#place = {
      parent: trace.setSpan(ROOT_CONTEXT, span),
      tracer: isSampled(context) ? tracer : undefined,
      attributes,
      sites: this.#sites,
    };
    return true;
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
    if (exit.kind !== "ended" || this.#tracer === undefined) return;
    if (this.#context === undefined || !isSampled(this.#context)) return;
    summarize(this.#tracer, {
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
