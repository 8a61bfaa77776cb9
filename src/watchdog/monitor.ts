/**
 * Finds turns that never return, in a second thread: an endless loop stops the event loop, and with
 * it the heartbeat, so no code in the main thread can detect it.
 *
 * - WATCHDOG-1: a turn costs only a few plain writes into shared memory. They need no memory
 *   ordering, since the thread reads them several times, over seconds, before it acts. The thread
 *   starts while its node opens, and the node claims no run before the thread watches.
 * - WATCHDOG-2: a hung run is parked with its fencing token, before the node's lease can have
 *   expired, so no second node claims it. If the main thread returns, its writes for this run are
 *   refused.
 * - WATCHDOG-3: the thread's modules are in this module's graph, so they are in the runtime's cache
 *   before there is a node, also where there is no network then.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { inBackground } from "../base/background.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { TurnPulse } from "../replay/effects.ts";
import { MEMORY_BYTES, NUMBERS, viewsOf, type WatchdogOrder, WORDS } from "./memory.ts";

/** Milliseconds for which a node waits for its thread. */
const START_MS = 5_000;

/** Never called (WATCHDOG-3). */
export const inGraph = (): Promise<unknown> => import("./worker.ts");

/** Watches the turns of one node. */
export class Watchdog implements Disposable {
  /** Resolves when the thread watches, can't watch, or has not started within 5 seconds. */
  readonly started: Promise<void>;
  readonly #worker: Worker;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #end: () => void;

  /**
   * Starts to watch.
   *
   * @param where The database's URL and schema, for a connection of the thread's own.
   * @param log Takes its failures.
   * @param leaseMs Milliseconds after which a node without a heartbeat expires.
   */
  constructor(
    where: { readonly database: string; readonly schema: string },
    log: AuthoredLog,
    leaseMs: number,
  ) {
    const memory = new SharedArrayBuffer(MEMORY_BYTES);
    const { words, numbers } = viewsOf(memory);
    this.#words = words;
    this.#numbers = numbers;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, START_MS);
    this.started = inBackground(promise.finally(() => clearTimeout(timer)));
    this.#end = resolve;
    this.#worker.onmessage = () => resolve();
    this.#worker.onerror = (event) => {
      resolve();
      event.preventDefault();
      log.warn("Cannot watch for turns that never return: {error}", { error: event.message });
    };
    // WATCHDOG-2: the last heartbeat may be a third of the lease older than the turn.
    const order: WatchdogOrder = { memory, ...where, hungMs: leaseMs / 2, lostMs: leaseMs * 1.5 };
    this.#worker.postMessage(order);
  }

  /**
   * Makes the object to which a run reports its turns (WATCHDOG-1).
   *
   * @param run The run, leased to this node.
   * @returns The object.
   */
  watch({ id, token }: ClaimedRun): TurnPulse {
    const words = this.#words;
    const numbers = this.#numbers;
    return {
      begins() {
        numbers[NUMBERS.run] = id;
        numbers[NUMBERS.token] = token;
        words[WORDS.deliveries] = 0;
        words[WORDS.turns]!++; // odd: a turn is under way
      },
      delivers() {
        words[WORDS.deliveries]!++;
      },
      ends() {
        words[WORDS.turns]!++;
      },
    };
  }

  /** Ends the thread. */
  [Symbol.dispose](): void {
    this.#end();
    this.#worker.terminate();
  }
}
