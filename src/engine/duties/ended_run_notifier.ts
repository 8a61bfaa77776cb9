/**
 * What ended runs have left to do: their parents are told, and their children's policies applied.
 * Whoever ended a run looks at once, be it a node or a caller; every node looks now and then, in
 * case that one died.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { LineageStore, WokenRun } from "../../ports/lineage.ts";
import type { DatabaseClock } from "../database_clock.ts";
import { Poller } from "../poller.ts";

/** What {@linkcode EndedRunNotifier} needs. */
export interface EndedRunNotifierOptions {
  /** Where the runs are. */
  readonly lineage: LineageStore;
  /** Times the next look after an error. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Told of runs that have work now. */
  readonly wakeRuns: (runs: readonly WokenRun[]) => void;
}

const BATCH = 100;

/** Settles ended runs. */
export class EndedRunNotifier {
  readonly #options: EndedRunNotifierOptions;
  readonly #poller: Poller;

  /** @param options What it needs. */
  constructor(options: EndedRunNotifierOptions) {
    const { clock, databaseClock } = options;
    this.#options = options;
    this.#poller = new Poller({
      what: "ended runs that have something to tell",
      poll: () => this.#poll(),
      clock,
      databaseClock,
    });
  }

  /** Looks now. */
  pollNow(): void {
    this.#poller.pollNow();
  }

  /** Looks no more; resolves when what was begun is done. */
  async close(): Promise<void> {
    await this.#poller.idle();
    await this.#poller.pause();
  }

  async #poll(): Promise<null> {
    await settleEnded(this.#options.lineage, this.#options.wakeRuns);
    return null;
  }
}

/**
 * Does at once what ended runs have left to do, whoever ended them.
 *
 * @param lineage Where the runs are.
 * @param wakeRuns Called with the runs that have work now.
 */
export async function settleEnded(
  lineage: LineageStore,
  wakeRuns: (runs: readonly WokenRun[]) => void,
): Promise<void> {
  while (true) {
    const { woken, more } = await lineage.settleEnded(BATCH);
    if (woken.length > 0) wakeRuns(woken);
    if (!more) return;
  }
}
