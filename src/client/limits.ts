/**
 * The `limits` option: the largest sizes.
 *
 * @module
 */

import { checkKeys, checkWhole } from "../base/arguments.ts";
import { DEFAULT_PAYLOAD_BYTES, PAYLOAD_BYTES_FROM, PAYLOAD_BYTES_TO } from "../base/payload.ts";

/**
 * The largest sizes of values.
 *
 * @category Continuum
 */
export interface LimitOptions {
  /**
   * The most bytes of one value in its encoded form: of an input, a signal, a result, a status, and
   * of attributes together. If a value is larger, the call throws `PayloadTooLargeError` before it
   * writes anything. From 1,024 to 268,435,456. Give all processes the same limit. A process with a
   * lower limit still continues with values that others have accepted.
   *
   * @default {2097152}
   */
  readonly payloadBytes?: number;
}

/**
 * Reads the option.
 *
 * @param limits What was passed.
 * @returns The limits, with defaults filled in.
 * @throws {InvalidArgumentError} If a key is unknown, or a value out of its range.
 */
export function readLimits(limits: LimitOptions = {}): Required<LimitOptions> {
  checkKeys(limits, ["payloadBytes"], "option limits");
  const { payloadBytes = DEFAULT_PAYLOAD_BYTES } = limits;
  const argument = "option limits.payloadBytes";
  return {
    payloadBytes: checkWhole(payloadBytes, argument, PAYLOAD_BYTES_FROM, PAYLOAD_BYTES_TO),
  };
}
