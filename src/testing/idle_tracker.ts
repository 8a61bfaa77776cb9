/**
 * Knowing when an engine has come to rest: nothing is under way, and nothing will be unless time
 * passes or a caller requests something.
 *
 * @module
 */

const immediate: typeof setImmediate = setImmediate;

/**
 * What may be under way: the engine's own `work`, an `attempt` of the user's code, a `double` in
 * place of one.
 */
export type BusyKind = "work" | "attempt" | "double";

/**
 * Between two pieces of work the engine gives the event loop a turn, to gather what else there is.
 * Rest is when nothing has begun for some turns.
 */
const CALM_TURNS = 5;

/** Counts what is under way. */
export class IdleTracker {
  readonly #underWay: Record<BusyKind, number> = { work: 0, attempt: 0, double: 0 };
  #pulse = 0;
  #watchers: (() => void)[] = [];

  /** Rises whenever something begins or ends. */
  get pulse(): number {
    return this.#pulse;
  }

  /**
   * Counts work for as long as it takes.
   *
   * @param kind What it is.
   * @param work Does it.
   * @param signal Aborts when its result is no longer wanted: it does not count from then on.
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
   * Resolves when the engine rests.
   *
   * @param kinds What is waited for.
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

  /** Resolves when something begins or ends. */
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
