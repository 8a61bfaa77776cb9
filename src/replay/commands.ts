/**
 * What a workflow asks of the engine: commands, in program order.
 *
 * @module
 */

import type { RetryPolicy } from "../base/backoff.ts";

/**
 * The kinds of effect a workflow can ask for.
 *
 * @category Runs
 */
export type CommandKind =
  | "step"
  | "activity"
  | "sleep"
  | "signal"
  | "transaction"
  | "child"
  | "call";

/** A workflow, as something that can be started: by name, or by its definition. */
export type WorkflowLike = string | { readonly name: string };

/** What a `child` command is about. */
export interface ChildRequest {
  /** The child's run id. */
  readonly id: string;
  /** Which workflow it is; absent when an earlier command has started it. */
  readonly workflow?: WorkflowLike;
  /** What follows for it when the parent ends. */
  readonly close: "abandon" | "cancel" | "terminate";
  /** What it starts with, as `policyText` writes it; absent when nothing is said. */
  readonly policy?: string | null;
}

/** What a `call` command asks of the engine. */
export type CallRequest =
  | { readonly kind: "start"; readonly child: ChildRequest }
  | { readonly kind: "signal"; readonly id: string; readonly name: string }
  | { readonly kind: "cancel"; readonly id: string };

/**
 * One attempt's own facts, given to a step's or an activity's function.
 *
 * @category Activities
 */
export interface Attempt {
  /** Aborts when the attempt has timed out, or nobody wants its answer any more. */
  readonly signal: AbortSignal;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /**
   * The same for every attempt of this effect, and for no other effect of whatever run, for ever: a
   * UUID, a slash and a number. Where an activity says a key, that one.
   */
  readonly idempotencyKey: string;
  /** The run that asked. */
  readonly runId: string;
}

/**
 * An activity's attempt: what its function is given beside its input.
 *
 * @category Activities
 */
export interface ActivityAttempt extends Attempt {
  /** What the last heartbeat of the attempts before said; `undefined` if there was none. */
  readonly lastHeartbeat: unknown;
  /**
   * Says that the attempt is alive, and how far it is. What was said last is handed to the next
   * attempt. Written at once, then at most twice a second, always the newest.
   *
   * @param details Serialisable, at most 16 KiB when encoded.
   * @throws {AttemptLostError} If the attempt lost its task: stop, nobody wants the answer.
   */
  heartbeat(details?: unknown): Promise<void>;
  /** The token with which `continuum.activities` completes this attempt from outside. */
  token(): Promise<string>;
  /**
   * Says that the attempt goes on outside: what the function returns is ignored, and whoever has
   * the token completes it. Write `return activity.completeLater()`.
   */
  completeLater(): never;
}

/** A function that an engine runs outside of the replay: an activity. */
export interface ActivityLike {
  /** The activity's name. */
  readonly name: string;
  /** Runs one attempt. */
  // deno-lint-ignore no-explicit-any -- the input's type belongs to the definition's author
  readonly execute: (input: any, attempt: ActivityAttempt) => unknown;
}

/** The parts of a command that are not journaled: they are there again after every replay. */
export interface CommandOptions {
  /** A `run` command's function. */
  readonly callback?: (attempt: Attempt) => unknown;
  /** A `transaction` command's function; it gets the transaction first. */
  readonly transaction?: (transaction: unknown, attempt: Attempt) => unknown;
  /** What a `child` command is about. */
  readonly child?: ChildRequest;
  /** What a `call` command asks for. */
  readonly call?: CallRequest;
  /** An `activity` command's definition; absent when the activity was named by a string. */
  readonly activity?: ActivityLike;
  /** When and how often to try again; the executor's default when absent. */
  readonly retry?: RetryPolicy;
  /** Milliseconds that one attempt may take; unbounded when absent. */
  readonly timeout?: number;
  /**
   * What a cancellation of the run does to an activity: `wait` (the default) aborts its attempt's
   * signal and waits for its answer; `abandon` rejects at once; `finish` changes nothing.
   */
  readonly onCancel?: "wait" | "abandon" | "finish";
  /**
   * The key for {@linkcode Attempt.idempotencyKey}; the executor derives one when absent. `null`:
   * the same, and the definition of an activity that was named by a string is not asked for one.
   */
  readonly idempotencyKey?: string | null;
  /** Where an activity waits for a node; `default` when absent. */
  readonly queue?: string;
  /** An activity of higher priority goes first in its queue; 0 when absent. */
  readonly priority?: number;
  /** Milliseconds that an activity may wait in its queue, for each attempt. */
  readonly scheduleToStart?: number;
  /** Milliseconds from asking for an activity to the end of its last attempt. */
  readonly scheduleToClose?: number;
  /** Milliseconds between two heartbeats of an attempt. */
  readonly heartbeat?: number;
}

/** One effect that a workflow waits for. */
export interface Command {
  /** Its place in program order, from 0. */
  readonly position: number;
  /** What is asked for. */
  readonly kind: CommandKind;
  /** The step's, activity's or signal's name; "" for a sleep. */
  readonly name: string;
  /**
   * What tells two inputs apart: a hash of an activity's encoded input, the duration or date of a
   * sleep, the timeout of a wait; null for a step and for a wait without a timeout.
   */
  readonly digest: string | null;
  /** An activity's encoded input; null for other kinds. */
  readonly input: string | null;
  /** When a sleep ends or a wait times out, in milliseconds since the epoch; null for neither. */
  readonly deadline: number | null;
  /** The parts that are not journaled. */
  readonly options: CommandOptions;
  /**
   * Set once the run was cancelled while this waited, if it outlives that: what it rejects with if
   * it fails. There is no other attempt then.
   */
  readonly cancelled: Error | null;
}
