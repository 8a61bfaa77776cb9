/**
 * A command that the machine knows: what was asked for, and the promise that waits.
 *
 * @module
 */

import { ignoreRejection } from "../base/background.ts";
import type { Command, CommandKind, CommandOptions } from "./commands.ts";
import type { CallStack } from "./call_stack.ts";
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
  /** What a `call` answers, made by the code itself; `undefined` when absent. */
  readonly answer?: unknown;
}

/** What a command asks of its execution. */
export interface RequestedCommandHost {
  /** The stack of whoever asks for it, if it is to be taken. */
  readonly stack: CallStack | null;
  /** Called whenever somebody looks at the promise. */
  readonly onLook: () => void;
}

/** A command and its promise. */
export class RequestedCommand implements Command {
  readonly position: number;
  readonly kind: CommandKind;
  readonly name: string;
  readonly digest: string | null;
  readonly input: string | null;
  readonly deadline: number | null;
  readonly options: CommandOptions;
  /** What a wait answers after its timeout; null if it throws. */
  readonly fallback: Fallback | null;
  /** What a `call` answers. */
  readonly answer: unknown;
  cancelled: Error | null = null;
  /** The stack of whoever asked for it; null unless traced, or an activity's. */
  readonly stack: CallStack | null;
  readonly #promise: EffectPromise;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #onAbort: (() => void) | null = null;

  /**
   * Makes the command, and its promise.
   *
   * @param position Its place in program order.
   * @param request What was asked for.
   * @param host What its execution does for it.
   */
  constructor(position: number, request: Request, { stack, onLook }: RequestedCommandHost) {
    this.position = position;
    this.kind = request.kind;
    this.name = request.name;
    this.digest = request.digest;
    this.input = request.input;
    this.deadline = request.deadline;
    this.options = request.options;
    this.fallback = request.fallback;
    this.answer = request.answer;
    this.stack = stack;
    this.#signal = request.signal;
    let settle: Pick<PromiseWithResolvers<unknown>, "resolve" | "reject">;
    this.#promise = new EffectPromise((resolve, reject) => settle = { resolve, reject });
    this.#promise.onLook = onLook;
    this.#resolve = settle!.resolve;
    this.#reject = settle!.reject;
  }

  /** What the workflow awaits. */
  get promise(): Promise<unknown> {
    return this.#promise;
  }

  /** Whether anybody has awaited the promise, or asked it for its end in another way. */
  get isAwaited(): boolean {
    return this.#promise.isAwaited;
  }

  /** Where it was asked for; null unless the stack was taken. */
  get site(): CallSite | null {
    return this.stack?.site ?? null;
  }

  /** Calls back, once, if the request's signal aborts while the command waits. */
  whenAborted(withdraw: (pending: RequestedCommand, reason: unknown) => void): void {
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
    this.#promise.ignoreRejection();
    this.#reject(reason);
  }

  #forgetSignal(): void {
    if (this.#onAbort === null) return;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#onAbort = null;
  }
}

/**
 * A promise that knows whether anybody looks at it. Whatever does (`await`, `then`, `Promise.all`,
 * a `return` from an async function) first reads its `constructor`; since that is `Promise`, all
 * goes on as with any other promise, in as many microtasks.
 */
class EffectPromise extends Promise<unknown> {
  isAwaited = false;
  onLook: () => void = IGNORE;

  /** Makes its rejection count as handled. */
  ignoreRejection(): void {
    const { isAwaited, onLook } = this;
    this.onLook = IGNORE;
    ignoreRejection(this);
    this.isAwaited = isAwaited;
    this.onLook = onLook;
  }
}

Reflect.defineProperty(EffectPromise.prototype, "constructor", {
  configurable: true,
  get(this: EffectPromise): PromiseConstructor {
    this.isAwaited = true;
    this.onLook();
    return Promise;
  },
});

function IGNORE(): void {}
