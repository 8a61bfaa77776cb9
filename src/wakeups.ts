/**
 * Hints between client and engine, in this process and in others: somebody has work, something has
 * ended. Losing one costs time, never a fact.
 *
 * @module
 */

import { inBackground } from "./base/background.ts";
import type { RunWaiter } from "./client/run/waiter.ts";
import type { Engine } from "./engine/engine.ts";
import { engineLog } from "./base/log.ts";
import type { Notice, Notices } from "./ports/store.ts";

/** Where hints go. */
export interface WakeupsOptions {
  /** To other processes. */
  readonly notices: Notices;
  /** To this process's engine, if it has one. */
  readonly engine: () => Engine | undefined;
  /** To whoever waits for an end. */
  readonly waiter: RunWaiter;
}

/** Passes hints on. */
export class Wakeups {
  readonly #options: WakeupsOptions;

  /** @param options Where they go. */
  constructor(options: WakeupsOptions) {
    this.#options = options;
  }

  /** A hint has come, of another process or of this one. */
  receive(notice: Notice): void {
    if (notice.kind === "ended") this.#options.waiter.notify(notice.runId);
    this.#options.engine()?.receive(notice);
  }

  /** Hints may have been missed: everybody looks. */
  caughtUp(): void {
    this.#options.waiter.notifyAll();
    const caughtUp = this.#options.engine()?.catchUp();
    if (caughtUp === undefined) return;
    inBackground(caughtUp, (error) => engineLog.warn("Cannot catch up: {error}", { error }));
  }

  /** To this process, and to all others. */
  broadcast(notice: Notice): void {
    this.receive(notice);
    this.publish(notice);
  }

  /**
   * Some run is due: this node looks; if it can't take all there is, others look too.
   *
   * @param at When it is, in milliseconds of database time; now when omitted.
   */
  due(at?: number): void {
    const notice: Notice = at === undefined ? { kind: "due" } : { kind: "due", at };
    const engine = this.#options.engine();
    engine?.receive(notice);
    if (engine?.hasRoom !== true) this.publish(notice);
  }

  /** A run has a message: whoever executes it is told, or somebody who may. */
  wakeRun(run: number, node: string | null): void {
    if (node === null) return this.due();
    const notice: Notice = { kind: "message", node, run };
    const engine = this.#options.engine();
    if (node === engine?.node) engine.receive(notice);
    else this.publish(notice);
  }

  /** To all other processes; nobody waits for it. */
  publish(notice: Notice): void {
    inBackground(
      this.#options.notices.publish([notice]),
      (error) => engineLog.debug("Cannot send a hint: {error}", { error }),
    );
  }
}
