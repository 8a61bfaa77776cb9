/**
 * The locks that a history holds, or waits for, at its end: a run that continues from there asks for
 * them again.
 *
 * @module
 */

import { decode } from "../../base/values.ts";
import type { OpenLock } from "../../ports/limits.ts";
import type { LockAnswer } from "../../replay/commands.ts";
import type { HistoryEvent } from "../../replay/history.ts";

/**
 * Finds them.
 *
 * @param events The history.
 * @returns The locks, in the order in which they were asked for.
 */
export function openLocks(events: readonly HistoryEvent[]): OpenLock[] {
  const open = new Map<number, OpenLock>();
  for (const { kind, name, position, payload } of events) {
    if (kind === "call.completed" && name.startsWith("lock ")) {
      const { held: isHeld, lock, atOnce, toldBy } = decode(payload!) as LockAnswer;
      open.set(position!, { position: position!, name: lock, atOnce, toldBy, isHeld });
    } else if (kind === "call.completed" && name.startsWith("unlock ")) {
      open.delete(decode(payload!) as number);
    } else if (kind === "signal.received") {
      for (const [at, lock] of open) {
        if (lock.toldBy === name) open.set(at, { ...lock, isHeld: true });
      }
    }
  }
  return [...open.values()];
}
