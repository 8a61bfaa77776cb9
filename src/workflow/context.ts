/**
 * The context of a workflow's function: checks arguments and fills in defaults for the machine's
 * effects.
 *
 * @module
 */

import {
  checkBoolean,
  checkChoice,
  checkFunction,
  checkOptions,
  readName,
  refuse,
} from "../base/arguments.ts";
import { type Attributes, readAttributes } from "../base/attributes.ts";
import { digestText } from "../base/digest.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import { firingOf } from "../base/run_ids.ts";
import { quoteId } from "../base/describe.ts";
import { ContextError } from "../base/errors.ts";
import { encode } from "../base/values.ts";
import type { Attempt, CommandOptions } from "../replay/commands.ts";
import type { Effects } from "../replay/effects.ts";
import type { Request } from "../replay/requested_command.ts";
import { type ActivityDefinition, readActivity } from "./activity.ts";
import { ContinueAsNew } from "../replay/continue_as_new.ts";
import type { RunHeaders } from "./headers.ts";
import { headersOf, readVersioning } from "./run_policy.ts";
import { type AnyWorkflow, Children } from "./children.ts";
import { type LockOptions, Locks } from "./locks.ts";
import { Messages } from "./messages.ts";
import { runSaga } from "./saga.ts";
import type {
  ActivityCallOptions,
  ChildHandle,
  ChildOptions,
  ContinueAsNewOptions,
  FiredBy,
  Saga,
  Scope,
  ScopeOptions,
  SleepOptions,
  StepOptions,
  WaitForSignalOptions,
  WaitForSignalOtherwise,
  WorkflowAttributes,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowLog,
  WorkflowTransaction,
} from "./context_types.ts";
import type { EffectOptions } from "./effect_options.ts";
import { readCodeRetry, readOnCancel, readRetry } from "./options.ts";
import { readKey, readLimit, readPriority, readQueue, readTimeouts } from "./task_options.ts";
import type { HandlerOptions, OtherRun, UntilOptions } from "./message_types.ts";
import type { SignalSchemas } from "./signal_types.ts";

/** After how many events in one generation a run should continue as new. */
const LONG_HISTORY = 10_000;

const NOTHING: CommandOptions = {};
const NO_OPTIONS: EffectOptions = {};
const RUN_KEYS = ["retry", "timeout", "signal", "onCancel"];
const UNDO_KEYS = ["retry", "timeout"];
const FINISH = { onCancel: "finish" } as const;
const ACTIVITY_KEYS = [
  ...RUN_KEYS,
  "timeouts",
  "queue",
  "priority",
  "idempotencyKey",
];
const SCOPE_KEYS = ["timeout", "shielded", "signal"];

/** {@linkcode WorkflowContext} over {@linkcode Effects}. */
export class Context implements WorkflowContext {
  readonly workflow: string;
  readonly version: string;
  readonly log: WorkflowLog;
  readonly attributes: WorkflowAttributes;
  readonly #effects: Effects;
  readonly #messages: Messages;
  readonly #locks: Locks;

  /**
   * Creates the context.
   *
   * @param effects The machine of the run.
   * @param signals The signals that the workflow declares; any when omitted.
   */
  constructor(effects: Effects, signals: SignalSchemas | null = null) {
    this.#effects = effects;
    this.#messages = new Messages(effects, signals);
    this.#locks = new Locks(effects);
    this.workflow = effects.start.workflow;
    this.version = effects.start.version;
    this.attributes = {
      set(patch) {
        effects.enter("attributes.set");
        const { set, remove } = readAttributes(patch, "ctx.attributes.set");
        effects.note("attributes.set", JSON.stringify({ set, remove }));
      },
      get(options = NO_OPTIONS) {
        effects.enter("attributes.get");
        if (options !== NO_OPTIONS) checkOptions(options, ["signal"], "ctx.attributes.get");
        return effects.ask({
          kind: "call",
          name: "attributes",
          digest: null,
          input: null,
          deadline: null,
          options: { call: { kind: "attributes" } },
          signal: options.signal,
          fallback: null,
        }) as Promise<Attributes>;
      },
    };
    this.log = {
      debug: (message, properties = {}) => effects.log("debug", message, properties),
      info: (message, properties = {}) => effects.log("info", message, properties),
      warn: (message, properties = {}) => effects.log("warn", message, properties),
      error: (message, properties = {}) => effects.log("error", message, properties),
    };
  }

  get runId(): string {
    return this.#effects.identity.runId;
  }

  get attempt(): number {
    return this.#effects.identity.attempt ?? 1;
  }

