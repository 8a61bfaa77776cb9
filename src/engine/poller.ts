/**
 * When to look: at once, or at a time.
 *
 * - POLL-1: one look at a time; what comes meanwhile causes one more.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/text.ts";
import type { DatabaseClock } from "./database_clock.ts";
import type { NodeContext } from "./node_context.ts";
import { engineLog } from "../base/log.ts";

/** What is due by now may be in another node's hands: asking at once again would be too soon. */
const AGAIN_MS = 50;

/** What falls due within so many milliseconds is looked for together. */
const TOGETHER_MS = 5;

/** When it looks again after an error of the database, in milliseconds. */
export const RETRY_MS = 1_000;

/** Polls when it is notified, and when work is due. */
export abstract class Poller {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #databaseClock: DatabaseClock;
  #polling: Promise<void> | undefined;
  #isWanted = false;
  #isPaused = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #trouble: string | null = null;

  /**
   * @param what What is looked for, for the log: "due runs".
   * @param node Times the looks.
   */
  constructor(what: string, node: Pick<NodeContext, "clock" | "databaseClock">) {
    this.#what = what;
    this.#clock = node.clock;
    this.#databaseClock = node.databaseClock;
  }

  /**
   * Looks once.
   *
   * @returns When to look next, in database time; `null`: not for the sake of time.
   */
  protected abstract poll(): Promise<number | null>;

  /** Whether it looks no more. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Why the last look was no success; `null`: it was one. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Whether a look is under way. */
  get isPolling(): boolean {
    return this.#polling !== undefined;
  }

  /** Looks now (POLL-1). */
  pollNow(): void {
    if (this.#isPaused) return;
    this.#isWanted = true;
    this.#polling ??= inBackground(
      this.#run(),
      (error) => engineLog.error("Cannot look for {what}: {error}", { what: this.#what, error }),
    );
  }

  /**
   * Looks at that time, if nothing makes it look before.
   *
   * @param at Milliseconds of database time; `null`: not for the sake of time.
   */
  pollAt(at: number | null): void {
    this.#pollAt(at);
  }

  /** Forgets the time at which it was to look. */
  forget(): void {
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  /** Resolves when no look is under way. */
  async idle(): Promise<void> {
    while (this.#polling !== undefined) await this.#polling;
  }

  /** Looks no more; resolves when no look is under way. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    this.forget();
    await this.idle();
  }

  #pollAt(at: number | null): void {
    if (at === null || at >= this.#timerAt || this.#isPaused) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.after(Math.max(at - this.#databaseClock.now(), 0), () => {
      this.#timerAt = Infinity;
      if (this.#databaseClock.now() < at) this.#pollAt(at); // the wait was cut short
      else this.pollNow();
    });
  }

  async #run(): Promise<void> {
    const databaseClock = this.#databaseClock;
    while (this.#isWanted && !this.#isPaused) {
      this.#isWanted = false;
      try {
        const asked = databaseClock.now();
        const next = await this.poll();
        this.#trouble = null;
        const soonest = databaseClock.now() +
          (next !== null && next <= asked ? AGAIN_MS : TOGETHER_MS);
        if (next !== null) this.#pollAt(Math.max(next, soonest));
      } catch (error) {
        this.#trouble = messageOf(error);
        engineLog.warn("Cannot look for {what}: {error}", { what: this.#what, error });
        this.#pollAt(databaseClock.now() + RETRY_MS);
      }
    }
    this.#polling = undefined; // in this very moment: who comes next begins anew
  }
}
