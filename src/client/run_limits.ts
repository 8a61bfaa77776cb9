/**
 * The queues of runs that wait for admission.
 *
 * @module
 */

import { checkOptions, checkText, checkWhole } from "../base/arguments.ts";
import { quoteId, shownId } from "../base/describe.ts";
import { ContinuumError } from "../base/errors.ts";
import { MAX_REASON } from "../base/operator_limits.ts";
import type { LimitRow } from "../ports/limits.ts";
import type { ClientContext } from "./context.ts";
import { operatedInSteps } from "./operated.ts";

/**
 * So many in a time.
 *
 * @category Runs
 */
export interface QueueRate {
  /** How many. */
  readonly count: number;
  /** The time, in milliseconds. */
  readonly ms: number;
}

/**
 * A queue of runs.
 *
 * @category Runs
 */
export interface RunQueue {
  /** Its name. */
  readonly name: string;
  /** Its namespace. */
  readonly namespace: string;
  /** How many runs it admits at once; `null`: any number. */
  readonly atOnce: number | null;
  /** How many runs it admits in a time; `null`: any number. */
  readonly per: QueueRate | null;
  /** The same for each key. */
  readonly perKey: { readonly atOnce: number | null; readonly per: QueueRate | null };
  /** How many runs are admitted and have not ended. */
  readonly admitted: number;
  /** How many runs wait for admission; 10,000 means so many or more. */
  readonly waiting: number;
  /** Since when the first of them waits; `null`: none does. */
  readonly since: Date | null;
  /** Set if it is paused: why, and since when. */
  readonly paused: { readonly reason: string | null; readonly at: Date } | null;
}

const MOST_LISTED = 1_000;

/**
 * Queues of runs, of workflows that have a `limit`.
 *
 * @category Runs
 */
export class RunQueues {
  readonly #context: ClientContext;

  /**
   * Made by `Continuum`.
   *
   * @param context What the parts of the instance share.
   */
  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Lists the queues of the namespace by their names. A queue is there once a run of it was started.
   *
   * @param options How many: from 1 to 1,000, which is the default.
   * @returns The queues.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async list(options: { readonly limit?: number } = {}): Promise<RunQueue[]> {
    checkOptions(options, ["limit"], "limits.list()");
    const { limit = MOST_LISTED } = options;
    checkWhole(limit, "option limit of limits.list()", 1, MOST_LISTED);
    const { store, runs } = this.#context;
    return (await store.limits.list(runs.namespace, limit)).map(queueOf);
  }

  /**
   * Pauses a queue: no run of it is admitted until it is resumed. Admitted runs continue.
   *
   * @param name The queue.
   * @param options Why, for people.
   * @throws {InvalidArgumentError} If the name or the reason is invalid.
   * @throws {QueueNotFoundError} (`QUEUE_NOT_FOUND`) If there is no such queue.
   */
  async pause(name: string, options: { readonly reason?: string } = {}): Promise<void> {
    const call = "limits.pause()";
    checkText(name, `the name of ${call}`);
    checkOptions(options, ["reason"], call);
    const { reason = null } = options;
    if (reason !== null) checkText(reason, `option reason of ${call}`, MAX_REASON);
    const { namespace } = this.#context.runs;
    await this.#act("limit.pause", name, () => {
      return this.#context.store.limits.pause(namespace, name, reason);
    });
  }

  /**
   * Lets a paused queue admit runs again.
   *
   * @param name The queue.
   * @throws {InvalidArgumentError} If the name is invalid.
   * @throws {QueueNotFoundError} (`QUEUE_NOT_FOUND`) If there is no such queue.
   */
  async resume(name: string): Promise<void> {
    checkText(name, "the name of limits.resume()");
    const { namespace } = this.#context.runs;
    await this.#act("limit.resume", name, () => {
      return this.#context.store.limits.resume(namespace, name);
    });
    this.#context.wakeups.limits();
  }

  async #act(
    action: "limit.pause" | "limit.resume",
    name: string,
    perform: () => Promise<boolean>,
  ): Promise<void> {
    const { namespace } = this.#context.runs;
    const act = { action, namespace, target: name };
    await operatedInSteps(this.#context, act, {}, async () => {
      if (!await perform()) throw queueNotFound(name, action);
    }, () => ({}));
  }
}

/**
 * There is no such queue.
 *
 * @category Errors
 */
export class QueueNotFoundError extends ContinuumError<"QUEUE_NOT_FOUND"> {
  /**
   * Makes the error.
   *
   * @param message What could not be done.
   * @param queue The queue.
   */
  constructor(message: string, queue: string) {
    super("QUEUE_NOT_FOUND", message, { details: { queue } });
  }
}

function queueNotFound(name: string, action: "limit.pause" | "limit.resume"): QueueNotFoundError {
  const verb = action === "limit.pause" ? "pause" : "resume";
  return new QueueNotFoundError(
    `Cannot ${verb} queue ${quoteId(name)}: no run of a queue with this name was started in this ` +
      `namespace, wanted one of limits.list()`,
    shownId(name),
  );
}

function queueOf(row: LimitRow): RunQueue {
  const { name, namespace, atOnce = null, per = null, perKey, held, waiting, since, paused } = row;
  return {
    name,
    namespace,
    atOnce,
    per,
    perKey: { atOnce: perKey?.atOnce ?? null, per: perKey?.per ?? null },
    admitted: held,
    waiting,
    since: since === null ? null : new Date(since),
    paused: paused === null ? null : { reason: paused.reason, at: new Date(paused.at) },
  };
}
