/**
 * Conditions that code waits for: `ctx.until`.
 *
 * - CONDITION-1: the machine looks at the conditions whenever all microtasks have run, in the order in
 *   which the code asked for them, until none holds. So they settle alike on every replay, and no
 *   event records them.
 *
 * @module
 */

import { ignoreRejection } from "../base/background.ts";

/** Which code waits for a condition. */
export interface Waiter {
  /** Whether a handler of a signal does. */
  readonly isHandlers: boolean;
  /** Whether a cancellation does not reach it. */
  readonly isShielded: boolean;
}

/** A condition that does not hold yet. */
interface Pending {
  readonly condition: () => boolean;
  readonly by: Waiter;
  readonly settle: (holds: boolean) => void;
  readonly fail: (reason: unknown) => void;
}

/** What the code waits for until a condition holds. */
export interface AwaitedCondition {
  /** `true` when the condition holds. Its rejection counts as handled. */
  readonly promise: Promise<boolean>;
  /** The code no longer waits: the promise is fulfilled with `false`. */
  giveUp(): void;
  /** The promise rejects. */
  fail(reason: unknown): void;
}

/** The conditions of one execution. */
export class Conditions {
  readonly #pending = new Set<Pending>();

  /**
   * Adds a condition that does not hold.
   *
   * @param condition The condition.
   * @param by Which code waits for it.
   * @param settled Called when the code no longer waits for it.
   */
  add(
    condition: () => boolean,
    by: Waiter,
    settled: () => void,
  ): AwaitedCondition {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    ignoreRejection(promise);
    const once = <Value>(settle: (value: Value) => void) => (value: Value) => {
      if (!this.#pending.delete(pending)) return;
      settle(value);
      settled();
    };
    const pending = { condition, by, settle: once(resolve), fail: once(reject) };
    this.#pending.add(pending);
    return { promise, giveUp: () => pending.settle(false), fail: pending.fail };
  }

  /** Settles the first that holds or throws. Returns whether there is one (CONDITION-1). */
  settleOne(): boolean {
    for (const { condition, settle, fail } of this.#pending) {
      try {
        if (!condition()) continue;
        settle(true);
      } catch (error) {
        fail(error);
      }
      return true;
    }
    return false;
  }

  /** The run is cancelled. Returns whether the main function waited for one that rejects. */
  failAll(reason: unknown): boolean {
    const pending = [...this.#pending].filter(({ by }) => !by.isShielded);
    for (const { fail } of pending) fail(reason);
    return pending.some(({ by }) => !by.isHandlers);
  }
}
