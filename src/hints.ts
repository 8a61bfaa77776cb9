/**
 * Hints between client and engine, in this process and in others: somebody has work, something has
 * ended. Losing one costs time, never a fact.
 *
 * @module
 */

import { inBackground } from "./base/background.ts";
import type { Ends } from "./client/ends.ts";
import type { Engine } from "./engine/engine.ts";
import { engineLog } from "./engine/log.ts";
import type { Notice, Notices } from "./ports/store.ts";

/** Where hints go. */
export interface HintsOptions {
  /** To other processes. */
  readonly notices: Notices;
  /** To this process's engine, if it has one. */
  readonly engine: () => Engine | undefined;
  /** To whoever waits for an end. */
  readonly ends: Ends;
}

/** Passes hints on. */
export class Hints {
  readonly #options: HintsOptions;

  /** @param options Where they go. */
  constructor(options: HintsOptions) {
    this.#options = options;
  }

  /** A hint has come, of another process or of this one. */
  hear(notice: Notice): void {
    if (notice.kind === "ended") this.#options.ends.tell(notice.runId);
    this.#options.engine()?.hear(notice);
  }

  /** Hints may have been missed: everybody looks. */
  caughtUp(): void {
    this.#options.ends.tellAll();
    const caughtUp = this.#options.engine()?.catchUp();
    if (caughtUp === undefined) return;
    inBackground(caughtUp, (error) => engineLog.warn("Cannot catch up: {error}", { error }));
  }

  /** To this process, and to all others. */
  say(notice: Notice): void {
    this.hear(notice);
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
    engine?.hear(notice);
    if (engine?.hasRoom !== true) this.publish(notice);
  }

  /** A run has a message: whoever executes it is told, or somebody who may. */
  woke(run: number, node: string | null): void {
    if (node === null) return this.due();
    const notice: Notice = { kind: "message", node, run };
    const engine = this.#options.engine();
    if (node === engine?.node) engine.hear(notice);
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
