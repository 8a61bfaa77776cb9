/**
 * A command that the machine knows: what was asked for, and the promise that waits.
 *
 * @module
 */

import type { Command, CommandKind, CommandOptions } from "./commands.ts";
import type { CallSite } from "./turn.ts";

/** What a wait answers after its timeout. */
export interface Fallback {
  /** The answer. */
  readonly value: unknown;
}

/** What the context asks for. */
export interface Request {
  /** As in {@linkcode Command}. */
  readonly kind: CommandKind;
  /** As in {@linkcode Command}. */
  readonly name: string;
  /** As in {@linkcode Command}. */
  readonly digest: string | null;
  /** As in {@linkcode Command}. */
  readonly input: string | null;
  /** As in {@linkcode Command}. */
  readonly deadline: number | null;
  /** As in {@linkcode Command}. */
  readonly options: CommandOptions;
  /** Withdraws the effect when it aborts. */
  readonly signal: AbortSignal | undefined;
  /** What a wait answers after its timeout; null if it throws. */
  readonly fallback: Fallback | null;
}

/** A command and its promise. */
export class Pending implements Command {
  readonly position: number;
  readonly kind: CommandKind;
  readonly name: string;
  readonly digest: string | null;
  readonly input: string | null;
  readonly deadline: number | null;
  readonly options: CommandOptions;
  /** What a wait answers after its timeout; null if it throws. */
  readonly fallback: Fallback | null;
  cancelled: Error | null = null;
  /** Where it was asked for; null unless traced. */
  readonly site: CallSite | null;
  /** What the workflow awaits. */
  readonly promise: Promise<unknown>;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #onAbort: (() => void) | null = null;

  /**
   * Makes the command, and its promise.
   *
   * @param position Its place in program order.
   * @param request What was asked for.
   * @param site Where; null unless traced.
   */
  constructor(position: number, request: Request, site: CallSite | null) {
    this.position = position;
    this.kind = request.kind;
    this.name = request.name;
    this.digest = request.digest;
    this.input = request.input;
    this.deadline = request.deadline;
    this.options = request.options;
    this.fallback = request.fallback;
    this.site = site;
    this.#signal = request.signal;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Calls back, once, if the request's signal aborts while the command waits. */
  whenAborted(withdraw: (pending: Pending, reason: unknown) => void): void {
    const signal = this.#signal;
    if (signal === undefined) return;
    this.#onAbort = () => withdraw(this, signal.reason);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Fulfils the promise. */
  resolve(value: unknown): void {
    this.#forgetSignal();
    this.#resolve(value);
  }

  /** Rejects the promise, which counts as handled: an effect may fail before it is awaited. */
  reject(reason: unknown): void {
    this.#forgetSignal();
    this.promise.then(undefined, ignore);
    this.#reject(reason);
  }

  #forgetSignal(): void {
    if (this.#onAbort === null) return;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#onAbort = null;
  }
}

function ignore(): void {}
