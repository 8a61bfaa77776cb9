/**
 * Removes what has had its time, in small steps with pauses between them. Every node with that
 * option begins a round now and then, at a heartbeat; the store lets one of them remove at a time.
 *
 * - RETENTION-1, no idle cost: a round asks the database no more than a few things where there is nothing to
 *   remove; what is left of it is for the next one, which goes on where this one stopped.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import {
  FIRST_PLACE,
  type PrunePlace,
  type PruneStep,
  type RetentionStore,
} from "../../ports/retention.ts";
import { END_STATES } from "../../ports/rows.ts";
import type { DatabaseClock } from "../database_clock.ts";
import { engineLog } from "../../base/log.ts";
import { Poller } from "../poller.ts";

/** How long things are kept, in milliseconds; `null`: for ever. */
export interface RetentionSettings {
  /** Runs, from their end. */
  readonly runsMs: number | null;
  /** Earlier generations, from when they were over. */
  readonly generationsMs: number | null;
  /** Results of activities with idempotency keys, from their commit. */
  readonly resultsMs: number | null;
  /** Of which namespaces. */
  readonly namespaces: readonly string[] | "all";
}

/** What removing needs. */
export interface RetentionServices extends RetentionSettings {
  /** Where everything is kept. */
  readonly retention: RetentionStore;
  /** Times the rounds. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
}

/** Between two rounds. */
const EVERY_MS = 600_000;

/** Between two steps that removed something. */
const PAUSE_MS = 100;

/** Steps in a row that found nothing. */
const MOST_IDLE = 10;

/** Removes what has had its time. */
export class Retention {
  readonly #options: RetentionServices;
  readonly #poller: Poller;
  /** Goes through all that there is; rounds take steps of it. */
  #pass: AsyncGenerator<number | null, void> | undefined;
  #removed = 0;
  #beganAt = -Infinity;

  /** @param options What it needs. */
  constructor(options: RetentionServices) {
    const { clock, databaseClock } = options;
    this.#options = options;
    this.#poller = new Poller({
      what: "data to remove",
      poll: () => this.#poll(),
      clock,
      databaseClock,
    });
  }

  /** Begins a round if it is time. */
  beat(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#beganAt < EVERY_MS) return;
    this.#beganAt = now;
    this.#poller.pollNow();
  }

  /** Resolves when no step is under way. */
  idle(): Promise<void> {
    return this.#poller.idle();
  }

  /** Removes nothing any more; resolves when no step is under way. */
  pause(): Promise<void> {
    return this.#poller.pause();
  }

  /** Steps until one has removed something, or the round is over (RETENTION-1). */
  async #poll(): Promise<number | null> {
    for (let idle = 0; idle < MOST_IDLE && !this.#poller.isPaused; idle++) {
      this.#pass ??= this.#steps();
      const { done, value: removed } = await this.#pass.next();
      if (done) this.#pass = undefined;
      if (done || removed === null) break;
      this.#removed += removed;
      if (removed > 0) return this.#options.databaseClock.now() + PAUSE_MS;
    }
    const { namespaces } = this.#options;
    const message = "Retention has removed {removed} entries of namespaces {namespaces}";
    if (this.#removed > 0) engineLog.info(message, { removed: this.#removed, namespaces });
    this.#removed = 0;
    return null;
  }

  /** Says of each step how much it removed; `null`: another node removes at this moment. */
  async *#steps(): AsyncGenerator<number | null, void> {
    const { namespaces, retention, runsMs, generationsMs, resultsMs } = this.#options;
    for (const namespace of namespaces === "all" ? await retention.namespaces() : namespaces) {
      if (resultsMs !== null) yield* this.#forget(namespace, resultsMs);
      if (runsMs !== null || generationsMs !== null) yield* this.#prune(namespace);
    }
  }

  async *#forget(namespace: string, ageMs: number): AsyncGenerator<number | null, void> {
    for (let more = true; more;) {
      const { retention } = this.#options;
      const before = this.#before(ageMs)!;
      const step = await retention.results(namespace, null, before, { alone: true });
      if (step !== null) more = step.more;
      yield step?.results ?? null;
    }
  }

  async *#prune(namespace: string): AsyncGenerator<number | null, void> {
    const { retention, runsMs, generationsMs } = this.#options;
    for (let from: PrunePlace | null = FIRST_PLACE; from !== null;) {
      const step: PruneStep | null = await retention.step(
        {
          namespace,
          workflow: null,
          states: END_STATES,
          runsBefore: this.#before(runsMs),
          generationsBefore: this.#before(generationsMs),
        },
        from,
        { alone: true },
      );
      if (step !== null) from = step.next;
      yield step === null ? null : step.runs + step.generations;
    }
  }

  #before(ageMs: number | null): number | null {
    return ageMs === null ? null : this.#options.databaseClock.now() - ageMs;
  }
}
