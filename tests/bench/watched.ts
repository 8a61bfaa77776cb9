/**
 * Databases that note what they are asked.
 *
 * @module
 */

import type {
  DatabaseAdapter,
  SqlDriver,
  SqlSession,
  SqlValue,
} from "../../src/store/sql/driver.ts";

/** A statement, as it was asked. */
export interface Asked {
  /** Its text. */
  readonly text: string;
  /** Its parameters. */
  readonly values: readonly SqlValue[];
}

const immediate: typeof setImmediate = setImmediate;

/** A few turns of the event loop: between two statements the engine waits for no more. */
const QUIET_TURNS = 20;

/** Notes every statement that a database is asked, in transactions too. */
export class Watch {
  /** What was asked, in order. */
  readonly asked: Asked[] = [];
  /** The same database. */
  readonly database: DatabaseAdapter;
  #underWay = 0;

  /** @param database The database. */
  constructor(database: DatabaseAdapter) {
    this.database = {
      description: database.description,
      open: async () => this.#watchedDriver(await database.open()),
    };
  }

  /** Resolves when nothing is being asked, and nothing follows from what was answered. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      await new Promise<void>((resolve) => void immediate(() => resolve()));
      quiet = this.#underWay === 0 ? quiet + 1 : 0;
    }
  }

  #watchedDriver(driver: SqlDriver): SqlDriver {
    const own = {
      query: this.#watchedSession(driver).query,
      impatient: this.#watchedSession(driver.impatient),
      transaction: ((work, options) =>
        this.#during(
          driver.transaction((session) => work(this.#watchedSession(session)), options),
        )) as SqlDriver["transaction"],
    };
    return overlay(driver, own);
  }

  #watchedSession(session: SqlSession): SqlSession {
    const query = <Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> => {
      this.asked.push({ text, values });
      return this.#during(session.query(text, values));
    };
    return overlay(session, { query });
  }

  /** A transaction lasts from before its first statement until after its last. */
  async #during<T>(asking: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await asking;
    } finally {
      this.#underWay--;
    }
  }
}

/** An object with some members of its own in front of another's. */
function overlay<T extends object>(behind: T, own: Partial<T>): T {
  return new Proxy(behind, {
    get(target, key) {
      if (key in own) return own[key as keyof T];
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
