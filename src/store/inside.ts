/**
 * Calls that come from inside a transaction's callback and would go past it.
 *
 * - INSIDE-1: they are refused, whatever the database: on one with a single session they would wait for
 *   themselves; on others they could wait for what the transaction holds, and would stay where the
 *   transaction is undone.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Store } from "../ports/store.ts";
import { NestedQueryError } from "./errors.ts";

const frames = new AsyncLocalStorage<{ readonly store: Store; isOpen: boolean }>();

/**
 * Runs a transaction's callback.
 *
 * @param store Whose transaction it is.
 * @param work The callback.
 * @returns What it returned.
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
 * A store for callers, who may call from anywhere.
 *
 * @param store The store.
 * @returns The same, whose calls throw {@linkcode NestedQueryError} inside a transaction's callback
 * (INSIDE-1); all but `insertInto`, which is given a transaction.
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
          return Promise.reject(new NestedQueryError());
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
