/**
 * Texts: which of them last, and what is said of what was thrown.
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

/**
 * What was thrown, in words. Never throws.
 *
 * @param thrown Anything.
 * @returns An error's message, or its name where it says nothing; anything else as a text, as far as it lets itself be written so.
 */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  } catch {
    return "a value that can't be shown";
  }
}
