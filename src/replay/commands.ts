/**
 * The commands that a workflow gives to the engine, in program order.
 *
 * @module
 */

import type { RetryPolicy } from "../base/backoff.ts";
import { quoteId } from "../base/describe.ts";
import type { Attention } from "./attention.ts";

/**
 * The kinds of effect that a workflow can request.
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

/** A reference to a workflow: its name, or its definition. */
export type WorkflowLike = string | { readonly name: string };

/** The request of a `child` command. */
export interface ChildRequest {
  /** The child's run id. */
  readonly id: string;
  /** The workflow; absent if an earlier command has started the child. */
  readonly workflow?: WorkflowLike;
  /** What happens to the child when the parent ends. */
  readonly close: "abandon" | "cancel" | "terminate";
  /** The child's start policy, as `policyText` writes it; absent for the defaults. */
  readonly policy?: string | null;
  /** Its search attributes: a JSON object; absent: none. */
  readonly attributes?: string;
  /** Milliseconds until it begins; absent: at once. */
  readonly delayMs?: number;
}

/** The request of a `call` command. */
export type CallRequest =
  | { readonly kind: "start"; readonly child: ChildRequest }
  | {
    readonly kind: "signal";
    readonly id: string;
    readonly name: string;
    /** Whether the answer says if there is such a run that has not ended. */
    readonly tells?: true;
  }
  | { readonly kind: "cancel"; readonly id: string; readonly tells?: true }
  | { readonly kind: "ask"; readonly id: string; readonly name: string }
  | { readonly kind: "published"; readonly id: string; readonly name: string }
  | { readonly kind: "result"; readonly id: string }
  | {
    readonly kind: "lock";
    readonly name: string;
    /** How many runs may have it at once. */
    readonly atOnce: number;
    /** The signal that tells the run that it has the lock. */
    readonly toldBy: string;
  }
  | {
    readonly kind: "unlock";
    /** The position of the command that asked for the lock. */
    readonly position: number;
  }
  | { readonly kind: "attributes" };

/** What a request for a lock is answered: with all that a fork needs to ask for it again. */
export interface LockAnswer {
  /** Whether the run had the lock at once. */
  readonly held: boolean;
  /** Its name. */
  readonly lock: string;
  /** How many runs may have it at once. */
  readonly atOnce: number;
  /** The signal that tells the run that it has the lock. */
  readonly toldBy: string;
}

/**
 * Returns the run that a `call` command acts on.
 *
 * @param call Its request.
 * @returns The run's id; null: no other run.
 */
export function calledRun(call: CallRequest): string | null {
  if (call.kind === "start") return call.child.id;
  return "id" in call ? call.id : null;
}

/** A call that waits for another run. */
type WaitingCall = Extract<CallRequest, { readonly kind: "ask" | "published" | "result" }>;

/** Says what of which run a call waits for. */
function waitedFor(call: WaitingCall): string {
  const what = call.kind === "result" ? "its end" : `${call.kind} ${quoteId(call.name)}`;
  return `${quoteId(call.id)}: ${what}`;
}

/**
 * Whether a `call` command waits for another run, and so for an unknown time.
 *
 * @param call Its request.
 */
export function isWaitingCall(call: CallRequest | undefined): call is WaitingCall {
  return call?.kind === "ask" || call?.kind === "published" || call?.kind === "result";
}

/**
 * Facts of one attempt, passed to the function of a step or an activity.
 *
 * @category Activities
 */
export interface Attempt {
  /** Aborts when the attempt has timed out, or its result is no longer needed. */
  readonly signal: AbortSignal;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /**
   * The same for every attempt of this effect, and different from that of every other effect of
   * every run: a UUID, a slash, a digest and a number, at most 63 characters. If an activity sets its
   * own key, that key.
   *
   * An effect differs from others of its run by its kind, its name, its input (of an activity), or how
   * many equal ones the run has requested before; not by its position. So it keeps its key if the run
   * is moved to code that requests it, whatever that requests before it. What code requests with another
   * name or input is another effect.
   */
  readonly idempotencyKey: string;
  /** The run that requested the effect. */
  readonly runId: string;
  /** The headers of the run. */
  readonly headers: { readonly [name: string]: string };
}

/**
 * One attempt of an activity, passed to its function together with the input.
 *
 * @category Activities
 */
export interface ActivityAttempt extends Attempt {
  /** The details of the last heartbeat of earlier attempts; `undefined` if there was none. */
  readonly lastHeartbeat: unknown;
  /**
   * Reports that the attempt is alive, with its progress. The next attempt receives the details
   * that were reported last. The first heartbeat is written at once; after that, at most two are
   * written in a second, always the newest.
   *
   * @param details Serialisable, at most 16 KiB when encoded.
   * @throws {AttemptError} (`ATTEMPT_LOST`) If the attempt lost its task: stop, its result is no
   * longer needed.
   */
  heartbeat(details?: unknown): Promise<void>;
  /** Returns the token with which `continuum.activities` completes this attempt from outside. */
  token(): Promise<string>;
  /**
   * Marks the attempt as completed from outside: the result of the function is ignored, and the
   * holder of the token completes the attempt. Write `return activity.completeLater()`.
   */
  completeLater(): never;
}

