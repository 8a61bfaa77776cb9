/**
 * A cheap digest that tells two texts apart. Not for secrets, and no proof of content: code
 * identity uses SHA-256; this only detects that a workflow now requests something else.
 *
 * @module
 */

/**
 * A hash of 64 bits: two interleaved 32-bit multiply-and-rotate lanes over the text's UTF-16 units
 * (after bryc's cyrb53), finished with crossed MurmurHash3 steps.
 *
 * @param text Any text.
 * @returns Two numbers in base 36 with a dot between them, at most 15 characters.
 */
export function digestText(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return `${(a >>> 0).toString(36)}.${(b >>> 0).toString(36)}`;
}
