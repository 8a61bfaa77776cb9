/**
 * Bytes that arrive in parts.
 *
 * @module
 */

/**
 * Joins parts, in order.
 *
 * @param parts The parts.
 * @returns A new array of all bytes.
 */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
