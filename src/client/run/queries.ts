/**
 * Finds runs by conditions on their fields and attributes, page by page.
 *
 * @module
 */

import {
  checkArray,
  checkBoolean,
  checkChoice,
  checkKeys,
  checkOptions,
  checkText,
  checkWhole,
  readName,
  refuse,
} from "../../base/arguments.ts";
import type { Duration } from "../../base/duration.ts";
import { quoteId } from "../../base/describe.ts";
import { checkPayload } from "../../base/payload.ts";
import { encode } from "../../base/values.ts";
import type { RunQuery } from "../../ports/run_query.ts";
import type { RunRelatives } from "../../ports/rows.ts";
import type { Patience, RunStore } from "../../ports/store.ts";
import type { ClientContext } from "../context.ts";
import { type DeleteOptions, deleteRun } from "./delete.ts";
import {
  type PruneOptions,
  type PruneReport,
  pruneResults,
  type PruneResultsOptions,
  pruneRuns,
} from "./prune.ts";
import { readPatience } from "../patience.ts";
import { isTime, type Place, readCursor, writeCursor } from "../cursor.ts";
import { type BulkJob, listJobs } from "./bulk_job.ts";
import type { BulkUpgradeOptions } from "./bulk_options.ts";
import { BulkUpgrade } from "./bulk_upgrade.ts";
import { type ActVerdict, BulkAct } from "./bulk_act.ts";
import type { BulkChange } from "./bulk_work.ts";
import type { BulkWorkOptions } from "./bulk_work_options.ts";
import type { Verdict } from "../versions/verdict.ts";
import {
  type BulkActOptions,
  type BulkReasonOptions,
  readActOptions,
  readContinueOptions,
} from "./bulk_act_options.ts";
import { jobNotFound } from "../errors.ts";
import { checkExportOptions, type ExportOptions, exportRuns } from "../bundle/export.ts";
import { readWhere, type RunWhere } from "./conditions.ts";
import { type RunSummary, runSummary } from "./summary.ts";

/**
 * Options of {@linkcode Runs.count}.
 *
 * @category Runs
 */
export interface CountOptions {
  /** Which runs; all of the namespace when omitted. */
  readonly where?: RunWhere;
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /**
   * Where to stop counting, from 1 to 1,000,000: a result that is equal to it means this many runs
   * or more.
   *
   * @default {no limit}
   */
  readonly limit?: number;
  /**
   * How long the server may look for the runs. PGlite does not give up.
   *
   * @default {no limit}
   */
  readonly timeout?: Duration;
}

/**
 * Options of {@linkcode Runs.troubles}.
 *
 * @category Runs
 */
export interface TroublesOptions {
  /** Which of these runs; all of the namespace when omitted. */
  readonly where?: RunWhere;
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /**
   * The most runs of one page, from 1 to 1,000.
   *
   * @default {50}
   */
  readonly limit?: number;
  /** The `cursor` of the previous page of the same query. */
  readonly cursor?: string;
  /**
   * How long the server may look for the runs. PGlite does not give up.
   *
   * @default {no limit}
   */
  readonly timeout?: Duration;
  /**
   * Whether the result includes inputs and errors.
   *
   * @default {false}
   */
  readonly payloads?: boolean;
}

/**
 * Options of {@linkcode Runs.query}.
 *
 * @category Runs
 */
export interface QueryOptions extends TroublesOptions {
  /**
   * The sort order. Runs that lack the time come last.
   *
   * @default {{ by: "createdAt", direction: "desc" }}
   */
  readonly orderBy?: {
    /** The time. */
    readonly by: "createdAt" | "startedAt" | "endedAt";
    /** `desc`, the default: the latest first. */
    readonly direction?: "asc" | "desc";
  };
  /**
   * Whether the result includes inputs, results and errors.
   *
   * @default {false}
   */
  readonly payloads?: boolean;
}

/**
 * A page of runs.
 *
 * @category Runs
 */
export interface RunPage {
  /** The runs. */
  readonly runs: readonly RunSummary[];
  /** Pass it for the next page; `null`: this page is the last. */
  readonly cursor: string | null;
}

/**
 * Options of {@linkcode Runs.jobs}.
 *
 * @category Runs
 */
