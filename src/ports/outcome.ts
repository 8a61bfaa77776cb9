/**
 * What an error of a store means for the call that failed.
 *
 * - `refused`: the same call will always fail; nothing was written.
 * - `undone`: nothing was written; the call may succeed later.
 * - `unknown`: the database may have carried it out although the result was lost. Read before
 *   concluding.
 *
 * @module
 */

/** What an error of a store means for the call that failed. */
export type Outcome = "refused" | "undone" | "unknown";
