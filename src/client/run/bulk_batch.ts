/**
 * What a batch of an upgrade says of its runs: which can be moved, what each verdict is, and how far
 * the job is then.
 *
 * @module
 */

import { encode } from "../../base/values.ts";
import type { Proof } from "../../dry_run/proof.ts";
import type { RunMove } from "../../ports/bulk.ts";
import type { RunRow, WaitRow } from "../../ports/rows.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import { failureOf, type Verdict, type VerdictKind } from "../versions/verdict.ts";
import type { JobPlan, JobProgress } from "./bulk_job.ts";
import type { PlannedRun } from "./bulk_options.ts";
import type { ProvenRun } from "./prover.ts";

/** A run that is examined. */
export interface Candidate {
  /** How it is now; `undefined`: it does not exist any more. */
  readonly row: RunRow | undefined;
  /** How it was planned, or when it was looked at first. */
  readonly planned: PlannedRun;
  /** Whether it must be as it was planned. */
  readonly isFenced: boolean;
}

/** The outcome for a candidate before it is moved. */
export type Finding =
  | { readonly kind: VerdictKind; readonly proven?: ProvenRun }
  | { readonly kind: "movable"; readonly proven: ProvenRun; readonly move: RunMove };

/** Takes down how a run is. */
export function plannedOf({ runId, hash, generation, events }: RunRow): PlannedRun {
  return { id: runId, from: hash, generation, events };
}

/** Whether a run can be moved as it was planned. */
export function isAsPlanned({ row, planned, isFenced }: Candidate, target: VersionPin): boolean {
  if (row === undefined || row.endedAt !== null || row.hash === target.hash) return false;
  if (!isFenced) return true;
  const { from, generation, events } = planned;
  return row.hash === from && row.generation === generation && row.events === events;
}

/**
 * Decides what a replay means for a run.
 *
 * @param proven The outcome of the replay.
 * @param target The version that it was replayed on.
 * @param isDry Whether it is not to be moved.
 * @returns What is done with the run.
 */
export function findingOf(proven: ProvenRun, target: VersionPin, isDry: boolean): Finding {
  const { row, next, open, isSame, proof, cause } = proven;
  if (cause !== null) {
    return { kind: failureOf(cause), proven };
  }
  if (!isSame || proof === null) return { kind: "changed" };
  if (isDry) return { kind: "replays", proven };
  if (next !== row.firstSeq + row.events) return { kind: "changed" };
  const move = {
    id: row.id,
    generation: row.generation,
    next,
    open,
    payload: encode({ from: row.hash, to: target.hash }),
    wakes: !sleepsOn(row.waits, proof), // UPGRADE-2
    tasks: proof.waits.flatMap(({ position, definition }) =>
      typeof definition === "string" ? [{ position, definition }] : []
    ),
  };
  return { kind: "movable", proven, move };
}

/** UPGRADE-2: whether the target's code waits for exactly what the run's row says. */
function sleepsOn(waits: readonly WaitRow[], { waits: wanted, hasNews }: Proof): boolean {
  if (hasNews || waits.length !== wanted.length) return false;
  const known = new Map(waits.map((wait) => [wait.position, wait]));
  return wanted.every(({ position, kind, name, until }) => {
    const wait = known.get(position);
    return wait !== undefined && wait.kind === kind && wait.name === name &&
      (until === null || wait.until === until);
  });
}

/** The verdict on a run, given the runs that were moved. */
export function kindOf(found: Finding, moved: ReadonlySet<number>, isDry: boolean): VerdictKind {
  if (found.kind !== "movable") return found.kind;
  return isDry ? "replays" : moved.has(found.move.id) ? "moved" : "changed";
}

/** Makes the verdict. */
export function verdictOn(
  { row, planned }: Candidate,
  verdict: VerdictKind,
  { proven }: Finding,
  { plan: { target, workflow }, namespace }: {
    readonly plan: JobPlan;
    readonly namespace: string;
  },
): Verdict {
  const { id, from, generation, events } = row === undefined ? planned : plannedOf(row);
  return {
    verdict,
    id,
    namespace,
    workflow,
    from,
    to: target.hash,
    generation,
    events: proven === undefined ? events : proven.next - proven.row.firstSeq,
    cause: proven?.cause ?? null,
  };
}

/**
 * Computes how far a job is after a batch.
 *
 * @param before How far it was.
 * @param candidates The runs of the batch.
 * @param settled The verdicts on some of them.
 * @param again The others: the job returns to them.
 * @param options Whether all runs were examined once; `null`: the batch returned to runs.
 * @returns How far it is.
 */
export function advance(
  before: JobProgress,
  candidates: readonly Candidate[],
  settled: readonly { readonly verdict: string }[],
  again: readonly PlannedRun[],
  { isThrough }: { readonly isThrough: boolean | null },
): JobProgress {
  const counts: Record<string, number> = { ...before.counts };
  for (const { verdict } of settled) counts[verdict] = (counts[verdict] ?? 0) + 1;
  if (isThrough === null) {
    return { ...before, again: [...before.again.slice(candidates.length), ...again], counts };
  }
  const last = candidates.at(-1)?.row;
  return {
    after: last === undefined ? before.after : { at: last.createdAt, id: last.id },
    examined: before.examined + candidates.length,
    isThrough,
    again: [...before.again, ...again],
    counts,
  };
}
