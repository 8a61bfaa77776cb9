/**
 * How long calls let the server look for rows.
 *
 * @module
 */

import { type Duration, durationMs } from "../base/duration.ts";
import { refuse } from "../base/arguments.ts";
import type { Patience } from "../ports/store.ts";

/** The longest time that the setting of a server holds: 24 days. */
const MOST_MS = 2 ** 31 - 1;

/**
 * Reads option `timeout` of a call.
 *
 * @param timeout The option.
 * @param call The call.
 * @param action What it does, for its error.
 * @param narrow What makes the question narrower, for its error.
 * @returns What the store takes; `undefined`: no limit.
 * @throws {InvalidArgumentError} If the option is no duration of at least a millisecond.
 */
export function readPatience(
  timeout: Duration | undefined,
  call: string,
  action: string,
  narrow: string,
): Patience | undefined {
  if (timeout === undefined) return undefined;
  const ms = Math.ceil(durationMs(timeout, `option timeout of ${call}`));
  if (ms < 1 || ms > MOST_MS) refuse(`option timeout of ${call}`, timeout, "1 ms to 24 days");
  return { ms, action, narrow };
}
