/**
 * How large one value may be. A value is measured where it enters: by whoever passes it, before
 * anything is written. What has been taken in is not measured again, so that what was accepted once
 * stays accepted, whatever the limit is later and elsewhere.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PayloadTooLargeError } from "./errors.ts";

/** The longest value where nothing else is said, in bytes of its encoded form: 2 MiB. */
export const DEFAULT_PAYLOAD_BYTES = 2 * 1_048_576;

/** The bounds of the limit itself: room for what the engine says, and what a database can keep. */
export const PAYLOAD_BYTES_FROM = 1_024;
export const PAYLOAD_BYTES_TO = 256 * 1_048_576;

/**
 * Passes an encoded value on if it is not too long.
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
 * @returns The error; null if it may pass.
 */
export function tooLarge(text: string, what: string, limit: number): PayloadTooLargeError | null {
  if (text.length * 3 <= limit) return null; // no character has more bytes of UTF-8
  const bytes = Buffer.byteLength(text);
  return bytes <= limit ? null : new PayloadTooLargeError(what, bytes, limit);
}
