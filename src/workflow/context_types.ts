/**
 * The types of a workflow's context.
 *
 * @module
 */

import type { RunLimit } from "./limit.ts";
import type { LockOptions } from "./locks.ts";
import type { Attributes, AttributesPatch } from "../base/attributes.ts";
import type { Duration } from "../base/duration.ts";
import type { Attempt } from "../replay/commands.ts";
import type { ActivityDefinition } from "./activity.ts";
import type { EffectOptions } from "./effect_options.ts";
import type { CodeRetryOptions, RetryOptions } from "./options.ts";
import type { RunHeaders } from "./headers.ts";
import type { RunTermsOptions, Versioning } from "./run_policy.ts";
import type { Returning, Serializable } from "./serializable.ts";
import type {
  EachAnySignal,
  EachDeclaredSignal,
  HandleAnySignal,
  HandleDeclaredSignal,
  OtherRun,
  ReceivedAnySignal,
  ReceivedSignal,
  UntilOptions,
} from "./message_types.ts";
import type { SignalArguments, SignalName, SignalOutput, SignalSchemas } from "./signal_types.ts";
import type { QueueOptions, TimeoutOptions } from "./task_options.ts";
import type { WORKFLOW } from "./marks.ts";
import type { StandardSchema } from "./schema.ts";
import type { RetryPolicy } from "../base/backoff.ts";

/**
 * Options of `ctx.run`.
 *
 * @category Workflows
 */
export interface StepOptions extends EffectOptions {
  /** The retry policy; the engine's default when omitted. */
  readonly retry?: CodeRetryOptions;
  /** The time limit of one attempt; unlimited by default. */
  readonly timeout?: Duration;
  /**
   * What a cancellation of the run, or the end of a scope, does to the step. `"abort"`, the default,
   * aborts the attempt's signal and rejects at once. `"finish"` does nothing: the step continues,
   * with its retries, and the next effect throws.
   */
  readonly onCancel?: "abort" | "finish";
}

/**
 * What the function of `ctx.scope` receives.
 *
 * @category Workflows
 */
export interface Scope {
  /**
   * Aborts when the scope is ended, and when the run is cancelled, unless a shield stops that; its
   * reason is what the scope's effects reject with. Not for steps: they have a signal of their own.
   */
  readonly signal: AbortSignal;
  /**
   * Ends the scope: all that its code waits for rejects. Nothing happens if it has ended.
   *
   * @param reason What they reject with; an `AbortError` by default.
   */
  cancel(reason?: unknown): void;
}

/**
 * Options of `ctx.scope`.
 *
 * @category Workflows
 */
export interface ScopeOptions extends EffectOptions {
  /** How long the scope may take until it is ended with a `TimeoutError`; unlimited by default. */
  readonly timeout?: Duration;
  /**
   * Whether neither a cancellation of the run nor the end of a scope around it reaches the effects
   * inside. False by default.
   */
  readonly shielded?: boolean;
}

/**
 * Options of `ctx.activity`; they override those of the activity's definition.
 *
 * @category Activities
 */
export interface ActivityCallOptions extends EffectOptions, QueueOptions {
  /**
   * The retry policy; that of the definition when omitted, and then the engine's default. The
   * `retryIf` of the definition applies in any case.
   */
  readonly retry?: RetryOptions;
  /** The time limit of one attempt; unlimited by default. */
  readonly timeout?: Duration;
  /** The time limits of the activity, its attempts and its waits. */
  readonly timeouts?: TimeoutOptions;
  /**
   * What a cancellation of the run does to the activity. `"wait"`, the default, aborts the
   * attempt's signal and waits for the attempt; if it still succeeds, its result is delivered.
   * `"abandon"` rejects at once. `"finish"` does nothing: the activity continues, with its retries,
   * and the next effect throws.
   */
  readonly onCancel?: "wait" | "abandon" | "finish";
  /**
   * The idempotency key. The first result that is committed for a key and activity name in one
   * namespace answers every later call with them, without an attempt. `null`: no key.
   */
  readonly idempotencyKey?: string | null;
}

/**
 * Options of `ctx.sleep`.
 *
 * @category Workflows
 */
export interface SleepOptions extends EffectOptions {
  /**
   * What the sleep is for, as `status().waits` shows it to people: 1 to 200 characters. It is not
   * part of the history, so later code may change it.
   */
  readonly name?: string;
}

