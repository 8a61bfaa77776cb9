/**
 * One call of a user's function, outside of the workflow's guard: limits its time, and returns what
 * came of it. What that means for the effect is decided elsewhere.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { inBackground } from "../base/background.ts";
import { type Clock, type Timer, waitFor } from "../base/clock.ts";
import { checkPayload } from "../base/payload.ts";
import { decode, encode } from "../base/values.ts";
import type { ActivityAttempt } from "../replay/commands.ts";
import { exempt } from "../replay/scope.ts";
import { engineLog } from "../base/log.ts";
import { encodeDetails } from "../task/heartbeat.ts";
import { attemptTimeout, type CallLimit } from "../task/timeout.ts";

/** What is to be called, once. */
export interface UserCall {
  /** What it is, for messages. */
  readonly kind: string;
  /** The effect's name. */
  readonly name: string;
  /** The run's id. */
  readonly runId: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** The idempotency key: the same for every attempt of one call. */
  readonly idempotencyKey: () => string;
  /** How long it may take. */
  readonly limit: CallLimit | undefined;
  /** Milliseconds between two heartbeats. */
  readonly heartbeatMs: number | undefined;
  /** What the last heartbeat of the attempts before said, encoded. */
  readonly lastHeartbeat: string | null;
  /** The most bytes of its result. */
  readonly payloadBytes: number;
  /** Calls the function. */
  readonly call: (attempt: ActivityAttempt) => unknown;
  /** Keeps what a heartbeat says. */
  readonly beat: (details: string) => Promise<void>;
  /** The token with which others complete the attempt. */
  readonly token: () => Promise<string>;
}

/** What came of a call. */
export type UserCallResult =
  | { readonly kind: "returned"; readonly payload: string }
  /** `retryable`: whether another call may end otherwise. */
  | { readonly kind: "threw"; readonly error: unknown; readonly retryable: boolean }
  /** It is completed from outside. */
  | { readonly kind: "deferred" };

/** A call under way. */
export interface RunningUserCall {
  /** Settles, never rejects. */
  readonly result: Promise<UserCallResult>;
  /** Aborts the attempt's signal. What the function does then is not waited for. */
  abort(reason: unknown): void;
}

/**
 * Calls a user's function.
 *
 * @param userCall What is to be called.
 * @param clock Times it.
 * @returns The call under way.
 */
export function startUserCall(userCall: UserCall, clock: Clock): RunningUserCall {
  const { promise, resolve } = Promise.withResolvers<UserCallResult>();
  const limits = new CallLimits(userCall, clock, (error) => {
    facts.abort(error);
    resolve({ kind: "threw", error, retryable: true });
  });
  const facts = new AttemptView(userCall, limits);
  const over = (result: UserCallResult) => {
    limits.end();
    resolve(result);
  };
  inBackground(
    call(userCall, facts).then(over),
    (error) => over({ kind: "threw", error, retryable: true }),
  );
  return { result: promise, abort: (reason) => facts.abort(reason) };
}

async function call(userCall: UserCall, facts: AttemptView): Promise<UserCallResult> {
  try {
    const value = await exempt(() => userCall.call(facts), (reason) => unhandled(userCall, reason));
    return facts.isDeferred ? { kind: "deferred" } : returned(userCall, value);
  } catch (error) {
    return { kind: "threw", error, retryable: true };
  }
}

function unhandled({ kind, name, runId }: UserCall, reason: unknown): void {
  engineLog.warn("{kind} {name} of run {run} left a rejected promise unhandled: {reason}", {
    kind,
    name,
    run: runId,
    reason,
  });
}

/** Trying again would not make a value serialisable or smaller, and would repeat the effect. */
function returned({ kind, name, payloadBytes }: UserCall, value: unknown): UserCallResult {
  try {
    const what = `the result of ${kind} ${JSON.stringify(name)}`;
    return { kind: "returned", payload: checkPayload(encode(value, "result"), what, payloadBytes) };
  } catch (error) {
    return { kind: "threw", error, retryable: false };
  }
}

/** How long the call may take, and how long it may be silent. */
class CallLimits {
  readonly #userCall: UserCall;
  readonly #clock: Clock;
  readonly #onEnd: (error: Error) => void;
  readonly #whole: Timer | undefined;
  #silence: Timer | undefined;
  #ended = false;

  constructor(userCall: UserCall, clock: Clock, onEnd: (error: Error) => void) {
    this.#userCall = userCall;
    this.#clock = clock;
    this.#onEnd = onEnd;
    const { limit } = userCall;
    this.#whole = limit && waitFor(clock, limit.leftMs, () => this.#expire(limit));
    this.heard();
  }

  heard(): void {
    const { heartbeatMs } = this.#userCall;
    if (heartbeatMs === undefined || this.#ended) return;
    this.#silence?.cancel();
    this.#silence = waitFor(
      this.#clock,
      heartbeatMs,
      () => this.#expire({ timeout: "heartbeat", timeoutMs: heartbeatMs }),
    );
  }

  end(): void {
    this.#ended = true;
    this.#whole?.cancel();
    this.#silence?.cancel();
  }

  #expire({ timeout, timeoutMs }: Omit<CallLimit, "leftMs">): void {
    const { attempt, kind, name } = this.#userCall;
    this.end();
    this.#onEnd(attemptTimeout(`${kind} ${quoteId(name)}`, attempt, timeout, timeoutMs));
  }
}

/** The argument of the user's function; its signal is created on first access. */
class AttemptView implements ActivityAttempt {
  readonly attempt: number;
  readonly runId: string;
  readonly #userCall: UserCall;
  readonly #limits: CallLimits;
  #isDeferred = false;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(userCall: UserCall, limits: CallLimits) {
    this.attempt = userCall.attempt;
    this.runId = userCall.runId;
    this.#userCall = userCall;
    this.#limits = limits;
  }

  // Not methods: functions take them out of their object. Most never look at them.
  get heartbeat(): (details?: unknown) => Promise<void> {
    return async (details) => {
      const text = encodeDetails(details);
      this.#limits.heard();
      await this.#userCall.beat(text);
    };
  }

  get token(): () => Promise<string> {
    return () => this.#userCall.token();
  }

  get completeLater(): () => never {
    return () => {
      this.#isDeferred = true;
      return undefined as never;
    };
  }

  get idempotencyKey(): string {
    return this.#userCall.idempotencyKey();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get lastHeartbeat(): unknown {
    const { lastHeartbeat } = this.#userCall;
    return lastHeartbeat === null ? undefined : decode(lastHeartbeat);
  }

  get isDeferred(): boolean {
    return this.#isDeferred;
  }

  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }
}
