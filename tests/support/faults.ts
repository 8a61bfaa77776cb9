/**
 * A database that fails where a test says so: before it has done what it was asked, or after, its
 * answer being lost.
 *
 * @module
 */

import type { DatabaseAdapter, SqlDriver, SqlSession } from "../../src/store/sql/driver.ts";

/** A fault to come. */
export interface Fault {
  /** Which statements, by their text; `commit`: the end of a transaction. */
  readonly on: RegExp | "commit";
  /** What the database says: a SQLSTATE. */
  readonly code: string;
  /** Whether it has done it all the same. */
  readonly isDone?: boolean;
  /** How often. */
  readonly times?: number;
}

/** Makes faults on the way to a database. */
export class Faults {
  /** What the `database` option takes. */
  readonly adapter: DatabaseAdapter;
  /** How many faults there were. */
  seen = 0;
  #armed: (Fault & { left: number }) | undefined;

  /** @param inner The database behind. */
  constructor(inner: DatabaseAdapter) {
    this.adapter = {
      description: inner.description,
      open: async () => this.#driver(await inner.open()),
    };
  }

  /** Arms a fault; it takes the place of the last one. */
  arm(fault: Fault): void {
    this.#armed = { ...fault, left: fault.times ?? 1 };
  }

  /** Lets everything pass. */
  disarm(): void {
    this.#armed = undefined;
  }

  #driver(inner: SqlDriver): SqlDriver {
    const session = this.#session(inner);
    return Object.assign(session, {
      exclusive: inner.exclusive,
      impatient: this.#session(inner.impatient),
      transaction: <T>(work: (session: SqlSession) => Promise<T>) =>
        this.#through("commit", () => inner.transaction((own) => work(this.#session(own)))),
      ...(inner.listen === undefined ? {} : { listen: inner.listen.bind(inner) }),
      close: () => inner.close(),
    });
  }

  #session(inner: SqlSession): SqlSession {
    return {
      query: (text, values) => this.#through(text, () => inner.query(text, values)),
      script: (text) => this.#through(text, () => inner.script(text)),
      ...(inner.client === undefined ? {} : { client: inner.client }),
    };
  }

  async #through<T>(text: string, ask: () => Promise<T>): Promise<T> {
    const fault = this.#armed;
    const isHit = fault !== undefined && fault.left > 0 &&
      (fault.on === "commit" ? text === "commit" : fault.on.test(text));
    if (!isHit) return await ask();
    if (fault.isDone === true) await ask();
    fault.left--;
    this.seen++;
    throw Object.assign(new Error(`as armed: ${fault.code}`), { code: fault.code });
  }
}