export interface JobsOptions {
  /** The namespace; that of this instance when omitted. `null`: all namespaces. */
  readonly namespace?: string | null;
  /**
   * The most jobs, from 1 to 1,000.
   *
   * @default {50}
   */
  readonly limit?: number;
}

/**
 * Options of {@linkcode Runs.relatives}.
 *
 * @category Runs
 */
export interface RelativesOptions {
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /**
   * Where to stop counting, from 1 to 1,000,000: a count that is equal to it means this many or
   * more.
   *
   * @default {1000}
   */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const MAX_COUNT = 1_000_000;
const TROUBLES_KEYS = ["where", "namespace", "limit", "cursor", "payloads", "timeout"];
const QUERY_KEYS = [...TROUBLES_KEYS, "orderBy"];

/**
 * Finds the runs of a namespace, and acts on those that it finds.
 *
 * @category Runs
 */
export class Runs {
  readonly #runs: RunStore;
  readonly #context: ClientContext;

  /**
   * Made by `Continuum`.
   *
   * @param context What the parts of the instance share.
   */
  constructor(context: ClientContext) {
    this.#runs = context.runs;
    this.#context = context;
  }

  /**
   * Finds runs.
   *
   * @param options Which runs, in which order, and how many.
   * @returns A page of runs.
   * @throws {InvalidArgumentError} If a field is unknown or a value has a wrong type.
   * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor does not belong to this query.
   * @throws {QueryTimeoutError} If the server looks for longer than `timeout`.
   */
  async query(options: QueryOptions = {}): Promise<RunPage> {
    const read = readQuery(options, this.#runs.namespace);
    return await this.#page(options.namespace, read, patienceOf(options.timeout, "runs.query()"));
  }

  /**
   * Lists the runs that need a look: those that are parked, and those that failed. The latest
   * trouble comes first. An index holds these runs and no others, so the call costs the same however
   * many runs there are.
   *
   * @param options How many runs, and which of these.
   * @returns A page of runs; `troubleAt` says since when.
   * @throws {InvalidArgumentError} If an option is unknown or a value has a wrong type.
   * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor does not belong to this query.
   * @throws {QueryTimeoutError} If the server looks for longer than `timeout`.
   */
  async troubles(options: TroublesOptions = {}): Promise<RunPage> {
    const read = readTroubles(options, this.#runs.namespace);
    const patience = patienceOf(options.timeout, "runs.troubles()");
    return await this.#page(options.namespace, read, patience);
  }

  async #page(
    namespace: string | undefined,
    { query, payloads, tie }: ReadQuery,
    patience: Patience | undefined,
  ): Promise<RunPage> {
    const rows = await this.#in(namespace).query({ ...query, limit: query.limit + 1 }, patience);
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      runs: page.map((row) => runSummary(row, payloads)),
      cursor: rows.length > page.length && last !== undefined
        ? writeCursor([last[query.by], last.id], tie)
        : null,
    };
  }

  /**
   * Counts runs. Without `limit` the call reads all runs that meet the condition.
   *
   * @param options Which runs, and how far to count.
   * @returns The number of runs; at `limit` there may be more.
   * @throws {InvalidArgumentError} If a field is unknown or a value has a wrong type.
   * @throws {QueryTimeoutError} If the server counts for longer than `timeout`.
   */
  async count(options: CountOptions = {}): Promise<number> {
    checkOptions(options, ["where", "namespace", "limit", "timeout"], "runs.count()");
    const { where, namespace, limit, timeout } = options;
    if (limit !== undefined) checkWhole(limit, "option limit of runs.count()", 1, MAX_COUNT);
    const patience = patienceOf(timeout, "runs.count()", "count runs");
    return await this.#in(namespace).count(readWhere(where), limit, patience);
  }

  /**
   * Counts the children and the forks of runs.
   *
   * @param ids The ids of the runs, at most 1,000. A run that does not exist is left out.
   * @param options The namespace, and how far to count.
   * @returns How many each run has; at `limit` there may be more.
   * @throws {InvalidArgumentError} If an id or an option is invalid.
   */
  async relatives(ids: readonly string[], options: RelativesOptions = {}): Promise<RunRelatives[]> {
    const call = "runs.relatives()";
    checkOptions(options, ["namespace", "limit"], call);
    const { namespace, limit = MAX_LIMIT } = options;
    checkArray(ids, `the ids of ${call}`, "an array of ids", (id) => typeof id === "string");
    if (ids.length > MAX_LIMIT) refuse(`the ids of ${call}`, ids, `at most ${MAX_LIMIT} ids`);
    checkWhole(limit, `option limit of ${call}`, 1, MAX_COUNT);
    return await this.#in(namespace).relatives(ids, limit);
  }

