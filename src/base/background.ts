/**
 * Promises that are not awaited.
 *
 * - BACKGROUND-1: none of them rejects unhandled, which would end the process. Code that does not
 *   await a promise passes it here, with a handler for its error or without one.
 *
 * @module
 */

/**
 * Runs work in the background (BACKGROUND-1).
 *
 * @param work The work, already started.
 * @param failed Receives its error; the error is dropped when omitted. An error that `failed`
 * throws is dropped too.
 * @returns Resolves when the work has ended, with or without success; need not be awaited.
 */
export function inBackground(
  work: Promise<unknown>,
  failed: (error: unknown) => void = NOTHING,
): Promise<void> {
  return work.then(undefined, failed).then(NOTHING, NOTHING);
}

/**
 * Marks a rejection as handled (BACKGROUND-1): other code receives it, or no code has to.
 *
 * @param promise The promise, if there is one.
 */
export function ignoreRejection(promise: Promise<unknown> | undefined): void {
  promise?.then(undefined, NOTHING);
}

function NOTHING(): void {}
