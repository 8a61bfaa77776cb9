/**
 * Takes up a failed run again, under its own id, on code that replays its history. Its end is
 * removed in one statement, unless another run has received it.
 *
 * @module
 */

import { openLocks } from "./open_locks.ts";
import { runNotFound } from "../../base/run_errors.ts";
import { checkBoolean, checkOptions, checkText } from "../../base/arguments.ts";
import { authored, authoredFacts } from "../../base/authored.ts";
import { isTimeoutOfRun } from "../../base/errors.ts";
import { failPoint } from "../../base/failpoint.ts";
import { encode } from "../../base/values.ts";
import { decodeError } from "../../base/values_failure.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { DriftReport, Refusal } from "../../replay/turn.ts";
import type { ClientContext } from "../context.ts";
import { acting, type Deed, operated, refusedBy } from "../operated.ts";
import { endReported, wrongRunState } from "../errors.ts";
import { notifyRelatives } from "./notify_relatives.ts";
import { asClaimed, historyOf } from "./replayer.ts";
import { findTarget } from "./upgrade.ts";

/**
 * Options of {@linkcode RunHandle.reopen}.
 *
 * @category Runs
 */
export interface ReopenOptions {
  /** The target: a version hash or a registered specifier; the current version when omitted. */
  readonly to?: string;
  /**
   * Whether only to report if the run could be taken up.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
}

/**
 * The report of a {@linkcode RunHandle.reopen}.
 *
 * @category Runs
 */
export interface ReopenReport {
  /** Whether the run continues; with `dryRun`, whether it could. */
  readonly reopened: boolean;
  /** The hash of the version on which it failed. */
  readonly from: string;
  /** The version hash of the target. */
  readonly to: string;
  /** Where history and target diverge; `null`: they match. */
  readonly drift: DriftReport | null;
  /** The target's call that a replay can't repeat; `null`: there is none. */
  readonly refused: Refusal | null;
  /**
   * The error that the target throws after the same history: the run would fail again, so it stays
   * as it is. `undefined`: it throws none.
   */
  readonly fails: unknown;
}

/** The dependencies of {@linkcode reopenRun}. */
export type ReopenContext = Pick<
  ClientContext,
  "store" | "runs" | "replayer" | "versions" | "wakeups" | "log" | "operator"
>;

const ACTION = "reopen the run";

/** Checks the options, before any query. */
export function checkReopenOptions(options: ReopenOptions): void {
  checkOptions(options, ["to", "dryRun"], "reopen()");
  const { to, dryRun = false } = options;
  if (to !== undefined) checkText(to, "option to of reopen()");
  checkBoolean(dryRun, "option dryRun of reopen()");
}

/**
 * Takes up a failed run; see {@linkcode RunHandle.reopen}.
 *
 * @param runId The run.
 * @param options Which version, and whether only to try.
 * @param context Its dependencies.
 * @returns The report.
 */
export async function reopenRun(
  runId: string,
  options: ReopenOptions,
  context: ReopenContext,
): Promise<ReopenReport> {
  const act = { action: "run.reopen", namespace: context.runs.namespace, target: runId } as const;
  return await operated(
    acting(context, options),
    act,
    (deed) => reopen(runId, options, context, deed),
    ({ fails, ...report }) => refusedBy(report) ?? (fails === undefined ? null : "fails"),
  );
}

async function reopen(
  runId: string,
  options: ReopenOptions,
  context: ReopenContext,
  deed: Deed,
): Promise<ReopenReport> {
  const { runs, replayer } = context;
  const row = await runs.get(runId);
  if (row === null) throw runNotFound(runId, ACTION);
  await checkFailed(row, context);
  const target = await findTarget(row, options.to, context, "reopen");
  const { hash: to } = target;
  const history = await historyOf(runId, runs);
  const { execution, turn } = await replayer.trace({ ...asClaimed(row), version: to }, history);
  const { drift, refused, outcome } = turn;
  const version = { hash: to, workflow: row.workflow };
  const fails = outcome !== null && "error" in outcome
    ? decodeError(authored(outcome.error, version))
    : undefined;
  const report: ReopenReport = {
    reopened: drift === null && refused === null && fails === undefined,
    from: row.hash,
    to,
    drift: authoredFacts(drift, version),
    refused: authoredFacts(refused, version),
    fails,
  };
  if (options.dryRun === true || !report.reopened) return report;
  await failPoint("reopen.replayed", { run: runId });
  const reopening = {
    id: row.id,
    generation: row.generation,
    events: row.events,
    pin: target,
    payload: encode({ from: row.hash, to, failedAt: new Date(row.endedAt!) }),
    awaited: execution.outstanding.flatMap(({ options: { child } }) => child?.id ?? []),
    locks: openLocks(history),
  };
  const reopened = await context.versions.pinning(() =>
    deed(async ({ runs }) => await runs.reopen(reopening) || null)
  );
  if (reopened === true) {
    await failPoint("reopen.written", { run: runId });
    context.wakeups.due();
    context.wakeups.limits();
    // The notice of a child's end has passed over the child while the reopening held it (RUN-4).
    await notifyRelatives(runId, context);
    return report;
  }
  const now = await runs.get(runId);
  if (now === null) throw runNotFound(runId, ACTION);
  await checkFailed(now, context);
  throw endReported(runId, now.parentId);
}

/** Refuses a run that has not failed by its code, or whose time is over. */
async function checkFailed(row: RunRow, { store }: Pick<ReopenContext, "store">): Promise<void> {
  const { runId, state, error, deadline } = row;
  if (state !== "failed") {
    throw wrongRunState(runId, ACTION, state, "failed; fork a run that has ended otherwise");
  }
  const isTimeout = isTimeoutOfRun(decodeError(error!), runId);
  if (isTimeout || deadline !== null && deadline <= await store.now()) {
    throw wrongRunState(runId, ACTION, state, "a run whose timeout is not over; fork it instead");
  }
}