  /**
   * Removes ended runs with all that belongs to them: histories, earlier generations, messages,
   * delivery ids, idempotency keys. A run stays if it has not ended, if its parent has not been
   * notified of its end, or if its parent may still request it. Runs are removed in many small
   * transactions, none of which waits for others or makes them wait. If this process dies, what it
   * has removed stays removed.
   *
   * @param options Which runs to remove.
   * @returns How much was removed, or would be.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async prune(options: PruneOptions): Promise<PruneReport> {
    return await pruneRuns(options, this.#context);
  }

  /**
   * Removes one ended run at once, with all that belongs to it, by the same rules as {@linkcode
   * Runs.prune}. Its id and its idempotency key are free afterwards. Forks of the run stay.
   *
   * @param id The run's id.
   * @param options Its namespace.
   * @returns How much was removed.
   * @throws {InvalidArgumentError} If the id or an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_STATE`) If it has not ended.
   * @throws {RunStateError} (`RUN_AWAITED`) If its parent may request it again.
   */
  delete(id: string, options?: DeleteOptions): Promise<PruneReport>;
  /**
   * Removes the ended runs that meet conditions, one after the other. Iterate over the result, as for
   * {@linkcode Runs.terminate}. {@linkcode Runs.prune} removes many old runs in fewer statements.
   *
   * @param options Which runs.
   * @returns What became of each; `refused`: its parent may request it again.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  delete(options: BulkActOptions): BulkChange<ActVerdict>;
  /** As declared above. */
  delete(
    which: string | BulkActOptions,
    options: DeleteOptions = {},
  ): Promise<PruneReport> | BulkChange<ActVerdict> {
    if (typeof which !== "object" || which === null) return this.#delete(which, options);
    return new BulkAct("delete", readActOptions(which, "runs.delete()", false), this.#context);
  }

  async #delete(id: string, options: DeleteOptions): Promise<PruneReport> {
    checkOptions(options, ["namespace"], "runs.delete()");
    checkText(id, "the id of a run");
    const { namespace } = this.#in(options.namespace);
    return await deleteRun(id, namespace, this.#context);
  }

  /**
   * Removes results of activities that are kept under idempotency keys, for all runs. If a run
   * requests an activity with such a key again, the activity is executed again.
   *
   * @param options Which results to remove.
   * @returns How many were removed, or would be.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async pruneResults(options: PruneResultsOptions): Promise<number> {
    return await pruneResults(options, this.#context);
  }

  /**
   * Moves many runs to another version, each only if its history replays on the target. Iterate over
   * the result: that moves the runs, 200 at a time, and gives a verdict for each. A run that sleeps
   * is not woken, unless the target's code waits for something else. A run that a node executes is
   * left until the node has let go of it.
   *
   * The database keeps an upgrade as a job. If the iteration ends early, or the process dies, another
   * call continues it by the job's id: each run is moved and counted once. Of a dry run the database
   * keeps nothing: after one that stopped early, `cursor` of the result leads on.
   *
   * ```ts ignore
   * for await (const { id, verdict, cause } of continuum.runs.upgrade({ workflow: "order" })) {
   *   if (verdict !== "moved") console.log(id, verdict, cause?.message);
   * }
   * ```
   *
   * @param options Which runs, and where to.
   * @returns The verdicts. Iterating throws `VersionNotFoundError` if there is no such version,
   * `VersionUnavailableError` if this process can't obtain it, `DryRunError` if no subprocess can be
   * started, `VersionDeniedError` if it is denied, and `BulkJobError` if no live node can load it, or the job can't be continued.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  upgrade(options: BulkUpgradeOptions): BulkChange<Verdict> {
    return new BulkUpgrade(options, this.#context);
  }

  /**
   * Cancels all runs that meet conditions and have not ended, as {@linkcode RunHandle.cancel} does.
   * Iterate over the result, as for {@linkcode Runs.terminate}.
   *
   * @param options Which runs, and why.
   * @returns What became of each.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  cancel(options: BulkReasonOptions): BulkChange<ActVerdict> {
    return new BulkAct("cancel", readActOptions(options, "runs.cancel()", true), this.#context);
  }

  /**
   * Terminates all runs that meet conditions and have not ended, as {@linkcode RunHandle.terminate}
   * does. Iterate over the result: that terminates the runs, the oldest first, 200 in a transaction,
   * and says what became of each.
   *
   * The database keeps the act as a job. If the iteration ends early, or the process dies,
   * {@linkcode Runs.continueJob} continues it: each run is reached once. Of a dry run the database
   * keeps nothing. A run that starts while the call works is reached, too.
   *
   * ```ts ignore
   * const where = { workflow: "order", createdAt: { before: monday } };
   * for await (const { id, verdict } of continuum.runs.terminate({ where, reason: "a bad import" })) {
   *   console.log(id, verdict);
   * }
   * ```
   *
   * @param options Which runs, and why.
   * @returns What became of each. Iterating throws `BulkJobError` if another process drives the job.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  terminate(options: BulkReasonOptions): BulkChange<ActVerdict> {
    const read = readActOptions(options, "runs.terminate()", true);
    return new BulkAct("terminate", read, this.#context);
  }

  /**
   * Pauses all runs that meet conditions and have not ended, as {@linkcode RunHandle.pause} does.
   * Iterate over the result, as for {@linkcode Runs.terminate}.
   *
   * @param options Which runs, and why.
   * @returns What became of each.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  pause(options: BulkReasonOptions): BulkChange<ActVerdict> {
    return new BulkAct("pause", readActOptions(options, "runs.pause()", true), this.#context);
  }

  /**
   * Lets all paused runs continue that meet conditions, as {@linkcode RunHandle.resume} does, also
   * those that are about to be paused. Iterate over the result, as for {@linkcode Runs.terminate}.
   *
   * @param options Which runs.
   * @returns What became of each.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  resume(options: BulkActOptions): BulkChange<ActVerdict> {
    return new BulkAct("resume", readActOptions(options, "runs.resume()", false), this.#context);
  }

  /**
   * Sends a signal to all runs that meet conditions and have not ended, to each once, however often
   * the job is continued. Iterate over the result, as for {@linkcode Runs.terminate}.
   *
   * @param name The signal's name.
   * @param payload Its payload, which the schema of each run's version checks.
   * @param options Which runs.
   * @returns What became of each; `refused`: its version does not take the signal.
   * @throws {InvalidArgumentError} If the name or an option is invalid.
   * @throws {NotSerializableError} If the payload can't be encoded; the message names its path.
   * @throws {PayloadTooLargeError} If the payload is larger than `limits.payloadBytes`.
   */
  signal(name: string, payload: unknown, options: BulkActOptions): BulkChange<ActVerdict> {
    const read = readActOptions(options, "runs.signal()", false);
    readName(name, "a signal");
    const encoded = encode(payload, "payload");
    const what = `the payload of signal ${quoteId(name)}`;
    checkPayload(encoded, what, this.#context.payloadBytes);
    return new BulkAct("signal", read, this.#context, { name, payload: encoded });
  }

  /**
   * Continues an act on many runs where it was left. Upgrades continue by `runs.upgrade({ job })`.
   *
   * @param job Its id: `job` of what the call returned, or of {@linkcode Runs.jobs}.
   * @param options How far this call goes.
   * @returns What became of the runs that were left. Iterating throws `BulkJobError` if another
   * process drives the job.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {BulkJobError} (`JOB_NOT_FOUND`) If there is no such job, or it is an upgrade.
   */
  async continueJob(job: string, options: BulkWorkOptions = {}): Promise<BulkChange<ActVerdict>> {
    const read = readContinueOptions(job, options);
    const kind = await this.#context.store.bulk.kindOf(job);
    if (kind === null || kind === "upgrade") throw jobNotFound(job);
    return new BulkAct(kind, read, this.#context);
  }

  /**
   * Lists changes of many runs, the newest first. Those that ended more than 30 days ago are gone.
   *
   * @param options The namespace, and how many.
   * @returns The jobs.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async jobs(options: JobsOptions = {}): Promise<BulkJob[]> {
    checkOptions(options, ["namespace", "limit"], "runs.jobs()");
    const { namespace, limit = DEFAULT_LIMIT } = options;
    checkWhole(limit, "option limit of runs.jobs()", 1, MAX_LIMIT);
    const of = namespace === null ? null : this.#in(namespace).namespace;
    return await listJobs(this.#context.store.bulk, of, limit);
  }

  /**
   * Exports runs as one file, as {@linkcode RunHandle.export} does.
   *
   * @param ids The runs.
   * @param options What the bundle holds, and the namespace.
   * @returns The bytes of the file, which {@linkcode openBundle} reads.
   * @throws {InvalidArgumentError} If an id or an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {BundleError} (`BUNDLE_LIMIT`) If the content is larger than 256 MiB.
   * @throws {DryRunError} With `redact`, if a subprocess can't be started.
   */
  async export(
    ids: readonly string[],
    options: ExportOptions & { readonly namespace?: string } = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    checkExportOptions(options, "runs.export()", ["namespace"]);
    checkArray(ids, "the ids of runs.export()", "an array of ids", (id) => typeof id === "string");
    if (ids.length === 0) refuse("the ids of runs.export()", ids, "at least one id");
    const { namespace, ...what } = options;
    return await exportRuns(ids, what, { ...this.#context, runs: this.#in(namespace) });
  }

  #in(namespace: string | undefined): RunStore {
    return namespace === undefined
      ? this.#runs
      : this.#runs.in(checkText(namespace, "option namespace of runs"));
  }
}

function patienceOf(
  timeout: Duration | undefined,
  call: string,
  action = "list runs",
): Patience | undefined {
  return readPatience(
    timeout,
    call,
    action,
    "a state, a workflow, a version or a time of creation",
  );
}

interface ReadQuery {
  readonly query: RunQuery;
  readonly payloads: boolean;
  readonly tie: string;
}

function readTroubles(options: TroublesOptions, own: string): ReadQuery {
  const call = "runs.troubles()";
  checkOptions(options, TROUBLES_KEYS, call);
  const { namespace = own, limit = DEFAULT_LIMIT, payloads = false } = options;
  checkWhole(limit, `option limit of ${call}`, 1, MAX_LIMIT);
  checkBoolean(payloads, `option payloads of ${call}`);
  const where = readWhere(options.where);
  const tie = JSON.stringify([namespace, "troubleAt", where]);
  const after = placeOf(options.cursor, tie, call);
  return { query: { where, by: "troubleAt", descending: true, after, limit }, payloads, tie };
}

function readQuery(options: QueryOptions, own: string): ReadQuery {
  checkOptions(options, QUERY_KEYS, "runs.query()");
  const { namespace = own } = options;
  const { orderBy = { by: "createdAt" }, limit = DEFAULT_LIMIT, payloads = false } = options;
  checkKeys(orderBy, ["by", "direction"], "option orderBy of runs.query()");
  const { by, direction = "desc" } = orderBy;
  checkChoice(by, "option orderBy.by of runs.query()", ["createdAt", "startedAt", "endedAt"]);
  checkChoice(direction, "option orderBy.direction of runs.query()", ["asc", "desc"]);
  checkWhole(limit, "option limit of runs.query()", 1, MAX_LIMIT);
  checkBoolean(payloads, "option payloads of runs.query()");
  const where = readWhere(options.where);
  const tie = JSON.stringify([namespace, by, direction, where]);
  const after = placeOf(options.cursor, tie, "runs.query()");
  return { query: { where, by, descending: direction === "desc", after, limit }, payloads, tie };
}

type Key = readonly [number | null, number];

/** Whether a row can have this key: its time, if it has one, and its internal key. */
function isKey(place: Place): place is Key {
  const [at, id] = place;
  return place.length === 2 && (at === null || isTime(at)) && Number.isSafeInteger(id) &&
    (id as number) >= 1;
}

function placeOf(cursor: unknown, tie: string, call: string): RunQuery["after"] {
  if (cursor === undefined) return null;
  const [at, id] = readCursor(cursor, tie, call, isKey);
  return { at, id };
}