/** A function that the engine runs outside of the replay: an activity. */
export interface ActivityLike {
  /** The activity's name. */
  readonly name: string;
  /** Runs one attempt. */
  // deno-lint-ignore no-explicit-any -- the input's type belongs to the definition's author
  readonly execute: (input: any, attempt: ActivityAttempt) => unknown;
  /** Its retry policy, whose predicate decides wherever the activity is executed. */
  readonly retry?: Pick<RetryPolicy, "retryIf"> | null;
}

/** The parts of a command that are not journaled: every replay produces them again. */
export interface CommandOptions {
  /** A `run` command's function. */
  readonly callback?: (attempt: Attempt) => unknown;
  /** A `transaction` command's function; its first argument is the transaction. */
  readonly transaction?: (transaction: unknown, attempt: Attempt) => unknown;
  /** What a sleep is for, for people. */
  readonly label?: string;
  /** The name of the lock for which a wait for a signal waits. */
  readonly lock?: string;
  /** A `child` command's request. */
  readonly child?: ChildRequest;
  /** Whether a wait for a signal is that of a handler, which belongs to no scope. */
  readonly handles?: true;
  /** A `call` command's request. */
  readonly call?: CallRequest;
  /** An `activity` command's definition; absent when the activity was named by a string. */
  readonly activity?: ActivityLike;
  /** When and how often to retry; the executor's default when absent. */
  readonly retry?: RetryPolicy;
  /** Milliseconds that one attempt may take; unbounded when absent. */
  readonly timeout?: number;
  /**
   * What happens to an activity when the run is cancelled: `wait` (the default) aborts its
   * attempt's signal and waits for its result; `abandon` rejects at once; `finish` changes nothing.
   */
  readonly onCancel?: "wait" | "abandon" | "finish";
  /**
   * The key for {@linkcode Attempt.idempotencyKey}; the executor derives one when absent. If
   * `null`, the executor derives one too, and does not look for one in the definition of an
   * activity that was named by a string.
   */
  readonly idempotencyKey?: string | null;
  /** The queue in which an activity waits for a node; `default` when absent. */
  readonly queue?: string;
  /** Activities of higher priority are taken first from a queue; 0 when absent. */
  readonly priority?: number;
  /** Milliseconds that each attempt of an activity may wait in its queue. */
  readonly scheduleToStart?: number;
  /** Milliseconds from the request of an activity to the end of its last attempt. */
  readonly scheduleToClose?: number;
  /** The most milliseconds between two heartbeats of an attempt. */
  readonly heartbeat?: number;
}

/** One effect that a workflow waits for. */
export interface Command {
  /** Its place in program order, from 0. */
  readonly position: number;
  /**
   * How many commands of this kind, name and digest were requested before, for what the world tells it
   * by: its idempotency key, or the id of the message that it sends. 0 for a sleep, a wait and a child.
   */
  readonly nth: number;
  /** What is requested. */
  readonly kind: CommandKind;
  /** The step's, activity's or signal's name; "" for a sleep. Of several signals, all names. */
  readonly name: string;
  /** The names of the signals that a wait for several takes; absent: `name` is the only one. */
  readonly names?: readonly string[] | undefined;
  /**
   * Detects that the input has changed: a hash of an activity's encoded input, the duration or date
   * of a sleep, the timeout of a wait, with a hash of the names of a wait for several signals; `null`
   * for a step, and for a wait for one signal without a timeout.
   */
  readonly digest: string | null;
  /** An activity's encoded input; null for other kinds. */
  readonly input: string | null;
  /** When a sleep ends or a wait times out, in milliseconds since the epoch; null for neither. */
  readonly deadline: number | null;
  /** The parts that are not journaled. */
  readonly options: CommandOptions;
  /**
   * Set if the run was cancelled while the command waited, and the command continues to wait: the
   * error that it rejects with if it fails. It is not retried then.
   */
  readonly cancelled: Error | null;
  /**
   * Who awaits a wait for a signal (ATTENTION-1 of `attention.ts`); absent: code does until the wait
   * ends. A wait with an `AbortSignal` counts as raced: something else may end it, too.
   */
  readonly attention?: Attention;
  /** Where it was requested; `null` or absent: not kept. */
  readonly stack?: {
    readonly site: { readonly file: string; readonly line: number } | null;
  } | null;
}

/**
 * How a wait is shown.
 *
 * @param command The command.
 * @returns Its kind and its name; of a wait for a lock, `lock` and the name of the lock.
 */
export function waitOf(
  { kind, name, options: { label, lock, call } }: Pick<Command, "kind" | "name" | "options">,
): { readonly kind: string; readonly name: string } {
  if (isWaitingCall(call)) return { kind: "run", name: waitedFor(call) };
  return lock === undefined ? { kind, name: label ?? name } : { kind: "lock", name: lock };
}
