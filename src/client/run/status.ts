/**
 * The status of a run: its state, what it waits for, and its code.
 *
 * @module
 */

import { shownValue } from "../../base/encoded.ts";
import { quoteId } from "../../base/describe.ts";
import { authored, authoredFacts, type VersionName } from "../../base/authored.ts";
import { decodeError } from "../../base/values_failure.ts";
import { messageOf } from "../../base/text.ts";
import type { RunRow, StuckReason } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import type { RetriedEffect as RetriedRow } from "../../ports/tasks.ts";
import type { CallSite } from "../../replay/turn.ts";
import { pauseOf, type RunPause } from "./pause.ts";
import { type RunFacts, runFacts, type RunWait } from "./summary.ts";

/**
 * An effect that a run has requested and that has not settled.
 *
 * @category Runs
 */
export interface PendingEffect extends RunWait {
  /** Where the code requested it: module URL, line and column; `null`: unknown. */
  readonly site: CallSite | null;
}

/**
 * An effect whose attempts have failed so far, and that is still retried.
 *
 * @category Runs
 */
export interface RetriedEffect {
  /** The kind of effect. */
  readonly kind: "activity" | "step" | "transaction";
  /** Its name. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /** How many attempts have failed. */
  readonly failed: number;
  /** What the last of them threw; `undefined`: its node died. */
  readonly lastError: unknown;
  /** When it failed; `null`: its node died. */
  readonly failedAt: Date | null;
  /** When the next attempt is due; `null`: an attempt is under way. */
  readonly nextTry: Date | null;
}

/**
 * Where a run stands that waits for admission, or for a lock that it had when it was forked or
 * reopened.
 *
 * @category Runs
 */
export interface RunPlace {
  /** The name of the queue, or of the lock. */
  readonly name: string;
  /** `runs`: a queue of runs. */
  readonly kind: "runs" | "lock";
  /** The key that the run counts for; "": none. */
  readonly key: string;
  /** How many come before it; 10,000 means so many or more. */
  readonly ahead: number;
  /** Whether it waits for others of its key. */
  readonly isBehind: boolean;
  /** Whether the queue is paused. */
  readonly isPaused: boolean;
}

/**
 * The status of a run.
 *
 * @category Runs
 */
export interface RunStatus extends RunFacts {
  /** Why the run is idle, as text for people; `null`: it is executing, or has ended. */
  readonly reason: string | null;
  /**
   * What the code waits for, in program order, with the place in the code; `null` unless `status({
   * trace: true })` was called.
   */
  readonly pending: readonly PendingEffect[] | null;
  /** Effects whose attempts have failed so far, and that are still retried. */
  readonly retrying: readonly RetriedEffect[];
  /** Set if the run is paused, or is going to be when the attempts under way are over. */
  readonly pause: RunPause | null;
  /** Where the run stands in line; `null`: it does not wait for admission. */
  readonly queued: RunPlace | null;
  /** Which attempt of the run this is, from 1. */
  readonly attempt: number;
  /** What the previous attempt threw; `undefined`: this is the first attempt. */
  readonly lastError: unknown;
  /** When it times out, if ever. */
  readonly deadline: Date | null;
  /** The node that executes it. */
  readonly node: string | null;
  /** Set if no live node can load the version: the reasons, by node. */
  readonly noNodeCanLoad: Readonly<Record<string, StuckReason>> | null;
  /** The recorded error with which it failed or was ended; `undefined`: none. */
  readonly error: unknown;
  /**
   * By name, how many signals its code has not consumed. They wait for a `ctx.waitForSignal`. Once
   * the run has ended, they are never consumed.
   */
  readonly untakenSignals: Readonly<Record<string, number>>;
  /** How many events the history of this generation has. */
  readonly events: number;
}

/** Converts a row to a status. */
export async function runStatus(
  row: RunRow,
  store: Store,
  pending: readonly PendingEffect[] | null = null,
): Promise<RunStatus> {
  const retrying = await retriedOf(row, store);
  const pause = await pauseOf(row, store.runs.in(row.namespace));
  const queued = row.state === "queued" ? await store.limits.placeOf(row.id) : null;
  return {
    ...runFacts(row),
    reason: queued === null ? waitReason(row, retrying, pause) : placeReason(queued),
    pending,
    retrying,
    pause,
    queued,
    attempt: row.attempt,
    lastError: row.failure === null
      ? undefined
      : shownValue(row.failure, (text) => decodeError(authored(text, row))),
    deadline: date(row.deadline),
    node: row.node,
    noNodeCanLoad: row.endedAt === null ? await refusals(row.hash, store) : null,
    error: row.error === null
      ? undefined
      : shownValue(row.error, (text) => decodeError(authored(text, row))),
    untakenSignals: Object.fromEntries(await store.runs.untaken(row.id)),
    events: row.events,
  };
}

