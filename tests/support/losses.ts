/**
 * Databases that fail at one statement: it is carried out and its answer lost, or it is not carried
 * out at all. Statements go by the names that the store gives them.
 *
 * @module
 */

import { statementNames } from "../../bench/statement_names.ts";
import type { SqlDriver, SqlSession, SqlValue } from "../../src/store/sql/driver.ts";
import { DatabaseUnavailableError } from "../../src/store/errors.ts";

/** What becomes of a statement: its answer is lost, or it fails with an SQLSTATE before it begins. */
export type Fate = "answered" | "lost" | { readonly state: string };

/**
 * Decides what becomes of a statement.
 *
 * @param name The statement, as in `journal.append`; of a transaction as a whole, what it began
 * with, as in `commit of nodes.expire`.
 */
export type Decide = (name: string) => Fate;

/** Statements that may fail, once {@linkcode Losses.begin} was called. */
export class Losses {
  /** The statements that were asked since, by name. */
  readonly asked = new Map<string, number>();
  readonly #decide: Decide;
  #isOn = false;

  /** @param decide Decides for each statement. */
  constructor(decide: Decide) {
    this.#decide = decide;
  }

  /** From now on, statements may fail. */
  begin(): void {
    this.#isOn = true;
  }

  /** From now on, all succeed. */
  end(): void {
    this.#isOn = false;
  }

  /** A driver whose statements may fail. */
  wrap(driver: SqlDriver, schema: string): SqlDriver {
    const nameOf = statementNames(schema);
    const session = (inner: SqlSession, began: (name: string) => void = () => {}): SqlSession => ({
      ...(inner.client === undefined ? {} : { client: inner.client }),
      query: <Row>(text: string, values?: readonly SqlValue[]) => {
        const name = nameOf(text);
        began(name);
        return this.#carryOut(name, () => inner.query<Row>(text, values));
      },
      script: (text) => inner.script(text),
    });
    return {
      ...session(driver),
      exclusive: driver.exclusive,
      impatient: session(driver.impatient),
      transaction: <Result>(work: (session: SqlSession) => Promise<Result>) => {
        let first = "nothing";
        return this.#carryOut(
          () => `commit of ${first}`,
          () =>
            driver.transaction((inner) =>
              work(session(inner, (name) => {
                if (first === "nothing") first = name;
              }))
            ),
        );
      },
      ...(driver.listen === undefined ? {} : { listen: driver.listen.bind(driver) }),
      close: () => driver.close(),
    };
  }

  async #carryOut<T>(name: string | (() => string), work: () => Promise<T>): Promise<T> {
    if (typeof name === "string") {
      const fate = this.#fateOf(name);
      if (typeof fate === "object") throw refusedWith(fate.state);
      const answer = await work();
      if (fate === "lost") throw lost();
      return answer;
    }
    const answer = await work();
    if (this.#fateOf(name()) === "answered") return answer;
    throw lost();
  }

  #fateOf(name: string): Fate {
    if (!this.#isOn) return "answered";
    this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
    return this.#decide(name);
  }
}

function refusedWith(state: string): Error {
  return Object.assign(new Error(`A fault of the kind ${state}`), { code: state });
}

function lost(): DatabaseUnavailableError {
  return new DatabaseUnavailableError("a test's", new Error("The answer was lost"));
}

/** SQLSTATEs of faults that pass, from every corner: no list of them is complete. */
export const PASSING_STATES: readonly string[] = [
  ...["25006", "0A000", "26000", "42P05", "25P02", "42501", "42P01", "28P01", "57P05", "25P03"],
  ...["XX000", "P0001", "53100", "57014", "40001", "08006"],
];
