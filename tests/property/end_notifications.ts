/**
 * When ended runs could tell their parents and children of it, where the database fails now and
 * then.
 *
 * @module
 */

import type { Decide } from "../support/losses.ts";

/** Ends runs: while its answer is lost, nobody knows that they have ended. */
const ENDS = /^(journal\.|runs\.end$)/;

/** Tells of their ends, in one transaction. */
const TELLS = /^lineage\.(ended|lockWoken|stop|tell|settle)$/;

/** Has told of them, and ended children, whether or not its answer is lost. */
const TOLD = "commit of lineage.ended";

/** What there was of it in one moment. */
interface Moment {
  /** Some runs may have ended without anybody knowing. */
  isInDoubt: boolean;
  /** Somebody could not tell of ended runs. */
  hasFailed: boolean;
  /** Somebody has told of ended runs. */
  hasTold: boolean;
}

/** Watches the statements that end runs, and that tell of it. */
export class Tellings {
  readonly #moments = new Map<number, Moment>();

  /**
   * Watches what becomes of statements.
   *
   * @param decide Decides it.
   * @param now Tells the time, in milliseconds.
   * @returns Decides as before.
   */
  watch(decide: Decide, now: () => number): Decide {
    return (name) => {
      const fate = decide(name);
      const hasFailed = fate !== "answered";
      if (name === TOLD) this.#note(now(), { hasTold: true, isInDoubt: hasFailed });
      else if (TELLS.test(name)) this.#note(now(), { hasFailed });
      else if (ENDS.test(name)) this.#note(now(), { isInDoubt: hasFailed });
      return fate;
    };
  }

  /**
   * Until when what was to end with a run may go on: until somebody could tell of the run's end.
   * That is the very moment, unless the database failed in it.
   *
   * @param end When the run ended.
   */
  toldBy(end: number): number {
    const first = this.#moments.get(end);
    if (first === undefined || !(first.isInDoubt || first.hasFailed)) return end;
    const later = [...this.#moments].filter(([at, { hasTold, hasFailed }]) =>
      at > end && hasTold && !hasFailed
    );
    return Math.min(...later.map(([at]) => at));
  }

  #note(at: number, found: Partial<Moment>): void {
    const known = this.#moments.get(at) ?? { isInDoubt: false, hasFailed: false, hasTold: false };
    this.#moments.set(at, {
      isInDoubt: known.isInDoubt || found.isInDoubt === true,
      hasFailed: known.hasFailed || found.hasFailed === true,
      hasTold: known.hasTold || found.hasTold === true,
    });
  }
}
