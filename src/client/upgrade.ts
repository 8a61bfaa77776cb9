/**
 * Moving a run to other code, after proof: its whole history is replayed on the target first, in the
 * dark; only if every command matches and nothing is left over is the run pinned to it.
 *
 * @module
 */

import { fencingToken } from "../base/ids.ts";
import { encode } from "../base/values.ts";
import type { ClaimedRun, RunRow } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import type { HistoryEvent } from "../replay/history.ts";
import type { Execution } from "../replay/machine.ts";
import type { DriftReport, Refusal } from "../replay/turn.ts";
import { RunEndedError, RunNotFoundError, RunStateError } from "./errors.ts";

/** Options of {@linkcode RunHandle.upgrade}. */
export interface UpgradeOptions {
  /** The target: a version hash, or a registered specifier; the current version when omitted. */
  readonly to?: string;
  /** Only say whether the run could be moved. */
  readonly dryRun?: boolean;
}

/** What came of an upgrade. */
export interface UpgradeReport {
  /** Whether the run is pinned to the target now; with `dryRun`, whether it could be. */
  readonly upgraded: boolean;
  /** The version hash that it came from. */
  readonly from: string;
  /** The version hash of the target. */
  readonly to: string;
  /** Where history and target part; `null` if they don't. */
  readonly drift: DriftReport | null;
  /** What the target called that a replay can't repeat. */
  readonly refused: Refusal | null;
}

/** What an upgrade works with. */
export interface UpgradeContext {
  /** Where the run is. */
  readonly runs: RunStore;
  /** Works as a node that is alive: only such a one may hold a row, if only for a moment. */
  readonly asNode: <T>(work: (node: string) => Promise<T>) => Promise<T>;
  /** Finds the target and its specifier. */
  readonly target: (
    row: RunRow,
    to: string | undefined,
  ) => Promise<{ readonly hash: string; readonly specifier: string }>;
  /** Makes an execution of the run on a version; throws if the version can't be had. */
  readonly execution: (run: ClaimedRun, hash: string) => Promise<Execution>;
}

const PAGE = 1_000;

/**
 * Moves a run to other code.
 *
 * @param runId The run.
 * @param options Which version, and whether only to try.
 * @param context What it works with.
 * @returns What came of it.
 */
export async function upgradeRun(
  runId: string,
  options: UpgradeOptions,
  context: UpgradeContext,
): Promise<UpgradeReport> {
  const { runs } = context;
  const row = await runs.get(runId);
  if (row === null) throw new RunNotFoundError(runId, "upgrade the run");
  if (row.endedAt !== null) throw new RunEndedError(runId, "upgrade the run", row.state);
  const target = await context.target(row, options.to);
  if (options.dryRun === true) return await replay(asClaimed(row), target.hash, context);
  return await context.asNode((node) => move(row, target, node, context));
}

async function move(
  row: RunRow,
  target: { readonly hash: string; readonly specifier: string },
  node: string,
  context: UpgradeContext,
): Promise<UpgradeReport> {
  const { runs } = context;
  const lease = { node, token: fencingToken() };
  const seized = await runs.seize(row.runId, lease);
  if (seized === null) {
    throw new RunStateError(
      row.runId,
      "upgrade the run",
      "running",
      "one that no node executes: try again when it waits",
    );
  }
  let report: UpgradeReport | undefined;
  try {
    report = await replay(seized, target.hash, context);
    return report;
  } finally {
    await runs.settle(
      seized.id,
      lease,
      report?.upgraded === true
        ? { pin: target, payload: encode({ from: row.hash, to: target.hash }) }
        : { back: seized.state, reason: row.stuckReason },
    );
  }
}

async function replay(
  run: ClaimedRun,
  to: string,
  context: UpgradeContext,
): Promise<UpgradeReport> {
  const history = await historyOf(run.runId, context.runs);
  const execution = await context.execution(run, to);
  const { drift, refused } = await execution.turn(history, { seen: Infinity });
  return { upgraded: drift === null && refused === null, from: run.hash, to, drift, refused };
}

/** All of a run's history. */
export async function historyOf(runId: string, runs: RunStore): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (let page = PAGE; page === PAGE;) {
    const rows = await runs.history(runId, events.length, PAGE);
    events.push(...rows as HistoryEvent[]);
    page = rows.length;
  }
  return events;
}

/** A run as an executor would have it that only looks. */
export function asClaimed(row: RunRow): ClaimedRun {
  return {
    ...row,
    seed: row.seed,
    startedAt: row.startedAt ?? row.createdAt,
    token: 0,
    claims: 0,
    began: true,
    firstSeq: 0,
  };
}
