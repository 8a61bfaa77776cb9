/**
 * Options of `Continuum.open` and `Continuum.connect`. They are checked once, when the instance is
 * opened; an error names the invalid option.
 *
 * @module
 */

import {
  checkArray,
  checkBoolean,
  checkChoice,
  checkFunction,
  checkKeys,
  checkOptions,
  checkText,
  checkWhole,
  refuse,
  refuseUnless,
} from "./base/arguments.ts";
import { type Duration, durationMs } from "./base/duration.ts";
import { processName } from "./base/process_name.ts";
import { checkDatabaseOptions, DATABASE_KEYS, type DatabaseOptions } from "./client/options.ts";
import { type Around, checkAround } from "./ports/around.ts";
import type { DatabaseAdapter } from "./store/sql/driver.ts";
import type { RetentionSettings } from "./engine/duties/retention.ts";
import type { QueueSettings } from "./engine/activity/task_queue.ts";
import { DEFAULT_QUEUE } from "./task/retry.ts";
import type { TrustOptions } from "./version/fetch/trust.ts";
import type { ArchiveOptions } from "./version/packages/archive_packages.ts";
import { type ActivityDefinition, isActivity } from "./workflow/activity.ts";
import { readQueue } from "./workflow/task_options.ts";

/**
 * Options of `Continuum.connect`: a client that executes nothing.
 *
 * @category Continuum
 */
export interface ConnectOptions extends DatabaseOptions {
  /**
   * The database: `postgres://...`, `pglite:./folder`, `memory:`, or an adapter. `connect` requires
   * it. `open` without it uses `pglite:./.continuum`, and logs so once.
   *
   * @default {"pglite:./.continuum"}
   */
  readonly database?: string | DatabaseAdapter | undefined;
  /**
   * Specifiers of the workflow modules that this process knows:
   * `import.meta.resolve("./order.ts")`, a pinned `https:` URL, a `jsr:` specifier.
   */
  readonly workflows?: readonly string[];
  /**
   * Hooks around starts, signals and attempts: for headers that every start gets, or for an
   * `AsyncLocalStorage` in which steps and activities run.
   */
  readonly around?: Around | undefined;
  /** Which code besides `workflows` may run on this node. */
  readonly trust?: TrustOptions;
  /** Fetches `http:` and `https:` modules in place of the global `fetch`: for private hosts. */
  readonly fetch?: typeof fetch;
  /**
   * Whether to archive the bytes of modules and npm packages in the database, so that a version
   * outlives its URL and the image that it came with; or what of it.
   *
   * @default {true}
   */
  readonly archive?: boolean | ArchiveOptions;
  /**
   * Whether a version may execute as the application's own imported module. By default every
   * version, including the current one, is compiled and executed from the bytes that its hash
   * identifies. With `true`, a file, symlink or folder that changes between the import and `open`
   * can run under the hash of what replaced it, and the runtime's own compiler decides what the
   * code does.
   *
   * @default {false}
   */
  readonly native?: boolean;
  /**
   * How to treat a module graph that can't be pinned exactly: `strict` refuses it.
   *
   * @default {"lenient"}
   */
  readonly pinning?: "lenient" | "strict";
  /**
   * Modules that are not pinned: versions import the application's own copy, such as a pool or a
   * configuration.
   */
  readonly live?: readonly string[];
  /**
   * The `deno.json` that applies to workflow modules: its import map, lock and compiler options.
   *
   * @default {the nearest above a module that is a file; for any other, the nearest above the
   * application's main module}
   */
  readonly config?: string;
}

/**
 * Options of `Continuum.open`.
 *
 * @category Continuum
 */
export interface OpenOptions extends ConnectOptions {
  /** Activities that workflows call by name. They execute the code of this node. */
  // deno-lint-ignore no-explicit-any -- inputs and outputs differ from activity to activity
  readonly activities?: readonly ActivityDefinition<any, any>[];
  /**
   * A name for this node, shown to people.
   *
   * @default {the host's name and the process's id}
   */
  readonly name?: string;
  /**
   * The lease: how long this node may go without a heartbeat. After that other nodes expire it and
   * claim its runs.
   *
   * @default {"20s"}
   */
  readonly lease?: Duration;
  /**
   * How long a waiting run stays in memory.
   *
   * @default {"1s"}
   */
  readonly linger?: Duration;
  /**
   * The most runs in memory at once, from 1.
   *
   * @default {1000}
   */
  readonly maxResidentRuns?: number;
  /**
   * The node claims no further run while the histories in memory are larger than about this, in
   * bytes.
   *
   * @default {268435456}
   */
  readonly maxResidentBytes?: number;
  /**
   * The most attempts of activities at once, from 1.
   *
   * @default {200}
   */
  readonly activityConcurrency?: number;
  /**
   * The queues of activities that this node serves in addition to `default`. A queue without its
   * own limit has at most `activityConcurrency` attempts at once.
   */
  readonly queues?: Readonly<Record<string, NodeQueueOptions>>;
  /**
   * How often the node tries again to load a version that runs are parked for.
   *
   * @default {"30s"}
   */
  readonly probe?: Duration;
  /**
   * How long ended data is kept; for ever by default. Give all nodes of one database the same
   * times, since the shortest one applies.
   */
  readonly retention?: RetentionOptions;
  /**
   * How long `close()` and `drain()` wait for attempts under way.
   *
   * @default {"5s"}
   */
  readonly drainTimeout?: Duration;
}

