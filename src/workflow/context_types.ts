/**
 * What a workflow's function is given.
 *
 * @module
 */

import type { AttributesPatch } from "../base/attributes.ts";
import type { Duration } from "../base/duration.ts";
import type { Attempt } from "../replay/commands.ts";
import type { ActivityDefinition } from "./activity.ts";
import type { RetryOptions } from "./options.ts";
import type { RunPolicyOptions } from "./run_policy.ts";
import type { SignalArguments, SignalName, SignalOutput, SignalSchemas } from "./signal_types.ts";
import type { QueueOptions, TimeoutOptions } from "./task_options.ts";
import type { WORKFLOW } from "./marks.ts";
import type { StandardSchema } from "./schema.ts";
import type { RetryPolicy } from "../base/backoff.ts";

/**
 * What every effect takes.
 *
 * @category Workflows
 */
export interface EffectOptions {
  /**
   * Withdraws the effect when it aborts: its promise rejects with the signal's reason, and it
   * consumes nothing any more.
   */
  readonly signal?: AbortSignal;
}

/**
 * What `ctx.run` takes beside name and function.
 *
 * @category Workflows
 */
export interface StepOptions extends EffectOptions {
  /** When and how often to try again; the engine's default otherwise. */
  readonly retry?: RetryOptions;
  /** How long one attempt may take; unbounded by default. */
  readonly timeout?: Duration;
}

/**
 * Options of `ctx.activity`; they override those of the activity's definition.
 *
 * @category Activities
 */
export interface ActivityCallOptions extends StepOptions, QueueOptions {
  /** How long the activity, its attempts and its waits may take. */
  readonly timeouts?: TimeoutOptions;
  /**
   * What a cancellation of the run does: `"wait"`, the default, aborts the attempt's signal and
   * waits for its answer (a success that still comes is delivered); `"abandon"` rejects at once.
   */
  readonly onCancel?: "wait" | "abandon";
  /**
   * Idempotency key: for calls with the same key and activity name, in one namespace, the first result
   * that is committed answers every later one, without an attempt. `null`: no key.
   */
  readonly idempotencyKey?: string | null;
}

/**
 * What `ctx.waitForSignal` takes beside the name.
 *
 * @category Workflows
 */
export interface WaitForSignalOptions extends EffectOptions {
  /** How long to wait; for ever by default. */
  readonly timeout?: Duration;
}

/**
 * What `ctx.waitForSignal` takes where a timeout is not an error.
 *
 * @category Workflows
 */
export interface WaitForSignalOtherwise<Otherwise> extends WaitForSignalOptions {
  /** What to answer after the timeout. */
  readonly otherwise: Otherwise;
}

/**
 * `ctx.waitForSignal` of a workflow that declares no signals.
 *
 * @category Workflows
 */
export interface WaitForAnySignal {
  /** Waits for a signal; `otherwise` answers a timeout. */
  <Payload = unknown, Otherwise = Payload>(
    name: string,
    options: WaitForSignalOtherwise<Otherwise>,
  ): Promise<Payload | Otherwise>;
  /** Waits for a signal; a timeout is an error. */
  <Payload = unknown>(name: string, options?: WaitForSignalOptions): Promise<Payload>;
}

/**
 * `ctx.waitForSignal` of a workflow that declares its signals.
 *
 * @category Workflows
 */
export interface WaitForDeclaredSignal<Signals extends SignalSchemas> {
  /** Waits for a signal; `otherwise` answers a timeout. */
  <Name extends SignalName<Signals>, Otherwise>(
    name: Name,
    options: WaitForSignalOtherwise<Otherwise>,
  ): Promise<SignalOutput<Signals, Name> | Otherwise>;
  /** Waits for a signal; a timeout is an error. */
  <Name extends SignalName<Signals>>(
    name: Name,
    options?: WaitForSignalOptions,
  ): Promise<SignalOutput<Signals, Name>>;
}

/**
 * What `ctx.child` and `ctx.startChild` take beside workflow and input. `timeout` and `retry` go
 * before what the child's definition says.
 *
 * @category Workflows
 */
export interface ChildOptions extends EffectOptions, RunPolicyOptions {
  /**
   * The child's run id, by the rules of `start()`; by default one that follows from the parent's:
   * `order-1>3.k9x2ab`. If another run has it, also a child of this one of another workflow, the
   * child is not started: {@linkcode ChildError} whose cause, or from `startChild` an error that,
   * has the code `CHILD_NOT_STARTED`.
   */
  readonly id?: string;
  /**
   * What follows for the child when its parent ends: nothing, a request to cancel, or its end at
   * once. `"cancel"` by default: no child outlives its parent unless it is let go. It follows right
   * after the parent's end; while the database fails, the child continues, and may come to an end of
   * its own.
   */
  readonly parentClose?: "abandon" | "cancel" | "terminate";
}

