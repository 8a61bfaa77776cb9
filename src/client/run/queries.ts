/**
 * Finding runs: questions on their facts and attributes, answered page by page.
 *
 * @module
 */

import { digestText } from "../../base/digest.ts";
import { InvalidArgumentError } from "../../base/errors.ts";
import type { RunQuery } from "../../ports/run_query.ts";
import type { RunStore, Store } from "../../ports/store.ts";
import { checkOptions, describe } from "../../workflow/options.ts";
import {
  type PruneOptions,
  type PruneReport,
  pruneResults,
  type PruneResultsOptions,
  pruneRuns,
} from "./prune.ts";
import { readWhere, type RunWhere } from "./conditions.ts";
import { type RunSummary, runSummary } from "./summary.ts";
import { checkText } from "../start/options.ts";

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
   * What runs are sorted by; those without that time come last.
   *
   * @default {{ by: "createdAt", direction: "desc" }}
   */
  readonly orderBy?: {
    /** The time. */
    readonly by: "createdAt" | "startedAt" | "endedAt";
    /** `desc`: the latest first, the default. */
    readonly direction?: "asc" | "desc";
  };
  /**
   * The most runs of one page, from 1 to 1,000.
   *
   * @default {50}
   */
  readonly limit?: number;
  /** Where the page before ended, as it says; of the same question. */
  readonly cursor?: string;
  /**
   * Whether inputs, results and errors come along.
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
  /** For the next page; `null`: this is the last. */
  readonly cursor: string | null;
}

function invalidCursor(cursor: unknown): InvalidArgumentError {
  const found = typeof cursor === "string" && cursor.length > 80
    ? `a text of ${cursor.length} characters`
    : describe(cursor);
  return new InvalidArgumentError(
    `Cannot continue a query: found cursor ${found}, wanted the one that a page of the same ` +
      "query gave",
    {},
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
 * The runs of a namespace: finding and removing them.
 *
 * @category Runs
 */
export class Runs {
  readonly #runs: RunStore;
  readonly #store: Pick<Store, "now" | "retention">;

  /**
   * Made by `Continuum`.
   *
   * @param runs Where runs are, in the namespace of the instance.
   * @param store Where everything is kept.
   */
  constructor(runs: RunStore, store: Pick<Store, "now" | "retention">) {
    this.#runs = runs;
    this.#store = store;
  }

  /**
   * Finds runs.
   *
   * @param options Which, in which order, how many.
   * @returns A page of them.
   * @throws {InvalidArgumentError} If a field is unknown or a value not of its kind.
   * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor is none of this question's.
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
   * @param options Which.
   * @returns How many there are.
   * @throws {InvalidArgumentError} If a field is unknown or a value not of its kind.
   */
  async count(options: CountOptions = {}): Promise<number> {
    checkOptions(options, ["where", "namespace"], "runs.count()");
    return await this.#in(options.namespace).count(readWhere(options.where));
  }

  /**
   * Removes ended runs with all that belongs to them: histories, earlier generations, messages,
   * delivery ids, idempotency keys. A run stays that lives or is parked, that its parent has still
   * to hear of, or whose parent may still ask for it. Many small transactions do it, none of which
   * waits for others or makes them wait; what was removed by then stays so if this process dies.
   *
   * @param options Which.
   * @returns How much was removed.
   * @throws {InvalidArgumentError} If an option is none.
   */
  async prune(options: PruneOptions): Promise<PruneReport> {
    return await pruneRuns(options, this.#store, this.#runs.namespace);
  }

  /**
   * Removes results of activities that are kept under idempotency keys, for all runs: an activity
   * with such a key is executed again when a run asks for it next.
   *
   * @param options Which.
   * @returns How many were removed, or would be.
   * @throws {InvalidArgumentError} If an option is none.
   */
  async pruneResults(options: PruneResultsOptions): Promise<number> {
    return await pruneResults(options, this.#store, this.#runs.namespace);
  }

  #in(namespace: string | undefined): RunStore {
    return namespace === undefined ? this.#runs : this.#runs.in(checkText(namespace, "namespace"));
  }
}

function readQuery(
  options: QueryOptions,
  own: string,
): { readonly query: RunQuery; readonly payloads: boolean; readonly tie: string } {
  checkOptions(options, QUERY_KEYS, "runs.query()");
  const { namespace = own } = options;
  const { orderBy = { by: "createdAt" }, limit = DEFAULT_LIMIT, payloads = false } = options;
  checkOptions(orderBy, ["by", "direction"], "orderBy of runs.query()");
  const { by, direction = "desc" } = orderBy;
  refuseUnless(
    by === "createdAt" || by === "startedAt" || by === "endedAt",
    "orderBy.by",
    by,
    '"createdAt", "startedAt" or "endedAt"',
  );
  refuseUnless(
    direction === "asc" || direction === "desc",
    "orderBy.direction",
    direction,
    '"asc" or "desc"',
  );
  refuseUnless(
    Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT,
    "limit",
    limit,
    `a whole number from 1 to ${MAX_LIMIT}`,
  );
  refuseUnless(typeof payloads === "boolean", "payloads", payloads, "true or false");
  const where = readWhere(options.where);
  const tie = JSON.stringify([namespace, by, direction, where]);
  const after = options.cursor === undefined ? null : readCursor(options.cursor, tie);
  return { query: { where, by, descending: direction === "desc", after, limit }, payloads, tie };
}

/** The digest ties a cursor to its question; it guards against mistakes, and shows nothing secret. */
function writeCursor(at: number | null, id: number, tie: string): string {
  const place = JSON.stringify([at, id]);
  return btoa(JSON.stringify([at, id, digestText(`${tie}\n${place}`)]))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function readCursor(cursor: unknown, tie: string): NonNullable<RunQuery["after"]> {
  if (typeof cursor !== "string" || cursor.length > MAX_CURSOR) {
    throw invalidCursor(cursor);
  }
  let read: unknown;
  try {
    read = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    throw invalidCursor(cursor);
  }
  const [at, id, digest] = Array.isArray(read) ? read : [];
  // Anybody can work a digest out: what no row has goes no further than this.
  const isTime = Number.isSafeInteger(at) && at >= 0 && at <= MAX_TIME;
  const isPlace = (at === null || isTime) && Number.isSafeInteger(id) && id >= 1;
  if (!isPlace || digest !== digestText(`${tie}\n${JSON.stringify([at, id])}`)) {
    throw invalidCursor(cursor);
  }
  return { at, id };
}

function refuseUnless(good: boolean, option: string, found: unknown, wanted: string): void {
  if (good) return;
  throw new InvalidArgumentError(
    `Cannot use option ${option} of runs.query(): found ${describe(found)}, wanted ${wanted}`,
    { option },
  );
}
