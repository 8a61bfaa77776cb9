/**
 * Bytes: joined from parts, and as text.
 *
 * @module
 */

import { Buffer } from "node:buffer";

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

// Deno and the newest runtimes have these methods; Node 24, on which clients run, has not.
const hasText = "toHex" in Uint8Array.prototype;

/** Writes bytes as lower-case hexadecimal digits. */
export const hexOf: (bytes: Uint8Array) => string = hasText
  ? (bytes) => bytes.toHex()
  : (bytes) => bufferOf(bytes).toString("hex");

/**
 * Reads hexadecimal digits.
 *
 * @throws {SyntaxError} If the text is invalid.
 */
export const hexBytes: (text: string) => Uint8Array = hasText
  ? (text) => Uint8Array.fromHex(text)
  : (text) => read(text, "hex", (bytes) => hexOf(bytes) === text.toLowerCase());

/** Writes bytes in base 64, with padding. */
export const base64Of: (bytes: Uint8Array) => string = hasText
  ? (bytes) => bytes.toBase64()
  : (bytes) => bufferOf(bytes).toString("base64");

/**
 * Reads base 64.
 *
 * @throws {SyntaxError} If the text is invalid.
 */
export const base64Bytes: (text: string) => Uint8Array = hasText
  ? (text) => Uint8Array.fromBase64(text)
  : (text) => read(text, "base64", (bytes) => base64Of(bytes) === text);

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** Buffers ignore what they can't read. */
function read(
  text: string,
  encoding: "hex" | "base64",
  isWhole: (bytes: Uint8Array) => boolean,
): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, encoding));
  if (isWhole(bytes)) return bytes;
  throw new SyntaxError(`The text is not ${encoding}`);
}