/**
 * Options of `ctx.waitForSignal`.
 *
 * @category Workflows
 */
export interface WaitForSignalOptions extends EffectOptions {
  /** How long to wait; without limit by default. */
  readonly timeout?: Duration;
}

/**
 * Options of `ctx.waitForSignal` if a timeout is not an error.
 *
 * @category Workflows
 */
export interface WaitForSignalOtherwise<Otherwise> extends WaitForSignalOptions {
  /** The value that the wait returns after the timeout. */
  readonly otherwise: Otherwise;
}

/**
 * `ctx.waitForSignal` of a workflow that declares no signals.
 *
 * @category Workflows
 */
export interface WaitForAnySignal {
  /** Waits for a signal; returns `otherwise` after the timeout. */
  <Payload = unknown, Otherwise = Payload>(
    name: string,
    options: WaitForSignalOtherwise<Otherwise>,
  ): Promise<Payload | Otherwise>;
  /** Waits for a signal; throws `TimeoutError` after the timeout. */
  <Payload = unknown>(name: string, options?: WaitForSignalOptions): Promise<Payload>;
  /** Waits for the first of several signals; returns `otherwise` after the timeout. */
  <Payload = unknown, Otherwise = Payload, Name extends string = string>(
    names: readonly Name[],
    options: WaitForSignalOtherwise<Otherwise>,
  ): Promise<ReceivedAnySignal<Payload, Name> | Otherwise>;
  /** Waits for the first of several signals; throws `TimeoutError` after the timeout. */
  <Payload = unknown, Name extends string = string>(
    names: readonly Name[],
    options?: WaitForSignalOptions,
  ): Promise<ReceivedAnySignal<Payload, Name>>;
}

/**
 * `ctx.waitForSignal` of a workflow that declares its signals.
 *
 * @category Workflows
 */
export interface WaitForDeclaredSignal<Signals extends SignalSchemas> {
  /** Waits for a signal; returns `otherwise` after the timeout. */
  <Name extends SignalName<Signals>, Otherwise>(
    name: Name,
    options: WaitForSignalOtherwise<Otherwise>,
  ): Promise<SignalOutput<Signals, Name> | Otherwise>;
  /** Waits for a signal; throws `TimeoutError` after the timeout. */
  <Name extends SignalName<Signals>>(
    name: Name,
    options?: WaitForSignalOptions,
  ): Promise<SignalOutput<Signals, Name>>;
  /** Waits for the first of several signals; returns `otherwise` after the timeout. */
  <Name extends SignalName<Signals>, Otherwise>(
    names: readonly Name[],
    options: WaitForSignalOtherwise<Otherwise>,
  ): Promise<ReceivedSignal<Signals, Name> | Otherwise>;
  /** Waits for the first of several signals; throws `TimeoutError` after the timeout. */
  <Name extends SignalName<Signals>>(
    names: readonly Name[],
    options?: WaitForSignalOptions,
  ): Promise<ReceivedSignal<Signals, Name>>;
}

/**
 * Options of `ctx.child` and `ctx.startChild`. `timeout` and `retry` override those of the child's
 * definition.
 *
 * @category Workflows
 */
export interface ChildOptions extends EffectOptions, RunTermsOptions {
  /**
   * The child's run id, by the rules of `start()`. The default is derived from the parent's id:
   * `order-1>3.k9x2ab`. If another run has the id, even a child of this run with another workflow,
   * the child is not started. `ctx.child` then throws {@linkcode ChildError} whose cause has the
   * code `CHILD_NOT_STARTED`; `ctx.startChild` throws the error with that code itself.
   */
  readonly id?: string;
  /**
   * What the parent's end does to the child: nothing (`"abandon"`), a request to cancel
   * (`"cancel"`), or termination at once (`"terminate"`). `"cancel"` is the default, so that no
   * child outlives its parent unless the parent abandons it. The engine applies the policy right
   * after the parent's end. While the database is unavailable, the child continues and may end by
   * itself.
   */
  readonly parentClose?: "abandon" | "cancel" | "terminate";
  /** Search attributes of the child, by which `runs.query` finds it. */
  readonly attributes?: AttributesPatch;
  /** How long from the request the child begins; at once by default. */
  readonly delay?: Duration;
}

/**
 * A parent's handle of a child run.
 *
 * @category Workflows
 */
