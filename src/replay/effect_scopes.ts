/**
 * Scopes of effects: parts of a workflow's code whose effects end together. An effect belongs to
 * the innermost scope whose code requested it, through every `await`.
 *
 * - SCOPE-1: an end (a timeout, `cancel`, a signal) is thrown into a scope's code once: by the
 *   effects that it withdraws, or, if it withdrew none, by the next effect that the code requests.
 *   It is not thrown once the code has read the scope's signal. Effects after that work, so that the
 *   code can clean up.
 * - SCOPE-2: a scope settles when its function does. If it was ended and waits for no effect of its
 *   own, it rejects at once, after the microtasks of the same delivery.
 * - SCOPE-3: when a scope settles, what is outstanding in it is withdrawn, and effects that its code
 *   requests later are refused.
 * - SCOPE-4: neither a cancellation of the run nor the end of an outer scope reaches a shielded
 *   scope; the settling of an outer scope does.
 * - SCOPE-5: no scope withdraws, or refuses, an effect whose `onCancel` is `finish`, such as a
 *   compensation.
 *
 * All of it follows from the code and the order of deliveries, so it has no event. A timeout is a
 * sleep.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { checkAbortSignal } from "../base/arguments.ts";
import { ignoreRejection, inBackground } from "../base/background.ts";
import { TimeoutError } from "../base/errors.ts";
import { stackless } from "../base/stackless.ts";
import type { CommandScope, Request, RequestedCommand } from "./requested_command.ts";

/** What the code of a scope receives. */
export interface ScopeView {
  /** Aborts when the scope is ended; its reason is what the scope's effects reject with. */
  readonly signal: AbortSignal;
  /** Ends the scope. */
  cancel(reason?: unknown): void;
}

/** How a scope is opened. */
export interface ScopeOptions {
  /** Milliseconds after which it is ended; `null`: there is no limit. */
  readonly timeoutMs: number | null;
  /** Whether neither a cancellation nor the end of an outer scope reaches it. */
  readonly shielded: boolean;
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
}

/** What scopes need from their execution. */
export interface ScopeHost {
  /** Throws unless the run's own code is running. */
  enter(call: string): void;
  /** The run's clock, in milliseconds since the epoch. */
  virtualNow(): number;
  /** Requests an effect. */
  ask(request: Request): Promise<unknown>;
  /** The effects that wait, in program order. */
  readonly outstanding: readonly RequestedCommand[];
  /** Withdraws an effect. */
  withdraw(pending: RequestedCommand, reason: unknown): void;
}

/** The name of the sleep that bounds a scope. */
const TIMEOUT_NAME = "scope";

const current: AsyncLocalStorage<EffectScope> = new AsyncLocalStorage();

/** One scope. */
export class EffectScope implements ScopeView, CommandScope {
  /** The execution's scopes. */
  readonly owner: EffectScopes;
  readonly #parent: EffectScope | null;
  readonly #isShielded: boolean;
  /** Why it was ended. */
  #ended: { readonly reason: unknown } | null = null;
  /** Whether its code has not received that yet (SCOPE-1). */
  #isPending = false;
  /** Why the run was cancelled while it was open. */
  #told: { readonly reason: unknown } | null = null;
  /** Set once it has settled: what later effects are refused with (SCOPE-3). */
  #refusal: { readonly reason: unknown } | null = null;
  #controller: AbortController | null = null;
  /** Ends the sleep of its timeout. */
  #timer: AbortController | null = null;
  /** Forgets the signal that ends it. */
  #unhear: () => void = () => {};
  readonly #settled: PromiseWithResolvers<unknown> = Promise.withResolvers();

  /**
   * Use {@linkcode EffectScopes.run}.
   *
   * @param owner All scopes of its execution.
   * @param parent The scope around it.
   * @param isShielded Whether no end from outside reaches it.
   */
  constructor(owner: EffectScopes, parent: EffectScope | null, isShielded: boolean) {
    this.owner = owner;
    this.#parent = parent;
    this.#isShielded = isShielded;
  }