/**
 * How long ended data is kept. Each time is 1 minute or more; data is removed some minutes after
 * it.
 *
 * @category Continuum
 */
export interface RetentionOptions {
  /** Runs and all their data, from their end. */
  readonly runs?: Duration;
  /** Earlier generations, from their end, even if their run has not ended. */
  readonly generations?: Duration;
  /** Results of activities with idempotency keys, from their commit. */
  readonly results?: Duration;
  /**
   * The namespaces.
   *
   * @default {that of this instance}
   */
  readonly namespaces?: readonly string[] | "all";
}

/**
 * How a node serves a queue of activities.
 *
 * @category Continuum
 */
export interface NodeQueueOptions {
  /** The most attempts at once on this node; 0: it does not serve the queue. */
  readonly concurrency?: number;
  /**
   * How many attempts all nodes together may begin in a time. Give every node the same rate. Each
   * attempt then needs a permit, also on the run's own node.
   */
  readonly rateLimit?: { readonly limit: number; readonly per: Duration };
}

/** The checked options of a node, with defaults filled in. */
export interface NodeSettings {
  /** Activities by name. */
  readonly activities: ReadonlyMap<string, ActivityDefinition>;
  /** The node's name. */
  readonly name: string;
  /** Milliseconds. */
  readonly leaseMs: number;
  /** Milliseconds. */
  readonly lingerMs: number;
  /** From 1. */
  readonly maxResidentRuns: number;
  /** From 1. */
  readonly maxResidentBytes: number;
  /** From 1. */
  readonly activityConcurrency: number;
  /** The queues that it serves. */
  readonly queues: ReadonlyMap<string, QueueSettings>;
  /** Milliseconds. */
  readonly probeMs: number;
  /** How long ended data is kept; undefined: for ever. */
  readonly retention: RetentionSettings | undefined;
  /** Milliseconds. */
  readonly drainTimeoutMs: number;
}

const CONNECT_KEYS = [
  ...DATABASE_KEYS,
  "around",
  "workflows",
  "trust",
  "fetch",
  "archive",
  "native",
  "pinning",
  "live",
  "config",
];
const OPEN_KEYS = [
  ...CONNECT_KEYS,
  "activities",
  "name",
  "lease",
  "linger",
  "maxResidentRuns",
  "maxResidentBytes",
  "activityConcurrency",
  "queues",
  "probe",
  "retention",
  "drainTimeout",
];

/**
 * Checks the options of a client.
 *
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range.
 */
export function checkConnectOptions(options: ConnectOptions): void {
  checkCall(options, CONNECT_KEYS, "Continuum.connect");
  checkAround(options.around, "Continuum.connect");
  checkValues(options);
}

/**
 * Checks the options of a node, and fills in the defaults.
 *
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range.
 */
export function readOpenOptions(options: OpenOptions): NodeSettings {
  checkCall(options, OPEN_KEYS, "Continuum.open");
  checkAround(options.around, "Continuum.open");
  checkValues(options);
  const { maxResidentRuns = 1_000, maxResidentBytes = 256 * 1_048_576 } = options;
  const { name = processName("node"), activities = [] } = options;
  const { activityConcurrency = 200 } = options;
  checkWhole(activityConcurrency, "option activityConcurrency", 1);
  checkWhole(maxResidentRuns, "option maxResidentRuns", 1);
  checkWhole(maxResidentBytes, "option maxResidentBytes", 1);
  checkText(name, "option name, the node's name");
  const wanted = "an array of what defineActivity returns";
  checkArray(activities, "option activities", wanted, isActivity);
  const byName = new Map<string, ActivityDefinition>();
  for (const activity of activities) {
    refuseUnless(
      !byName.has(activity.name),
      "option activities",
      activity.name,
      "each name once",
    );
    byName.set(activity.name, activity);
  }
  const leaseMs = durationMs(options.lease ?? "20s", "option lease");
  refuseUnless(leaseMs >= 300, "option lease", options.lease, "300 milliseconds or more");
  return {
    activities: byName,
    name,
    leaseMs,
    lingerMs: durationMs(options.linger ?? "1s", "option linger"),
    maxResidentRuns,
    maxResidentBytes,
    activityConcurrency,
    queues: readQueues(options.queues ?? {}, activityConcurrency),
    probeMs: durationMs(options.probe ?? "30s", "option probe"),
    retention: readRetention(options),
    drainTimeoutMs: durationMs(options.drainTimeout ?? "5s", "option drainTimeout"),
  };
}

/**
 * Checks the option `queues`.
 *
 * @param queues What was passed.
 * @param most The most attempts at once of a queue without its own limit.
 * @returns The queues that the node serves, with `default` unless its concurrency is 0.
 * @throws {InvalidArgumentError} If a value is invalid.
 */
