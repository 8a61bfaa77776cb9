/**
 * Moves a run to other code. The engine first replays the whole history on the target as a dry run.
 * It pins the run to the target only if every command matches, no event is left over, and the target
 * asks for each effect that is open in the run (OPENED-1).
 *
 * @module
 */

import { runEnded, runNotFound } from "../../base/run_errors.ts";
import { quoteId } from "../../base/describe.ts";
import { isContinuumError } from "../../base/errors.ts";
import { authoredFacts } from "../../base/authored.ts";
import { isSha256Hex } from "../../base/encoding.ts";
import { fencingToken, randomId } from "../../base/ids.ts";
import { encode } from "../../base/values.ts";
import type { Serves } from "../../ports/health.ts";
import type { ClaimedRun, Lease, MovedTask, RunRow, VersionRow } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { OpenEffect } from "../../replay/open_effects.ts";
import type { DriftReport, Refusal } from "../../replay/turn.ts";
import { VersionDeniedError, VersionNotFoundError } from "../../version/load_errors.ts";
import type { Versions } from "../../version/versions.ts";
import type { ClientContext, LocalNode } from "../context.ts";
import { acting, type Deed, operated, type OperatedContext, refusedBy } from "../operated.ts";
import { asClaimed } from "./replayer.ts";
import { wrongRunState } from "../errors.ts";
import { stateNow } from "./state_now.ts";

/**
 * Options of {@linkcode RunHandle.upgrade}.
 *
 * @category Runs
 */
export interface UpgradeOptions {
  /** The target: a version hash or a registered specifier; the current version when omitted. */
  readonly to?: string;
  /** Whether only to report if the run could be moved. */
  readonly dryRun?: boolean;
}

/**
 * The report of an upgrade.
 *
 * @category Runs
 */
export interface UpgradeReport {
  /** Whether the run is pinned to the target now; with `dryRun`, whether it could be. */
  readonly upgraded: boolean;
  /** The hash of the version that it was pinned to before. */
  readonly from: string;
  /** The version hash of the target. */
  readonly to: string;
  /** Where history and target diverge; `null` if they match. */
  readonly drift: DriftReport | null;
  /** The target's call that a replay can't repeat; `null` if there is none. */
  readonly refused: Refusal | null;
  /** The imported activities that the run waits for. */
  readonly activities: readonly UpgradedActivity[];
}

/**
 * An imported activity that a run waits for during its upgrade.
 *
 * @category Runs
 */
export interface UpgradedActivity {
  /** Its name. */
  readonly name: string;
  /** Its position in program order, from 0. */
  readonly position: number;
  /**
   * Whether its attempts execute the target's code from now on; with `dryRun`, whether they would.
   * An attempt that is under way finishes on the code with which it began.
   */
  readonly moved: boolean;
  /** Why it keeps its code; `null`: it is moved. */
  readonly stays: string | null;
}

/** The dependencies of an upgrade. */
export type UpgradeContext =
  & Pick<ClientContext, "log" | "operator" | "replayer" | "runs">
  & {
    /** The store. */
    readonly store: OperatedContext["store"] & Pick<Store, "journal" | "nodes">;
    /** Resolves specifiers, and registers a target again that was removed meanwhile. */
    readonly versions: Pick<Versions, "pinning" | "record">;
    /** The node of this process, if it has one. */
    readonly node: Pick<LocalNode, "node" | "expect"> | undefined;
  };

/** The lease, in milliseconds, that a client holds as a node during an upgrade. */
const CLIENT_LEASE_MS = 60_000;
const NOTHING: Serves = { queues: [], activities: [], executes: false };

/**
 * Moves a run to other code.
 *
 * @param runId The run.
 * @param options Which version, and whether to make a dry run.
 * @param context Its dependencies.
 * @returns The report.
 */
export async function upgradeRun(
  runId: string,
  options: UpgradeOptions,
  context: UpgradeContext,
): Promise<UpgradeReport> {
  const act = { action: "run.upgrade", namespace: context.runs.namespace, target: runId } as const;
  return await operated(
    acting(context, options),
    act,
    (deed) => upgrade(runId, options, context, deed),
    refusedBy,
  );
}

async function upgrade(
  runId: string,
  options: UpgradeOptions,
  context: UpgradeContext,
  deed: Deed,
): Promise<UpgradeReport> {
  const { runs } = context;
  const row = await runs.get(runId);
  if (row === null) throw runNotFound(runId, "upgrade the run");
  if (row.endedAt !== null) throw runEnded(runId, "upgrade the run", row.state);
  const target = await findTarget(row, options.to, context);
  await refuseDenied(target.hash, `upgrade run ${quoteId(runId)}`, context.store);
  if (options.dryRun === true) return (await replay(asClaimed(row), target.hash, context)).report;
  if (row.state === "queued") {
    const report = await moveQueued(row, target, context, deed);
    if (report !== undefined) return report;
    const now = await runs.get(runId);
    if (now?.state === row.state && now.hash === row.hash && now.events === row.events) {
      const wanted = "one whose row no transaction has locked: try again";
      throw wrongRunState(runId, "upgrade the run", "queued", wanted);
    }
    return await upgrade(runId, options, context, deed);
  }
  return await asNode((node) => move(row, target, node, context, deed), context);
}

