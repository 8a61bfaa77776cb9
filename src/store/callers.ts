/**
 * The store as callers see it: each call returns a result, or throws one documented error.
 *
 * - CALLER-1, one error: a call that fails for a passing reason is repeated at once, a few times.
 *   If it still fails, the caller gets {@linkcode DatabaseUnavailableError}, whatever the database
 *   or its driver threw.
 * - CALLER-2, never twice: if the result of a call was lost, the database may have carried it out.
 *   Such a call is repeated only if that does no harm: it only reads, it is idempotent, or it
 *   starts a run, since a repeated start finds its own row (INSERT-3 of `store/runs/inserts.ts`).
 * - CALLER-3, closed: as soon as the store begins to close, new calls throw
 *   {@linkcode ClosedError}. A call that is under way returns its result, or throws that error too.
 *
 * There is no pause between tries: callers can wait as they like, and their own deadlines hold.
 *
 * @module
 */

import type { Store } from "../ports/store.ts";
import { isContinuumError } from "../base/errors.ts";
import { ClosedError, DatabaseUnavailableError, roleForbidden } from "./errors.ts";
import { isForbidden, isRefusal, outcomeOf } from "./sql/sqlstate.ts";

/** How often a call is tried before its caller gets the error. */
const TRIES = 3;

/** The calls that may be carried out twice without harm (CALLER-2), by area of the store. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  runs: [
    ...["insert", "version", "setAttributes", "query", "count", "get", "history", "generations"],
    ...["list", "end", "untaken", "pause", "resume", "pauseOf"],
  ],
  schedules: ["get", "list", "pinned", "stuck"],
  versions: [
    "register",
    "get",
    "list",
    "page",
    "bySpecifier",
    "blobs",
    "packages",
    "current",
    "stuck",
    "failures",
    "needed",
  ],
  denials: ["deny", "list", "versionsOf", "forgetRefusals"],
  signatures: ["add", "of"],
  journal: ["load"],
  bulk: ["release", "jobs", "kindOf"],
  health: [
    ...["fleet", "nodes", "live", "queues", "stuck", "due", "waiting", "failing", "expiredNodes"],
    ...["unnotifiedEnds", "lateSchedules", "expiredTasks"],
  ],
  repairs: ["parked", "queuedRetries", "unnotified", "acknowledged"],
  operations: ["finish", "list", "prune", "countPrunable"],
  nodes: ["alive"],
  retention: ["namespaces"],
  collection: ["plan", "weigh"],
  patches: ["runs"],
  forks: ["fork"],
  limits: ["work", "lock", "unlock", "list", "pause", "resume", "placeOf"],
  tasks: ["get", "leases", "retried", "progress"],
};

/**
 * Calls the database on behalf of a caller (CALLER-1).
 *
 * @param database The database's name in messages, without secrets.
 * @param isHarmless Whether it may be carried out twice (CALLER-2).
 * @param ask Makes the call once.
 * @param most The maximum number of tries.
 * @returns The result.
 * @throws {DatabaseUnavailableError} If the failure may pass with time. Lasting errors are rethrown
 * unchanged.
 * @throws {DatabaseError} (`DATABASE_UNSUITABLE`) If the role may not do this.
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
      if (isForbidden(error)) throw roleForbidden(error as Error);
      const mayBeWritten = outcome === "unknown";
      if (tries < most && (isHarmless || !mayBeWritten)) continue;
      throw error instanceof DatabaseUnavailableError
        ? error
        : new DatabaseUnavailableError(database, error as Error, mayBeWritten);
    }
  }
}

/**
 * Wraps a store for callers.
 *
 * @param store The store.
 * @returns The store, whose methods follow the rules above; except for methods that take a caller's
 * transaction, whose errors the caller gets unchanged.
 */
export function forCallers(store: Store): Store {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key === "now") {
        return () => whileOpen(store, () => askFor(store.description, true, () => store.now()));
      }
      if (typeof value === "function") return value.bind(target);
      if (typeof value !== "object" || value === null) return value;
      return guarded(value, store, HARMLESS[String(key)] ?? []);
    },
  });
}

/**
 * CALLER-3: throws {@linkcode ClosedError} if the store is closed, or was closed during the call.
 */
async function whileOpen<T>(store: Store, ask: () => Promise<T>): Promise<T> {
  const action = "use the database";
  if (store.isClosed) throw new ClosedError(action);
  try {
    return await ask();
  } catch (error) {
    const isAnswer = isRefusal(error) ||
      isContinuumError(error) && !isContinuumError(error, "DATABASE_UNAVAILABLE");
    throw store.isClosed && !isAnswer ? new ClosedError(action, error) : error;
  }
}

function guarded<T extends object>(area: T, store: Store, harmless: readonly string[]): T {
  return new Proxy(area, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key === "insertInto") return value.bind(target);
      if (key === "in") {
        return (namespace: string) => guarded(value.call(target, namespace), store, harmless);
      }
      return (...values: unknown[]) =>
        whileOpen(store, () =>
          askFor(
            store.description,
            harmless.includes(String(key)) || isRecognized(key, values),
            () => value.apply(target, values),
          ));
    },
  });
}

/**
 * Whether a repeated message is recognized: by its delivery id, or because it is a cancellation.
 */
function isRecognized(key: PropertyKey, values: readonly unknown[]): boolean {
  if (key !== "deliver" && key !== "deliverTo") return false;
  const { kind, deliveryId } = values.at(-1) as { kind: string; deliveryId?: string };
  return kind === "cancel" || deliveryId !== undefined;
}