/**
 * A child run, as its parent holds it.
 *
 * @category Workflows
 */
export interface ChildHandle<Output = unknown, Signals extends SignalSchemas = SignalSchemas> {
  /** The child's run id. */
  readonly id: string;
  /**
   * Waits for the child's end. It is known for good: asking again gives it again.
   *
   * @throws {ChildError} (`CHILD_FAILED`) If it did not complete.
   */
  result(options?: EffectOptions): Promise<Output>;
  /**
   * Sends the child a signal; nothing follows if the child has ended.
   *
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the child's version does not take it.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the child's version does not take it.
   */
  signal<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, EffectOptions>
  ): Promise<void>;
  /** Asks the child to end. */
  cancel(options?: EffectOptions): Promise<void>;
}

/**
 * How a saga is undone.
 *
 * @category Workflows
 */
export interface CompensateOptions {
  /** Undo all at once, in place of one after the other. False by default. */
  readonly parallel?: boolean;
}

/**
 * What a saga's function is given.
 *
 * @category Workflows
 */
export interface Saga {
  /**
   * Registers what undoes the step that follows, or has just been made. Make it idempotent: a step
   * may have happened although its activity failed.
   */
  undo<Input>(activity: ActivityDefinition<Input, unknown> | string, input: Input): void;
  /** Registers what undoes a step, and needs no input for it. */
  undo(activity: ActivityDefinition<void, unknown> | string): void;
  /**
   * Undoes what was registered so far, the last first, and forgets it. Called by itself when the
   * saga's function throws.
   *
   * @throws {CompensationError} If some of it failed for good; the rest was undone.
   */
  compensate(options?: CompensateOptions): Promise<void>;
}

/**
 * A database transaction, as `ctx.transaction` gives it to its function.
 *
 * @category Workflows
 */
export interface WorkflowTransaction {
  /**
   * Runs one statement.
   *
   * @param text The statement, with `$1` and so on.
   * @param values Its parameters.
   * @returns Its rows.
   */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** What the driver calls it: on Postgres an object with the `query` of `npm:pg`, else PGlite's. */
  readonly client: unknown;
}

/**
 * What `ctx.continueAsNew` takes beside the input.
 *
 * @category Workflows
 */
export interface ContinueAsNewOptions {
  /** `"current"`, the default, takes the workflow's current version; `"pinned"` stays on this one. */
  readonly version?: "current" | "pinned";
}

/**
 * A run's search attributes, as its own code sets them.
 *
 * @category Workflows
 */
export interface WorkflowAttributes {
  /**
   * Merges attributes into those of the run, for `runs.query` to find it by; written before any
   * later effect, once. The code of a run that is moved must say the same in the same order, or put
   * a change behind `ctx.patched`.
   *
   * @param patch Attributes by name; `undefined` removes one.
   * @throws {InvalidArgumentError} If a name or value can't be kept.
   */
  set(patch: AttributesPatch): void;
}

/**
 * Logs at the live tail only: a replay does not repeat lines.
 *
 * @category Workflows
 */
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
 * A run, as its own code sees it, with the signals that it takes and what its workflow is given: a
 * helper that is for any workflow takes a plain `WorkflowContext`. Effects answer with promises;
 * what they resolve with has been through the journal, and is never the original object.
 *
 * @category Workflows
 */
export interface WorkflowContext<
  Signals extends SignalSchemas = SignalSchemas,
  Given = unknown,
