/**
 * How large one value may be. A value is measured where it enters the engine, before anything is
 * written. It is not measured again later, so an accepted value stays accepted even if the limit
 * changes or another node has a lower one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PayloadTooLargeError } from "./errors.ts";

/** The default of the limit, in bytes of the encoded form: 2 MiB. */
export const DEFAULT_PAYLOAD_BYTES = 2 * 1_048_576;

/**
 * The bounds of the limit itself: room for the engine's own values, and what a database can store.
 */
export const PAYLOAD_BYTES_FROM = 1_024;
export const PAYLOAD_BYTES_TO = 256 * 1_048_576;

/**
 * Returns an encoded value if it is not too long.
 *
 * @param text The value, encoded.
 * @param what Which value, for the error: `the input of workflow "order"`.
 * @param limit The most bytes.
 * @returns The same text.
 * @throws {PayloadTooLargeError} If it has more bytes.
 */
export function checkPayload(text: string, what: string, limit: number): string {
  const error = tooLarge(text, what, limit);
  if (error !== null) throw error;
  return text;
}

/**
 * Whether an encoded value is too long.
 *
 * @param text The value, encoded.
 * @param what Which value, for the error.
 * @param limit The most bytes.
 * @returns The error; `null` if it is short enough.
 */
export function tooLarge(text: string, what: string, limit: number): PayloadTooLargeError | null {
  if (text.length * 3 <= limit) return null; // no character has more bytes of UTF-8
  const bytes = Buffer.byteLength(text);
  return bytes <= limit ? null : new PayloadTooLargeError(what, bytes, limit);
}
