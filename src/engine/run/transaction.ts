/**
 * A step whose writes commit together with its event: `ctx.transaction`.
 *
 * - TRANSACTION-1, exactly once: the transaction itself writes the event behind the run's fence. If
 *   the fence does not hold, or the function throws, everything is rolled back.
 * - TRANSACTION-2, no attempt without its function: if a transaction can't begin, for instance
 *   because the server has no connection left, that counts as no attempt, however long it lasts.
 *   Nor does one whose result the payload codec could not encode, or one of which the database failed
 *   a statement since it can write nothing now: it was rolled back.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import type { CommitEntry, CommitResult, NewEvent } from "../../ports/rows.ts";
import type { Store, StoreTransaction } from "../../ports/store.ts";
import type { Command } from "../../replay/commands.ts";
import {
  type AttemptContext,
  type AttemptOutcome,
  type Earlier,
  failedAttempt,
  type LocalAttempt,
  startAttempt,
} from "./attempt.ts";
import { PAUSE_MS } from "../database_retry.ts";

/**
 * The outcome: the event and the result of its write, a failed attempt, or no attempt
 * (TRANSACTION-2).
 */
export type TransactionEnd =
  | { readonly event: NewEvent; readonly result: CommitResult }
  | AttemptOutcome
  | { readonly retryMs: number };

/** Where the event is written. */
export type TransactionFence = Pick<CommitEntry, "run" | "token" | "first">;

/** Thrown to roll a transaction back; the caller does not receive it. */
class RollBack {}

/** One attempt of a transaction. */
export class TransactionAttempt implements Pick<LocalAttempt, "abort"> {
  readonly #command: Command;
  readonly #earlier: Earlier;
  readonly #context: AttemptContext;
  #running: LocalAttempt | undefined;

  /**
   * Creates an attempt.
   *
   * @param command The command.
   * @param earlier The failed attempts so far, and the last heartbeat.
   * @param context The parts of the node that it uses.
   */
  constructor(command: Command, earlier: Earlier, context: AttemptContext) {
    this.#command = command;
    this.#earlier = earlier;
    this.#context = context;
  }

  /** Aborts the attempt's signal. */
  abort(reason: unknown): void {
    this.#running?.abort(reason);
  }

  /**
   * Runs the function in a transaction, and commits it with its event.
   *
   * @param store The database.
   * @param fence Where the event is written.
   * @returns The outcome; never rejects.
   */
  async run(
    store: Pick<Store, "transact" | "outcomeOf" | "isStandstill">,
    fence: TransactionFence,
  ): Promise<TransactionEnd> {
    let outcome: AttemptOutcome | undefined;
    let result: CommitResult | undefined;
    let standstill: unknown;
    try {
      await store.transact(async (transaction) => {
        const { client, commit } = transaction;
        const query: StoreTransaction["query"] = (text, values) =>
          transaction.query<never>(text, values).catch((error) => {
            if (store.isStandstill(error)) standstill = error; // whatever the function makes of it
            throw error;
          });
        this.#running = startAttempt(
          this.#command,
          this.#earlier,
          this.#context,
          { query, client },
        );
        outcome = await this.#running.outcome;
        if (store.isStandstill(outcome.error)) standstill ??= outcome.error;
        if (!outcome.event.kind.endsWith(".completed")) throw new RollBack();
        result = await commit({ ...fence, events: [outcome.event], consumed: [] });
        if (result.status !== "written") throw new RollBack(); // TRANSACTION-1
      });
    } catch (error) {
      if (!(error instanceof RollBack)) {
        const cause = standstill ?? error;
        const hasBegun = this.#running !== undefined;
        const isNoAttempt = !hasBegun && store.outcomeOf(error) !== "refused" ||
          store.isStandstill(cause) || isContinuumError(error, "VALUE_NOT_ENCODED");
        if (isNoAttempt) return this.#kept(cause);
        return failedAttempt(this.#command, this.#earlier, error, this.#context);
      }
      if (result === undefined && standstill !== undefined) return this.#kept(standstill);
    }
    return result === undefined ? outcome! : { event: outcome!.event, result };
  }

  /** TRANSACTION-2: logs why it was no attempt. */
  #kept(error: unknown): TransactionEnd {
    const facts = {
      what: this.#running === undefined ? "begin" : "commit",
      name: this.#command.name,
      run: this.#context.runId,
      wait: PAUSE_MS.most,
      error,
    };
    this.#context.log.warn(
      "Cannot {what} transaction {name} of run {run}, trying again in {wait} ms: {error}",
      facts,
    );
    return { retryMs: PAUSE_MS.most };
  }
}
