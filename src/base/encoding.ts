/**
 * Bytes as text: hexadecimal digests, and a percent-encoding that makes any text one word.
 *
 * @module
 */

import { quote } from "./describe.ts";
import { createHash } from "node:crypto";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The SHA-256 of bytes, or of the UTF-8 form of a text.
 *
 * @param data What to digest.
 * @returns 64 lower-case hexadecimal digits.
 */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * Whether `text` is a digest as {@linkcode sha256Hex} writes it.
 *
 * @param text Any text.
 * @returns Whether it is 64 lower-case hexadecimal digits.
 */
export function isSha256Hex(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/**
 * Writes any well-formed text as one word of visible ASCII: every UTF-8 byte outside `0x21..0x7e`,
 * and `%` itself, becomes `%XX` with upper-case digits. Injective, and {@linkcode decodeWord} is
 * its inverse.
 *
 * @param text A text without lone surrogates.
 * @returns The word; empty only for an empty text.
 * @throws {URIError} When the text holds a lone surrogate, which has no UTF-8 form.
 */
export function encodeWord(text: string): string {
  if (/^[!-$&-~]*$/.test(text)) return text;
  if (!text.isWellFormed()) throw new URIError("Cannot encode a text that holds a lone surrogate");
  let word = "";
  for (const byte of encoder.encode(text)) {
    word += byte > 0x20 && byte < 0x7f && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return word;
}

/**
 * Reads what {@linkcode encodeWord} wrote.
 *
 * @param word One word.
 * @returns The text.
 * @throws {URIError} When the word is not exactly what `encodeWord` would have written.
 */
export function decodeWord(word: string): string {
  if (/^[!-$&-~]*$/.test(word)) return word;
  const bytes = new Uint8Array(word.length);
  let length = 0;
  for (let i = 0; i < word.length; i++) {
    const isEscape = word[i] === "%";
    bytes[length++] = isEscape ? Number.parseInt(word.slice(i + 1, i + 3), 16) : word.charCodeAt(i);
    if (isEscape) i += 2;
  }
  let text: string | undefined;
  try {
    text = decoder.decode(bytes.subarray(0, length));
  } catch {
    // Not UTF-8: refused below like every other word that is not canonical.
  }
  if (text === undefined || encodeWord(text) !== word) {
    throw new URIError(`Cannot decode ${quote(word)}: it is not canonically encoded`);
  }
  return text;
}
