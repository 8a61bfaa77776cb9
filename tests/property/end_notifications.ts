/**
 * When ended runs could tell their parents and children of it, where the database fails now and
 * then.
 *
 * @module
 */

import { statementsNamed } from "../../bench/statement_names.ts";
import type { Decide } from "../support/losses.ts";

/**
 * End runs, or find out whether one did: while a result is lost, no node knows that they have ended.
 */
const ENDS = statementsNamed(
  "journal.append",
  "journal.appendLarge",
  "journal.appendLargeSkipping",
  "journal.appendSkipping",
  "journal.fences",
  "journal.load",
  "runs.end",
);

/** Tell of their ends, in one transaction. */
const NOTIFIES = statementsNamed(
  "lineage.ended",
  "lineage.lockWoken",
  "lineage.markAdopted",
  "lineage.notify",
  "lineage.settle",
  "lineage.stop",
);

/** Has told of them, and ended children, whether or not its answer is lost. */
const NOTIFIED = "commit of lineage.ended";

/** What there was of it in one moment. */
interface Moment {
  /** Some runs may have ended without anybody knowing. */
  isInDoubt: boolean;
  /** A node could not send the notifications of ended runs. */
  hasFailed: boolean;
  /** A node has sent the notifications of ended runs. */
  hasNotified: boolean;
}

/** Watches the statements that end runs, and that tell of it. */
export class EndNotifications {
  readonly #moments = new Map<number, Moment>();

  /**
   * Watches what becomes of statements.
   *
   * @param decide Decides it.
   * @param now Returns the time in milliseconds.
   * @returns Decides as before.
   */
  watch(decide: Decide, now: () => number): Decide {
    return (name) => {
      const fate = decide(name);
      const hasFailed = fate !== "answered";
      if (name === NOTIFIED) this.#note(now(), { hasNotified: true, isInDoubt: hasFailed });
      else if (NOTIFIES.has(name)) this.#note(now(), { hasFailed });
      else if (ENDS.has(name)) this.#note(now(), { isInDoubt: hasFailed });
      return fate;
    };
  }

  /**
   * Until when children that end with a run may continue: until a node could notify them.
   * That is the very moment, unless the database failed in it.
   *
   * @param end When the run ended.
   */
  notifiedBy(end: number): number {
    const first = this.#moments.get(end);
    if (first === undefined || !(first.isInDoubt || first.hasFailed)) return end;
    const later = [...this.#moments].filter(([at, { hasNotified, hasFailed }]) =>
      at > end && hasNotified && !hasFailed
    );
    return Math.min(...later.map(([at]) => at));
  }

  #note(at: number, found: Partial<Moment>): void {
    const known = this.#moments.get(at) ??
      { isInDoubt: false, hasFailed: false, hasNotified: false };
    this.#moments.set(at, {
      isInDoubt: known.isInDoubt || found.isInDoubt === true,
      hasFailed: known.hasFailed || found.hasFailed === true,
      hasNotified: known.hasNotified || found.hasNotified === true,
    });
  }
}
