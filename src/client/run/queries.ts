/**
 * Finds runs by conditions on their fields and attributes, page by page.
 *
 * @module
 */

import {
  checkBoolean,
  checkChoice,
  checkKeys,
  checkOptions,
  checkText,
  checkWhole,
  refuse,
} from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { digestText } from "../../base/digest.ts";
import type { RunQuery } from "../../ports/run_query.ts";
import type { RunStore } from "../../ports/store.ts";
import type { ClientContext } from "../context.ts";
import { type DeleteOptions, deleteRun } from "./delete.ts";
import {
  type PruneOptions,
  type PruneReport,
  pruneResults,
  type PruneResultsOptions,
  pruneRuns,
} from "./prune.ts";
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
}

/**
 * Options of {@linkcode Runs.query}.
 *
 * @category Runs
 */
export interface QueryOptions extends CountOptions {
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
   * The most runs of one page, from 1 to 1,000.
   *
   * @default {50}
   */
  readonly limit?: number;
  /** The `cursor` of the previous page of the same query. */
  readonly cursor?: string;
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

function refuseCursor(cursor: unknown): never {
  const isLong = typeof cursor === "string" && cursor.length > MAX_CURSOR;
  return refuse(
    "the cursor of runs.query()",
    isLong ? inWords(`a text of ${cursor.length} characters`) : cursor,
    "the one that a page of the same query gave",
    "INVALID_CURSOR",
  );
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const MAX_CURSOR = 200;

/** The last millisecond that a date can name. */
const MAX_TIME = 8.64e15;
const QUERY_KEYS = ["where", "namespace", "orderBy", "limit", "cursor", "payloads"];

/**
 * Finds and removes the runs of a namespace.
 *
 * @category Runs
 */
export class Runs {
  readonly #runs: RunStore;
  readonly #context: Pick<ClientContext, "store" | "wakeups">;

  /**
   * Made by `Continuum`.
   *
   * @param context What the parts of the instance share.
   */
  constructor(context: Pick<ClientContext, "runs" | "store" | "wakeups">) {
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
   */
  async query(options: QueryOptions = {}): Promise<RunPage> {
    const { query, payloads, tie } = readQuery(options, this.#runs.namespace);
    const rows = await this.#in(options.namespace).query({ ...query, limit: query.limit + 1 });
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      runs: page.map((row) => runSummary(row, payloads)),
      cursor: rows.length > page.length && last !== undefined
        ? writeCursor(last[query.by], last.id, tie)
        : null,
    };
  }

  /**
   * Counts runs.
   *
   * @param options Which runs.
   * @returns The number of runs.
   * @throws {InvalidArgumentError} If a field is unknown or a value has a wrong type.
   */
  async count(options: CountOptions = {}): Promise<number> {
    checkOptions(options, ["where", "namespace"], "runs.count()");
    return await this.#in(options.namespace).count(readWhere(options.where));
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
    return await pruneRuns(options, this.#context.store, this.#runs.namespace);
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
  async delete(id: string, options: DeleteOptions = {}): Promise<PruneReport> {
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
    return await pruneResults(options, this.#context.store, this.#runs.namespace);
  }

  #in(namespace: string | undefined): RunStore {
    return namespace === undefined
      ? this.#runs
      : this.#runs.in(checkText(namespace, "option namespace of runs"));
  }
}

function readQuery(
  options: QueryOptions,
  own: string,
): { readonly query: RunQuery; readonly payloads: boolean; readonly tie: string } {
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
  const after = options.cursor === undefined ? null : readCursor(options.cursor, tie);
  return { query: { where, by, descending: direction === "desc", after, limit }, payloads, tie };
}

/** The digest binds a cursor to its query. It guards against mistakes and contains no secret. */
function writeCursor(at: number | null, id: number, tie: string): string {
  const place = JSON.stringify([at, id]);
  return btoa(JSON.stringify([at, id, digestText(`${tie}\n${place}`)]))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function readCursor(cursor: unknown, tie: string): NonNullable<RunQuery["after"]> {
  if (typeof cursor !== "string" || cursor.length > MAX_CURSOR) {
    refuseCursor(cursor);
  }
  let read: unknown;
  try {
    read = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    refuseCursor(cursor);
  }
  const [at, id, digest] = Array.isArray(read) ? read : [];
  // Every caller can compute a digest, so values that no row can have are refused here.
  const isTime = Number.isSafeInteger(at) && at >= 0 && at <= MAX_TIME;
  const isPlace = (at === null || isTime) && Number.isSafeInteger(id) && id >= 1;
  if (!isPlace || digest !== digestText(`${tie}\n${JSON.stringify([at, id])}`)) {
    refuseCursor(cursor);
  }
  return { at, id };
}
