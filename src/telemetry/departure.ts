/**
 * What the end of a stay adds to metrics, and what it says of the run.
 *
 * @module
 */

import type { Attributes } from "@opentelemetry/api";
import { decodeError } from "../base/values_failure.ts";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { RunMeters } from "./run_meters.ts";

/**
 * Counts the end of a stay.
 *
 * @param meters The metrics of the run.
 * @param run The run.
 * @param exit How it left.
 * @param now The database's time.
 */
export function countDeparture(
  meters: RunMeters,
  run: ClaimedRun,
  exit: Exit,
  now: number,
): void {
  if (exit.kind === "lost") meters.count("continuum.lease.lost");
  if (exit.kind === "stuck") {
    meters.count("continuum.run.parked", { "continuum.reason": exit.state });
  }
  if (exit.kind !== "ended") return;
  const failure = failureOf(exit);
  const end: Attributes = {
    "continuum.outcome": exit.state,
    ...(failure === undefined ? {} : { "error.type": meters.errorType(failure.error) }),
  };
  meters.count("continuum.run.ended", end);
  meters.series("continuum.run.duration", end).addMs(now - startOf(run));
}

/** When a run started: at its creation, or at the time that was chosen for it. */
export function startOf({ startAt, createdAt, startedAt }: ClaimedRun): number {
  return startAt ?? createdAt ?? startedAt;
}

/** What a run failed with; a cancellation is no error. */
export function failureOf(exit: Exit): { readonly error: unknown } | undefined {
  if (exit.kind !== "ended" || exit.state !== "failed" || exit.error === null) return undefined;
  return { error: decodeError(exit.error) };
}
