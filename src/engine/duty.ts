/**
 * Background work of a node (BACKGROUND-1 of `base/background.ts`).
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { inBackground } from "../base/background.ts";

/**
 * Begins work in the background (BACKGROUND-1).
 *
 * @param log Takes an error.
 * @param what What is attempted, for the log: "check tasks".
 * @param work The work; it may also throw synchronously.
 * @param failed Receives an error after it was logged.
 */
export function duty(
  log: AuthoredLog,
  what: string,
  work: () => unknown,
  failed: (error: unknown) => void = () => {},
): void {
  const begin = async () => await work();
  inBackground(begin(), (error) => {
    log.error("Cannot {what}: {error}", { what, error });
    failed(error);
  });
}
