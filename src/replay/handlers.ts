/**
 * Handlers of signals that are under way, beside the main function of a run.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";

/** Set in code of handlers, through every `await`. */
const handling = new AsyncLocalStorage<true>();

/** The handlers of one execution. */
export class Handlers {
  readonly #underWay = new Map<object, string>();
  #done: PromiseWithResolvers<void> | null = null;
  #areUsed = false;

  /** The signals whose handlers are under way, in the order of their beginning. */
  get underWay(): string[] {
    return [...this.#underWay.values()];
  }

  /** Whether the running code is that of a handler. */
  get isRunning(): boolean {
    return this.#areUsed && handling.getStore() === true;
  }

  /**
   * Runs a handler.
   *
   * @param signal The signal that it handles.
   * @param handler Calls it.
   */
  async run(signal: string, handler: () => unknown): Promise<void> {
    this.#areUsed = true;
    const key = {};
    this.#underWay.set(key, signal);
    try {
      await handling.run(true, handler);
    } finally {
      this.#underWay.delete(key);
      if (this.#underWay.size === 0) {
        this.#done?.resolve();
        this.#done = null;
      }
    }
  }

  /** Resolves when none is under way. */
  async done(): Promise<void> {
    while (this.#underWay.size > 0) await (this.#done ??= Promise.withResolvers<void>()).promise;
  }
}
