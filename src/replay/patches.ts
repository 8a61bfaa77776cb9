/**
 * The answers of `ctx.patched`.
 *
 * The first answer for a name holds for the whole run. It is `true` if the journal has a `patched`
 * event of that name anywhere. Otherwise it is `false` if the history at the start of the execution
 * extends past this place, since an earlier execution may have passed it without the patch.
 * Otherwise it is `true`, and will be journaled.
 *
 * @module
 */

/** One run's answers. */
export class Patches {
  readonly #answers = new Map<string, boolean>();
  readonly #journaled = new Set<string>();
  #fresh: string[] = [];

  /** Adds a journaled `true`. */
  learn(name: string): void {
    this.#journaled.add(name);
  }

  /**
   * Decides what `ctx.patched` returns.
   *
   * @param name The patch's name.
   * @param past Whether the history at the start of the execution extends past this place.
   * @returns The answer.
   */
  decide(name: string, past: boolean): boolean {
    const answered = this.#answers.get(name);
    if (answered !== undefined) return answered;
    const journaled = this.#journaled.has(name);
    const answer = journaled || !past;
    this.#answers.set(name, answer);
    if (answer && !journaled) this.#fresh.push(name);
    return answer;
  }

  /**
   * Returns the names that are to be journaled.
   *
   * @returns The names decided `true` since the last call.
   */
  takeFresh(): readonly string[] {
    if (this.#fresh.length === 0) return NONE;
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

const NONE: readonly string[] = [];