export interface ChildHandle<Output = unknown, Signals extends SignalSchemas = SignalSchemas> {
  /** The child's run id. */
  readonly id: string;
  /**
   * Waits for the child's end. A second call returns the same result.
   *
   * @throws {ChildError} (`CHILD_FAILED`) If the child did not complete.
   */
  result(options?: EffectOptions): Promise<Output>;
  /**
   * Sends the child a signal. If the child has ended, nothing happens.
   *
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the child's version does not declare the
   * signal.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the payload does not match the
   * signal's schema.
   */
  signal<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, EffectOptions>
  ): Promise<void>;
  /** Requests the child's cancellation. */
  cancel(options?: EffectOptions): Promise<void>;
}

/**
 * Options of a saga's compensation.
 *
 * @category Workflows
 */
export interface CompensateOptions {
  /**
   * Whether to execute all compensations at once instead of one after the other. False by default.
   */
  readonly parallel?: boolean;
}

/**
 * Options of a step that `saga.undo` registers.
 *
 * @category Workflows
 */
export type UndoOptions = Pick<StepOptions, "retry" | "timeout">;

/**
 * The argument of a saga's function.
 *
 * @category Workflows
 */
export interface Saga {
  /**
   * Registers the compensation of the next or the previous step. Make it idempotent: a step may
   * have had its effect although its activity failed.
   */
  undo<Input>(activity: ActivityDefinition<Input, unknown> | string, input: Input): void;
  /** Registers a compensation without input. */
  undo(activity: ActivityDefinition<void, unknown> | string): void;
  /** Registers a step as the compensation, as of `ctx.run`. */
  undo(name: string, fn: (step: Attempt) => unknown, options?: UndoOptions): void;
  /**
   * Executes the compensations that are registered so far, in reverse order, and forgets them. The
   * engine calls it if the saga's function throws.
   *
   * @throws {CompensationError} If some compensations failed for good; the others were executed.
   */
  compensate(options?: CompensateOptions): Promise<void>;
}

/**
 * The database transaction that the function of `ctx.transaction` receives.
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
  /**
   * The driver's own transaction: on Postgres an object with the `query` of `npm:pg`, otherwise
   * PGlite's.
   */
  readonly client: unknown;
}

/**
 * Options of `ctx.continueAsNew`.
 *
 * @category Workflows
 */
export interface ContinueAsNewOptions {
  /**
   * `"current"`, the default, moves the run to the workflow's current version; `"pinned"` keeps the
   * run's version.
   */
  readonly version?: "current" | "pinned";
  /**
   * As the option of a start: it holds for the run from now on. Unchanged when omitted.
   */
  readonly versioning?: Versioning;
}

/**
 * The firing of a schedule that started a run.
 *
 * @category Workflows
 */
export interface FiredBy {
  /** The schedule's id. */
  readonly id: string;
  /** The planned time; of a run that was triggered by hand, when that was. */
  readonly plannedAt: Date;
  /** Whether the schedule was triggered by hand. */
  readonly manual: boolean;
}

/**
 * Sets the search attributes of a run from its own code.
 *
 * @category Workflows
 */
export interface WorkflowAttributes {
  /**
   * Merges attributes into those of the run, by which `runs.query` finds it. They are written once,
   * before any later effect. If a run is upgraded, its new code must make the same calls in the
   * same order, or guard a change by `ctx.patched`.
   *
   * @param patch Attributes by name; `undefined` removes one.
   * @throws {InvalidArgumentError} If a name or value is invalid.
   */
  set(patch: AttributesPatch): void;
  /**
   * Reads the attributes that the run has now, also those of its start and those that others have
   * set. One event keeps the answer.
   */
  get(options?: EffectOptions): Promise<Attributes>;
}

/**
 * Logs each line once: a replay does not repeat lines.
 *
 * @category Workflows
 */
export interface WorkflowLog {
  /** Logs at level `debug`. */
  debug(message: string, properties?: Record<string, unknown>): void;
  /** Logs at level `info`. */
  info(message: string, properties?: Record<string, unknown>): void;
  /** Logs at level `warn`. */
  warn(message: string, properties?: Record<string, unknown>): void;
  /** Logs at level `error`. */
  error(message: string, properties?: Record<string, unknown>): void;
}

