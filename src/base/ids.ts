/**
 * Generated ids: of runs, and internal ones.
 *
 * @module
 */

import { base64Of, hexOf } from "./bytes.ts";

/**
 * A UUID of version 7 (RFC 9562): 48 bits of time, 74 random bits.
 *
 * @param now Milliseconds since the epoch.
 * @param random Fills its argument with random bytes.
 * @returns The id, in lower case with hyphens.
 */
export function timeOrderedId(now: number, random: (bytes: Uint8Array) => void): string {
  const bytes = new Uint8Array(16);
  random(bytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(now / 0x1_0000_0000) & 0xffff);
  view.setUint32(2, now % 0x1_0000_0000);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return formatUuid(bytes);
}

/**
 * Writes a UUID.
 *
 * @param bytes Its 16 bytes.
 * @returns Lower-case hexadecimal digits with hyphens.
 */
export function formatUuid(bytes: Uint8Array): string {
  const hex = hexOf(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${
    hex.slice(20)
  }`;
}

/**
 * Makes an internal id: short, since it is stored with each run. It begins with no dash, so a command
 * line does not take it for an option.
 *
 * @returns 12 characters, of almost 72 random bits.
 */
export function randomId(): string {
  for (;;) {
    const bytes = crypto.getRandomValues(new Uint8Array(9));
    const id = base64Of(bytes).replaceAll("+", "-").replaceAll("/", "_");
    if (!id.startsWith("-")) return id;
  }
}

/**
 * A fencing token, which the writer of a run must present. Drawn at random, so that two claims of a
 * run have different tokens.
 *
 * @returns A whole number from 0 to 2^53 - 1.
 */
export function fencingToken(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}