  get signal(): AbortSignal {
    this.#isPending = false;
    if (this.#controller === null) {
      this.#controller = new AbortController();
      const over = this.#ended ?? this.#told;
      if (over !== null) this.#controller.abort(over.reason);
    }
    return this.#controller.signal;
  }

  cancel(reason: unknown = new DOMException("The scope was cancelled", "AbortError")): void {
    if (this.#ended !== null || this.#refusal !== null) return;
    const reached = this.owner.open.filter((scope) =>
      scope.#ended === null && scope.isReachedBy(this)
    );
    for (const scope of reached) scope.#ended = { reason };
    const effects = this.owner.effects((scope) => scope.isReachedBy(this));
    this.#isPending = effects.length === 0 && this.#controller === null;
    for (const effect of effects) this.owner.host.withdraw(effect, reason);
    for (const scope of reached) {
      scope.#timer?.abort();
      scope.#abort(reason);
    }
  }

  /** The run is cancelled: its signal aborts. The execution rejects the effects. */
  tell(reason: unknown): void {
    if (this.isShielded || this.#ended !== null) return;
    this.#told ??= { reason };
    this.#abort(reason);
  }

  #abort(reason: unknown): void {
    const controller = this.#controller;
    if (controller !== null) current.run(this, () => controller.abort(reason));
  }

  /** Whether it, or a scope around it, is shielded. */
  get isShielded(): boolean {
    return this.#isShielded || this.#parent?.isShielded === true;
  }

  /** Whether an end of an outer scope, or of itself, reaches this scope. */
  isReachedBy(outer: CommandScope): boolean {
    return this === outer || !this.#isShielded && this.#parent?.isReachedBy(outer) === true;
  }

  /** Whether it is the other scope, or inside of it. */
  isWithin(outer: CommandScope): boolean {
    return this === outer || this.#parent?.isWithin(outer) === true;
  }

  /** Returns the reason with which an effect is refused (SCOPE-1, SCOPE-3); `null`: it is not. */
  refuse(): { readonly reason: unknown } | null {
    if (this.#refusal !== null) return this.#refusal;
    if (this.#isPending) {
      this.#isPending = false;
      return this.#ended;
    }
    if (this.#parent === null) return null;
    return this.#isShielded ? this.#parent.refuseSettled() : this.#parent.refuse();
  }

  /** As {@linkcode refuse}, through a shield. */
  refuseSettled(): { readonly reason: unknown } | null {
    return this.#refusal ?? this.#parent?.refuseSettled() ?? null;
  }

  /** Runs its function. */
  run<Output>(body: (scope: ScopeView) => Output | Promise<Output>): Promise<Output> {
    const work = current.run(this, async () => await body(this.#view()));
    inBackground(work.then(
      (value) => this.#settle(() => this.#settled.resolve(value)),
      (error) => this.#settle(() => this.#settled.reject(error)),
    ));
    return this.#settled.promise as Promise<Output>;
  }

  #view(): ScopeView {
    const { host } = this.owner;
    const read = () => {
      host.enter("scope.signal");
      return this.signal;
    };
    return {
      get signal() {
        return read();
      },
      cancel: (...reason) => {
        host.enter("scope.cancel");
        this.cancel(...reason);
      },
    };
  }

  /** Bounds its time, by a sleep of the scope around it. */
  limit(timeoutMs: number): void {
    const timer = this.#timer = new AbortController();
    const { host } = this.owner;
    const sleep = host.ask({
      kind: "sleep",
      name: TIMEOUT_NAME,
      digest: `${timeoutMs}ms`,
      input: null,
      deadline: host.virtualNow() + timeoutMs,
      options: { onCancel: "finish" },
      signal: timer.signal,
      fallback: null,
    });
    ignoreRejection(sleep.then(() => this.cancel(stackless(() => timeoutOf(timeoutMs)))));
  }

  /** Ends it when a signal aborts. */
  hear(signal: AbortSignal): void {
    const onAbort = () => this.cancel(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#unhear = () => signal.removeEventListener("abort", onAbort);
  }

  /** SCOPE-2. Returns whether it has settled by this. */
  settleIdle(): boolean {
    if (this.#ended === null || this.#refusal !== null) return false;
    if (this.owner.hasEffects((scope) => scope.isWithin(this))) return false;
    const { reason } = this.#ended;
    this.#settle(() => this.#settled.reject(reason), reason);
    return true;
  }

  /** SCOPE-3 */
  #settle(
    settle: () => void,
    reason: unknown = new DOMException("The scope of this effect has ended", "AbortError"),
  ): void {
    if (this.#refusal !== null) return;
    this.#refusal = { reason };
    this.#isPending = false;
    this.#unhear();
    this.#timer?.abort();
    this.owner.forget(this);
    const inner = this.owner.open.filter((scope) => scope.isWithin(this));
    for (const scope of inner) scope.#ended ??= { reason };
    for (const effect of this.owner.effects((scope) => scope.isWithin(this))) {
      this.owner.host.withdraw(effect, reason);
    }
    for (const scope of inner) {
      scope.#timer?.abort();
      scope.#abort(reason);
    }
    settle();
  }
}

/** The scopes of one execution. */
export class EffectScopes {
  /** The execution. */
  readonly host: ScopeHost;
  readonly #open = new Set<EffectScope>();

  /** @param host The execution. */
  constructor(host: ScopeHost) {
    this.host = host;
  }

  /** The innermost scope whose code is running; `null`: none. */
  get current(): EffectScope | null {
    const scope = current.getStore();
    return scope?.owner === this ? scope : null;
  }

  /**
   * Runs a function in a new scope.
   *
   * @param body The function.
   * @param options How the scope is opened.
   * @returns What the function returns.
   */
  run<Output>(
    body: (scope: ScopeView) => Output | Promise<Output>,
    { timeoutMs, shielded, signal }: ScopeOptions,
  ): Promise<Output> {
    if (signal !== undefined) checkAbortSignal(signal, "ctx.scope");
    const parent = this.current;
    const refusal = signal?.aborted === true ? signal : parent?.refuseSettled() ?? null;
    if (refusal !== null) return Promise.reject(refusal.reason);
    const scope = new EffectScope(this, parent, shielded);
    if (timeoutMs !== null) scope.limit(timeoutMs);
    if (signal !== undefined) scope.hear(signal);
    this.#open.add(scope);
    return scope.run(body);
  }

  /** The scopes that have not settled, outer ones first. */
  get open(): EffectScope[] {
    return [...this.#open];
  }

  /** The outstanding effects of some scopes that scopes may withdraw (SCOPE-5). */
  effects(isOf: (scope: CommandScope) => boolean): RequestedCommand[] {
    return this.host.outstanding.filter(({ scope, options }) =>
      scope !== null && options.onCancel !== "finish" && isOf(scope)
    );
  }

  /** Whether some scopes have outstanding effects of any kind. */
  hasEffects(isOf: (scope: CommandScope) => boolean): boolean {
    return this.host.outstanding.some(({ scope }) => scope !== null && isOf(scope));
  }

  /** A scope has settled. */
  forget(scope: EffectScope): void {
    this.#open.delete(scope);
  }

  /** The run is cancelled: the signals of scopes abort. */
  tell(reason: unknown): void {
    for (const scope of this.open) scope.tell(reason);
  }

  /**
   * Rejects the scopes that were ended and wait for nothing, after the microtasks of a delivery
   * (SCOPE-2).
   *
   * @returns Whether there were any: more microtasks are due.
   */
  settleIdle(): boolean {
    if (this.#open.size === 0) return false;
    return this.open.filter((scope) => scope.settleIdle()).length > 0;
  }
}

function timeoutOf(timeoutMs: number): TimeoutError {
  return new TimeoutError(`The scope timed out: it had ${timeoutMs} ms`, { timeoutMs });
}