export function readQueues(
  queues: Readonly<Record<string, NodeQueueOptions>>,
  most: number,
): ReadonlyMap<string, QueueSettings> {
  refuseUnless(
    typeof queues === "object" && queues !== null && !Array.isArray(queues),
    "option queues",
    queues,
    "an object of queues by name",
  );
  const served = new Map<string, QueueSettings>();
  for (const [name, setting] of Object.entries({ [DEFAULT_QUEUE]: {}, ...queues })) {
    readQueue(name, "option queues");
    const what = `option queues.${name}`;
    checkKeys(setting, ["concurrency", "rateLimit"], what);
    const { concurrency = most, rateLimit } = setting as NodeQueueOptions;
    checkWhole(concurrency, `${what}.concurrency`, 0);
    if (concurrency > 0) served.set(name, { concurrency, rate: readRate(rateLimit, what) });
  }
  return served;
}

function readRate(rateLimit: NodeQueueOptions["rateLimit"], queue: string): QueueSettings["rate"] {
  if (rateLimit === undefined) return null;
  const what = `${queue}.rateLimit`;
  checkKeys(rateLimit, ["limit", "per"], what);
  const { limit, per } = rateLimit;
  checkWhole(limit, `${what}.limit`, 1);
  const perMs = durationMs(per, `${what}.per`);
  refuseUnless(perMs >= 1, `${what}.per`, per, "1 millisecond or more");
  return { limit, perMs };
}

function readRetention(
  { retention, namespace = "default" }: OpenOptions,
): NodeSettings["retention"] {
  if (retention === undefined) return undefined;
  checkKeys(retention, ["runs", "generations", "results", "namespaces"], "option retention");
  const { runs, generations, results, namespaces = [namespace] } = retention;
  if (namespaces !== "all") {
    const option = "option retention.namespaces";
    checkArray(namespaces, option, '"all" or an array of namespaces');
    for (const [index, name] of namespaces.entries()) checkText(name, `${option}[${index}]`);
  }
  return {
    runsMs: readAge(runs, "option retention.runs"),
    generationsMs: readAge(generations, "option retention.generations"),
    resultsMs: readAge(results, "option retention.results"),
    namespaces,
  };
}

function readAge(age: Duration | undefined, option: string): number | null {
  if (age === undefined) return null;
  const ms = durationMs(age, option);
  refuseUnless(ms >= 60_000, option, age, "1 minute or more");
  return ms;
}

/** Checks for a URL in place of the options, a frequent first mistake. */
function checkCall(options: unknown, known: readonly string[], call: string): void {
  if (typeof options === "string" || options instanceof URL) {
    refuse(`the options of ${call}`, options, `an object: call ${call}({ database })`);
  }
  checkOptions(options, known, call);
}

function checkValues(options: ConnectOptions): void {
  checkDatabaseOptions(options);
  const { workflows = [], live = [], archive, native, pinning, fetch, config } = options;
  checkArray(workflows, "option workflows", "an array of specifiers", isString);
  checkArray(live, "option live", "an array of specifiers", isString);
  if (native !== undefined) checkBoolean(native, "option native");
  if (archive !== undefined) checkArchive(archive);
  if (pinning !== undefined) checkChoice(pinning, "option pinning", ["lenient", "strict"]);
  if (fetch !== undefined) checkFunction(fetch, "option fetch");
  refuseUnless(
    config === undefined || typeof config === "string" && config !== "",
    "option config",
    config,
    "a path or a file URL",
  );
  checkTrust(options.trust ?? {});
}

function checkArchive(archive: unknown): void {
  if (typeof archive === "boolean") return;
  checkKeys(archive, ["packages", "packageBytes", "tarballs"], "option archive");
  const { packages, packageBytes, tarballs } = archive as ArchiveOptions;
  if (packages !== undefined) checkBoolean(packages, "option archive.packages");
  if (packageBytes !== undefined) checkWhole(packageBytes, "option archive.packageBytes", 0);
  if (tarballs !== undefined) checkBoolean(tarballs, "option archive.tarballs");
}

/** Checks the shape alone: the patterns themselves are checked when they are parsed. */
function checkTrust(trust: TrustOptions): void {
  const known = ["modules", "start", "deny", "keys", "signatures", "unsigned"];
  checkKeys(trust, known, "option trust");
  const { modules = [], start = false, deny = [], keys = [] } = trust;
  checkArray(modules, "option trust.modules", "an array of patterns");
  refuseUnless(
    typeof start === "boolean" || Array.isArray(start),
    "option trust.start",
    start,
    "true, false or an array of patterns",
  );
  checkArray(deny, "option trust.deny", "an array of version hashes", isString);
  checkArray(keys, "option trust.keys", "an array of texts that hold public keys", isString);
  const { signatures = [], unsigned = [] } = trust;
  const lines = "an array of texts that `continuum versions sign` printed";
  checkArray(signatures, "option trust.signatures", lines, isString);
  checkArray(unsigned, "option trust.unsigned", "an array of version hashes", isString);
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}
