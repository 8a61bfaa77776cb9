/**
 * One call of a user's function, outside of the workflow's guard: bounds its time, and tells what
 * came of it. What that means for the effect is decided elsewhere.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import { type Clock, type Timer, waitFor } from "../base/clock.ts";
import { InvalidArgumentError, TimeoutError, type TimeoutKind } from "../base/errors.ts";
import { checkPayload } from "../base/payload.ts";
import { decode, encode } from "../base/values.ts";
import type { ActivityAttempt } from "../replay/commands.ts";
import { exempt } from "../replay/scope.ts";
import { engineLog } from "./log.ts";

/** The longest details of a heartbeat, encoded, in bytes. */
export const MAX_HEARTBEAT_BYTES = 16_384;

/** What is to be called, once. */
export interface Trial {
  /** What it is, for messages. */
  readonly kind: string;
  /** The effect's name. */
  readonly name: string;
  /** The run's id. */
  readonly runId: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** What tells the world outside that two attempts are one wish. */
  readonly idempotencyKey: () => string;
  /** How long it may take. */
  readonly limit: TrialLimit | undefined;
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

/** How long a call may take, and what says so. */
export interface TrialLimit {
  /** What it is called. */
  readonly timeout: TimeoutKind;
  /** Milliseconds of it, as they were asked for. */
  readonly timeoutMs: number;
  /** Milliseconds that are left of it. */
  readonly leftMs: number;
}

/** What came of a call. */
export type TrialResult =
  | { readonly kind: "returned"; readonly payload: string }
  /** `retryable`: whether another call may end otherwise. */
  | { readonly kind: "threw"; readonly error: unknown; readonly retryable: boolean }
  /** It goes on outside. */
  | { readonly kind: "deferred" };

/** A call under way. */
export interface RunningTrial {
  /** Settles, never rejects. */
  readonly result: Promise<TrialResult>;
  /** Aborts the attempt's signal. What the function does then is not waited for. */
  abort(reason: unknown): void;
}

/**
 * Calls a user's function.
 *
 * @param trial What is to be called.
 * @param clock Times it.
 * @returns The call under way.
 */
export function begin(trial: Trial, clock: Clock): RunningTrial {
  const { promise, resolve } = Promise.withResolvers<TrialResult>();
  const limits = new Limits(trial, clock, (error) => {
    facts.abort(error);
    resolve({ kind: "threw", error, retryable: true });
  });
  const facts = new Facts(trial, limits);
  const over = (result: TrialResult) => {
    limits.end();
    resolve(result);
  };
  inBackground(
    call(trial, facts).then(over),
    (error) => over({ kind: "threw", error, retryable: true }),
  );
  return { result: promise, abort: (reason) => facts.abort(reason) };
}

async function call(trial: Trial, facts: Facts): Promise<TrialResult> {
  try {
    const value = await exempt(() => trial.call(facts), (reason) => unhandled(trial, reason));
    return facts.isDeferred ? { kind: "deferred" } : returned(trial, value);
  } catch (error) {
    return { kind: "threw", error, retryable: true };
  }
}

function unhandled({ kind, name, runId }: Trial, reason: unknown): void {
  engineLog.warn("{kind} {name} of run {run} left a rejected promise unhandled: {reason}", {
    kind,
    name,
    run: runId,
    reason,
  });
}

/** Trying again would not make a value serialisable or smaller, and would repeat the effect. */
function returned({ kind, name, payloadBytes }: Trial, value: unknown): TrialResult {
  try {
    const what = `the result of ${kind} ${JSON.stringify(name)}`;
    return { kind: "returned", payload: checkPayload(encode(value, "result"), what, payloadBytes) };
  } catch (error) {
    return { kind: "threw", error, retryable: false };
  }
}

/** How long the call may take, and how long it may be silent. */
class Limits {
  readonly #trial: Trial;
  readonly #clock: Clock;
  readonly #onEnd: (error: Error) => void;
  readonly #whole: Timer | undefined;
  #silence: Timer | undefined;
  #ended = false;

  constructor(trial: Trial, clock: Clock, onEnd: (error: Error) => void) {
    this.#trial = trial;
    this.#clock = clock;
    this.#onEnd = onEnd;
    const { limit } = trial;
    this.#whole = limit && waitFor(clock, limit.leftMs, () => this.#expire(limit));
    this.heard();
  }

  heard(): void {
    const { heartbeatMs } = this.#trial;
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

  #expire({ timeout, timeoutMs }: Omit<TrialLimit, "leftMs">): void {
    const { attempt, kind, name } = this.#trial;
    this.end();
    this.#onEnd(attemptTimeout(`${kind} ${JSON.stringify(name)}`, attempt, timeout, timeoutMs));
  }
}

const OVERDUE: Readonly<Record<TimeoutKind, string>> = {
  startToClose: "took longer than",
  heartbeat: "sent no heartbeat for",
  scheduleToClose: "did not end, with all attempts before it, within",
  scheduleToStart: "was begun by no node within",
};

/**
 * The error of an attempt whose time is over.
 *
 * @param what What is attempted: `activity "charge"`.
 * @param attempt Which attempt it is, from 1.
 * @param timeout Which limit it ran into.
 * @param ms Milliseconds of the limit.
 * @returns The error.
 */
export function attemptTimeout(
  what: string,
  attempt: number,
  timeout: TimeoutKind,
  ms: number,
): TimeoutError {
  const timeoutMs = Math.round(ms);
  return new TimeoutError(`Attempt ${attempt} of ${what} ${OVERDUE[timeout]} ${timeoutMs} ms`, {
    attempt,
    timeout,
    timeoutMs,
  });
}

/** What the user's function is told; its signal is made only when somebody looks at it. */
class Facts implements ActivityAttempt {
  readonly attempt: number;
  readonly runId: string;
  readonly #trial: Trial;
  readonly #limits: Limits;
  #isDeferred = false;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(trial: Trial, limits: Limits) {
    this.attempt = trial.attempt;
    this.runId = trial.runId;
    this.#trial = trial;
    this.#limits = limits;
  }

  // Not methods: functions take them out of their object. Most never look at them.
  get heartbeat(): (details?: unknown) => Promise<void> {
    return async (details) => {
      const text = encodeDetails(details);
      this.#limits.heard();
      await this.#trial.beat(text);
    };
  }

  get token(): () => Promise<string> {
    return () => this.#trial.token();
  }

  get completeLater(): () => never {
    return () => {
      this.#isDeferred = true;
      return undefined as never;
    };
  }

  get idempotencyKey(): string {
    return this.#trial.idempotencyKey();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get lastHeartbeat(): unknown {
    const { lastHeartbeat } = this.#trial;
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

/**
 * Encodes what a heartbeat says.
 *
 * @param details Anything serialisable.
 * @returns Its text.
 * @throws {InvalidArgumentError} If it is longer than 16 KiB. {NotSerializableError} If it is not.
 */
export function encodeDetails(details: unknown): string {
  const text = encode(details, "details");
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_HEARTBEAT_BYTES) return text;
  throw new InvalidArgumentError(
    `Cannot send a heartbeat: found details of ${bytes} bytes, wanted ${MAX_HEARTBEAT_BYTES} or less`,
    { bytes },
  );
}
