/**
 * Promises that nobody awaits.
 *
 * - BACKGROUND-1: none of them rejects unhandled, which would end the process. Whoever leaves a promise to
 *   itself says here what is to be done with its error, or that there is nothing to be done.
 *
 * @module
 */

/**
 * Leaves work to itself (BACKGROUND-1).
 *
 * @param work The work, under way.
 * @param failed Hears of its error; nobody does when omitted. What it throws itself is lost.
 * @returns Resolves when the work is over, however it ended; it may be left alone.
 */
export function inBackground(
  work: Promise<unknown>,
  failed: (error: unknown) => void = NOTHING,
): Promise<void> {
  return work.then(undefined, failed).then(NOTHING, NOTHING);
}

/**
 * Takes a rejection for handled (BACKGROUND-1): somebody else hears of it, or nobody has to.
 *
 * @param promise The promise, if there is one.
 */
export function ignoreRejection(promise: Promise<unknown> | undefined): void {
  promise?.then(undefined, NOTHING);
}

function NOTHING(): void {}
