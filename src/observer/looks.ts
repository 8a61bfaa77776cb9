/**
 * Bounds what many viewers cost: equal looks share one read, heavy work waits for its turn, and
 * replays are kept.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import { tooLong, TURN_MS, waitFor } from "./bounds.ts";

/** How long an answer serves further looks, in milliseconds. */
const SHARED_MS = 75;

/** How many heavy reads are under way at most. */
const HEAVY = 4;

/** The most that the kept results weigh together; most weigh 1. */
const KEPT = 200;

/** A read that several looks share. */
interface SharedLook {
  readonly reading: Promise<unknown>;
  /** Until when it serves, in milliseconds; `Infinity`: it is under way. */
  until: number;
}

/** How many looks are remembered. */
const REMEMBERED = 20;

/** What a look has shown last. */
export interface Remembered<Data> {
  /** The data. */
  readonly data: Data;
  /** When it was read. */
  readonly at: Date;
  /** Since when the database is known to be away. */
  readonly awaySince: Date;
}

/** Reads of one observer. */
export class Looks {
  readonly #shared = new Map<string, SharedLook>();
  readonly #kept = new Map<
    string,
    { readonly result: Promise<unknown>; readonly weight: number }
  >();
  readonly #remembered = new Map<string, { readonly data: unknown; readonly at: Date }>();
  #awaySince: Date | null = null;
  #weight = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #turnMs: number;
  #heavy = 0;

  /** @param turnMs How long heavy work waits for its turn, in milliseconds (BOUNDS-1). */
  constructor(turnMs: number = TURN_MS) {
    this.#turnMs = turnMs;
  }

  /**
   * Reads something, or takes what a look that began a moment before reads.
   *
   * @param key What is read, and by which rights.
   * @param read Reads it.
   */
  shared<Result>(key: string, read: () => Promise<Result>): Promise<Result> {
    const now = Date.now();
    for (const [each, { until }] of this.#shared) if (until <= now) this.#shared.delete(each);
    const found = this.#shared.get(key);
    if (found !== undefined) return found.reading as Promise<Result>;
    const look: SharedLook = { reading: read(), until: Infinity };
    this.#shared.set(key, look);
    inBackground(
      look.reading.then(() => {
        look.until = Date.now() + SHARED_MS;
      }),
      () => this.#shared.delete(key),
    );
    return look.reading as Promise<Result>;
  }

  /**
   * Keeps what a look has shown, for when the database is away.
   *
   * @param key What was read, and by which rights.
   * @param data What is shown.
   * @param now The time.
   */
  remember(key: string, data: unknown, now: Date): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, { data, at: now });
    this.#awaySince = null;
    for (const [oldest] of this.#remembered) {
      if (this.#remembered.size <= REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
  }

  /**
   * What a look has shown last, while the database is away.
   *
   * @param key What was read, and by which rights.
   * @param now The time.
   * @returns `null`: it has shown nothing yet.
   */
  remembered<Data>(key: string, now: Date): Remembered<Data> | null {
    this.#awaySince ??= now;
    const found = this.#remembered.get(key);
    return found === undefined
      ? null
      : { data: found.data as Data, at: found.at, awaySince: this.#awaySince };
  }

  /** Lets the next look read anew. */
  forget(): void {
    this.#shared.clear();
  }

  /**
   * Does heavy work when its turn comes.
   *
   * @param work The work.
   */
  async heavy<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#heavy >= HEAVY) await this.#turn();
    else this.#heavy++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#heavy--;
      else next(); // it takes this place
    }
  }

  /** Waits for a turn; who gives up leaves the queue. */
  async #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      const late = () => tooLong(this.#turnMs, "begin a replay, since others are under way,");
      await waitFor(this.#turnMs, late, promise);
    } catch (error) {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      throw error;
    }
  }

  /**
   * Makes something once, and keeps it: what was not asked for the longest goes first.
   *
   * @param key What it depends on.
   * @param make Makes it; if it fails, the next one tries again.
   * @param weight How large it is, in comparison with the others; at least 1.
   */
  kept<Result>(key: string, make: () => Promise<Result>, weight: number = 1): Promise<Result> {
    const found = this.#kept.get(key);
    if (found !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
      return found.result as Promise<Result>;
    }
    const made = { result: make(), weight };
    this.#kept.set(key, made);
    this.#weight += weight;
    inBackground(made.result, () => {
      if (this.#kept.get(key) === made) this.#drop(key);
    });
    for (const [oldest] of this.#kept) {
      if (this.#weight <= KEPT || oldest === key) break;
      this.#drop(oldest);
    }
    return made.result;
  }

  #drop(key: string): void {
    this.#weight -= this.#kept.get(key)?.weight ?? 0;
    this.#kept.delete(key);
  }
}
