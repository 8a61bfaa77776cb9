/**
 * Removes old versions: first the bytes of their modules, then what the registry has of them.
 *
 * @module
 */

import {
  checkAbortSignal,
  checkBoolean,
  checkDate,
  checkFunction,
  checkOptions,
  checkWhole,
  refuse,
} from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { failPoint } from "../../base/failpoint.ts";
import type {
  CollectionPlace,
  CollectionScope,
  CollectionVerdict,
  KeptBecause,
  Loss,
  RemovedModules,
} from "../../ports/collection.ts";
import type { Store } from "../../ports/store.ts";
import { acting, operatedInSteps, type StepsContext } from "../operated.ts";

/**
 * Options of {@linkcode Versions.gc}.
 *
 * @category Versions
 */
export interface VersionGcOptions {
  /**
   * How long a version must have been unused: since it was last registered, and since a run was last
   * started on it.
   *
   * @default {"30d"}
   */
  readonly olderThan?: Duration;
  /** The time by which it must have been unused, in place of `olderThan`. */
  readonly before?: Date;
  /**
   * How many of the newest versions of each workflow stay in any case, from 0.
   *
   * @default {5}
   */
  readonly keep?: number;
  /**
   * Whether only to report what would be removed.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
  /** Stops between two batches. What was removed by then stays removed. */
  readonly signal?: AbortSignal;
  /** Is called, and awaited, after each batch, such as to show progress. */
  readonly onBatch?: (removed: number, planned: number) => unknown;
}

/**
 * A version that lost something, or would.
 *
 * @category Versions
 */
export interface CollectedVersion {
  /** Its hash. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** The label that its definition gives itself. */
  readonly label: string | null;
  /**
   * `bytes`: its modules; hash, manifest and specifiers stay for the ended runs that refer to it.
   * `row`: everything.
   */
  readonly loses: Loss;
  /** When it was last registered, or a run was last started on it: the later of the two. */
  readonly usedAt: Date;
}

/**
 * What {@linkcode Versions.gc} removed, or would remove.
 *
 * @category Versions
 */
export interface VersionGc {
  /** Versions that were unused at this time, and since, may lose something. */
  readonly before: Date;
  /** The versions that lose something, the oldest first. */
  readonly versions: readonly CollectedVersion[];
  /** How many modules are removed, those included that no version referred to before. */
  readonly modules: number;
  /** Their bytes. */
  readonly bytes: number;
  /** How many versions stay as they are, by the reason. */
  readonly kept: { readonly [Reason in KeptBecause]: number };
  /**
   * How many versions had bytes in the archive; 0 where all nodes have `archive: false`: there is
   * nothing to free.
   */
  readonly archived: number;
  /** Whether all of it was done; `false`: the signal stopped it, and the next call continues. */
  readonly done: boolean;
}

/** The dependencies of {@linkcode collectVersions}. */
export type GcContext = StepsContext & {
  /** The store. */
  readonly store: Pick<Store, "collection" | "now">;
};

const CALL = "versions.gc()";

/** Versions that one statement examines. */
const PAGE = 2_000;

/** Versions that one statement compares with all parts of others. */
const VOUCHED = 5_000;

/** Versions, or modules, that one transaction removes. */
const BATCH = 100;

/** How much was removed so far. */
interface Total {
  readonly versions: CollectionVerdict[];
  modules: number;
  bytes: number;
}

/** What the plan says. */
interface Plan {
  readonly versions: readonly CollectionVerdict[];
  readonly kept: Record<KeptBecause, number>;
  readonly archived: number;
}

