/**
 * Reports that code and history disagree.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { showSite } from "./call_stack.ts";
import type { HistoryEvent } from "./history.ts";
import type { CallSite, DriftReport, DriftSide, RunStart } from "./turn.ts";

/** What the code did at the position of an event that did not match. */
export interface Mismatch {
  /** The command there; `null` if there is none. */
  readonly command: (DriftSide & { readonly site: CallSite | null }) | null;
  /** Why it does not match; completes "..., but <reason>". */
  readonly reason: string;
}

/**
 * Makes the report on an event that does not match.
 *
 * @param start The run.
 * @param event The event that did not match.
 * @param mismatch What the code did.
 * @returns The report.
 */
export function reportDrift(
  start: RunStart,
  { seq, position, kind, name, digest }: HistoryEvent,
  mismatch: Mismatch,
): DriftReport {
  return describeDrift(start, {
    seq,
    position,
    expected: { kind, name, digest },
    what: `event ${seq} of its history is`,
    ...mismatch,
  });
}

/** What stands at a position, and what the code did there. */
export interface Divergence extends Mismatch, Pick<DriftReport, "seq" | "position" | "expected"> {
  /** What holds `expected`; completes "..., but `expected`": `a task of the run is`. */
  readonly what: string;
}

/**
 * Makes a report.
 *
 * @param start The run.
 * @param divergence What does not match.
 * @returns The report.
 */
export function describeDrift(
  start: RunStart,
  { seq, position, expected, what, command, reason }: Divergence,
): DriftReport {
  const found = command === null
    ? null
    : { kind: command.kind, name: command.name, digest: command.digest };
  const site = command?.site ?? null;
  const at = showSite(site);
  return {
    seq,
    position,
    expected,
    found,
    site,
    workflow: start.workflow,
    version: start.version,
    message: `Cannot replay run ${quoteId(start.runId)} on version ${start.version} of ` +
      `workflow ${quoteId(start.workflow)}: ${what} ` +
      `${show(expected)} at position ${position}, but ${reason}` +
      `${found === null ? "" : `, found ${show(found)}`}${at === null ? "" : ` at ${at}`}; ` +
      (seq === null
        ? "upgrade the run once that has been answered, or to a version that asks for it there"
        : "upgrade the run to a version that asks for the same effects in the same order (guard " +
          "changed code with ctx.patched), or fork it before that event"),
  };
}

function show(side: DriftSide): string {
  const name = side.name === "" ? "" : ` ${quoteId(side.name)}`;
  return `${side.kind}${name}${side.digest === null ? "" : ` of input ${side.digest}`}`;
}
