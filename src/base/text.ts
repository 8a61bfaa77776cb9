/**
 * Which texts last.
 *
 * @module
 */

/**
 * Whether Postgres keeps a text as it is.
 *
 * @param text The text.
 * @returns `false` where it holds a NUL character or a lone surrogate.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
