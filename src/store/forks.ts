/**
 * Forks: runs that begin with a part of another run's history.
 *
 * - FORK-1, one statement: a fork's row, its events, its messages and its adoptions are written
 *   together. They are read in one snapshot, so the original is not locked and continues.
 * - FORK-2, an end reaches each adopter once: the statement locks the children that it adopts. If a
 *   child's parent has been notified by then, the fork gets the end as a message; otherwise the
 *   transaction that notifies the parent sees the adoption, and notifies the fork.
 * - FORK-3, repeatable: a fork with the same id, original, point, version and input is the same fork.
 *
 * @module
 */

import type { Forked, ForkStore, NewFork } from "../ports/forks.ts";
import type { RunState } from "../ports/rows.ts";
import { FORK_STATEMENTS } from "./fork_statements.ts";
import { Places } from "./limits/places.ts";
import type { SchemaName } from "./schema/name.ts";
import type { SqlDriver } from "./sql/driver.ts";
import { storable } from "./sql/fragments.ts";
import type { Prepared } from "./sql/statement.ts";
import { whereRegistered } from "./versions/registered.ts";

/** {@linkcode ForkStore} in SQL. */
export class Forks implements ForkStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof FORK_STATEMENTS>;
  readonly #places: Places;

  /**
   * Prepares the statements.
   *
   * @param driver The driver.
   * @param schema The schema of the tables.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(FORK_STATEMENTS);
    this.#places = new Places(schema);
  }

  /** See {@linkcode ForkStore.fork}. */
  async fork(fork: NewFork): Promise<Forked> {
    const { delivered, workflow: _, isInput, locks, ...given } = fork;
    const runId = storable("a run id", fork.runId);
    const inserted = {
      ...given,
      runId,
      specifier: storable("a specifier", fork.specifier),
      input: storable("an input", fork.input),
      kept: fork.events - fork.dropped.length + fork.extra.length,
      delivered: delivered === 0 ? null : delivered - 1, // the reaction to it is the fork's own
    };
    const pin = () =>
      this.#driver.transaction(async (session) => {
        const rows = await this.#sql.fork.query(session, inserted);
        for (const { id } of rows) await this.#places.askAgain(session, id, fork.origin, locks);
        return rows;
      });
    const [row] = await whereRegistered([fork.hash], pin);
    if (row !== undefined) return { status: "forked", created: true, id: row.id };
    const { namespace } = fork;
    const [other] = await this.#sql.withId.query(this.#driver, { runId, namespace });
    if (other === undefined) return { status: "changed" };
    const isSame = other.origin === fork.origin && other.forkOf === fork.forkOf &&
      other.hash === fork.hash &&
      (isInput === undefined ? other.input === fork.input : await isInput(other.input)); // FORK-3
    return isSame
      ? { status: "forked", created: false, id: other.id }
      : { status: "taken", workflow: other.workflow, state: other.state as RunState };
  }
}
