/**
 * Moving a run to other code, after proof: its whole history is replayed on the target first, as
 * a dry run; only if every command matches and nothing is left over is the run pinned to it.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import { authoredFacts } from "../../base/authored.ts";
import { isSha256Hex } from "../../base/encoding.ts";
import { fencingToken, randomId } from "../../base/ids.ts";
import { encode } from "../../base/values.ts";
import type { ClaimedRun, Lease, RunRow } from "../../ports/rows.ts";
import type { MovedTask, Store } from "../../ports/store.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { DriftReport, Refusal } from "../../replay/turn.ts";
import { VersionNotFoundError } from "../../version/load_errors.ts";
import type { Versions } from "../../version/versions.ts";
import type { ClientContext, LocalNode } from "../context.ts";
import { asClaimed } from "./replayer.ts";
import { runEnded, runNotFound, wrongRunState } from "../errors.ts";

/**
 * Options of {@linkcode RunHandle.upgrade}.
 *
 * @category Runs
 */
export interface UpgradeOptions {
  /** The target: a version hash, or a registered specifier; the current version when omitted. */
  readonly to?: string;
  /** Only say whether the run could be moved. */
  readonly dryRun?: boolean;
}

/**
 * What came of an upgrade.
 *
 * @category Runs
 */
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
  /** The imported activities that the run waits for. */
  readonly activities: readonly UpgradedActivity[];
}

/**
 * An imported activity that a run waits for while it is moved.
 *
 * @category Runs
 */
export interface UpgradedActivity {
  /** Its name. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /**
   * Whether its attempts run the target's code from now on; with `dryRun`, whether they would. One
   * that is under way ends on the code that it began with.
   */
  readonly moved: boolean;
  /** Why it stays on the code that it has; `null`: it is moved. */
  readonly stays: string | null;
}

/** What an upgrade works with. */
export type UpgradeContext =
  & Pick<ClientContext, "runs" | "replayer">
  & {
    /** Where nodes and versions are registered. */
    readonly store: Pick<Store, "nodes" | "versions">;
    /** Reads specifiers. */
    readonly versions: Pick<Versions, "record">;
    /** The node of this process, if it has one. */
    readonly node: Pick<LocalNode, "node" | "expect"> | undefined;
  };

/** How long a client that dies of an upgrade is taken for a node that is alive, in milliseconds. */
const CLIENT_LEASE_MS = 60_000;
const NOTHING = { queues: [], activities: [] };

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
  if (row === null) throw runNotFound(runId, "upgrade the run");
  if (row.endedAt !== null) throw runEnded(runId, "upgrade the run", row.state);
  const target = await findTarget(row, options.to, context);
  if (options.dryRun === true) return (await replay(asClaimed(row), target.hash, context)).report;
  return await asNode((node) => move(row, target, node, context), context);
}

/** The version with that hash or specifier, or the current one of the run's workflow. */
async function findTarget(
  row: RunRow,
  to: string | undefined,
  { store, versions }: UpgradeContext,
): Promise<VersionPin> {
  const hash = to ?? await store.versions.current(row.workflow);
  const version = hash === null ? null : await store.versions.get(hash) ??
    await store.versions.bySpecifier(isSha256Hex(hash) ? hash : versions.record(hash));
  if (version === null || version.workflow !== row.workflow) {
    const what = `upgrade run ${JSON.stringify(row.runId)}`;
    throw new VersionNotFoundError(to ?? row.workflow, what);
  }
  return { hash: version.hash, specifier: version.specifiers[0] ?? row.specifier };
}

/**
 * Only a node that is alive may hold a row, if only for a moment. A client is one for as long as
 * the work takes; if its process crashes, another node expires it.
 */
async function asNode<T>(
  work: (node: string) => Promise<T>,
  { node, store: { nodes } }: UpgradeContext,
): Promise<T> {
  if (node !== undefined) return await work(node.node);
  const id = randomId();
  await nodes.open({ id, name: "client", leaseMs: CLIENT_LEASE_MS, serves: NOTHING });
  try {
    return await work(id);
  } finally {
    await nodes.close(id);
  }
}

async function move(
  row: RunRow,
  target: VersionPin,
  node: string,
  context: UpgradeContext,
): Promise<UpgradeReport> {
  const lease = { node, token: fencingToken() };
  const settled = context.node?.expect(lease.token);
  let outcome: "settled" | "unknown" = "unknown";
  try {
    const report = await moveHeld(row, target, lease, context);
    outcome = "settled";
    return report;
  } catch (error) {
    if (isContinuumError(error, "RUN_STATE")) outcome = "settled";
    throw error;
  } finally {
    settled?.(outcome);
  }
}

async function moveHeld(
  row: RunRow,
  target: VersionPin,
  lease: Lease,
  context: UpgradeContext,
): Promise<UpgradeReport> {
  const { runs } = context;
  const seized = await runs.seize(row.runId, lease);
  if (seized === null) {
    throw wrongRunState(
      row.runId,
      "upgrade the run",
      "running",
      "one that no node executes: try again when it waits",
    );
  }
  let report: UpgradeReport | undefined;
  let tasks: readonly MovedTask[] = [];
  try {
    ({ report, tasks } = await replay(seized, target.hash, context));
    return report;
  } finally {
    await runs.settle(
      seized.id,
      lease,
      report?.upgraded === true
        ? { pin: target, payload: encode({ from: row.hash, to: target.hash }), tasks }
        : { back: seized.state, reason: row.stuckReason },
    );
  }
}

async function replay(
  run: ClaimedRun,
  to: string,
  context: UpgradeContext,
): Promise<{ readonly report: UpgradeReport; readonly tasks: readonly MovedTask[] }> {
  const { turn: { drift, refused }, activities } = await context.replayer.on(run, to, context.runs);
  const upgraded = drift === null && refused === null;
  const tasks = activities.flatMap(({ position, definition }) =>
    upgraded && definition !== null ? [{ position, definition }] : []
  );
  const moves = new Set(tasks.map(({ position }) => position));
  const report = {
    upgraded,
    from: run.hash,
    to,
    drift: authoredFacts(drift, { hash: to, workflow: run.workflow }),
    refused: authoredFacts(refused, { hash: to, workflow: run.workflow }),
    activities: activities.map(({ name, position, definition }) => ({
      name,
      position,
      moved: moves.has(position),
      stays: moves.has(position)
        ? null
        : definition === null
        ? "no module of the target exports it"
        : "the run stays",
    })),
  };
  return { report, tasks };
}
