/**
 * Texts: which of them can be stored, and messages of thrown values.
 *
 * @module
 */

/**
 * Whether Postgres stores a text unchanged.
 *
 * @param text The text.
 * @returns `false` if it holds a NUL character or a lone surrogate.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/**
 * Encodes facts for people as JSON that Postgres can store and query: it refuses to query JSON that
 * holds a NUL character or a lone surrogate anywhere. Those become U+FFFD, in keys and in texts.
 * Values of the application are encoded verbatim instead, and no statement queries them.
 *
 * @param facts A value for `JSON.stringify`.
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
 * A version's hash in the short form for messages; their details hold the whole.
 *
 * @param hash 64 hexadecimal digits.
 * @returns The first 12.
 */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/**
 * The message of a thrown value. Never throws.
 *
 * @param thrown Any thrown value.
 * @returns An error's message, or its name if the message is empty; for any other value its text,
 * if it can be converted.
 */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  } catch {
    return "a value that can't be shown";
  }
}

/**
 * Removes from a text what may be a secret: the query of each URL is dropped, and the user info and
 * the values of `password=` and `pwd=` become `***`. A URL need not be well-formed. A quoted text
 * must be as `JSON.stringify` writes it: a URL in it may hold spaces and ends with the quote.
 *
 * @param text The text.
 * @returns The text without them.
 */
export function withoutSecrets(text: string): string {
  return text
    // The path of a module's URL may hold an @; a database's may be part of a bad password.
    .replace(/(https?:\/\/)(?:[^"\\/?#\s]|\\.)*@/gi, "$1***@")
    .replace(/(?<!https?|\bfile)(:\/\/|\bpostgres(?:ql)?:\/{0,2})(?:[^"\\]|\\.)*@/gi, "$1***@")
    .replace(/([:/][^"?\s]*)\?(?:[^"\\\s]|\\.)*/gi, "$1")
    .replace(/((?:password|pwd)\s*=\s*)(?:'(?:[^'"\\]|\\.)*'?|(?:[^"\\\s&;]|\\.)+)/gi, "$1***");
}

/** How many characters of a text are searched for secrets. */
const MAX_READ = 4_096;

/**
 * Shortens a text that a caller passed, for a message. Secrets are removed first, then the text is
 * cut.
 *
 * @param text The text.
 * @param most How many characters are shown.
 * @returns The text, or its beginning.
 */
export function shorten(text: string, most: number): string {
  // The password of a URL may reach beyond what is read: then an @ would follow.
  const read = text.length <= MAX_READ ? text : `${text.slice(0, MAX_READ)}@`;
  // In quotes, as withoutSecrets wants it: a password may hold any character.
  const safe: string = JSON.parse(withoutSecrets(JSON.stringify(read)));
  return safe.length <= most ? safe : `${safe.slice(0, most)}...`;
}
