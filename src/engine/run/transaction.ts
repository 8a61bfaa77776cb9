/**
 * A step whose writes commit together with its event: `ctx.transaction`.
 *
 * - TRANSACTION-1, exactly once: the event is written behind the run's fence in the transaction itself. If the
 *   fence does not hold, or the function throws, all of it is rolled back.
 * - TRANSACTION-2, no attempt without its function: what keeps a transaction from beginning, such as a server
 *   that has no connection left, may last as long as it likes and costs none of the attempts.
 *
 * @module
 */

import type { CommitEntry, CommitResult, NewEvent } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import type { Command } from "../../replay/commands.ts";
import {
  type AttemptContext,
  type AttemptOutcome,
  type Earlier,
  failedAttempt,
  type LocalAttempt,
  startAttempt,
} from "./attempt.ts";
import { engineLog } from "../../base/log.ts";
import { isTransient, PAUSE_MS } from "../database_retry.ts";

/** What came of a transaction: its event and what became of that, a failed attempt, or nothing (TRANSACTION-2). */
export type TransactionEnd =
  | { readonly event: NewEvent; readonly result: CommitResult }
  | AttemptOutcome
  | { readonly retryMs: number };

/** Where the event goes in the history. */
export type TransactionFence = Pick<CommitEntry, "run" | "token" | "first">;

/** Rolls a transaction back, and says nothing. */
class RollBack {}

/** One attempt of a transaction. */
export class TransactionAttempt implements Pick<LocalAttempt, "abort"> {
  readonly #command: Command;
  readonly #earlier: Earlier;
  readonly #context: AttemptContext;
  #running: LocalAttempt | undefined;

  /**
   * Prepares an attempt.
   *
   * @param command What is asked for.
   * @param earlier What the attempts before left.
   * @param context The node's part.
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
   * @param fence Where the event goes.
   * @returns What came of it; never throws.
   */
  async run(store: Pick<Store, "transact">, fence: TransactionFence): Promise<TransactionEnd> {
    let outcome: AttemptOutcome | undefined;
    let result: CommitResult | undefined;
    try {
      await store.transact(async ({ query, client, commit }) => {
        this.#running = startAttempt(
          this.#command,
          this.#earlier,
          this.#context,
          { query, client },
        );
        outcome = await this.#running.outcome;
        if (!outcome.event.kind.endsWith(".completed")) throw new RollBack();
        result = await commit({ ...fence, events: [outcome.event], consumed: [] });
        if (result.status !== "written") throw new RollBack(); // TRANSACTION-1
      });
    } catch (error) {
      if (!(error instanceof RollBack)) {
        if (this.#running === undefined && isTransient(error)) return this.#kept(error);
        return failedAttempt(this.#command, this.#earlier, error, this.#context);
      }
    }
    return result === undefined ? outcome! : { event: outcome!.event, result };
  }

  /** TRANSACTION-2. */
  #kept(error: unknown): TransactionEnd {
    const facts = {
      name: this.#command.name,
      run: this.#context.runId,
      wait: PAUSE_MS.most,
      error,
    };
    engineLog.warn(
      "Cannot begin transaction {name} of run {run}, trying again in {wait} ms: {error}",
      facts,
    );
    return { retryMs: PAUSE_MS.most };
  }
}