> {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version hash of the code that runs. */
  readonly version: string;
  /** Which attempt of the run this is, from 1: it is tried again only where `retry` says so. */
  readonly attempt: number;
  /** Aborts when the run is cancelled or times out; its reason is the {@linkcode CancelledError}. */
  readonly cancelSignal: AbortSignal;
  /**
   * Runs an activity and waits for its result. Given as a definition, its code is pinned with the
   * workflow; given by name, it is what the executing node registered, whose definition also says
   * `retry`, `timeout`, `timeouts.heartbeat` and `idempotencyKey` where the call leaves them open.
   * `queue`, `priority`, `timeouts.scheduleToStart` and `timeouts.scheduleToClose` are then those
   * of the call, or of what this run's own node registered under the name; `onCancel` is the
   * call's.
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
    options?: StepOptions,
  ): Promise<Awaited<Output>>;
  /**
   * Runs a function in a transaction of the engine's own database, which commits together with the
   * step's result: it happens exactly once. `fn` must not use `ctx`, and must use `tx` only.
   *
   * @throws What its last attempt threw, if it fails for good; nothing of it is written then.
   */
  transaction<Output>(
    name: string,
    fn: (tx: WorkflowTransaction, step: Attempt) => Output | Promise<Output>,
    options?: StepOptions,
  ): Promise<Awaited<Output>>;
  /**
   * Runs another workflow and waits for its end. Given as a definition, it is the version that this
   * workflow imports; given by name, the current version. A cancellation of this run is passed on;
   * so is the abort of `signal`: the parent stops waiting for the child, and asks it to end.
   *
   * @throws {ChildError} (`CHILD_FAILED`) If it did not complete.
   */
  child<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    input: Input,
    options?: ChildOptions,
  ): Promise<Awaited<Output>>;
  /** Runs the current version of another workflow, by its name, and waits for its end. */
  child<Output = unknown>(
    workflow: string,
    input?: unknown,
    options?: ChildOptions,
  ): Promise<Output>;
  /**
   * Starts another workflow, and gives its handle once it is durable. `signal` aborts only the
   * wait for that: the child may be started all the same, and continues. To end it, keep the handle
   * and call its `cancel`.
   */
  startChild<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    input: Input,
    options?: ChildOptions,
  ): Promise<ChildHandle<Awaited<Output>, Signals>>;
  /** Starts the current version of another workflow, by its name. */
  startChild<Output = unknown>(
    workflow: string,
    input?: unknown,
    options?: ChildOptions,
  ): Promise<ChildHandle<Output>>;
  /**
   * Runs a function whose steps are undone if it throws, cancellation included: the last registered
   * first, as durable activities that a cancellation does not touch.
   *
   * @throws What `fn` threw, or {CompensationError} with that as its cause.
   */
  saga<Output>(fn: (saga: Saga) => Output | Promise<Output>): Promise<Awaited<Output>>;
  /**
   * Continues as new: `return ctx.continueAsNew(input)`. The run keeps its id, its signals and its
   * parent; its history starts anew. It does nothing unless it is returned. The input is checked as
   * that of a start: if the current version refuses it, the run stays on its own, and if that
   * refuses it too, the run fails.
   */
  continueAsNew(
    ...inputAndOptions: undefined extends Given ? [input?: Given, options?: ContinueAsNewOptions]
      : [input: Given, options?: ContinueAsNewOptions]
  ): never;
  /** Waits, for minutes or months: a duration from now, or until a date. */
  sleep(until: Duration | Date, options?: EffectOptions): Promise<void>;
  /**
   * Waits for a signal by name and answers with its payload: of the type that its schema makes,
   * where the workflow declares its signals.
   *
   * @throws {TimeoutError} After `timeout`, unless `otherwise` is given.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the workflow declares its signals, and not
   * this one.
   */
  readonly waitForSignal: string extends keyof Signals ? WaitForAnySignal
    : WaitForDeclaredSignal<Signals>;
  /**
   * Whether code that in-flight runs are moved to takes its new way: `true` for runs that come here
   * live for the first time, `false` for runs whose history went past this place before the line
   * existed, or whose node was lost after it had written events past this place, and before the
   * code was given them. The first answer for a name holds for the run.
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
  /**
   * Says what the run is doing, for `status()` to show as `custom`; as with attributes, once.
   *
   * @param value Any value that can be written into the journal; it replaces the one before.
   * @throws {NotSerializableError} If it can't be written; its path is named.
   */
  setStatus(value: unknown): void;
  /** Search attributes. */
  readonly attributes: WorkflowAttributes;
  /** Logs at the live tail only. */
  readonly log: WorkflowLog;
}

/**
 * A workflow, as {@linkcode defineWorkflow} returns it: what it is given, what it returns, and the
 * signals that it takes.
 *
 * @category Workflows
 */
export interface WorkflowDefinition<
  Input = unknown,
  Output = unknown,
  Signals extends SignalSchemas = SignalSchemas,
> {
  /** Recognises a definition; holds the protocol's number. */
  readonly [WORKFLOW]: 1;
  /** The workflow's name. */
  readonly name: string;
  /** The label for people; null if there is none. */
  readonly version: string | null;
  /** Checks the input; null if there is no schema. */
  readonly input: StandardSchema | null;
  /** The signals that runs take; null for any. */
  readonly signals: Signals | null;
  /** Milliseconds that a run may take; null for no limit. */
  readonly timeout: number | null;
  /** When and how often a run is tried again; null for never. */
  readonly retry: RetryPolicy | null;
  /** The workflow's function. */
  readonly run: (ctx: WorkflowContext<Signals>, input: Input) => Output | Promise<Output>;
}