/**
 * The context of a run, typed with the workflow's signals and input. A helper for any workflow
 * takes a plain `WorkflowContext`. Effects return promises. Their results have been through the
 * journal, so they are never the original objects.
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
  /** The version hash of the run's code. */
  readonly version: string;
  /** The number of the run's attempt, from 1. A run is retried only if `retry` is set. */
  readonly attempt: number;
  /** The headers of the run: those of its start, and of its parents. */
  readonly headers: RunHeaders;
  /**
   * How many events the code has received so far in this generation: results, ends of sleeps and
   * children, signals. A replay takes as long as there are many of them.
   */
  readonly historyLength: number;
  /**
   * Whether the run should continue as new soon, by {@linkcode WorkflowContext.continueAsNew}: it
   * has received 10,000 events or more in this generation.
   */
  readonly isContinueAsNewSuggested: boolean;
  /**
   * The handle of the run that has started this one as its child; `undefined` if no run has. It stays
   * the same when the parent has ended.
   */
  readonly parent: OtherRun | undefined;
  /** Where the run comes from, if a schedule started it; otherwise null. */
  readonly schedule: FiredBy | null;
  /** Aborts when the run is cancelled or times out; its reason is the {@linkcode CancelledError}. */
  readonly cancelSignal: AbortSignal;
  /**
   * Runs an activity and waits for its result. If it is given as a definition, its code is pinned
   * with the workflow. If it is given by name, the executing node runs the activity that it
   * registered under the name. If such a call leaves them open, `retry`, `timeout`,
   * `timeouts.heartbeat` and `idempotencyKey` are those of the executing node's definition, and
   * `queue`, `priority`, `timeouts.scheduleToStart` and `timeouts.scheduleToClose` those of the
   * definition that this run's own node registered. `onCancel` is always that of the call.
   *
   * @throws {ActivityError} If the activity fails for good; `cause` is the error of its last
   * attempt.
   * @throws {NotSerializableError} At the call, if the input can't be encoded.
   */
  activity<Output>(
    activity: ActivityDefinition<void, Output>,
    input?: undefined,
    options?: ActivityCallOptions,
  ): Promise<Awaited<Output>>;
  /** Runs an activity that takes an input. */
  activity<Input, Output>(
    activity: ActivityDefinition<Input, Output>,
    input: Serializable<Input>,
    options?: ActivityCallOptions,
  ): Promise<Awaited<Output>>;
  /** Runs an activity by its name. */
  activity<Output = unknown>(
    activity: string,
    input?: unknown,
    options?: ActivityCallOptions,
  ): Promise<Output>;
  /**
   * Runs a step: the engine calls `fn` outside of the replay, retries it until it succeeds, and
   * journals its result once. `fn` must not use `ctx`.
   *
   * @throws The error of its last attempt, if the step fails for good.
   */
  run<Output>(
    name: string,
    fn: ((step: Attempt) => Output | Promise<Output>) & Returning<Output>,
    options?: StepOptions,
  ): Promise<Awaited<Output>>;
  /**
   * Runs a function in a transaction of the engine's own database. The transaction commits together
   * with the step's result, so its writes happen exactly once. `fn` must not use `ctx`, and must
   * make its effects through `tx` only.
   *
   * @throws The error of its last attempt, if the transaction fails for good; nothing is written
   * then.
   */
  transaction<Output>(
    name: string,
    fn:
      & ((tx: WorkflowTransaction, step: Attempt) => Output | Promise<Output>)
      & Returning<Output>,
    options?: StepOptions,
  ): Promise<Awaited<Output>>;
  /**
   * Runs another workflow and waits for its end. If it is given as a definition, the child is
   * pinned to the version that this workflow imports; if by name, to the current version. If this
   * run is cancelled, so is the child. If `signal` aborts, the parent stops waiting for the child
   * and requests its cancellation.
   *
   * @throws {ChildError} (`CHILD_FAILED`) If the child did not complete.
   */
  child<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    input: Serializable<Input>,
    options?: ChildOptions,
  ): Promise<Awaited<Output>>;
  /** Runs the current version of another workflow, by its name, and waits for its end. */
  child<Output = unknown>(
    workflow: string,
    input?: unknown,
    options?: ChildOptions,
  ): Promise<Output>;
  /**
   * Starts another workflow, and returns its handle once the child is durable. `signal` aborts only
   * that wait: the child may still be started, and then continues. To end it, keep the handle and
   * call its `cancel`.
   */
  startChild<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    input: Serializable<Input>,
    options?: ChildOptions,
  ): Promise<ChildHandle<Awaited<Output>, Signals>>;
  /** Starts the current version of another workflow, by its name. */
  startChild<Output = unknown>(
    workflow: string,
    input?: unknown,
    options?: ChildOptions,
  ): Promise<ChildHandle<Output>>;
  /**
   * Returns the handle of any run of the same namespace, by its id: of a definition, whose signals
   * then have types, or of any workflow.
   */
  handle<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    runId: string,
  ): OtherRun<Signals, Awaited<Output>>;
  /** Returns the handle of any run, by its id alone. */
  handle(runId: string): OtherRun;
  /**
   * Runs a function, and executes the compensations that it registered if it throws, also after a
   * cancellation. Compensations run in reverse order, as durable activities that a cancellation
   * does not abort.
   *
   * @throws The error of `fn`, or {CompensationError} with that error as its cause.
   */
  saga<Output>(fn: (saga: Saga) => Output | Promise<Output>): Promise<Awaited<Output>>;
  /**
   * Runs a function whose effects end together. After `timeout`, by `scope.cancel()`, or when
   * `signal` aborts, everything that its code waits for rejects, once; effects after that work, so
   * that the code can clean up. The scope settles as its function does; if that waits for nothing
   * of its own, it rejects at once. When it has settled, effects that it did not wait for are
   * withdrawn. Scopes nest. A scope writes no event, except that a timeout is a sleep.
   *
   * @throws {TimeoutError} After `timeout`, unless the function catches it.
   */
  scope<Output>(
    fn: (scope: Scope) => Output | Promise<Output>,
    options?: ScopeOptions,
  ): Promise<Awaited<Output>>;
  /**
   * Executes a function while the run has a lock: no other run of the namespace has a lock with that
   * name meanwhile, or no more than `atOnce` of them. Who asks first gets it first. The run gives it
   * up when the function has ended, or with its own end, however that comes. A run that asks for a
   * lock that it has waits for itself.
   *
   * ```ts ignore
   * const balance = await ctx.lock(`account ${id}`, () => ctx.activity(transfer, order));
   * ```
   *
   * @param name The lock, in the run's namespace: 1 to 200 characters.
   * @param fn The function.
   * @param options How many runs may have it at once, and how long to wait for it.
   * @returns What the function returns.
   * @throws {TimeoutError} If the lock is not free within `timeout`.
   */
  lock<Output>(
    name: string,
    fn: () => Output | Promise<Output>,
    options?: LockOptions,
  ): Promise<Awaited<Output>>;
  /**
   * Continues as new: `return ctx.continueAsNew(input)`. The run keeps its id, its signals and its
   * parent; its history starts anew. It has no effect unless it is returned. The input is checked
   * as that of a start. If the current version refuses it, the run keeps its own version. If that
   * refuses it too, the run fails.
   */
  continueAsNew(
    ...inputAndOptions: undefined extends Given ? [input?: Given, options?: ContinueAsNewOptions]
      : [input: Given, options?: ContinueAsNewOptions]
  ): never;
  /** Waits for a duration, or until a date, for as long as months. */
  sleep(until: Duration | Date, options?: SleepOptions): Promise<void>;
  /**
   * Waits for a signal by name and returns its payload. If the workflow declares its signals, the
   * payload is the output of the signal's schema. Of a list of names, it waits for the first signal
   * that has one of them, and returns `{ name, payload }`.
   *
   * The wait takes a signal only while code awaits it: if it has lost a `Promise.race`, it takes none
   * until code awaits it again.
   *
   * @throws {TimeoutError} After `timeout`, unless `otherwise` is given.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the workflow declares signals, but not
   * this one.
   */
  readonly waitForSignal: string extends keyof Signals ? WaitForAnySignal
    : WaitForDeclaredSignal<Signals>;
  /**
   * Returns signals as they come, for `for await`: each is what `waitForSignal` returns. The loop ends
   * by `break`; if `signal` aborts, the loop throws its reason.
   *
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the workflow declares signals, but not
   * this one.
   */
  readonly signals: string extends keyof Signals ? EachAnySignal : EachDeclaredSignal<Signals>;
  /**
   * Calls a handler for each signal, in their order of arrival, while the main function continues.
   * The handler may use `ctx`. If it is `async`, it does not delay the next signal, unless
   * `oneAtATime` is set. An error that it throws fails the run. Handlers also work while the run
   * cleans up after a cancellation; their effects are cancelled as those of the main function are.
   *
   * Of an ask (`run.ask`) the sender receives what the handler returns or throws, and an error does
   * not fail the run. Only handlers take asks.
   *
   * @returns Stops the handler: it receives no further signal.
   * @throws {InvalidArgumentError} If the signal has a handler.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the workflow declares signals, but not
   * this one.
   */
  readonly on: string extends keyof Signals ? HandleAnySignal : HandleDeclaredSignal<Signals>;
  /**
   * Waits until a condition holds. It is evaluated at the call, and whenever the code has received
   * something; so it must only look at variables of the run.
   *
   * @param condition Synchronous, without effects: it can't use `ctx`.
   * @param options How long to wait.
   * @returns `true` when the condition holds, `false` after the timeout.
   * @throws What the condition throws. {CancelledError} If the run is cancelled.
   */
  until(condition: () => boolean, options?: UntilOptions): Promise<boolean>;
  /**
   * Waits until no handler is under way: call it before the run returns or continues as new.
   *
   * @throws {ContextError} (`CONTEXT_MISUSED`) If a handler calls it, which would wait for itself.
   */
  handlersDone(): Promise<void>;
  /**
   * Chooses between new and old code, so that runs under way can be moved to the new code. It
   * returns `true` if the run reaches this line for the first time outside of a replay. It returns
   * `false` if the run's history has passed this point before the line existed, or if its node was
   * lost after it had written events past this point and before the code received them. The first
   * answer for a name applies to the whole run.
   */
  patched(name: string): boolean;
  /** The database time of the last event that the code received. */
  now(): Date;
  /** The UTC day of `now()`, as `YYYY-MM-DD`. */
  today(): string;
  /** A number from 0 (included) to 1 (excluded), from the run's seed. */
  random(): number;
  /** A UUID of version 4, from the run's seed. */
  uuid(): string;
  /**
   * Sets the status that `status()` shows as `custom`. Like attributes, it is written once.
   *
   * @param value Any serializable value; it replaces the previous one.
   * @throws {NotSerializableError} If the value can't be encoded; the message names its path.
   */
  setStatus(value: unknown): void;
  /**
   * Publishes a value of the run, which callers and other runs wait for by its name:
   * `run.published(name)`. It is written once, before any later effect, and replaces the value of
   * that name. It stays when the run continues as new, is retried or ends.
   *
   * @param name 1 to 200 characters.
   * @param value Any serializable value.
   * @throws {NotSerializableError} If the value can't be encoded; the message names its path.
   */
  publish(name: string, value: unknown): void;
  /**
   * Answers the callers of `run.query(name, arg)`, by what the code knows at the end of its history.
   * It takes the place of a query with that name.
   *
   * @example The items of a cart
   * ```ts ignore
   * ctx.onQuery("items", (kind: string) => items.filter((item) => item.kind === kind));
   * ```
   *
   * @param name 1 to 200 characters.
   * @param answer Synchronous, without effects: it can't use `ctx`, and the run keeps
   * nothing that it changes.
   * @returns Removes the query.
   */
  onQuery<Arg = unknown>(name: string, answer: (arg: Arg) => unknown): () => void;
  /** Search attributes. */
  readonly attributes: WorkflowAttributes;
  /** Logs each line once: a replay does not repeat lines. */
  readonly log: WorkflowLog;
}

/**
 * A workflow definition, from {@linkcode defineWorkflow}, typed with its input, its output and its
 * signals.
 *
 * @category Workflows
 */
export interface WorkflowDefinition<
  Input = unknown,
  Output = unknown,
  Signals extends SignalSchemas = SignalSchemas,
> {
  /** Marks a definition; its value is the protocol's number. */
  readonly [WORKFLOW]: 1;
  /** The workflow's name. */
  readonly name: string;
  /** The label for people; null if there is none. */
  readonly version: string | null;
  /** Checks the input; null if there is no schema. */
  readonly input: StandardSchema | null;
  /** The declared signals; null for any. */
  readonly signals: Signals | null;
  /** The timeout of a run in milliseconds; null for no limit. */
  readonly timeout: number | null;
  /** The retry policy of a run; null for no retry. */
  readonly retry: RetryPolicy | null;
  /** Whether its runs take new versions by themselves; `null`: they are pinned. */
  readonly versioning: Versioning | null;
  /** How many runs there may be; null or absent: unlimited. */
  readonly limit?: RunLimit | null;
  /** The workflow's function. */
  readonly run: (ctx: WorkflowContext<Signals>, input: Input) => Output | Promise<Output>;
}
