/**
 * Refuses calls from inside a transaction's callback that would not be part of the transaction.
 *
 * - INSIDE-1: such calls are refused on every database. On a database with a single session they
 *   would wait for themselves. On others they could wait for locks that the transaction holds, and
 *   they would stay if the transaction is rolled back.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Store } from "../ports/store.ts";
import { nestedQuery } from "./errors.ts";

const frames = new AsyncLocalStorage<{ readonly store: Store; isOpen: boolean }>();

/**
 * Runs a transaction's callback.
 *
 * @param store The store to which the transaction belongs.
 * @param work The callback.
 * @returns The callback's result.
 */
export async function insideTransaction<T>(store: Store, work: () => Promise<T>): Promise<T> {
  const frame = { store, isOpen: true };
  try {
    return await frames.run(frame, work);
  } finally {
    frame.isOpen = false;
  }
}

/**
 * Wraps a store for callers who may call from anywhere.
 *
 * @param store The store.
 * @returns The store, whose calls throw {@linkcode DatabaseError} inside a transaction's
 * callback (INSIDE-1); except for `insertInto`, which receives a transaction.
 */
export function fromOutside(store: Store): Store {
  return guarded(store, store);
}

function guarded<T extends object>(store: Store, target: T): T {
  return new Proxy(target, {
    get(_, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value === "object" && value !== null) return guarded(store, value);
      if (typeof value !== "function" || key === "insertInto") return bound(value, target);
      return (...values: unknown[]) => {
        const frame = frames.getStore();
        if (frame?.isOpen && frame.store === store && key !== "in") {
          return Promise.reject(nestedQuery());
        }
        const answer = value.apply(target, values);
        return key === "in" ? guarded(store, answer) : answer;
      };
    },
  });
}

function bound(value: unknown, target: object): unknown {
  return typeof value === "function" ? value.bind(target) : value;
}
