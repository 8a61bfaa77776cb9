/**
 * What actions said, for the page after them. The address holds a random key and never the sentence,
 * so no link can put words into the page.
 *
 * @module
 */

/** How long a sentence is kept, in milliseconds. */
const KEPT_MS = 60_000;

/** Sentences, for a while. */
export class Said {
  readonly #sentences = new Map<string, string>();

  /**
   * Keeps a sentence.
   *
   * @param sentence The sentence.
   * @returns Its key.
   */
  keep(sentence: string): string {
    const key = crypto.randomUUID();
    this.#sentences.set(key, sentence);
    Deno.unrefTimer(setTimeout(() => this.#sentences.delete(key), KEPT_MS));
    return key;
  }

  /**
   * Finds a sentence.
   *
   * @param key Its key.
   */
  of(key: string | null): string | null {
    return key === null ? null : this.#sentences.get(key) ?? null;
  }
}
