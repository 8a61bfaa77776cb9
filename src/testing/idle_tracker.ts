/**
 * Detects when an engine is idle: nothing is under way, and nothing will be unless time passes or a
 * caller requests something.
 *
 * @module
 */

const immediate: typeof setImmediate = setImmediate;

/**
 * The kinds of work: the engine's own `work`, an `attempt` of the user's code, a `double` of an
 * activity.
 */
export type BusyKind = "work" | "attempt" | "double";

/**
 * Between two pieces of work the engine yields to the event loop for a turn, to collect more work.
 * It is idle if nothing has begun for this many turns.
 */
const CALM_TURNS = 5;

/** Counts the work that is under way. */
export class IdleTracker {
  readonly #underWay: Record<BusyKind, number> = { work: 0, attempt: 0, double: 0 };
  #pulse = 0;
  #watchers: (() => void)[] = [];

  /** Increases whenever a piece of work begins or ends. */
  get pulse(): number {
    return this.#pulse;
  }

  /**
   * Counts work for as long as it takes.
   *
   * @param kind The kind of work.
   * @param work The work.
   * @param signal Aborts when the result is no longer needed: the work does not count from then on.
   */
  async during<T>(kind: BusyKind, work: () => T, signal?: AbortSignal): Promise<Awaited<T>> {
    let counts = true;
    const end = () => {
      if (counts) this.#change(kind, -1);
      counts = false;
    };
    this.#change(kind, 1);
    signal?.addEventListener("abort", end);
    try {
      return await work();
    } finally {
      signal?.removeEventListener("abort", end);
      end();
    }
  }

  /**
   * Resolves when the engine is idle.
   *
   * @param kinds The kinds of work to wait for.
   */
  async rest(kinds: readonly BusyKind[]): Promise<void> {
    let seen = -1;
    for (let calm = 0; calm < CALM_TURNS; calm++) {
      while (kinds.some((kind) => this.#underWay[kind] > 0)) await this.change();
      if (seen !== this.#pulse) calm = 0;
      seen = this.#pulse;
      await new Promise<void>((resolve) => void immediate(resolve));
    }
  }

  /** Resolves when a piece of work begins or ends. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  #change(kind: BusyKind, by: number): void {
    this.#underWay[kind] += by;
    this.#pulse++;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}
