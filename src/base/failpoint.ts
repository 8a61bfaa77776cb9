/**
 * Named points at which a test may stop or fail the engine: between a commit and what follows it,
 * for example. Costs one property read while no test has armed a point.
 *
 * @module
 */

/** The points that exist. */
export type FailPoint =
  /** Runs were claimed; none of them is executed yet. */
  | "claim.claimed"
  /** An attempt of an effect returned; nothing of it is written. */
  | "effect.done"
  /** Tasks were claimed; none of them is executed yet. */
  | "task.claimed"
  /** A task is durable; its attempt has not begun. */
  | "task.announced"
  /** The histories of a batch were replayed on their target; no run is moved yet. */
  | "bulk.proven"
  /** The runs of a batch are moved, and their job says so; no verdict has been given. */
  | "bulk.deleted"
  | "bulk.moved"
  /** Runs have got places, durably; no node has been notified. */
  | "limit.granted"
  /** The runs of a batch were found; nothing is done to them yet. */
  | "bulk.found"
  /** A batch is done, and its job says so; no node has been notified. */
  | "bulk.acted"
  /** A fork was replayed; nothing of it is written. */
  | "fork.replayed"
  /** A fork is durable; no node has been notified. */
  | "fork.written"
  /** A failed run replays on its code; it is still failed. */
  | "reopen.replayed"
  /** A failed run is open again; no node has been notified. */
  | "reopen.written"
  /** Runs have ended; none of their relatives is notified. */
  | "end.unnotified"
  /** The relatives of ended runs are notified, in a transaction that has not committed. */
  | "end.notified"
  /** A batch of old versions is removed; nothing of the next one is. */
  | "collect.removed"
  /** Some modules that no version referred to are removed. */
  | "collect.swept"
  /** Events are durable; the code after them has not run. */
  | "commit.written";

/** What a test does at a point; if it throws, the engine sees a failure there. */
export type FailPointHandler = (facts: Readonly<Record<string, unknown>>) => void | Promise<void>;

const armed = new Map<FailPoint, FailPointHandler>();

/**
 * Arms a point. For tests.
 *
 * @param point The point.
 * @param handler What happens there.
 * @returns Disarms it.
 */
export function armFailPoint(point: FailPoint, handler: FailPointHandler): Disposable {
  armed.set(point, handler);
  return { [Symbol.dispose]: () => void armed.delete(point) };
}

/**
 * Passes a point: `undefined` at once, unless a test armed it.
 *
 * @param point The point.
 * @param facts What the test may look at.
 */
export function failPoint(
  point: FailPoint,
  facts: Readonly<Record<string, unknown>> = {},
): void | Promise<void> {
  if (armed.size === 0) return;
  return armed.get(point)?.(facts);
}
