/**
 * Options of `Continuum.open` and `Continuum.connect`: read once, at the door; whatever is wrong is
 * named there.
 *
 * @module
 */

import { type Duration, durationMs } from "./base/duration.ts";
import { InvalidArgumentError } from "./base/errors.ts";
import { messageOf, shorten } from "./base/text.ts";
import { type LimitOptions, readLimits } from "./client/limits.ts";
import { checkText } from "./client/start/options.ts";
import type { DatabaseAdapter } from "./store/sql/driver.ts";
import type { RetentionSettings } from "./engine/duties/retention.ts";
import type { QueueSettings } from "./engine/activity/task_queue.ts";
import { DEFAULT_QUEUE } from "./task/retry.ts";
import type { TrustOptions } from "./version/fetch/trust.ts";
import { type ActivityDefinition, isActivity } from "./workflow/activity.ts";
import { readQueue } from "./workflow/task_options.ts";

/**
 * Options of `Continuum.connect`: a client that executes nothing.
 *
 * @category Continuum
 */
export interface ConnectOptions {
  /**
   * Where everything is kept: `postgres://...`, `pglite:./folder`, `memory:`, or an adapter.
   * `connect` wants one. `open` without one takes `pglite:./.continuum`, and says so once.
   *
   * @default {"pglite:./.continuum"}
   */
  readonly database?: string | DatabaseAdapter | undefined;
  /**
   * The database schema; instances with different schemas don't see each other.
   *
   * @default {"continuum"}
   */
  readonly schema?: string;
  /**
   * The namespace that calls work in: runs of others are not seen. Nodes execute the runs of all.
   *
   * @default {"default"}
   */
  readonly namespace?: string;
  /**
   * Specifiers of the workflow modules that this process knows:
   * `import.meta.resolve("./order.ts")`, a pinned `https:` URL, a `jsr:` specifier.
   */
  readonly workflows?: readonly string[];
  /** Which other code may run on this node. */
  readonly trust?: TrustOptions;
  /** Fetches `http:` and `https:` modules in place of the global `fetch`: for private hosts. */
  readonly fetch?: typeof fetch;
  /**
   * Whether modules' bytes are kept in the database, so that a version outlives its URL.
   *
   * @default {true}
   */
  readonly archive?: boolean;
  /**
   * Whether a version may be the application's own imported module. By default every version, the
   * current one too, is compiled and executed from the bytes that its hash names. With `true`, a
   * file, symlink or folder that changes between the import and `open` can run under the hash of
   * what replaced it, and the runtime's own compiler decides what the code does.
   *
   * @default {false}
   */
  readonly native?: boolean;
  /**
   * What follows if a module graph can't be pinned exactly: `strict` refuses it.
   *
   * @default {"lenient"}
   */
  readonly pinning?: "lenient" | "strict";
  /** Modules that are bound to this application instead of being pinned: pools, configuration. */
  readonly live?: readonly string[];
  /** How large things may be. */
  readonly limits?: LimitOptions;
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
  /** Activities that workflows call by name: the code of this node runs. */
  // deno-lint-ignore no-explicit-any -- inputs and outputs differ from activity to activity
  readonly activities?: readonly ActivityDefinition<any, any>[];
  /**
   * A name for this node, for people.
   *
   * @default {the host's name and the process's id}
   */
  readonly name?: string;
  /**
   * How long this node is believed to live without a heartbeat; then its runs go elsewhere.
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
   * No further run is taken while the histories in memory are larger than this, in bytes, about.
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
   * The queues of activities that this node serves, beside `default`: each has at most
   * `activityConcurrency` attempts at once where nothing else is said.
   */
  readonly queues?: Readonly<Record<string, NodeQueueOptions>>;
  /**
   * How often a version is looked for again that runs are parked for.
   *
   * @default {"30s"}
   */
  readonly probe?: Duration;
  /**
   * How long what is over is kept; for ever where nothing is said. Several nodes of one database
   * should say the same: the shortest time counts.
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
 * How long what is over is kept: each 1 minute or more, and removed some minutes later.
 *
 * @category Continuum
 */
export interface RetentionOptions {
  /** Runs, from their end, with all that belongs to them. */
  readonly runs?: Duration;
  /** Earlier generations, from their end, even if their run has not ended. */
  readonly generations?: Duration;
  /** Results of activities with idempotency keys, from their commit. */
  readonly results?: Duration;
  /**
   * Of which namespaces.
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
   * How many attempts all nodes together begin in a time. Give every node the same; none begins
   * without a permit then, also not where the run is.
   */
  readonly rateLimit?: { readonly limit: number; readonly per: Duration };
}

/** What is left to decide about a node, decided. */
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
  /** How long what is over is kept; undefined: for ever. */
  readonly retention: RetentionSettings | undefined;
  /** Milliseconds. */
  readonly drainTimeoutMs: number;
}

