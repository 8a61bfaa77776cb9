/**
 * Finds turns that never return, by a thread of its own: an endless loop stops the event loop, and
 * with it the heartbeat, so nothing in the main thread can tell.
 *
 * - WATCHDOG-1: what a turn costs is a few plain writes into shared memory; they need no order, since the
 *   thread has looked several times, over seconds, before it says anything. The thread starts while
 *   its node opens, and no run is taken before it watches.
 * - WATCHDOG-2: a run is parked behind its fence, before the node's lease can have run out, so that it
 *   comes to no second node. What the main thread still does with it, if it comes back, is refused.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import { engineLog } from "../base/log.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { TurnPulse } from "../replay/effects.ts";
import { MEMORY_BYTES, NUMBERS, viewsOf, type WatchdogOrder, WORDS } from "./memory.ts";

/** Milliseconds for which a node waits for its thread, which may have to be loaded from afar. */
const START_MS = 5_000;

/** Watches the turns of one node. */
export class Watchdog implements Disposable {
  /** Settles when the thread watches, or it is known that it can't, or not soon. */
  readonly started: Promise<void>;
  readonly #worker: Worker;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #end: () => void;

  /**
   * Starts to watch.
   *
   * @param where The database's URL and schema, for a connection of the thread's own.
   * @param leaseMs Milliseconds that the node lives without a heartbeat.
   */
  constructor(where: { readonly database: string; readonly schema: string }, leaseMs: number) {
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
      engineLog.warn("Cannot watch for turns that never return: {error}", { error: event.message });
    };
    // WATCHDOG-2: the last heartbeat was up to a third of the lease before the turn.
    const order: WatchdogOrder = { memory, ...where, hungMs: leaseMs / 2, lostMs: leaseMs * 1.5 };
    this.#worker.postMessage(order);
  }

  /**
   * What a run's turns tell. WATCHDOG-1.
   *
   * @param run The run, leased to this node.
   * @returns Where they tell it.
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
