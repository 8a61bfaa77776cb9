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
  /** In the order in which they were kept. */
  readonly #sentences = new Map<string, { readonly sentence: string; readonly until: number }>();

  /**
   * Keeps a sentence.
   *
   * @param sentence The sentence.
   * @returns Its key.
   */
  keep(sentence: string): string {
    this.#forget();
    const key = crypto.randomUUID();
    this.#sentences.set(key, { sentence, until: Date.now() + KEPT_MS });
    return key;
  }

  /**
   * Finds a sentence.
   *
   * @param key Its key.
   */
  of(key: string | null): string | null {
    this.#forget();
    return key === null ? null : this.#sentences.get(key)?.sentence ?? null;
  }

  #forget(): void {
    const now = Date.now();
    for (const [key, { until }] of this.#sentences) {
      if (until > now) return;
      this.#sentences.delete(key);
    }
  }
}
