/**
 * Calls to exporters and other code of the application, whose errors stay here (TELEMETRY-1 of
 * `ports/telemetry.ts`).
 *
 * @module
 */

import { engineLog } from "../base/log.ts";

/** At most one error is logged in this many milliseconds. */
const PAUSE_MS = 60_000;

let toldAt = -Infinity;

/**
 * Calls code that may throw. An error is logged, though not each of many.
 *
 * @param call The call.
 * @param otherwise What to return if it throws.
 * @returns What the call returns.
 */
export function quietly<T>(call: () => T, otherwise: T): T {
  try {
    return call();
  } catch (error) {
    tell(error);
    return otherwise;
  }
}

/** Logs an error of telemetry, unless another one was logged a short time ago. */
export function tell(error: unknown): void {
  const now = performance.now();
  if (now - toldAt < PAUSE_MS) return;
  toldAt = now;
  engineLog.warn("Telemetry failed; runs are not affected: {error}", { error });
}
