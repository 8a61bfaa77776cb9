/**
 * Removes expired data, in small steps with pauses between them. Every node with the option
 * `retention` begins a round from time to time, at a heartbeat. The store lets only one node remove
 * data at a time.
 *
 * - RETENTION-1, no idle cost: if there is nothing to remove, a round makes only a few queries. The
 *   next round continues where this one stopped.
 *
 * @module
 */

import { FIRST_PLACE, type PrunePlace, type PruneStep } from "../../ports/retention.ts";
import { END_STATES } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import type { NodeContext } from "../node_context.ts";
import { Poller } from "../poller.ts";

/** How long data is kept, in milliseconds; `null`: for ever. */
export interface RetentionSettings {
  /** Runs, from their end. */
  readonly runsMs: number | null;
  /** Earlier generations, from their end. */
  readonly generationsMs: number | null;
  /** Results of activities with idempotency keys, from their commit. */
  readonly resultsMs: number | null;
  /** The namespaces. */
  readonly namespaces: readonly string[] | "all";
}

/** The parts of a node that retention uses. */
type RetentionContext = Pick<NodeContext, "clock" | "databaseClock" | "log"> & {
  readonly store: Pick<Store, "retention">;
};

/** The pause between two rounds, in milliseconds. */
const EVERY_MS = 600_000;

/** The pause between two steps that removed something, in milliseconds. */
const PAUSE_MS = 100;

/** After this many steps in a row that found nothing, a round ends. */
const MOST_IDLE = 10;

/** Removes expired data. */
export class Retention extends Poller {
  readonly #node: RetentionContext;
  readonly #settings: RetentionSettings;
  /** Iterates over all data; rounds take its steps. */
  #pass: AsyncGenerator<number | null, void> | undefined;
  #removed = 0;
  #beganAt = -Infinity;

  /**
   * @param node The node.
   * @param settings How long data is kept.
   */
  constructor(node: RetentionContext, settings: RetentionSettings) {
    super("data to remove", node);
    this.#node = node;
    this.#settings = settings;
  }

  /** Begins a round if one is due. */
  beat(): void {
    const now = this.#node.clock.monotonic();
    if (now - this.#beganAt < EVERY_MS) return;
    this.#beganAt = now;
    this.pollNow();
  }

  /** Takes steps until one has removed something, or the round is over (RETENTION-1). */
  protected override async poll(): Promise<number | null> {
    for (let idle = 0; idle < MOST_IDLE && !this.isPaused; idle++) {
      this.#pass ??= this.#steps();
      const { done, value: removed } = await this.#pass.next();
      if (done) this.#pass = undefined;
      if (done || removed === null) break;
      this.#removed += removed;
      if (removed > 0) return this.#node.databaseClock.now() + PAUSE_MS;
    }
    const { namespaces } = this.#settings;
    const message = "Retention has removed {removed} entries of namespaces {namespaces}";
    if (this.#removed > 0) this.#node.log.info(message, { removed: this.#removed, namespaces });
    this.#removed = 0;
    return null;
  }

  /** Yields how much each step removed; `null`: another node is removing data. */
  async *#steps(): AsyncGenerator<number | null, void> {
    const { namespaces, runsMs, generationsMs, resultsMs } = this.#settings;
    const { retention } = this.#node.store;
    for (const namespace of namespaces === "all" ? await retention.namespaces() : namespaces) {
      if (resultsMs !== null) yield* this.#forget(namespace, resultsMs);
      if (runsMs !== null || generationsMs !== null) yield* this.#prune(namespace);
    }
  }

  async *#forget(namespace: string, ageMs: number): AsyncGenerator<number | null, void> {
    for (let more = true; more;) {
      const { retention } = this.#node.store;
      const before = this.#before(ageMs)!;
      const step = await retention.results(namespace, null, before, { alone: true });
      if (step !== null) more = step.more;
      yield step?.results ?? null;
    }
  }

  async *#prune(namespace: string): AsyncGenerator<number | null, void> {
    const { runsMs, generationsMs } = this.#settings;
    const { retention } = this.#node.store;
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
    return ageMs === null ? null : this.#node.databaseClock.now() - ageMs;
  }
}
