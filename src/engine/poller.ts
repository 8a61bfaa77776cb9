/**
 * Polls the database at once or at a set time.
 *
 * - POLL-1: one poll runs at a time; if a notification arrives meanwhile, one more follows.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { inBackground } from "../base/background.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/text.ts";
import type { DatabaseClock } from "./database_clock.ts";
import type { NodeContext } from "./node_context.ts";

/**
 * The shortest pause, in milliseconds, before a poll for work that is already due: another node may
 * be claiming it.
 */
const AGAIN_MS = 50;

/** One poll covers all work that becomes due within this many milliseconds. */
const TOGETHER_MS = 5;

/** The pause after an error of the database, in milliseconds. */
export const RETRY_MS = 1_000;

/** Polls when it is notified, and when work is due. */
export abstract class Poller {
  readonly #what: string;
  readonly #log: AuthoredLog;
  readonly #clock: Clock;
  readonly #databaseClock: DatabaseClock;
  #polling: Promise<void> | undefined;
  #isWanted = false;
  #isPaused = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #trouble: string | null = null;

  /**
   * @param what What it polls for, for the log: "due runs".
   * @param node Times the polls, and logs what fails.
   */
  constructor(what: string, node: Pick<NodeContext, "clock" | "databaseClock" | "log">) {
    this.#what = what;
    this.#log = node.log;
    this.#clock = node.clock;
    this.#databaseClock = node.databaseClock;
  }

  /**
   * Polls once.
   *
   * @returns When to poll next, in database time; `null`: no time is set.
   */
  protected abstract poll(): Promise<number | null>;

  /** Whether it has stopped. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Why the last poll failed; `null`: it succeeded. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Whether a poll is under way. */
  get isPolling(): boolean {
    return this.#polling !== undefined;
  }

  /** Polls now (POLL-1). */
  pollNow(): void {
    if (this.#isPaused) return;
    this.#isWanted = true;
    this.#polling ??= inBackground(
      this.#run(),
      (error) => this.#log.error("Cannot look for {what}: {error}", { what: this.#what, error }),
    );
  }

  /**
   * Polls at that time, unless it polls earlier.
   *
   * @param at Milliseconds of database time; `null`: no time is set.
   */
  pollAt(at: number | null): void {
    this.#pollAt(at);
  }

  /** Forgets the time of the next poll. */
  forget(): void {
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  /** Resolves when no poll is under way. */
  async idle(): Promise<void> {
    while (this.#polling !== undefined) await this.#polling;
  }

  /** Stops; resolves when no poll is under way. */
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
        const polledAt = databaseClock.now();
        const next = await this.poll();
        this.#trouble = null;
        const soonest = databaseClock.now() +
          (next !== null && next <= polledAt ? AGAIN_MS : TOGETHER_MS);
        if (next !== null) this.#pollAt(Math.max(next, soonest));
      } catch (error) {
        this.#trouble = messageOf(error);
        this.#log.warn("Cannot look for {what}: {error}", { what: this.#what, error });
        this.#pollAt(databaseClock.now() + RETRY_MS);
      }
    }
    this.#polling = undefined; // synchronously, so that the next call begins a new poll
  }
}
