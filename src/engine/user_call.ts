/**
 * Calls a user's function once, outside of the workflow's guard, with a time limit, and returns the
 * outcome. The caller decides what the outcome means for the effect.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { quoteId } from "../base/describe.ts";
import { inBackground } from "../base/background.ts";
import { type Clock, type Timer, waitFor } from "../base/clock.ts";
import { checkPayload } from "../base/payload.ts";
import { decode, encode } from "../base/values.ts";
import type { AttemptTelemetry } from "../ports/telemetry.ts";
import type { Around } from "../ports/around.ts";
import type { ActivityAttempt } from "../replay/commands.ts";
import { exempt } from "../replay/scope.ts";
import { encodeDetails } from "../task/heartbeat.ts";
import { attemptTimeout, type CallLimit } from "../task/timeout.ts";
import type { RunHeaders } from "../workflow/headers.ts";

/** One call of a user's function. */
export interface UserCall {
  /** The kind of effect, for messages. */
  readonly kind: string;
  /** The effect's name. */
  readonly name: string;
  /** The run's id. */
  readonly runId: string;
  /** The headers of the run. */
  readonly headers: RunHeaders;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** The idempotency key: the same for every attempt of one call. */
  readonly idempotencyKey: () => string;
  /** The time limit. */
  readonly limit: CallLimit | undefined;
  /** Milliseconds between two heartbeats. */
  readonly heartbeatMs: number | undefined;
  /** The details of the last heartbeat of earlier attempts, encoded. */
  readonly lastHeartbeat: string | null;
  /** The most bytes of its result. */
  readonly payloadBytes: number;
  /** Calls the function. */
  readonly call: (attempt: ActivityAttempt) => unknown;
  /** Stores the details of a heartbeat. */
  readonly beat: (details: string) => Promise<void>;
  /** The token with which another process can complete the attempt. */
  readonly token: () => Promise<string>;
  /** Takes rejected promises that the function leaves. */
  readonly log: AuthoredLog;
  /** The application's hook around attempts. */
  readonly around: Around["attempt"] | undefined;
  /** Observes the attempt. */
  readonly telemetry: AttemptTelemetry | undefined;
}

/** The outcome of a call. */
export type UserCallResult =
  | { readonly kind: "returned"; readonly payload: string }
  /** `retryable`: whether another call may succeed. */
  | { readonly kind: "threw"; readonly error: unknown; readonly retryable: boolean }
  /** The attempt will be completed from outside. */
  | { readonly kind: "deferred" };

/** A call under way. */
export interface RunningUserCall {
  /** Resolves with the outcome, and never rejects. */
  readonly result: Promise<UserCallResult>;
  /** Aborts the attempt's signal, without waiting for the function. */
  abort(reason: unknown): void;
}

/**
 * Calls a user's function.
 *
 * @param userCall The call.
 * @param clock Times the call.
 * @returns The call under way.
 */
export function startUserCall(userCall: UserCall, clock: Clock): RunningUserCall {
  const { promise, resolve } = Promise.withResolvers<UserCallResult>();
  const limits = new CallLimits(userCall, clock, (error) => {
    facts.abort(error);
    userCall.telemetry?.ended({ error });
    resolve({ kind: "threw", error, retryable: true });
  });
  const facts = new AttemptView(userCall, limits);
  const over = (result: UserCallResult) => {
    if (!limits.isOver) userCall.telemetry?.ended(result.kind === "threw" ? result : undefined);
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
  const { telemetry } = userCall;
  const attempt = hooked(userCall, facts);
  const body = telemetry?.during === undefined ? attempt : () => telemetry.during!(attempt);
  try {
    const value = await exempt(body, (reason) => unhandled(userCall, reason));
    return facts.isDeferred ? { kind: "deferred" } : returned(userCall, value);
  } catch (error) {
    return { kind: "threw", error, retryable: true };
  }
}

/** Calls the function, within the application's hook. */
function hooked(userCall: UserCall, facts: AttemptView): () => unknown {
  const { around, kind, name, runId, attempt, headers } = userCall;
  if (around === undefined) return () => userCall.call(facts);
  return () =>
    around({ kind, name, runId, attempt, headers }, async () => await userCall.call(facts));
}

function unhandled({ kind, name, runId, log }: UserCall, reason: unknown): void {
  log.warn("{kind} {name} of run {run} left a rejected promise unhandled: {reason}", {
    kind,
    name,
    run: runId,
    reason,
  });
}

/** A retry would not make a value serializable or smaller, and would repeat the effect. */
function returned({ kind, name, payloadBytes }: UserCall, value: unknown): UserCallResult {
  try {
    const what = `the result of ${kind} ${JSON.stringify(name)}`;
    return { kind: "returned", payload: checkPayload(encode(value, "result"), what, payloadBytes) };
  } catch (error) {
    return { kind: "threw", error, retryable: false };
  }
}

/** Limits the time of the call, and the time between two heartbeats. */
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
    this.restart();
  }

  restart(): void {
    const { heartbeatMs } = this.#userCall;
    if (heartbeatMs === undefined || this.#ended) return;
    this.#silence?.cancel();
    this.#silence = waitFor(
      this.#clock,
      heartbeatMs,
      () => this.#expire({ timeout: "heartbeat", timeoutMs: heartbeatMs }),
    );
  }

  /** Whether the call has ended, or its time was up. */
  get isOver(): boolean {
    return this.#ended;
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
  readonly headers: RunHeaders;
  readonly #userCall: UserCall;
  readonly #limits: CallLimits;
  #isDeferred = false;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(userCall: UserCall, limits: CallLimits) {
    this.attempt = userCall.attempt;
    this.runId = userCall.runId;
    this.headers = userCall.headers;
    this.#userCall = userCall;
    this.#limits = limits;
  }

  // Functions destructure these, so they are not methods. They are created on demand, since most
  // functions never use them.
  get heartbeat(): (details?: unknown) => Promise<void> {
    return async (details) => {
      const text = encodeDetails(details);
      this.#limits.restart();
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
