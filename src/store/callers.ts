/**
 * A store for callers, who want an answer, or one error that they can know.
 *
 * - CALLER-1, one error: what passes is tried again at once, a few times, and then is a
 *   {@linkcode DatabaseUnavailableError}, whatever the database or its driver called it.
 * - CALLER-2, never twice: what may have been carried out, its answer being lost, is tried again only
 *   where that does no harm: what reads, what says the same when it is said twice, and starts,
 *   which know their own row again (INSERT-3 of `store/runs/inserts.ts`).
 * - CALLER-3, closed: from the moment in which the store begins to close, a call throws
 *   {@linkcode ClosedError}. One that is under way then gets its answer, or that error too.
 *
 * No pause is made: who is told can wait as he likes, and a deadline of his own holds.
 *
 * @module
 */

import type { Store } from "../ports/store.ts";
import { isContinuumError } from "../base/errors.ts";
import { ClosedError, DatabaseUnavailableError } from "./errors.ts";
import { isRefusal, outcomeOf } from "./sql/sqlstate.ts";

/** How often something is tried before its caller is told. */
const TRIES = 3;

/** What does no harm when it is carried out twice (CALLER-2), by area. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  runs: [
    ...["insert", "version", "setAttributes", "query", "count", "get", "history", "generations"],
    ...["list", "end", "untaken"],
  ],
  schedules: ["get", "list", "pinned", "stuck"],
  versions: ["register", "get", "list", "bySpecifier", "blobs", "current", "stuck", "failures"],
  health: ["nodes", "stuck", "due", "waiting"],
  nodes: ["alive"],
  retention: ["namespaces"],
  tasks: ["get", "leases"],
};

/**
 * Tries something of the database, as a caller is to see it (CALLER-1).
 *
 * @param database Which database, without secrets.
 * @param isHarmless Whether it may be carried out twice (CALLER-2).
 * @param ask Asks once.
 * @param most How often it is tried.
 * @returns The answer.
 * @throws {DatabaseUnavailableError} If only time can help. What is known to last, as it is.
 */
export async function askFor<T>(
  database: string,
  isHarmless: boolean,
  ask: () => Promise<T>,
  most: number = TRIES,
): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await ask();
    } catch (error) {
      const outcome = outcomeOf(error);
      if (outcome === "refused") throw error;
      const mayBeWritten = outcome === "unknown";
      if (tries < most && (isHarmless || !mayBeWritten)) continue;
      throw error instanceof DatabaseUnavailableError
        ? error
        : new DatabaseUnavailableError(database, error as Error, mayBeWritten);
    }
  }
}

/**
 * The same store, as callers are to see it.
 *
 * @param store The store.
 * @returns It, with the rules above for all that it is asked, but for transactions that callers
 * bring: these are theirs, and so are their errors.
 */
export function forCallers(store: Store): Store {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value === "function") return value.bind(target);
      if (typeof value !== "object" || value === null) return value;
      return patient(value, store, HARMLESS[String(key)] ?? []);
    },
  });
}

/** CALLER-3. */
async function whileOpen<T>(store: Store, ask: () => Promise<T>): Promise<T> {
  const action = "ask the database";
  if (store.isClosed) throw new ClosedError(action);
  try {
    return await ask();
  } catch (error) {
    const isAnswer = isRefusal(error) ||
      isContinuumError(error) && !isContinuumError(error, "DATABASE_UNAVAILABLE");
    throw store.isClosed && !isAnswer ? new ClosedError(action, error) : error;
  }
}

function patient<T extends object>(area: T, store: Store, harmless: readonly string[]): T {
  return new Proxy(area, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key === "insertInto") return value.bind(target);
      if (key === "in") {
        return (namespace: string) => patient(value.call(target, namespace), store, harmless);
      }
      return (...values: unknown[]) =>
        whileOpen(store, () =>
          askFor(
            store.description,
            harmless.includes(String(key)) || isKnownAgain(key, values),
            () => value.apply(target, values),
          ));
    },
  });
}

/** A message that is known again when it comes twice: by its delivery id, or as a cancellation. */
function isKnownAgain(key: PropertyKey, values: readonly unknown[]): boolean {
  if (key !== "deliver" && key !== "deliverTo") return false;
  const { kind, deliveryId } = values.at(-1) as { kind: string; deliveryId?: string };
  return kind === "cancel" || deliveryId !== undefined;
}
