/**
 * What operators did: the entries of the table of operations.
 *
 * @module
 */

import {
  checkChoice,
  checkDate,
  checkOptions,
  checkText,
  checkWhole,
  refuse,
} from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { shownFacts } from "../base/encoded.ts";
import { MAX_ACTOR } from "../base/operator_limits.ts";
import { MAX_RUN_ID } from "../base/run_ids.ts";
import { type Action, ACTIONS, type OperationRow } from "../ports/operations.ts";
import type { ClientContext } from "./context.ts";
import { isTime, type Place, readCursor, writeCursor } from "./cursor.ts";
import { operatedInSteps } from "./operated.ts";
import { type PruneScopeOptions, readBounds } from "./run/prune_options.ts";

/**
 * An act of an operator.
 *
 * @category Continuum
 */
export interface Operation {
  /** When. */
  readonly at: Date;
  /** Who: the name. */
  readonly as: string;
  /** Whether the name was authenticated; otherwise the caller claimed it. */
  readonly proven: boolean;
  /** What was done, such as `run.terminate`. */
  readonly action: string;
  /** The namespace of the target; `null`: it belongs to none, as versions and nodes do. */
  readonly namespace: string | null;
  /** What it was done to: the id of a run, a schedule or a job, a digest, the name of a workflow. */
  readonly target: string;
  /** Why; `null`: not said. */
  readonly reason: string | null;
  /** How the target was, as plain JSON; `null`: unknown, or it did not exist. */
  readonly before: Readonly<Record<string, unknown>> | null;
  /** How it became, and what was done, as plain JSON. */
  readonly after: Readonly<Record<string, unknown>> | null;
  /**
   * `done`; `unchanged`: it was so already; `begun`: under way, or its process died; `stopped`: it can
   * be continued; otherwise why it was refused, such as the code of an error.
   */
  readonly outcome: string;
}

/**
 * Options of {@linkcode Operations.list}.
 *
 * @category Continuum
 */
export interface OperationListOptions {
  /** The namespace; that of this instance when omitted. Entries that belong to none are listed too. */
  readonly namespace?: string;
  /** What was acted upon. */
  readonly target?: string;
  /** The id of a run that was acted upon. */
  readonly run?: string;
  /** The act, such as `run.cancel`, or a group of acts, such as `run`; any when omitted. */
  readonly action?: string;
  /** The name of who acted. */
  readonly as?: string;
  /** Since when. */
  readonly since?: Date;
  /**
   * The most entries, up to 1,000.
   *
   * @default {50}
   */
  readonly limit?: number;
  /** The `cursor` of the previous page of the same query. */
  readonly cursor?: string;
}

/**
 * A page of entries.
 *
 * @category Continuum
 */
export interface OperationPage {
  /** The entries, the newest first. */
  readonly operations: readonly Operation[];
  /** Pass it for the next page; `null`: this page is the last. */
  readonly cursor: string | null;
}

/**
 * Options of {@linkcode Operations.prune}. The age of an entry counts from the act.
 *
 * @category Continuum
 */
export type PruneOperationsOptions = Omit<PruneScopeOptions, "namespace">;

const CALL = "operations.list()";
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/** How many entries one statement removes. */
const BATCH = 1_000;

const ALL_ACTIONS = Object.keys(ACTIONS) as readonly Action[];

/** What `action` may be: the acts, and their groups. */
export const ACTION_FILTERS: readonly string[] = [
  ...new Set(ALL_ACTIONS.flatMap((action) => [action.split(".")[0]!, action])),
];

type Key = readonly [number, number];

/**
 * What operators did. Entries are written for calls of `continuum.asOperator()`, for the command line,
 * and for repairs.
 *
 * @category Continuum
 */
export class Operations {
  readonly #context: ClientContext;

  /**
   * Use `continuum.operations`.
   *
   * @param context Its dependencies.
   */
  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Lists entries, the newest first, a page at a time.
   *
   * @param options Which entries.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor does not belong to this query.
   */
  async list(options: OperationListOptions = {}): Promise<OperationPage> {
    const known = ["namespace", "target", "run", "action", "as", "since", "limit", "cursor"];
    checkOptions(options, known, CALL);
    const { target, run, action, as: actor, since, limit = DEFAULT_LIMIT, cursor } = options;
    const { namespace = this.#context.runs.namespace } = options;
    checkText(namespace, `option namespace of ${CALL}`);
    if (target !== undefined && run !== undefined) {
      refuse(`the options target and run of ${CALL}`, inWords("both"), "at most one of them");
    }
    if (target !== undefined) checkText(target, `option target of ${CALL}`, MAX_RUN_ID);
    if (run !== undefined) checkText(run, `option run of ${CALL}`, MAX_RUN_ID);
    if (action !== undefined) checkChoice(action, `option action of ${CALL}`, ACTION_FILTERS);
    if (actor !== undefined) checkText(actor, `option as of ${CALL}`, MAX_ACTOR);
    const sinceMs = since === undefined ? null : checkDate(since, `option since of ${CALL}`);
    checkWhole(limit, `option limit of ${CALL}`, 1, MAX_LIMIT);
    const actions = action === undefined && run === undefined
      ? null
      : ALL_ACTIONS.filter((one) =>
        (action === undefined || one === action || one.startsWith(`${action}.`)) &&
        (run === undefined || ACTIONS[one] === "run")
      );
    const tie = JSON.stringify([namespace, target, run, action, actor, sinceMs]);
    const after = cursor === undefined ? null : readCursor(cursor, tie, CALL, isKey);
    const rows = await this.#context.store.operations.list({
      namespace,
      target: target ?? run ?? null,
      actions,
      actor: actor ?? null,
      since: sinceMs,
      after: after === null ? null : { at: after[0], id: after[1] },
      limit: limit + 1,
    });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      operations: page.map(operationOf),
      cursor: rows.length > page.length && last !== undefined
        ? writeCursor([last.at, last.id], tie)
        : null,
    };
  }

  /**
   * Removes old entries. The last mark on each finding of `health()` stays.
   *
   * @param options Which entries, and how many.
   * @returns How many were removed, or would be.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async prune(options: PruneOperationsOptions): Promise<number> {
    const { store } = this.#context;
    const call = "operations.prune()";
    const { cutoff, limit, dryRun, namespace } = readBounds(options, [], call);
    if (namespace !== undefined) refuse(`option namespace of ${call}`, namespace, "none");
    const before = await cutoff(store);
    if (dryRun) return Math.min(await store.operations.countPrunable(before), limit);
    const act = { action: "operations.prune", namespace: null, target: "operations" } as const;
    return await operatedInSteps(
      this.#context,
      act,
      { before: new Date(before).toISOString() },
      async () => {
        let removed = 0;
        for (let more = true; more && removed < limit;) {
          const most = Math.min(BATCH, limit - removed);
          const count = await store.operations.prune(before, most);
          removed += count;
          more = count === most;
        }
        return removed;
      },
      (removed) => ({ removed }),
    );
  }
}

function operationOf(row: OperationRow): Operation {
  const { at, actor, isProven, action, namespace, target, reason, before, after, outcome } = row;
  return {
    at: new Date(at),
    as: actor,
    proven: isProven,
    action,
    namespace,
    target,
    reason,
    before: before === null ? null : shownFacts(JSON.parse(before)),
    after: after === null ? null : shownFacts(JSON.parse(after)),
    outcome,
  };
}

/** Whether an entry can have this key: its time, and its internal key. */
function isKey(place: Place): place is Key {
  const [at, id] = place;
  return place.length === 2 && isTime(at) && Number.isSafeInteger(id) && (id as number) >= 1;
}
