/**
 * The answers of `ctx.patched`.
 *
 * The first answer for a name holds for the run. It is `true` if the journal says so, wherever it
 * says so; else `false` if the history that the execution began with goes on past this place, since
 * an earlier execution may have gone past it when the line did not exist; else `true`, and that is
 * to be journaled.
 *
 * @module
 */

/** One run's answers. */
export class Patches {
  readonly #answers = new Map<string, boolean>();
  readonly #journaled = new Set<string>();
  #fresh: string[] = [];

  /** Learns of a journaled `true`. */
  learn(name: string): void {
    this.#journaled.add(name);
  }

  /**
   * Answers.
   *
   * @param name The patch's name.
   * @param past Whether the history that the execution began with goes on past this place.
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
   * Gives what is to be journaled.
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
