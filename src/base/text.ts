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
 * Facts for people, as JSON that Postgres keeps and reads: it refuses to look into JSON that holds
 * a NUL character or a lone surrogate anywhere. Those become U+FFFD, in keys and in texts. Values
 * of the application are encoded verbatim instead, and no statement looks into them.
 *
 * @param facts What `JSON.stringify` takes.
 * @returns The JSON.
 */
export function legibleJson(facts: unknown): string {
  // Well-formed JSON.stringify writes both as escapes, and nothing else so.
  return JSON.stringify(facts).replace(
    /\\(?:u(?:0000|d[89a-f][0-9a-f]{2})|.)/g,
    (escape) => escape.length === 2 ? escape : "\ufffd",
  );
}

/**
 * A version's hash as messages name it; their details hold the whole.
 *
 * @param hash 64 hexadecimal digits.
 * @returns The first 12.
 */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/**
 * What was thrown, in words. Never throws.
 *
 * @param thrown Anything.
 * @returns An error's message, or its name where it says nothing; anything else as a text, as far
 * as it lets itself be written so.
 */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  } catch {
    return "a value that can't be shown";
  }
}
