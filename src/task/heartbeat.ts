/**
 * Encodes the details of heartbeats.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { encode } from "../base/values.ts";

/** The largest encoded details of a heartbeat, in bytes. */
export const MAX_HEARTBEAT_BYTES = 16_384;

/**
 * Encodes the details of a heartbeat.
 *
 * @param details Any serializable value.
 * @returns Its text.
 * @throws {InvalidArgumentError} If the encoded details are larger than 16 KiB.
 * @throws {NotSerializableError} If the details can't be encoded.
 */
export function encodeDetails(details: unknown): string {
  const text = encode(details, "details");
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_HEARTBEAT_BYTES) return text;
  return refuse(
    "details of a heartbeat",
    inWords(`${bytes} bytes`),
    `at most ${MAX_HEARTBEAT_BYTES} bytes`,
  );
}