const CONNECT_KEYS = [
  "database",
  "schema",
  "namespace",
  "workflows",
  "trust",
  "fetch",
  "archive",
  "native",
  "pinning",
  "live",
  "config",
  "limits",
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
 * @throws {InvalidArgumentError} If a key is unknown, or a value not of its kind.
 */
export function checkConnectOptions(options: ConnectOptions): void {
  checkKeys(options, CONNECT_KEYS, "Continuum.connect");
  checkValues(options);
}

/**
 * Checks the options of a node, and decides what they leave open.
 *
 * @throws {InvalidArgumentError} If a key is unknown, or a value not of its kind.
 */
export function readOpenOptions(options: OpenOptions): NodeSettings {
  checkKeys(options, OPEN_KEYS, "Continuum.open");
  checkValues(options);
  const { maxResidentRuns = 1_000, maxResidentBytes = 256 * 1_048_576 } = options;
  const { name = defaultName(), activities = [] } = options;
  const { activityConcurrency = 200 } = options;
  refuseUnless(
    Number.isInteger(activityConcurrency) && activityConcurrency >= 1,
    "activityConcurrency",
    activityConcurrency,
    "a whole number from 1",
  );
  refuseUnless(
    Number.isInteger(maxResidentRuns) && maxResidentRuns >= 1,
    "maxResidentRuns",
    maxResidentRuns,
    "a whole number from 1",
  );
  refuseUnless(
    Number.isInteger(maxResidentBytes) && maxResidentBytes >= 1,
    "maxResidentBytes",
    maxResidentBytes,
    "a whole number from 1",
  );
  checkText(name, "node's name");
  refuseUnless(Array.isArray(activities), "activities", activities, "an array of activities");
  const byName = new Map<string, ActivityDefinition>();
  for (const activity of activities) {
    refuseUnless(isActivity(activity), "activities", activity, "what defineActivity returns");
    refuseUnless(!byName.has(activity.name), "activities", activity.name, "each name once");
    byName.set(activity.name, activity);
  }
  const leaseMs = durationMs(options.lease ?? "20s", "lease");
  refuseUnless(leaseMs >= 300, "lease", options.lease, "300 milliseconds or more");
  return {
    activities: byName,
    name,
    leaseMs,
    lingerMs: durationMs(options.linger ?? "1s", "linger"),
    maxResidentRuns,
    maxResidentBytes,
    activityConcurrency,
    queues: readQueues(options.queues ?? {}, activityConcurrency),
    probeMs: durationMs(options.probe ?? "30s", "probe"),
    retention: readRetention(options),
    drainTimeoutMs: durationMs(options.drainTimeout ?? "5s", "drainTimeout"),
  };
}

/**
 * Reads the option `queues`.
 *
 * @param queues What was passed.
 * @param most The most attempts at once of a queue of which nothing else is said.
 * @returns The queues that are served; `default` is one unless it is given no room.
 * @throws {InvalidArgumentError} If something of it makes no sense.
 */
export function readQueues(
  queues: Readonly<Record<string, NodeQueueOptions>>,
  most: number,
): ReadonlyMap<string, QueueSettings> {
  refuseUnless(
    typeof queues === "object" && queues !== null && !Array.isArray(queues),
    "queues",
    queues,
    "an object of queues by name",
  );
  const served = new Map<string, QueueSettings>();
  for (const [name, setting] of Object.entries({ [DEFAULT_QUEUE]: {}, ...queues })) {
    readQueue(name, "option queues");
    const what = `queues.${name}`;
    checkKeys(setting, ["concurrency", "rateLimit"], what);
    const { concurrency = most, rateLimit } = setting as NodeQueueOptions;
    refuseUnless(
      Number.isInteger(concurrency) && concurrency >= 0,
      `${what}.concurrency`,
      concurrency,
      "a whole number from 0",
    );
    if (concurrency > 0) served.set(name, { concurrency, rate: readRate(rateLimit, what) });
  }
  return served;
}

function readRate(rateLimit: NodeQueueOptions["rateLimit"], queue: string): QueueSettings["rate"] {
  if (rateLimit === undefined) return null;
  const what = `${queue}.rateLimit`;
  checkKeys(rateLimit, ["limit", "per"], what);
  const { limit, per } = rateLimit;
  refuseUnless(
    Number.isInteger(limit) && limit >= 1,
    `${what}.limit`,
    limit,
    "a whole number from 1",
  );
  const perMs = durationMs(per, `${what}.per`);
  refuseUnless(perMs >= 1, `${what}.per`, per, "1 millisecond or more");
  return { limit, perMs };
}

function readRetention(
  { retention, namespace = "default" }: OpenOptions,
): NodeSettings["retention"] {
  if (retention === undefined) return undefined;
  checkKeys(retention, ["runs", "generations", "results", "namespaces"], "retention");
  const { runs, generations, results, namespaces = [namespace] } = retention;
  refuseUnless(
    namespaces === "all" || isTexts(namespaces),
    "retention.namespaces",
    namespaces,
    '"all" or an array of namespaces',
  );
  if (namespaces !== "all") { for (const name of namespaces) checkText(name, "namespace"); }
  return {
    runsMs: readAge(runs, "retention.runs"),
    generationsMs: readAge(generations, "retention.generations"),
    resultsMs: readAge(results, "retention.results"),
    namespaces,
  };
}

function readAge(age: Duration | undefined, option: string): number | null {
  if (age === undefined) return null;
  const ms = durationMs(age, option);
  refuseUnless(ms >= 60_000, option, age, "1 minute or more");
  return ms;
}

function checkKeys(options: unknown, known: readonly string[], what: string): void {
  const isObject = typeof options === "object" && options !== null && !Array.isArray(options);
  const isUrl = typeof options === "string" && what.startsWith("Continuum.");
  refuseUnless(isObject, what, options, isUrl ? `${what}({ database })` : "an object");
  for (const key of Object.keys(options as object)) {
    refuseUnless(known.includes(key), what, key, known.join(", "));
  }
}

function checkValues(options: ConnectOptions): void {
  const { workflows = [], live = [], archive, native, pinning, fetch, namespace } = options;
  if (namespace !== undefined) checkText(namespace, "namespace");
  refuseUnless(isTexts(workflows), "workflows", workflows, "an array of specifiers");
  refuseUnless(isTexts(live), "live", live, "an array of specifiers");
  for (const [key, value] of Object.entries({ archive, native })) {
    refuseUnless(value === undefined || typeof value === "boolean", key, value, "true or false");
  }
  refuseUnless(
    pinning === undefined || pinning === "lenient" || pinning === "strict",
    "pinning",
    pinning,
    '"lenient" or "strict"',
  );
  refuseUnless(
    fetch === undefined || typeof fetch === "function",
    "fetch",
    fetch,
    "a function like the global fetch",
  );
  const { config } = options;
  refuseUnless(
    config === undefined || typeof config === "string" && config !== "",
    "config",
    config,
    "a path or a file URL",
  );
  checkTrust(options.trust ?? {});
  readLimits(options.limits);
}

/** What is no pattern is found where patterns are read. */
function checkTrust(trust: TrustOptions): void {
  checkKeys(trust, ["modules", "start", "deny"], "trust");
  const { modules = [], start = false, deny = [] } = trust;
  refuseUnless(Array.isArray(modules), "trust.modules", modules, "an array of patterns");
  refuseUnless(
    typeof start === "boolean" || Array.isArray(start),
    "trust.start",
    start,
    "true, false or an array of patterns",
  );
  refuseUnless(isTexts(deny), "trust.deny", deny, "an array of version hashes");
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** How many characters of a value a message shows. */
const MAX_SHOWN = 300;

function refuseUnless(good: boolean, option: string, found: unknown, wanted: string): void {
  if (good) return;
  throw new InvalidArgumentError(
    `Cannot use option ${option}: found ${show(found)}, wanted ${wanted}`,
    { option },
  );
}

/** A value for a message: without secrets, and not longer than a message should be. */
function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  return shorten(textOf(value), MAX_SHOWN);
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return messageOf(value); // a bigint, a cycle, a getter that throws
  }
}

function defaultName(): string {
  try {
    return `${Deno.hostname()}/${Deno.pid}`;
  } catch {
    return `node/${Deno.pid}`; // without --allow-sys
  }
}
