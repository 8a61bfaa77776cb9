/**
 * What a workflow's function is given.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import type { Attempt } from "../replay/commands.ts";
import type { ActivityDefinition } from "./activity.ts";
import type { RetryOptions } from "./options.ts";

/** What every effect takes. */
export interface EffectOptions {
  /**
   * Withdraws the effect when it aborts: its promise rejects with the signal's reason, and it
   * consumes nothing any more.
   */
  readonly signal?: AbortSignal;
}

/** What `ctx.run` takes beside name and function. */
export interface RunOptions extends EffectOptions {
  /** When and how often to try again; the engine's default otherwise. */
  readonly retry?: RetryOptions;
  /** How long one attempt may take; unbounded by default. */
  readonly timeout?: Duration;
}

/** What `ctx.activity` takes beside activity and input; it goes before what the activity says. */
export interface ActivityCallOptions extends RunOptions {
  /**
   * What a cancellation of the run does: `"wait"`, the default, aborts the attempt's signal and
   * waits for its answer (a success that still comes is delivered); `"abandon"` rejects at once.
   */
  readonly onCancel?: "wait" | "abandon";
  /** The key that tells the world outside that two attempts are one wish. */
  readonly idempotencyKey?: string;
}

/** What `ctx.waitForSignal` takes beside the name. */
export interface SignalOptions extends EffectOptions {
  /** How long to wait; for ever by default. */
  readonly timeout?: Duration;
}

/** What `ctx.waitForSignal` takes where a timeout is not an error. */
export interface SignalOptionsOtherwise<Otherwise> extends SignalOptions {
  /** What to answer after the timeout. */
  readonly otherwise: Otherwise;
}

/** Logs at the live tail only: a replay does not repeat lines. */
export interface WorkflowLog {
  /** Logs what helps while developing. */
  debug(message: string, properties?: Record<string, unknown>): void;
  /** Logs what is worth knowing. */
  info(message: string, properties?: Record<string, unknown>): void;
  /** Logs what should be looked at. */
  warn(message: string, properties?: Record<string, unknown>): void;
  /** Logs what went wrong. */
  error(message: string, properties?: Record<string, unknown>): void;
}

/**
 * A run, as its own code sees it. Effects answer with promises; what they resolve with has been
 * through the journal, and is never the original object.
 */
export interface WorkflowContext {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version hash of the code that runs. */
  readonly version: string;
  /** Aborts when the run is cancelled; its reason is the {@linkcode CancelledError}. */
  readonly cancelSignal: AbortSignal;
  /**
   * Runs an activity and waits for its result. Given as a definition, its code is pinned with the
   * workflow; given by name, it is what the executing node registered.
   *
   * @throws {ActivityError} If it fails for good; `cause` is what its last attempt threw.
   * @throws {NotSerializableError} At the call, if the input cannot be journaled.
   */
  activity<Output>(
    activity: ActivityDefinition<void, Output>,
    input?: undefined,
    options?: ActivityCallOptions,
  ): Promise<Awaited<Output>>;
  /** Runs an activity that takes an input. */
  activity<Input, Output>(
    activity: ActivityDefinition<Input, Output>,
    input: Input,
    options?: ActivityCallOptions,
  ): Promise<Awaited<Output>>;
  /** Runs an activity by its name. */
  activity<Output = unknown>(
    activity: string,
    input?: unknown,
    options?: ActivityCallOptions,
  ): Promise<Output>;
  /**
   * Runs a step in place: `fn` is called outside of the replay, tried again until it succeeds, and
   * its result is journaled once. `fn` must not use `ctx`.
   *
   * @throws What its last attempt threw, if it fails for good.
   */
  run<Output>(
    name: string,
    fn: (step: Attempt) => Output | Promise<Output>,
    options?: RunOptions,
  ): Promise<Awaited<Output>>;
  /** Waits, for minutes or months: a duration from now, or until a date. */
  sleep(until: Duration | Date, options?: EffectOptions): Promise<void>;
  /**
   * Waits for a signal by name and answers with its payload.
   *
   * @throws {TimeoutError} After `timeout`, unless `otherwise` is given.
   */
  waitForSignal<Payload = unknown, Otherwise = Payload>(
    name: string,
    options: SignalOptionsOtherwise<Otherwise>,
  ): Promise<Payload | Otherwise>;
  /** Waits for a signal; a timeout is an error. */
  waitForSignal<Payload = unknown>(name: string, options?: SignalOptions): Promise<Payload>;
  /**
   * Whether code that in-flight runs are moved to takes its new way: `true` for runs that come here
   * live for the first time, `false` for runs whose history went past this place before the line
   * existed. The first answer for a name holds for the run.
   */
  patched(name: string): boolean;
  /** The database time of the last thing that happened to the run. */
  now(): Date;
  /** The UTC day of `now()`, as `YYYY-MM-DD`. */
  today(): string;
  /** A number from 0 (included) to 1 (excluded), from the run's seed. */
  random(): number;
  /** A UUID of version 4, from the run's seed. */
  uuid(): string;
  /** Logs at the live tail only. */
  readonly log: WorkflowLog;
}