  get headers(): RunHeaders {
    return headersOf(this.#effects.start.policy);
  }

  get historyLength(): number {
    this.#effects.enter("historyLength");
    return this.#effects.delivered;
  }

  get isContinueAsNewSuggested(): boolean {
    return this.historyLength >= LONG_HISTORY;
  }

  get schedule(): FiredBy | null {
    const firing = firingOf(this.runId);
    if (firing === null) return null;
    const { schedule: id, planned, isManual: manual } = firing;
    return { id, plannedAt: new Date(planned), manual };
  }

  get cancelSignal(): AbortSignal {
    return this.#effects.cancelSignal;
  }

  activity<Output>(
    activity: ActivityDefinition<never, Output> | string,
    input?: unknown,
    options: ActivityCallOptions = NO_OPTIONS,
  ): Promise<Awaited<Output>> {
    return this.#activity(activity, input, options, null);
  }

  #activity<Output>(
    activity: ActivityDefinition<never, Output> | string,
    input: unknown,
    options: ActivityCallOptions,
    onCancel: "finish" | null,
  ): Promise<Awaited<Output>> {
    this.#effects.enter("activity");
    const name = readActivity(activity, "ctx.activity");
    const definition = typeof activity === "string"
      ? null
      : activity as unknown as ActivityDefinition;
    const encoded = encode(input, "input");
    return this.#effects.ask({
      kind: "activity",
      name,
      digest: digestText(encoded),
      input: encoded,
      deadline: null,
      options: onCancel === null
        ? activityOptions(name, definition, options, input)
        : { ...activityOptions(name, definition, options, input), onCancel },
      signal: options.signal,
      fallback: null,
    }) as Promise<Awaited<Output>>;
  }

  run<Output>(
    name: string,
    fn: (step: Attempt) => Output | Promise<Output>,
    options: StepOptions = NO_OPTIONS,
  ): Promise<Awaited<Output>> {
    this.#effects.enter("run");
    readName(name, "a step");
    if (typeof fn !== "function") checkFunction(fn, `the function of step ${JSON.stringify(name)}`);
    return this.#effects.ask({
      kind: "step",
      name,
      digest: null,
      input: null,
      deadline: null,
      options: options === NO_OPTIONS
        ? { callback: fn }
        : { callback: fn, ...runOptions(`step ${JSON.stringify(name)}`, options, RUN_KEYS) },
      signal: options.signal,
      fallback: null,
    }) as Promise<Awaited<Output>>;
  }

  /** Returns what requests a step, whose arguments have been checked. */
  #step(name: string, options: CommandOptions): () => Promise<unknown> {
    return () => {
      this.#effects.enter("run");
      const nothing = { digest: null, input: null, deadline: null, fallback: null };
      return this.#effects.ask({ kind: "step", name, ...nothing, options, signal: undefined });
    };
  }

  transaction<Output>(
    name: string,
    fn: (tx: WorkflowTransaction, step: Attempt) => Output | Promise<Output>,
    options: StepOptions = NO_OPTIONS,
  ): Promise<Awaited<Output>> {
    this.#effects.enter("transaction");
    const what = `transaction ${JSON.stringify(readName(name, "a transaction"))}`;
    checkFunction(fn, `the function of ${what}`);
    const transaction = fn as (transaction: unknown, attempt: Attempt) => unknown;
    return this.#effects.ask({
      kind: "transaction",
      name,
      digest: null,
      input: null,
      deadline: null,
      options: options === NO_OPTIONS
        ? { transaction }
        : { transaction, ...runOptions(what, options, RUN_KEYS) },
      signal: options.signal,
      fallback: null,
    }) as Promise<Awaited<Output>>;
  }

  child<Output>(
    workflow: WorkflowDefinition<never, Output> | string,
    input?: unknown,
    options: ChildOptions = NO_OPTIONS,
  ): Promise<Awaited<Output>> {
    return new Children(this.#effects).run(workflow as AnyWorkflow, input, options) as Promise<
      Awaited<Output>
    >;
  }

  startChild<Output>(
    workflow: WorkflowDefinition<never, Output> | string,
    input?: unknown,
    options: ChildOptions = NO_OPTIONS,
  ): Promise<ChildHandle<Awaited<Output>>> {
    return new Children(this.#effects).start(workflow as AnyWorkflow, input, options) as Promise<
      ChildHandle<Awaited<Output>>
    >;
  }

  handle<Output, Signals extends SignalSchemas>(
    workflowOrId: WorkflowDefinition<never, Output, Signals> | string,
    runId?: string,
  ): OtherRun<Signals, Awaited<Output>> {
    return new Children(this.#effects).other(workflowOrId as AnyWorkflow, runId) as OtherRun<
      Signals,
      Awaited<Output>
    >;
  }

  get parent(): OtherRun | undefined {
    return new Children(this.#effects).parent;
  }

  saga<Output>(fn: (saga: Saga) => Output | Promise<Output>): Promise<Awaited<Output>> {
    this.#effects.enter("saga");
    return runSaga(fn, {
      activity: (activity, input) =>
        this.#activity(activity as ActivityDefinition<never, unknown>, input, NO_OPTIONS, "finish"),
      step: (name, callback, options = {}) => {
        const what = `compensation ${JSON.stringify(readName(name, "a compensation"))}`;
        return this.#step(name, { callback, ...runOptions(what, options, UNDO_KEYS), ...FINISH });
      },
    }) as Promise<Awaited<Output>>;
  }

  scope<Output>(
    fn: (scope: Scope) => Output | Promise<Output>,
    options: ScopeOptions = NO_OPTIONS,
  ): Promise<Awaited<Output>> {
    this.#effects.enter("scope");
    checkFunction(fn, "the function of ctx.scope");
    if (options !== NO_OPTIONS) checkOptions(options, SCOPE_KEYS, "ctx.scope");
    const { timeout, shielded = false, signal } = options;
    checkBoolean(shielded, "option shielded of ctx.scope");
    const timeoutMs = timeout === undefined ? null : durationMs(timeout, "timeout of ctx.scope");
    return this.#effects.scoped(fn, { timeoutMs, shielded, signal }) as Promise<Awaited<Output>>;
  }

  continueAsNew(input?: unknown, options: ContinueAsNewOptions = {}): never {
    this.#effects.enter("continueAsNew");
    checkOptions(options, ["version", "versioning"], "ctx.continueAsNew");
    const { version = "current", versioning } = options;
    const read = versioning === undefined ? null : readVersioning(versioning, "ctx.continueAsNew");
    checkChoice(version, "option version of ctx.continueAsNew", ["current", "pinned"]);
    const encoded = encode(input, "input");
    this.#effects.admit(encoded, "the input of ctx.continueAsNew");
    return new ContinueAsNew(encoded, version, read) as never;
  }

  sleep(until: Duration | Date, options: SleepOptions = NO_OPTIONS): Promise<void> {
    this.#effects.enter("sleep");
    if (options !== NO_OPTIONS) checkOptions(options, ["signal", "name"], "ctx.sleep");
    const label = options.name === undefined ? undefined : readName(options.name, "a sleep");
    const date = until instanceof Date ? until.getTime() : null;
    if (date !== null && Number.isNaN(date)) {
      refuse("the date of ctx.sleep", until, "a valid Date");
    }
    const { signal } = options;
    const request = date === null
      ? this.#sleepRequest(until as Duration, "the duration of ctx.sleep", signal)
      : sleepRequest(`until ${date}`, date, signal);
    return this.#effects.ask(
      label === undefined ? request : { ...request, options: { label } },
    ) as Promise<void>;
  }

  #sleepRequest(duration: Duration, what: string, signal: AbortSignal | undefined): Request {
    const ms = durationMs(duration, what);
    return sleepRequest(`${ms}ms`, this.#effects.virtualNow() + ms, signal);
  }

  waitForSignal<Payload, Otherwise = Payload>(
    names: string | readonly string[],
    options: WaitForSignalOptions | WaitForSignalOtherwise<Otherwise> = NO_OPTIONS,
  ): Promise<Payload> {
    return this.#messages.wait(names, options) as Promise<Payload>;
  }

  signals<Each>(
    names: string | readonly string[],
    options: EffectOptions = NO_OPTIONS,
  ): AsyncIterableIterator<Each> {
    return this.#messages.each(names, options) as AsyncIterableIterator<Each>;
  }

  on(
    names: string | readonly string[],
    handler: (message: never) => unknown,
    options: HandlerOptions = {},
  ): () => void {
    return this.#messages.on(names, handler, options);
  }

  until(condition: () => boolean, options: UntilOptions = NO_OPTIONS): Promise<boolean> {
    this.#effects.enter("until");
    checkFunction(condition, "the condition of ctx.until");
    if (options !== NO_OPTIONS) checkOptions(options, ["timeout", "signal"], "ctx.until");
    const { timeout, signal } = options;
    const sleep = timeout === undefined
      ? null
      : this.#sleepRequest(timeout, "timeout of ctx.until", undefined);
    return this.#effects.until(condition, sleep, signal);
  }

  lock<Output>(
    name: string,
    fn: () => Output | Promise<Output>,
    options: LockOptions = {},
  ): Promise<Awaited<Output>> {
    return this.#locks.with(name, fn, options);
  }

  async handlersDone(): Promise<void> {
    this.#effects.enter("handlersDone");
    const { handlers, start: { runId } } = this.#effects;
    if (handlers.isRunning) {
      throw new ContextError(
        `Cannot call ctx.handlersDone of run ${
          quoteId(runId)
        } here: a handler would wait for itself`,
        { call: "handlersDone" },
      );
    }
    await handlers.done();
  }

  setStatus(value: unknown): void {
    this.#effects.enter("setStatus");
    this.#effects.note("status.set", encode(value, "the status"));
  }

  publish(name: string, value: unknown): void {
    this.#effects.enter("publish");
    readName(name, "a value");
    this.#effects.note("value.published", encode(value, `value ${JSON.stringify(name)}`), name);
  }

  onQuery(name: string, answer: (arg: never) => unknown): () => void {
    this.#effects.enter("onQuery");
    const what = `query ${JSON.stringify(readName(name, "a query"))}`;
    checkFunction(answer, `the function of ${what}`);
    return this.#effects.onQuery(name, answer as (arg: unknown) => unknown);
  }

  patched(name: string): boolean {
    this.#effects.enter("patched");
    return this.#effects.patched(readName(name, "a patch"));
  }

  now(): Date {
    this.#effects.enter("now");
    return new Date(this.#effects.virtualNow());
  }

  today(): string {
    return this.now().toISOString().slice(0, 10);
  }

  random(): number {
    this.#effects.enter("random");
    return this.#effects.randomness.next();
  }

  uuid(): string {
    this.#effects.enter("uuid");
    return this.#effects.randomness.uuid();
  }
}

function sleepRequest(
  digest: string,
  deadline: number,
  signal: AbortSignal | undefined,
): Request {
  const none = { name: "", input: null, fallback: null, options: NOTHING };
  return { kind: "sleep", digest, deadline, signal, ...none };
}

function runOptions(what: string, options: StepOptions, known: readonly string[]): CommandOptions {
  checkOptions(options, known, what);
  const { onCancel = "abort" } = options;
  checkChoice(onCancel, `onCancel of ${what}`, ["abort", "finish"]);
  return {
    ...(onCancel === "finish" ? { onCancel } : {}),
    ...(options.retry === undefined ? {} : { retry: readCodeRetry(options.retry, what) }),
    ...(options.timeout === undefined
      ? {}
      : { timeout: readLimit(options.timeout, `timeout of ${what}`) }),
  };
}

const defined = new WeakMap<ActivityDefinition, CommandOptions>();

/** The options of a definition, which are the same for each of its calls. */
function definitionOptions(definition: ActivityDefinition): CommandOptions {
  let options = defined.get(definition);
  if (options === undefined) {
    const { retry, timeout, timeouts, queue, priority, onCancel } = definition;
    options = {
      activity: definition,
      ...timeouts,
      ...(retry === null ? {} : { retry }),
      ...(timeout === null ? {} : { timeout }),
      ...(queue === null ? {} : { queue }),
      ...(priority === null ? {} : { priority }),
      ...(onCancel === null ? {} : { onCancel }),
    };
    defined.set(definition, options);
  }
  return options;
}

/** Options of the call override those of the definition. */
function activityOptions(
  name: string,
  definition: ActivityDefinition | null,
  options: ActivityCallOptions,
  input: unknown,
): CommandOptions {
  const base = definition === null ? NOTHING : definitionOptions(definition);
  if (options === NO_OPTIONS && !definition?.idempotencyKey) return base;
  const what = `activity ${JSON.stringify(name)}`;
  checkOptions(options, ACTIVITY_KEYS, what);
  const { startToClose, ...timeouts } = readTimeouts(options, what);
  const { retry } = options;
  const onCancel = readOnCancel(options.onCancel ?? null, what);
  const queue = readQueue(options.queue, what);
  const priority = readPriority(options.priority, what);
  const key = readKey(
    options.idempotencyKey === undefined
      ? definition?.idempotencyKey?.(input)
      : options.idempotencyKey,
    what,
  );
  return {
    ...base,
    ...timeouts,
    ...(retry === undefined ? {} : { retry: readRetry(retry, what) }),
    ...(startToClose === null ? {} : { timeout: startToClose }),
    ...(queue === null ? {} : { queue }),
    ...(priority === null ? {} : { priority }),
    ...(onCancel === null ? {} : { onCancel }),
    ...(key === null && options.idempotencyKey !== null ? {} : { idempotencyKey: key }),
  };
}
