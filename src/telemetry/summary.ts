/**
 * The span of a whole run. It is made at the run's end, from its start to then, and is linked to the
 * run's stays: a trace of a run that took weeks would otherwise never be complete.
 *
 * @module
 */

import { type SpanContext, SpanKind, type Tracer } from "@opentelemetry/api";
import type { ClaimedRun } from "../ports/rows.ts";
import { markFailed } from "./errors.ts";
import { placed, runAttributes } from "./shared.ts";

/** A run that has ended. */
export interface EndedRun {
  /** The run. */
  readonly run: ClaimedRun;
  /** Its last generation. */
  readonly generation: number;
  /** Its state. */
  readonly outcome: string;
  /** What it failed with. */
  readonly failure: { readonly error: unknown } | undefined;
  /** When it started, in milliseconds of database time. */
  readonly startedAt: number;
  /** When it ended. */
  readonly now: number;
  /** The context of its start. */
  readonly start: SpanContext | undefined;
  /** Its stays. */
  readonly stays: readonly SpanContext[];
}

/** Makes the span of a run that has ended. */
export function summarize(tracer: Tracer, ended: EndedRun): void {
  const { run, generation, outcome, failure, startedAt, now, start, stays } = ended;
  const end = Math.max(now, startedAt); // clocks differ
  const { parent, links } = placed(start, end - (run.createdAt ?? startedAt));
  const span = tracer.startSpan(
    run.workflow,
    {
      kind: SpanKind.INTERNAL,
      startTime: startedAt,
      links: [...links, ...stays.map((context) => ({ context }))],
      attributes: {
        ...runAttributes(run),
        "continuum.outcome": outcome,
        "continuum.run.attempt": run.attempt,
        "continuum.run.generations": generation + 1,
        "continuum.stays": stays.length,
      },
    },
    parent,
  );
  if (failure !== undefined) markFailed(span, failure.error);
  span.end(end);
}
