/**
 * The `limits` option: how large things may be.
 *
 * @module
 */

import { InvalidArgumentError } from "../base/errors.ts";
import { DEFAULT_PAYLOAD_BYTES, PAYLOAD_BYTES_FROM, PAYLOAD_BYTES_TO } from "../base/payload.ts";
import { checkOptions, describe } from "../workflow/options.ts";

/**
 * How large things may be.
 *
 * @category Continuum
 */
export interface LimitOptions {
  /**
   * The most bytes of one value in its encoded form: of an input, a signal, a result, a status, and
   * of attributes together. What is larger is refused with `PayloadTooLargeError` before anything
   * is written. From 1,024 to 268,435,456. Give all processes the same; one that has a lower limit
   * still goes on with what others have taken in.
   *
   * @default {2097152}
   */
  readonly payloadBytes?: number;
}

/**
 * Reads the option.
 *
 * @param limits What was passed.
 * @returns The limits, with nothing left open.
 * @throws {InvalidArgumentError} If a key is unknown, or a value out of its range.
 */
export function readLimits(limits: LimitOptions = {}): Required<LimitOptions> {
  checkOptions(limits, ["payloadBytes"], "option limits");
  const { payloadBytes = DEFAULT_PAYLOAD_BYTES } = limits;
  const isWithin = Number.isInteger(payloadBytes) && payloadBytes >= PAYLOAD_BYTES_FROM &&
    payloadBytes <= PAYLOAD_BYTES_TO;
  if (isWithin) return { payloadBytes };
  throw new InvalidArgumentError(
    `Cannot use option limits.payloadBytes: found ${describe(payloadBytes)}, wanted a whole ` +
      `number from ${PAYLOAD_BYTES_FROM} to ${PAYLOAD_BYTES_TO}`,
    { option: "limits.payloadBytes" },
  );
}
