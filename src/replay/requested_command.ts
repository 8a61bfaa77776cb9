/**
 * A command inside the machine: the request, and the promise that waits.
 *
 * @module
 */

import { type Attention, WatchedPromise } from "./attention.ts";
import type { Command, CommandKind, CommandOptions } from "./commands.ts";
import type { CallStack } from "./call_stack.ts";
import { EffectPromise } from "./effect_promise.ts";
import type { CallSite } from "./turn.ts";

/** What a wait returns after its timeout. */
export interface Fallback {
  /** The value. */
  readonly value: unknown;
}

/** What the context requests. */
export interface Request {
  /** As in {@linkcode Command}. */
  readonly kind: CommandKind;
  /** As in {@linkcode Command}. */
  readonly name: string;
  /** As in {@linkcode Command}. */
  readonly names?: readonly string[] | undefined;
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
  /** What a wait returns after its timeout; `null` if it throws. */
  readonly fallback: Fallback | null;
  /** The result of a `call`, made by the code itself; `undefined` when absent. */
  readonly answer?: unknown;
}

/** The scope whose code requested a command, in `effect_scopes.ts`. */
export interface CommandScope {
  /** Whether a shield keeps a cancellation of the run from it. */
  readonly isShielded: boolean;
  /** Whether the end of a scope reaches it. */
  isReachedBy(outer: CommandScope): boolean;
  /** Whether it is a scope, or is inside of it. */
  isWithin(outer: CommandScope): boolean;
}

/** What the execution provides for a command. */
export interface RequestedCommandHost {
  /** The stack of the requesting call, if it is to be kept. */
  readonly stack: CallStack | null;
  /** Called whenever code looks at the promise. */
  readonly onLook: () => void;
  /** The scope whose code requests it; `null`: none. */
  readonly scope: CommandScope | null;
}

/** A command and its promise. */
export class RequestedCommand implements Command {
  readonly position: number;
  readonly nth: number;
  readonly kind: CommandKind;
  readonly name: string;
  readonly names: readonly string[] | undefined;
  readonly digest: string | null;
  readonly input: string | null;
  readonly deadline: number | null;
  readonly options: CommandOptions;
  /** What a wait returns after its timeout; `null` if it throws. */
  readonly fallback: Fallback | null;
  /** The result of a `call`. */
  readonly answer: unknown;
  /** The scope whose code requested it; `null`: none. */
  readonly scope: CommandScope | null;
  cancelled: Error | null = null;
  /** Whether a handler of a signal requested it. */
  isHandlers = false;
  /** The stack of the requesting call; `null` unless traced, wanted, or an activity's. */
  readonly stack: CallStack | null;
  readonly #promise: EffectPromise;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #onAbort: (() => void) | null = null;

  /**
   * Makes the command, and its promise.
   *
   * @param place Its place in program order, and among those of its kind and name.
   * @param request The request.
   * @param host What the execution provides.
   */
  constructor(
    { position, nth }: Pick<Command, "position" | "nth">,
    request: Request,
    { stack, onLook, scope }: RequestedCommandHost,
  ) {
    this.position = position;
    this.nth = nth;
    this.kind = request.kind;
    this.name = request.name;
    this.names = request.names;
    this.digest = request.digest;
    this.input = request.input;
    this.deadline = request.deadline;
    this.options = request.options;
    this.fallback = request.fallback;
    this.answer = request.answer;
    this.stack = stack;
    this.scope = scope;
    this.#signal = request.signal;
    let settle: Pick<PromiseWithResolvers<unknown>, "resolve" | "reject">;
    const Promised = request.kind === "signal" ? WatchedPromise : EffectPromise;
    this.#promise = new Promised((resolve, reject) => settle = { resolve, reject });
    this.#promise.onLook = onLook;
    this.#resolve = settle!.resolve;
    this.#reject = settle!.reject;
  }

  /** The promise that the workflow awaits. */
  get promise(): Promise<unknown> {
    return this.#promise;
  }

  /** Whether code has awaited the promise, or has called `then` in another way. */
  get isAwaited(): boolean {
    return this.#promise.isAwaited;
  }

  /** Who awaits it, if it is a wait for a signal (ATTENTION-1). */
  get attention(): Attention {
    if (!(this.#promise instanceof WatchedPromise)) return "held";
    const { attention } = this.#promise;
    return attention === "held" && this.#signal !== undefined ? "raced" : attention;
  }

  /** Where it was requested; `null` unless the stack was taken. */
  get site(): CallSite | null {
    return this.stack?.site ?? null;
  }

  /** Calls `withdraw`, once, if the request's signal aborts while the command waits. */
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