/**
 * Lists the effects of a run that are retried, with their last errors.
 *
 * @param row The run.
 * @param store Reads the run's tasks.
 */
async function retriedOf(
  run: Pick<RunRow, "id" | "endedAt" | "hash" | "workflow">,
  store: Pick<Store, "tasks">,
): Promise<RetriedEffect[]> {
  if (run.endedAt !== null) return [];
  return (await store.tasks.retried(run.id)).map((row) => retriedEffect(row, run));
}

/** Converts a row to a retried effect. */
export function retriedEffect(
  { error, failedAt, nextAt, isTask: _, ...effect }: RetriedRow,
  run: VersionName,
): RetriedEffect {
  return {
    ...effect,
    lastError: error === null
      ? undefined
      : shownValue(error, (text) => decodeError(authored(text, run))),
    failedAt: date(failedAt),
    nextTry: date(nextAt),
  };
}

async function refusals(
  hash: string,
  store: Store,
): Promise<Readonly<Record<string, StuckReason>> | null> {
  const failures = await store.versions.failures(hash);
  if (failures.length === 0) return null;
  const reasons = new Map(
    failures.map(({ node, reason }) => [node, authoredFacts(reason)]),
  );
  const alive = await store.nodes.alive();
  if (alive.length === 0 || !alive.every((node) => reasons.has(node))) return null;
  return Object.fromEntries(reasons);
}

/** Explains why the run is idle. */
function waitReason(
  row: RunRow,
  retrying: readonly RetriedEffect[],
  pause: RunPause | null,
): string | null {
  const until = row.wakeAt === null ? "" : ` until ${new Date(row.wakeAt).toISOString()}`;
  if (row.stuckReason !== null) return authored(row.stuckReason.message, row);
  if (row.state === "pending") return `waits for a node${until}`;
  if (row.state === "paused") return `is paused${whyPaused(pause)}`;
  if (row.state !== "suspended") return null;
  const failed = new Map(retrying.map((effect) => [effect.position, effect]));
  const waits = row.waits.map(({ kind, name, position }) =>
    kind === "sleep"
      ? "sleeps"
      : kind === "signal"
      ? `waits for signal ${quoteId(name)}`
      : kind === "lock"
      ? `waits for lock ${quoteId(name)}`
      : kind === "run"
      ? `waits for run ${name}`
      : kind === "retry"
      ? `rests before ${name} of the run`
      : kind === "child" || kind === "activity"
      ? `waits for ${kind} ${quoteId(name)}${whyOf(failed.get(position))}`
      : `rests before the next attempt of ${kind} ${quoteId(name)}${whyOf(failed.get(position))}`
  );
  return `${waits.length === 0 ? "waits for a node" : [...new Set(waits)].join(", ")}${until}`;
}

/** Says where a run stands in line. */
function placeReason({ name, kind, key, ahead, isBehind, isPaused }: RunPlace): string {
  const line = kind === "lock" ? `lock ${quoteId(name)}` : `admission by queue ${quoteId(name)}`;
  const of = isBehind && key !== "" ? ` behind others of key ${quoteId(key)}` : "";
  return `waits for ${line}${of}, number ${ahead + 1}${isPaused ? "; the queue is paused" : ""}`;
}

function whyPaused(pause: RunPause | null): string {
  return pause === null || pause.reason === null ? "" : `: ${pause.reason}`;
}

function whyOf(effect: RetriedEffect | undefined): string {
  if (effect === undefined) return "";
  const { failed, lastError, nextTry } = effect;
  const times = failed === 1 ? "once" : `${failed} times`;
  const why = lastError === undefined ? "its node died" : messageOf(lastError);
  const next = nextTry === null ? "" : `; tried again at ${nextTry.toISOString()}`;
  return ` (failed ${times}, the last with: ${why}${next})`;
}

function date(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
