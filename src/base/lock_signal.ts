/**
 * The signal that tells a run that it has a lock. Callers send no such signal, and none is shown.
 *
 * @module
 */

const PREFIX = ">lock.";

/**
 * Makes the name of such a signal.
 *
 * @param effect What identifies the request for the lock: no other request has it.
 * @returns The name.
 */
export function lockSignal(effect: string): string {
  return PREFIX + effect;
}

/**
 * Whether a signal tells of a lock.
 *
 * @param name Its name.
 * @returns Whether it does.
 */
export function isLockSignal(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Matches the names in SQL. */
export const LOCK_SIGNALS = `${PREFIX}%`;
