/**
 * Texts as segments of a URL's path.
 *
 * - SEGMENT-1: every id and every label comes back from its segment of a path as it was, also one with
 *   `/`, `?`, `%` or `#`, and `..`, which browsers resolve even when it is encoded.
 *
 * @module
 */

/**
 * Encodes a text as one segment of a path (SEGMENT-1).
 *
 * @param text Any text.
 */
export function segmentOf(text: string): string {
  const marked = /^(?:~|\.{0,2}$)/.test(text) ? `~${text}` : text;
  return encodeURIComponent(marked.toWellFormed());
}

/**
 * Decodes a segment of a path.
 *
 * @param segment The segment.
 * @returns The text; `null`: the segment is not well-formed.
 */
export function textOfSegment(segment: string): string | null {
  try {
    const marked = decodeURIComponent(segment);
    return marked.startsWith("~") ? marked.slice(1) : marked;
  } catch {
    return null;
  }
}
