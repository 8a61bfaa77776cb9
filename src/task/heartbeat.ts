/**
 * Details of a heartbeat, as they are stored.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { encode } from "../base/values.ts";

/** The longest details of a heartbeat, encoded, in bytes. */
export const MAX_HEARTBEAT_BYTES = 16_384;

/**
 * Encodes what a heartbeat says.
 *
 * @param details Anything serialisable.
 * @returns Its text.
 * @throws {InvalidArgumentError} If it is longer than 16 KiB.
 * @throws {NotSerializableError} If it is not.
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
