/**
 * Calls to exporters and other code of the application, whose errors stay here (TELEMETRY-1 of
 * `ports/telemetry.ts`).
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { LOGTAPE } from "../base/log.ts";

/** At most one error is logged in this many milliseconds. */
const PAUSE_MS = 60_000;

/** What has a log that errors go to. */
interface Host {
  readonly log: AuthoredLog;
}

const hosts = new Set<Host>();
let toldAt = -Infinity;

/**
 * From now on, errors are logged to a process's log.
 *
 * @param host The process.
 * @returns Ends that.
 */
export function tellTo(host: Host): () => void {
  hosts.add(host);
  return () => hosts.delete(host);
}

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
  const logs = hosts.size === 0 ? [LOGTAPE.engine] : [...hosts].map(({ log }) => log);
  for (const log of new Set(logs)) {
    log.warn("Telemetry failed; runs are not affected: {error}", { error });
  }
}