/**
 * Removes old versions; see {@linkcode Versions.gc}.
 *
 * @param options Which versions.
 * @param context Its dependencies.
 * @returns What was removed.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export async function collectVersions(
  options: VersionGcOptions,
  context: GcContext,
): Promise<VersionGc> {
  const { store } = context;
  const read = readOptions(options);
  const scope = { before: await read.cutoff(store), keep: read.keep };
  return await operatedInSteps(
    acting(context, read),
    { action: "version.gc", namespace: null, target: "versions" },
    { unusedBefore: new Date(scope.before).toISOString(), keep: scope.keep },
    () => collect(scope, read, store),
    ({ versions, modules, bytes, done }) => ({ versions: versions.length, modules, bytes, done }),
  );
}

async function collect(
  scope: CollectionScope,
  { dryRun, signal, onBatch }: ReturnType<typeof readOptions>,
  store: GcContext["store"],
): Promise<VersionGc> {
  const plan = await planOf(scope, store);
  const { kept, archived } = plan;
  const before = new Date(scope.before);
  if (dryRun) {
    const modules = await store.collection.weigh(plan.versions.map(({ hash }) => hash));
    return { before, ...reportOf(plan.versions, modules), kept, archived, done: true };
  }
  const total: Total = { versions: [], modules: 0, bytes: 0 };
  const planned = plan.versions.length;
  for (let from = 0; from < planned && signal?.aborted !== true; from += BATCH) {
    const batch = plan.versions.slice(from, from + BATCH).map(({ hash }) => hash);
    total.versions.push(...await store.collection.remove(scope, batch));
    await failPoint("collect.removed", { hashes: batch });
    await onBatch?.(total.versions.length, planned);
  }
  await sweep(total, store, signal);
  const done = signal?.aborted !== true;
  return { before, ...reportOf(total.versions, total), kept, archived, done };
}

/** COLLECT-2 */
async function sweep(
  total: Total,
  { collection }: GcContext["store"],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let from: string | null = ""; from !== null && signal?.aborted !== true;) {
    const { modules, bytes, next } = await collection.sweep(from, BATCH);
    total.modules += modules;
    total.bytes += bytes;
    from = next;
    await failPoint("collect.swept", { modules });
  }
}

async function planOf(
  scope: CollectionScope,
  { collection }: GcContext["store"],
): Promise<Plan> {
  const kept: Record<KeptBecause, number> = {
    current: 0,
    needed: 0,
    scheduled: 0,
    denied: 0,
    recent: 0,
    newest: 0,
    contains: 0,
    held: 0,
  };
  const found: CollectionVerdict[] = [];
  let archived = 0;
  let page: CollectionVerdict[];
  let after: CollectionPlace | null = null;
  do {
    page = await collection.plan(scope, after, PAGE);
    for (const version of page) {
      const { verdict } = version;
      if (verdict === "bytes" || verdict === "row") found.push(version);
      else kept[verdict]++;
      if (version.archived) archived++;
    }
    after = page.at(-1) ?? null;
  } while (page.length === PAGE);
  const vouching = await vouchingOf(found, collection);
  const versions = found.flatMap((version) => {
    if (!vouching.has(version.hash)) return [version];
    if (version.archived) return [{ ...version, verdict: "bytes" as const }];
    kept.contains++;
    return [];
  });
  return { versions, kept, archived };
}

/** The versions whose rows stay for the parts that they vouch for (COLLECT-4). */
async function vouchingOf(
  versions: readonly CollectionVerdict[],
  collection: GcContext["store"]["collection"],
): Promise<ReadonlySet<string>> {
  const hashes = versions.filter(({ verdict }) => verdict === "row").map(({ hash }) => hash);
  const found = new Set<string>();
  for (let from = 0; from < hashes.length; from += VOUCHED) {
    for (const hash of await collection.vouching(hashes.slice(from, from + VOUCHED))) {
      found.add(hash);
    }
  }
  return found;
}

function reportOf(
  versions: readonly CollectionVerdict[],
  { modules, bytes }: RemovedModules,
): Pick<VersionGc, "versions" | "modules" | "bytes"> {
  return {
    versions: versions.map(({ hash, workflow, label, usedAt, verdict }) => ({
      ...{ hash, workflow, label },
      loses: verdict as Loss,
      usedAt: new Date(usedAt),
    })),
    modules,
    bytes,
  };
}

function readOptions(options: VersionGcOptions) {
  checkOptions(options, ["olderThan", "before", "keep", "dryRun", "signal", "onBatch"], CALL);
  const { olderThan, before, keep = 5, dryRun = false, signal, onBatch } = options;
  checkWhole(keep, `option keep of ${CALL}`, 0);
  checkBoolean(dryRun, `option dryRun of ${CALL}`);
  checkAbortSignal(signal, CALL);
  if (onBatch !== undefined) checkFunction(onBatch, `option onBatch of ${CALL}`);
  return { cutoff: readCutoff(olderThan, before), keep, dryRun, signal, onBatch };
}

function readCutoff(
  olderThan: Duration | undefined,
  before: Date | undefined,
): (store: Pick<Store, "now">) => Promise<number> {
  if (before === undefined) {
    const age = durationMs(olderThan ?? "30d", `option olderThan of ${CALL}`);
    return async (store) => await store.now() - age;
  }
  if (olderThan !== undefined) {
    refuse(`the options olderThan and before of ${CALL}`, inWords("both"), "at most one of them");
  }
  const at = checkDate(before, `option before of ${CALL}`);
  return () => Promise.resolve(at);
}
