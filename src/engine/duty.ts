/**
 * Work that nobody awaits.
 *
 * - Y1: it never rejects unhandled, which would end the process: whoever begins it says what is to be
 *   done with an error, or leaves it to the log.
 *
 * @module
 */

import { engineLog } from "./log.ts";

/**
 * Begins work in the background (Y1).
 *
 * @param what What is attempted, for the log: "check tasks".
 * @param work The work; it may throw at once, too.
 * @param failed Hears of an error, after the log did.
 */
export function duty(
  what: string,
  work: () => unknown,
  failed: (error: unknown) => void = () => {},
): void {
  const done = async () => {
    try {
      await work();
    } catch (error) {
      engineLog.error("Cannot {what}: {error}", { what, error });
      failed(error);
    }
  };
  done().catch((error) => engineLog.error("Cannot tell of an error: {error}", { error }));
}
