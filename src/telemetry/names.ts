/**
 * Names in metrics, which are bounded: a step's name may hold an id.
 *
 * @module
 */

/** The most distinct names of one kind. */
export const MOST_NAMES = 1_000;

/** Stands for all further names. */
export const OTHER = "_other";

/** Bounds the names of one attribute. */
export class BoundedNames {
  readonly #seen = new Set<string>();

  /**
   * The name as metrics show it.
   *
   * @param name The name.
   * @returns The name itself, or `_other` if there are too many.
   */
  of(name: string): string {
    if (this.#seen.has(name)) return name;
    if (this.#seen.size >= MOST_NAMES) return OTHER;
    this.#seen.add(name);
    return name;
  }
}
