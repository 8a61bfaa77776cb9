/**
 * Locks: a function of a run's code that no other run executes at the same time.
 *
 * - LOCK-1: the request is one call, whose answer says whether the run has the lock. If not, a signal
 *   says when it has. Both are in the history, so a replay waits as long as the run did.
 * - LOCK-2: a lock is given up when its function has ended, however it ends, in a shielded scope, so no
 *   cancellation keeps it. What a run still holds at its end, the engine gives up.
 *
 * @module
 */

import { checkFunction, checkOptions, checkWhole, readName } from "../base/arguments.ts";
import { digestText } from "../base/digest.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import { lockSignal } from "../base/lock_signal.ts";
import { effectId } from "../base/run_ids.ts";
import type { LockAnswer } from "../replay/commands.ts";
import type { Effects } from "../replay/effects.ts";

/**
 * Options of `ctx.lock`.
 *
 * @category Workflows
 */
export interface LockOptions {
  /**
   * How many runs may have the lock at once: a whole number from 1. The request that came last says
   * it for all.
   *
   * @default {1}
   */
  readonly atOnce?: number;
  /** How long to wait for the lock; without limit by default. */
  readonly timeout?: Duration;
}

const KEYS = ["atOnce", "timeout"];
const MOST = 1_000_000;

/** Takes the locks of one run. */
export class Locks {
  readonly #effects: Effects;

  /** @param effects The machine of the run. */
  constructor(effects: Effects) {
    this.#effects = effects;
  }

  /** See `ctx.lock`. */
  async with<Output>(
    name: string,
    fn: () => Output | Promise<Output>,
    options: LockOptions,
  ): Promise<Awaited<Output>> {
    this.#effects.enter("lock");
    readName(name, "a lock");
    checkFunction(fn, "the function of ctx.lock");
    checkOptions(options, KEYS, "ctx.lock");
    const { atOnce = 1, timeout } = options;
    checkWhole(atOnce, "option atOnce of ctx.lock", 1, MOST);
    const timeoutMs = timeout === undefined ? null : durationMs(timeout, "timeout of ctx.lock");
    const { position } = this.#effects;
    const toldBy = lockSignal(effectId(this.#effects.childIdentity(position), position));
    try {
      await this.#take({ name, atOnce, toldBy }, timeoutMs);
      return await fn();
    } finally {
      this.#effects.enter("lock");
      await this.#effects.scoped(() => this.#giveUp(name, position), {
        timeoutMs: null,
        shielded: true,
        signal: undefined,
      });
    }
  }

  /** LOCK-1 */
  async #take(
    lock: { readonly name: string; readonly atOnce: number; readonly toldBy: string },
    timeoutMs: number | null,
  ): Promise<void> {
    const { name, atOnce, toldBy } = lock;
    const { held } = await this.#effects.ask({
      kind: "call",
      name: `lock ${name}`,
      digest: digestText(String(atOnce)),
      input: null,
      deadline: null,
      options: { call: { kind: "lock", ...lock } },
      signal: undefined,
      fallback: null,
    }) as LockAnswer;
    if (held) return;
    this.#effects.enter("lock");
    await this.#effects.ask({
      kind: "signal",
      name: toldBy,
      digest: timeoutMs === null ? null : `${timeoutMs}ms`,
      input: null,
      deadline: timeoutMs === null ? null : this.#effects.virtualNow() + timeoutMs,
      options: { lock: name },
      signal: undefined,
      fallback: null,
    });
  }

  /** LOCK-2 */
  #giveUp(name: string, position: number): Promise<unknown> {
    this.#effects.enter("lock");
    return this.#effects.ask({
      kind: "call",
      name: `unlock ${name}`,
      digest: digestText(String(position)),
      input: null,
      deadline: null,
      options: { call: { kind: "unlock", position } },
      signal: undefined,
      fallback: null,
    });
  }
}