/**
 * Moves a run that waits for its turn, as an upgrade of many does (BULK-1): no node may hold it.
 *
 * @returns The report; `undefined`: the run changed meanwhile.
 */
async function moveQueued(
  row: RunRow,
  target: VersionPin,
  { versions, ...context }: UpgradeContext,
  deed: Deed,
): Promise<UpgradeReport | undefined> {
  const { report, tasks, open } = await replay(asClaimed(row), target.hash, context);
  if (!report.upgraded) return report;
  const { id, generation, firstSeq, events } = row;
  const next = firstSeq + events;
  const payload = encode({ from: row.hash, to: target.hash });
  const before = { state: row.state, version: row.hash, generation };
  const moved = await versions.pinning(() =>
    deed(async ({ store }) => {
      const change = { id, generation, next, open, payload, wakes: false, tasks };
      const runs = await store.bulk.move(target, [change]);
      return runs.length > 0 || null;
    }, { before })
  );
  return moved === null ? undefined : report;
}

/**
 * Returns the version with that hash or specifier, or the current version of the run's workflow.
 *
 * @param row The run.
 * @param to The hash or the specifier.
 * @param context Its dependencies.
 * @param action What the call does with the run, for errors.
 * @throws {VersionNotFoundError} If the run's workflow has no such version.
 */
export async function findTarget(
  row: RunRow,
  to: string | undefined,
  context: Pick<UpgradeContext, "store" | "versions">,
  action = "upgrade",
): Promise<VersionPin> {
  const hash = to ?? await context.store.versions.current(row.workflow);
  const version = hash === null ? null : await findVersion(hash, context);
  if (version === null || version.workflow !== row.workflow) {
    const what = `${action} run ${quoteId(row.runId)}`;
    throw new VersionNotFoundError(to ?? row.workflow, what);
  }
  return { hash: version.hash, specifier: version.specifiers[0] ?? row.specifier };
}

/**
 * Finds a registered version.
 *
 * @param name Its hash, or a specifier of it.
 * @param context Where to look.
 * @returns The version; `null`: there is none.
 */
export async function findVersion(
  name: string,
  { store, versions }: {
    readonly store: Pick<Store, "versions">;
    readonly versions: Pick<Versions, "record">;
  },
): Promise<VersionRow | null> {
  return await store.versions.get(name) ??
    await store.versions.bySpecifier(isSha256Hex(name) ? name : versions.record(name));
}

/**
 * Refuses a target that an operator has denied: its runs would be parked.
 *
 * @param hash The target.
 * @param task What it is needed for: `upgrade runs`.
 * @param store Where the denials are.
 * @throws {VersionDeniedError} If it, or a module of it, is denied.
 */
export async function refuseDenied(
  hash: string,
  task: string,
  store: Pick<Store, "denials">,
): Promise<void> {
  const { denials } = await store.denials.list();
  const denial = denials.find(({ versions }) => versions.includes(hash));
  if (denial !== undefined) throw new VersionDeniedError(hash, task, denial);
}

/**
 * Only a live node may lease a row. A client therefore registers as a node for the time of the
 * upgrade; if its process crashes, another node expires it.
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

/** Errors that say that no lease was taken. */
const REFUSED = ["RUN_STATE", "RUN_ENDED", "RUN_NOT_FOUND"] as const;

async function move(
  row: RunRow,
  target: VersionPin,
  node: string,
  context: UpgradeContext,
  deed: Deed,
): Promise<UpgradeReport> {
  const lease = { node, token: fencingToken() };
  const settled = context.node?.expect(lease.token);
  let outcome: "settled" | "unknown" = "unknown";
  try {
    const report = await moveHeld(row, target, lease, context, deed);
    outcome = "settled";
    return report;
  } catch (error) {
    if (REFUSED.some((code) => isContinuumError(error, code))) outcome = "settled";
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
  deed: Deed,
): Promise<UpgradeReport> {
  const { runs } = context;
  const seized = await runs.seize(row.runId, lease);
  if (seized === null) {
    await stateNow(row.runId, "upgrade the run", runs);
    throw wrongRunState(
      row.runId,
      "upgrade the run",
      "running",
      "one that no node executes: try again when it waits",
    );
  }
  let isPinned = false;
  try {
    const { report, tasks } = await replay(seized, target.hash, context);
    if (!report.upgraded) return report;
    const change = { pin: target, payload: encode({ from: row.hash, to: target.hash }), tasks };
    const before = { state: seized.state, version: row.hash, generation: seized.generation };
    await context.versions.pinning(() =>
      deed(async ({ runs }) => await runs.settle(seized.id, lease, change) || null, { before })
    );
    isPinned = true;
    return report;
  } finally {
    if (!isPinned) {
      await runs.settle(seized.id, lease, { back: seized.state, reason: row.stuckReason });
    }
  }
}

async function replay(
  run: ClaimedRun,
  to: string,
  context: Pick<UpgradeContext, "replayer" | "runs" | "store">,
): Promise<{
  readonly report: UpgradeReport;
  readonly tasks: readonly MovedTask[];
  readonly open: readonly OpenEffect[];
}> {
  const { replayer, runs, store: { journal } } = context;
  const replayed = await replayer.on(run, to, { runs, journal });
  const { turn: { drift, refused }, activities, open } = replayed;
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
  return { report, tasks, open };
}
