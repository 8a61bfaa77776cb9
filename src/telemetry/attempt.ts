/**
 * An attempt of an effect: its span is active while the user's function runs, so that spans of HTTP
 * calls and of databases hang on it.
 *
 * - TIMED-1: what is not recorded costs nothing: an attempt that has no span and is not timed is
 *   counted, which takes no clock, no object and no call of a provider.
 *
 * @module
 */

import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Span,
  SpanKind,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { AttemptFacts, AttemptTelemetry } from "../ports/telemetry.ts";
import { isCancellation, markFailed } from "./errors.ts";
import { LateSpan } from "./late_span.ts";
import { quietly } from "./quiet.ts";
import type { AttemptMeters } from "./run_meters.ts";
import type { Shared } from "./shared.ts";
import type { SitesOfVersion } from "./sites.ts";

/** Where the spans of attempts stand. */
export interface AttemptPlace {
  /** The context that is active, if there is no span. */
  readonly parent: Context;
  /** Makes spans; `undefined`: none is recorded. */
  readonly tracer: Tracer | undefined;
  /** The attributes of every span of the run. */
  readonly attributes: Attributes;
  /** Where effects are requested. */
  readonly sites: SitesOfVersion | undefined;
  /** What the span is linked to. */
  readonly links?: Link[];
}

/**
 * Measures for how long the task of an attempt could be executed before it was.
 *
 * @param shared The observer.
 * @param facts The attempt.
 */
export function waited(
  { instruments: { board } }: Shared,
  { queue, name, waitMs }: AttemptFacts,
): void {
  if (board === undefined || queue === undefined || waitMs === undefined) return;
  board.series("continuum.attempt.wait", {
    "continuum.queue": board.bounded("continuum.queue", queue),
    "continuum.name": board.bounded("continuum.name", name),
  }).addMs(waitMs);
}

/**
 * Begins an attempt (TIMED-1).
 *
 * @param facts The attempt.
 * @param meters Its metrics; `undefined`: nothing is measured.
 * @param place Where its span stands; `undefined`: no span is active.
 * @param now The clock, in milliseconds of `performance.now`.
 * @returns The attempt; `undefined`: nothing observes it.
 */
export function beginAttempt(
  facts: AttemptFacts,
  meters: AttemptMeters | undefined,
  place: AttemptPlace | undefined,
  now: () => number,
): AttemptTelemetry | undefined {
  const isTimed = meters?.isDue() === true;
  if (place !== undefined) return new TracedAttempt(facts, meters, isTimed, place, now);
  return isTimed ? new TimedAttempt(meters!, now) : meters?.counted;
}

/** An attempt that is timed. */
class TimedAttempt implements AttemptTelemetry {
  readonly #meters: AttemptMeters;
  readonly #now: () => number;
  readonly #begunAt: number;

  constructor(meters: AttemptMeters, now: () => number) {
    this.#meters = meters;
    this.#now = now;
    this.#begunAt = now();
  }

  ended(failure?: { readonly error: unknown }): void {
    this.#meters.ended(failure, this.#now() - this.#begunAt);
  }
}

/** An attempt that has a span, or may have one. */
class TracedAttempt implements AttemptTelemetry {
  readonly #meters: AttemptMeters | undefined;
  readonly #isTimed: boolean;
  /** The clock; `undefined`: no time is needed. */
  readonly #now: (() => number) | undefined;
  readonly #begunAt: number;
  readonly #active: Context;
  readonly #span: Span | undefined;
  readonly #late: LateSpan | undefined;

  constructor(
    facts: AttemptFacts,
    meters: AttemptMeters | undefined,
    isTimed: boolean,
    place: AttemptPlace,
    now: () => number,
  ) {
    const { parent, tracer, sites } = place;
    this.#meters = meters;
    this.#isTimed = isTimed;
    const isQuiet = tracer !== undefined && sites?.isDue(facts.kind, facts.name) === false;
    this.#now = isTimed || isQuiet ? now : undefined;
    this.#begunAt = this.#now?.() ?? 0;
    this.#active = parent;
    if (tracer === undefined) return;
    const make = (startTime?: number) => startSpan(tracer, facts, place, startTime);
    if (isQuiet) {
      this.#active = this.#late = new LateSpan(parent, this.#begunAt, make);
      return;
    }
    const span = this.#span = quietly(make, undefined);
    if (span !== undefined) this.#active = trace.setSpan(parent, span);
  }

  during<T>(body: () => T): T {
    return within(this.#active, body);
  }

  ended(failure?: { readonly error: unknown }): void {
    const now = this.#now?.() ?? 0;
    this.#meters?.ended(failure, this.#isTimed ? now - this.#begunAt : undefined);
    const late = this.#late?.end(now, failure !== undefined);
    const span = this.#span ?? late?.span;
    if (span === undefined) return;
    if (failure !== undefined) quietly(() => markEnd(span, failure.error), undefined);
    quietly(() => span.end(late?.endTime), undefined);
  }
}

function markEnd(span: Span, error: unknown): void {
  if (isCancellation(error)) span.setAttribute("continuum.cancelled", true);
  else markFailed(span, error);
}

/**
 * Calls a function in a context.
 *
 * @param active The context.
 * @param body The function.
 * @returns What it returns.
 */
export function within<T>(active: Context, body: () => T): T {
  let isCalled = false;
  const once = () => {
    isCalled = true;
    return body();
  };
  try {
    return context.with(active, once);
  } catch (error) {
    if (isCalled) throw error; // the function's own
    return body();
  }
}

function startSpan(
  tracer: Tracer,
  { kind, name, attempt, stack }: AttemptFacts,
  { attributes, sites, links, parent }: AttemptPlace,
  startTime: number | undefined,
): Span {
  return tracer.startSpan(
    `${kind} ${name}`,
    {
      kind: SpanKind.INTERNAL,
      attributes: { ...attributes, ...sites?.of(kind, name, stack), "continuum.attempt": attempt },
      ...(links === undefined ? {} : { links }),
      ...(startTime === undefined ? {} : { startTime }),
    },
    parent,
  );
}
