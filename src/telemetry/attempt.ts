/**
 * An attempt of an effect: its span is active while the user's function runs, so that spans of HTTP
 * calls and of databases hang on it.
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
} from "@opentelemetry/api";
import type { AttemptFacts, AttemptTelemetry } from "../ports/telemetry.ts";
import { errorType, isCancellation, markFailed } from "./errors.ts";
import { quietly } from "./quiet.ts";
import { type RunFacts, runLabels, type Shared, tracerOf } from "./shared.ts";

/** Where an attempt stands, and of which run it is. */
export interface AttemptPlace {
  /** The run. */
  readonly run: RunFacts;
  /** The attributes of every span of the run. */
  readonly attributes: Attributes;
  /** The span's parent. */
  readonly parent: Context;
  /** What the span is linked to. */
  readonly links?: Link[];
  /** Whether a span is made; without one, the parent is active. */
  readonly isRecorded: boolean;
}

/** An attempt under way. */
export class Attempt implements AttemptTelemetry {
  readonly #shared: Shared;
  readonly #facts: AttemptFacts;
  readonly #run: RunFacts;
  readonly #startedAt = performance.now();
  readonly #span: Span | undefined;
  readonly #active: Context;
  #isOver = false;

  /**
   * Begins the span.
   *
   * @param shared The observer.
   * @param facts The attempt.
   * @param place Where it stands.
   */
  constructor(shared: Shared, facts: AttemptFacts, place: AttemptPlace) {
    this.#shared = shared;
    this.#facts = facts;
    this.#run = place.run;
    this.#span = place.isRecorded
      ? quietly(() => begin(shared, facts, place), undefined)
      : undefined;
    this.#active = this.#span === undefined
      ? place.parent
      : trace.setSpan(place.parent, this.#span);
    const { queue, name, waitMs } = facts;
    if (queue === undefined || waitMs === undefined) return;
    quietly(() => {
      const { instruments } = shared;
      instruments.time("continuum.attempt.wait", waitMs, {
        "continuum.queue": instruments.bounded("continuum.queue", queue),
        "continuum.name": instruments.bounded("continuum.name", name),
      });
    }, undefined);
  }

  during<T>(body: () => T): T {
    let isCalled = false;
    const once = () => {
      isCalled = true;
      return body();
    };
    try {
      return context.with(this.#active, once);
    } catch (error) {
      if (isCalled) throw error; // the function's own
      return body();
    }
  }

  ended(failure?: { readonly error: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const ms = performance.now() - this.#startedAt;
    quietly(() => this.#record(ms, failure), undefined);
    const span = this.#span;
    if (span === undefined) return;
    quietly(() => {
      if (failure !== undefined && isCancellation(failure.error)) {
        span.setAttribute("continuum.cancelled", true);
      } else if (failure !== undefined) markFailed(span, failure.error);
    }, undefined);
    quietly(() => span.end(), undefined);
  }

  #labels(kind: string, name: string): Attributes {
    const { attemptLabels, instruments, versions } = this.#shared;
    const { workflow, hash = null } = this.#run;
    const key = versions ? `${workflow}/${hash}` : workflow ?? "";
    return attemptLabels.of(key, kind, name, () => ({
      ...(typeof workflow === "string" ? runLabels(this.#shared, { workflow, hash }) : {}),
      "continuum.kind": kind,
      "continuum.name": instruments.bounded("continuum.name", name),
    }));
  }

  #record(ms: number, failure: { readonly error: unknown } | undefined): void {
    const { instruments } = this.#shared;
    if (!instruments.isOn) return;
    const { kind, name } = this.#facts;
    const labels = this.#labels(kind, name);
    instruments.time(
      "continuum.attempt.duration",
      ms,
      failure === undefined || isCancellation(failure.error) ? labels : {
        ...labels,
        "error.type": instruments.bounded("error.type", errorType(failure.error)),
      },
    );
  }
}

function begin(shared: Shared, facts: AttemptFacts, place: AttemptPlace): Span {
  const { kind, name, attempt, stack } = facts;
  const { hash } = place.run;
  const site = typeof hash === "string" ? shared.sites.of(hash, kind, name, stack) : undefined;
  const attributes = { ...place.attributes, ...site, "continuum.attempt": attempt };
  return tracerOf(shared).startSpan(
    `${kind} ${name}`,
    {
      kind: SpanKind.INTERNAL,
      attributes,
      ...(place.links === undefined ? {} : { links: place.links }),
    },
    place.parent,
  );
}
