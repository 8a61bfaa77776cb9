/**
 * The entry point: opens a store, reads the versions, and connects the engine and the client.
 *
 * @module
 */

import { checkOptions, checkText } from "./base/arguments.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import { MAX_RUN_ID } from "./base/run_ids.ts";
import { Activities } from "./client/activities.ts";
import { type ClientContext, inNamespace } from "./client/context.ts";
import { demandDatabase, tellDefault } from "./client/database_option.ts";
import { denialReader } from "./client/denial_reader.ts";
import { DryRuns } from "./client/run/dry_runs.ts";
import { Replayer } from "./client/run/replayer.ts";
import { POLLS, type PollTimes, RunWaiter } from "./client/run/waiter.ts";
import {
  listLive,
  listNodes,
  listQueues,
  type LiveRuns,
  type NodeInfo,
  type QueueInfo,
  telemetryHost,
} from "./client/fleet.ts";
import { type Health, healthOf, type HealthOptions } from "./client/health.ts";
import {
  acknowledge,
  type OperationOptions,
  repair,
  type RepairReport,
} from "./client/health/repair.ts";
import {
  planRepairs,
  type RepairPlan,
  type RepairPlanOptions,
} from "./client/health/repair_plan.ts";
import { limitedContext, patienceOf } from "./client/limited.ts";
import { readLimits } from "./client/limits.ts";
import { type OperatorIdentity, readIdentity } from "./client/operated.ts";
import { Operations } from "./client/operations.ts";
import { RunHandle } from "./client/run/handle.ts";
import { Runs } from "./client/run/queries.ts";
import { namedRun, type RunArguments, type RunOptions } from "./client/run/run_arguments.ts";
import { RunQueues } from "./client/run_limits.ts";
import { Schedules } from "./client/schedule/client.ts";
import type {
  StartArguments,
  StartManyItem,
  StartManyOptions,
  StartOptions,
} from "./client/start/options.ts";
import { RunStarter, type StartedItem } from "./client/start/run_starter.ts";
import { Versions as VersionRegistry } from "./client/versions.ts";
import { reviveSigned } from "./client/versions/signatures.ts";
import type { CodeSource } from "./engine/code/source.ts";
import { type DrainSummary, Engine, type EngineState } from "./engine/engine.ts";
import type { Exit } from "./ports/exit.ts";
import type { UnawaitedEffect } from "./engine/run/warnings.ts";
import { type Logs, logsTo, LOGTAPE } from "./base/log.ts";
import { VersionCode } from "./engine/code/version_code.ts";
import {
  checkConnectOptions,
  type ConnectOptions,
  type NodeSettings,
  type OpenOptions,
  readOpenOptions,
} from "./options.ts";
import type { ClaimedRun } from "./ports/rows.ts";
import type { Store } from "./ports/store.ts";
import type { Around } from "./ports/around.ts";
import { observerOf, type Telemetry } from "./ports/telemetry.ts";
import { type Drain, probeDrain } from "./replay/drain.ts";
import { onLateError } from "./replay/rejections.ts";
import { askFor, forCallers } from "./store/callers.ts";
import { ClosedError } from "./store/errors.ts";
import { fromOutside } from "./store/inside.ts";
import { openStore } from "./store/open.ts";
import { Wakeups } from "./store/wakeups.ts";
import { Contracts } from "./version/contracts.ts";
import { Versions } from "./version/versions.ts";
import type { SignalSchemas } from "./workflow/signal_types.ts";
import { Watchdog } from "./watchdog/monitor.ts";
import type { WorkflowDefinition } from "./workflow/context_types.ts";
import type { Serializable } from "./workflow/serializable.ts";
import type { InputOf, OutputOf, SignalsOf } from "./workflow/types_of.ts";

/**
 * What {@linkcode Continuum.readiness} says.
 *
 * @category Continuum
 */
export interface Readiness {
  /** Whether this process takes work: for a load balancer's or an orchestrator's probe. */
  readonly ready: boolean;
  /** The state of the node; `client`: this instance never executes runs. */
  readonly state: EngineState | "client";
  /** How many runs are in memory. */
  readonly residentRuns: number;
  /** Why it is not ready, as text for people; `null` if it is ready or a client. */
  readonly reason: string | null;
}

/** The parts of an instance. */
export interface ContinuumParts {
  /** The store, with its schema migrated; closed with the instance. */
  readonly store: Store;
  /** Obtains versions. */
  readonly versions: Versions;
  /** How executions drain their microtasks. */
  readonly drain: Drain;
  /** The options of a node; a client has none. */
  readonly settings: NodeSettings | undefined;
  /** The namespace that calls work in. */
  readonly namespace: string;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** The application's config file; by default the nearest above its main module. */
  readonly config?: string | undefined;
  /** Replaces the process's clock. */
  readonly clock?: Clock;
  /** Replaces `versions` as the source of the code of runs. */
  readonly code?: CodeSource;
  /** How often a run that is awaited is polled. */
  readonly polls?: PollTimes;
  /** Detects turns that never return; stopped with the instance. */
  readonly watchdog?: Watchdog | undefined;
  /** Where the instance logs; LogTape when omitted. */
  readonly logs?: Logs;
  /** Observes what the instance does. */
  readonly telemetry?: Telemetry | undefined;
  /** Hooks of the application. */
  readonly around?: Around | undefined;
  /** Called when a run leaves this node's memory, before any other listener. */
  readonly onExit?: (run: ClaimedRun, exit: Exit) => void;
  /** Called for effects that were not awaited, in addition to the log. */
  readonly onUnawaited?: (effect: UnawaitedEffect) => void;
}

/** What instances share that act for different operators: one connection, one node. */
interface Shared {
  readonly store: Store;
  readonly versions: Versions;
  readonly engine: Engine | undefined;
  readonly settings: NodeSettings | undefined;
  readonly waiter: RunWaiter;
  readonly wakeups: Wakeups;
  readonly watchdog: Watchdog | undefined;
  readonly telemetry: Telemetry | undefined;
  readonly logs: Logs;
  detach: (() => void) | undefined;
  subscription: AsyncDisposable | undefined;
  closing: Promise<DrainSummary> | undefined;
}

/** Creates an instance, registers workflows, and begins to execute: for `./testing`. */
export let assemble: (
  parts: ContinuumParts,
  workflows: readonly string[],
) => Promise<Continuum>;

/** Where an instance logs: for `./observer`. */
export let logsOf: (continuum: Continuum) => Logs;

/** The same instance for calls in another namespace: for `./observer`. */
export let inside: (continuum: Continuum, namespace: string) => Continuum;

/**
 * The same instance for reads, each statement of which ends by a time in milliseconds: for
 * `./observer`.
 */
export let limitedTo: (continuum: Continuum, ms: number) => Continuum;

/**
 * A connection to the durable runs of a database. An instance from `open` also executes them.
 *
 * @category Continuum
 * @priority 10
 */
export class Continuum implements AsyncDisposable {
  /** The registry of versions. */
  readonly versions: VersionRegistry;
  /** Completes activities from outside, by the tokens of their attempts. */
  readonly activities: Activities;
  /** Finding and removing runs. */
  readonly runs: Runs;
  /** Schedules: which runs start when. */
  readonly schedules: Schedules;
  /** Queues of runs that wait for admission. */
  readonly limits: RunQueues;
  /** What operators did. */
  readonly operations: Operations;
  readonly #shared: Shared;
  readonly #runStarter: RunStarter;
  readonly #context: ClientContext;

  static {
    assemble = async (parts, workflows) => {
      const { shared, context } = connected(parts);
      const continuum = new Continuum(shared, context);
      await continuum.#begin(workflows);
      return continuum;
    };
    logsOf = (continuum) => continuum.#shared.logs;
    inside = (continuum, namespace) =>
      new Continuum(continuum.#shared, inNamespace(continuum.#context, namespace));
    limitedTo = (continuum, ms) => {
      const store = forCallers(fromOutside(continuum.#shared.store.within(patienceOf(ms))));
      return new Continuum(continuum.#shared, limitedContext(continuum.#context, store));
    };
  }

  /** Use {@linkcode Continuum.open} or {@linkcode Continuum.connect}. */
  private constructor(shared: Shared, context: ClientContext) {
    this.#shared = shared;
    this.#context = context;
    this.#runStarter = new RunStarter(context);
    this.runs = new Runs(context);
    this.activities = new Activities(context);
    this.versions = new VersionRegistry(context);
    this.schedules = new Schedules(context);
    this.limits = new RunQueues(context);
    this.operations = new Operations(context);
  }

  /**
   * Opens a node: registers its workflows, claims every run that is due, and executes runs until it
   * is closed.
   *
   * @param options The database, and which workflows this node knows.
   * @returns The open node; `await using` closes it.
   * @throws {InvalidArgumentError} If an option is unknown or out of range. Errors of the database,
   * and of reading workflow modules, are passed on; nothing stays open then.
   */
  static async open(options: OpenOptions = {}): Promise<Continuum> {
    const settings = readOpenOptions(options);
    tellDefault(options.database, logsTo(options.log));
    return await Continuum.#open(options, settings);
  }

  /**
   * Connects a client: it starts, signals and watches runs, and executes nothing.
   *
   * @param options The database.
   * @returns The client; `await using` closes it.
   * @throws {InvalidArgumentError} If an option is unknown or out of range, or no database is
   * named.
   * @throws {DatabaseUnavailableError} If the database can't answer now.
   */
  static async connect(options: ConnectOptions): Promise<Continuum> {
    checkConnectOptions(options);
    demandDatabase(options.database);
    return await Continuum.#open(options, undefined);
  }

  static async #open(
    options: ConnectOptions,
    settings: NodeSettings | undefined,
  ): Promise<Continuum> {
    await using opened = new AsyncDisposableStack();
    const logs = logsTo(options.log);
    const { database, schema, codec } = options;
    const store = opened.use(await openStore({ database, schema, codec, log: logs.engine }));
    const watchdog = settings && watchdogOf(options, settings, logs);
    if (watchdog !== undefined) opened.use(watchdog);
    const { migrate = settings === undefined ? "create" : "apply" } = options;
    const executes = settings !== undefined;
    await askFor(store.description, true, () => store.migrate(migrate, executes));
    const drain = await probeDrain();
    const { namespace = "default", limits, telemetry: option, log: _, around, ...graph } = options;
    const { versions: registry, denials, signatures } = forCallers(store);
    const telemetry = observerOf(option);
    const versions = new Versions({
      ...graph,
      store: registry,
      denials,
      signatures,
      telemetry,
      log: logs.version,
    });
    const { payloadBytes } = readLimits(limits);
    const { config } = graph;
    const parts = {
      store,
      versions,
      drain,
      settings,
      namespace,
      payloadBytes,
      config,
      watchdog,
      telemetry,
      around,
      logs,
    };
    const continuum = await assemble(parts, options.workflows ?? []);
    opened.move(); // from here on, the store is closed with the node
    return continuum;
  }

  /**
   * Starts a run.
   *
   * @param workflow A definition that this process imported and lists in `workflows`: the run is
   * pinned to the version of its module at `open`. Or a workflow's name: the run is pinned to the
   * current version. Or a specifier.
   * @param inputAndOptions The workflow's input, omitted if it takes none, and options: the run's
   * id, its start time, its first signal and others.
   * @returns The run's handle. When the promise resolves, the run is durable.
   * @throws {InvalidArgumentError} If `runId` or an option is invalid.
   * @throws {NotSerializableError} If the input can't be encoded; the message names its path.
   * @throws {PayloadTooLargeError} If the input is larger than `limits.payloadBytes`.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If the input does not match the workflow's
   * schema.
   * @throws {RunExistsError} (`RUN_EXISTS`) If another run has the id, and `ifExists` does not
   * cover that run.
   * @throws {RunExistsError} (`IDEMPOTENCY_CONFLICT`) If the key was used with another input.
   * @throws {VersionNotFoundError} If the workflow has no version. Nothing is written then.
   * @throws {DatabaseUnavailableError} If the database can't answer now: whether the run was
   * started may be unknown (`details.mayBeWritten`). A second call with the same key, or with the
   * same `runId` and `ifExists: "useEnded"`, starts no second run.
   */
  async start<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    ...inputAndOptions: StartArguments<Input, StartOptions<Signals>>
  ): Promise<RunHandle<Awaited<Output>, Signals>>;
  /**
   * Starts a run of a workflow's current version, by its name, or of a specifier.
   *
   * @example With types, where the workflow's code is not loaded
   * ```ts ignore
   * import type order from "./workflows/order.ts";
   *
   * const run = await continuum.start<typeof order>("order", { sku: "A-7" });
   * ```
   *
   * @typeParam Type The workflow's type, or the type of its result.
   * @param workflow The name, or the specifier.
   * @param inputAndOptions The workflow's input, and options.
   * @returns The run's handle. When the promise resolves, the run is durable.
   */
  async start<Type = unknown>(
    workflow: string,
    ...inputAndOptions: StartArguments<InputOf<Type>, StartOptions<SignalsOf<Type>>>
  ): Promise<RunHandle<OutputOf<Type>, SignalsOf<Type>>>;
  async start(
    workflow: WorkflowDefinition<never, unknown> | string,
    input?: unknown,
    options: StartOptions = {},
  ): Promise<RunHandle> {
    if (this.#shared.closing !== undefined) throw new ClosedError("start a run");
    return await this.#runStarter.start(workflow as WorkflowDefinition | string, input, options);
  }

  /**
   * Starts many runs of one workflow, thousands in a few statements. They are not one transaction,
   * unless `transaction` is given: if one start conflicts with an existing run, the others still
   * happen.
   *
   * @param workflow As in {@linkcode Continuum.start}.
   * @param items One for each run: its input, and the options that differ.
   * @param options Options of all runs; an item's options override them, and its attributes
   * are merged into these.
   * @returns The outcome of each, in the same order.
   * @throws {InvalidArgumentError} If an option is invalid; the message names the item's index.
   * @throws {NotSerializableError} If an input can't be encoded. Nothing is started then.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If an input does not match the workflow's schema.
   * Nothing is started then.
   */
  async startMany<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    items: readonly StartManyItem<Serializable<Input>, Signals>[],
    options?: StartManyOptions,
  ): Promise<StartedItem<Awaited<Output>, Signals>[]>;
  /**
   * Starts many runs of a workflow's current version, by its name, or of a specifier.
   *
   * @typeParam Type The workflow's type, or the type of its result.
   * @param workflow The name, or the specifier.
   * @param items One for each run: its input, and the options that differ.
   * @param options Options of all runs.
   * @returns The outcome of each, in the same order.
   */
  async startMany<Type = unknown>(
    workflow: string,
    items: readonly StartManyItem<Serializable<InputOf<Type>>, SignalsOf<Type>>[],
    options?: StartManyOptions,
  ): Promise<StartedItem<OutputOf<Type>, SignalsOf<Type>>[]>;
  async startMany(
    workflow: WorkflowDefinition<never, unknown> | string,
    items: readonly StartManyItem[],
    options: StartManyOptions = {},
  ): Promise<StartedItem[]> {
    if (this.#shared.closing !== undefined) throw new ClosedError("start runs");
    return await this.#runStarter.startMany(
      workflow as WorkflowDefinition | string,
      items,
      options,
    );
  }

  /**
   * Returns the handle of a run without a query: if the run does not exist, the handle's methods
   * throw.
   *
   * @example With types, where the workflow's code is not loaded
   * ```ts ignore
   * import type order from "./workflows/order.ts";
   *
   * await continuum.run<typeof order>("o-1041").signal("paid", { amount: 30 });
   * ```
   *
   * @typeParam Type The workflow's type, or the type of its result.
   * @param id The run's id.
   * @param options Its namespace, if not that of this instance.
   * @returns The handle.
   * @throws {InvalidArgumentError} If an argument is invalid.
   */
  run<Type = unknown>(
    id: string,
    options?: RunOptions,
  ): RunHandle<OutputOf<Type>, SignalsOf<Type>>;
  /**
   * Returns the handle of a run of a workflow, typed with its result and its signals, without a
   * query. If the run is one of another workflow, `result()`, `signal()`, `status()` and the other
   * methods that read the run throw {@linkcode RunNotFoundError} (`RUN_OF_OTHER_WORKFLOW`).
   *
   * @param workflow The workflow. No code of it is executed, and it need not be listed in
   * `workflows`.
   * @param id The run's id.
   * @param options Its namespace, if not that of this instance.
   * @returns The handle.
   * @throws {InvalidArgumentError} If an argument is invalid.
   */
  run<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    id: string,
    options?: RunOptions,
  ): RunHandle<Awaited<Output>, Signals>;
  run(...given: unknown[]): unknown {
    const { workflow, id, options } = namedRun(given as RunArguments);
    checkText(id, "a run id", MAX_RUN_ID);
    checkOptions(options, ["namespace"], "run()");
    const { namespace = this.#context.runs.namespace } = options;
    return new RunHandle(
      id,
      inNamespace(this.#context, checkText(namespace, "option namespace of run()")),
      { workflow: workflow?.name },
    );
  }

  /** The namespace that calls work in, unless they name another. */
  get namespace(): string {
    return this.#context.runs.namespace;
  }

  /**
   * Whether this process takes work, and how much it has. A node is not ready while the database
   * does not answer it: its last heartbeat or its last poll for due runs failed, or its heartbeats
   * are overdue.
   */
  readiness(): Readiness {
    const { trouble: reason = null, state = "client", resident = 0 } = this.#shared.engine ?? {};
    const ready = state === "ready" && reason === null;
    return { ready, state, residentRuns: resident, reason };
  }

  /**
   * Claims no more runs, lets attempts under way finish, and releases every run, so that other
   * nodes continue at once. `start` still works: other nodes execute the runs.
   *
   * @returns How many runs were released.
   */
  async drain(): Promise<DrainSummary> {
    const summary = await this.#shared.engine?.drain(this.#shared.settings?.drainTimeoutMs ?? 0);
    this.#shared.wakeups.publish([{ kind: "due" }]);
    return summary ?? { released: 0, forced: 0 };
  }

  /**
   * Drains, and closes the connections to the database. A second call does nothing more. `start`
   * throws {@linkcode ClosedError} from the call of `close` on. Every other call, here and on
   * handles, throws it once the database is closed. A call that is under way at that moment gets
   * its answer, or that error.
   *
   * @returns How many runs were released.
   */
  close(): Promise<DrainSummary> {
    return this.#shared.closing ??= this.#close();
  }

  /** Calls {@linkcode Continuum.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Returns this instance as it acts for a person or a program that operates runs: what its calls do
   * to runs, versions and schedules is recorded, with the name and the reason, in the transaction that
   * does it. `continuum.operations` lists the entries. Calls of this instance itself are not recorded.
   *
   * Both share one connection, and one node if this is one: making it costs nothing, and closing
   * either closes both.
   *
   * @example A request of an authenticated person
   * ```ts ignore
   * const ana = continuum.asOperator({ name: "ana@example.com", proven: true, reason: "loops" });
   * await ana.run("o-1").terminate();
   * ```
   *
   * @param identity Who acts, and why.
   * @returns The instance.
   * @throws {InvalidArgumentError} If the name or the reason is invalid.
   */
  asOperator(identity: OperatorIdentity): Continuum {
    return new Continuum(this.#shared, { ...this.#context, operator: readIdentity(identity) });
  }

  /**
   * Reports what this process has in memory, and what an operator should look at: parked runs,
   * versions that no node can load, work that no node claims, schedules that are stuck, code that
   * runs unsigned. It covers all namespaces. What it reads is bounded, so it may be called every
   * minute.
   *
   * @param options Which findings make the status `degraded`.
   * @returns The report.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async health(options: HealthOptions = {}): Promise<Health> {
    return await healthOf(
      this.#context.store,
      this.#shared.versions,
      options,
      this.#shared.engine?.recovered,
    );
  }

  /**
   * Plans repairs of what {@linkcode Continuum.health} finds, in all namespaces, and changes nothing.
   * The plan lists every run, node, activity and schedule that would be changed.
   *
   * @example Look at the plan, then carry it out
   * ```ts ignore
   * const plan = await continuum.planRepairs({ codes: ["STUCK_VERSION"] });
   * for (const { message } of plan.repairs) console.log(message);
   * const { done, changed } = await continuum.repair(plan, { as: "ana", reason: "CDN is back" });
   * ```
   *
   * @param options Which findings to repair.
   * @returns The plan, as plain JSON.
   * @throws {InvalidArgumentError} If a code is no finding that can be repaired.
   */
  async planRepairs(options: RepairPlanOptions = {}): Promise<RepairPlan> {
    return await planRepairs(options, this.#context.store);
  }

  /**
   * Carries out a plan. A target that is not as the plan saw it any more is left as it is, so
   * carrying out a plan twice does no harm. Nothing is removed. Each repair is recorded in the table
   * of operations.
   *
   * @param plan What {@linkcode Continuum.planRepairs} returned; it may have been kept as JSON.
   * @param options Who repairs, and why.
   * @returns What became of each target.
   * @throws {InvalidArgumentError} If the plan or an option is invalid.
   */
  async repair(plan: RepairPlan, options: OperationOptions = {}): Promise<RepairReport> {
    return await repair(plan, options, this.#context);
  }

  /**
   * Marks a finding of {@linkcode Continuum.health} as known: it no longer makes the status
   * `degraded`, as long as its facts are the same.
   *
   * @param fingerprint The finding's `fingerprint`.
   * @param options Who does so, and why.
   * @throws {InvalidArgumentError} If an argument is invalid.
   */
  async acknowledge(fingerprint: string, options: OperationOptions = {}): Promise<void> {
    await acknowledge(fingerprint, options, this.#context);
  }

  /**
   * Lists the namespaces that hold runs or schedules, by name.
   *
   * @returns Their names.
   */
  async namespaces(): Promise<string[]> {
    return (await this.#context.store.retention.namespaces()).sort();
  }

  /**
   * Lists the nodes that are alive, the oldest first: what each serves, executes, and can't load.
   *
   * @returns The nodes.
   */
  nodes(): Promise<NodeInfo[]> {
    return listNodes(this.#context.store.health);
  }

  /**
   * Lists the queues of activities that hold tasks or that a node serves, by name. What it reads is
   * bounded, so it may be called every minute.
   *
   * @returns The queues.
   */
  queues(): Promise<QueueInfo[]> {
    return listQueues(this.#context.store.health);
  }

  /**
   * Counts the runs of all namespaces that have not ended, by state. What it reads is bounded, so it
   * may be called every minute.
   *
   * @returns Each such state, also those of no run.
   */
  liveRuns(): Promise<LiveRuns[]> {
    return listLive(this.#context.store.health);
  }

  async #begin(workflows: readonly string[]): Promise<void> {
    await askFor(
      this.#shared.store.description,
      true,
      () => this.#shared.versions.denials.refresh(),
    );
    await this.#bringSignatures();
    for (const specifier of workflows) {
      const { hash } = await this.#shared.versions.register(specifier);
      this.#shared.wakeups.receive({ kind: "available", hash });
    }
    const { log, store } = this.#context;
    this.#shared.detach = this.#shared.telemetry?.attach(
      telemetryHost(log, store, this.#shared.engine),
    );
    this.#shared.subscription = await this.#shared.wakeups.subscribe();
    try {
      if (this.#shared.engine === undefined) return;
      onLateError((error) =>
        this.#context.log.error("Workflow code threw an error outside of any run: {error}", {
          error,
        })
      );
      const engine = this.#shared.engine;
      await this.#shared.watchdog?.started;
      await askFor(this.#shared.store.description, false, () => engine.open(), 1);
    } catch (error) {
      this.#shared.detach?.();
      await this.#shared.subscription[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What a deployment brings must be there before what it is about, for other nodes. */
  async #bringSignatures(): Promise<void> {
    const { versions, wakeups } = this.#shared;
    const { given } = versions.signatures;
    if (given.length === 0) return;
    const { store } = this.#context;
    for (const hash of await store.signatures.add(given)) {
      await reviveSigned(store, hash);
      wakeups.receive({ kind: "available", hash });
    }
  }

  async #close(): Promise<DrainSummary> {
    const summary = await this.#shared.engine?.close(this.#shared.settings?.drainTimeoutMs ?? 0);
    if (summary !== undefined && summary.released + summary.forced > 0) {
      await this.#shared.wakeups.send([{ kind: "due" }]);
    }
    this.#shared.detach?.();
    this.#shared.waiter.close();
    await this.#shared.subscription?.[Symbol.asyncDispose]();
    await this.#shared.store[Symbol.asyncDispose]();
    this.#shared.watchdog?.[Symbol.dispose]();
    return summary ?? { released: 0, forced: 0 };
  }
}

/** Makes the parts of an instance, each of which gets those before it. */
function connected(
  parts: ContinuumParts,
): { readonly shared: Shared; readonly context: ClientContext } {
  const { store, versions, drain, settings, namespace, payloadBytes } = parts;
  const { clock = systemClock, polls = POLLS, watchdog, telemetry, logs = LOGTAPE } = parts;
  const { onExit, onUnawaited, around } = parts;
  const log = logs.engine;
  const callerStore = forCallers(fromOutside(store));
  const contracts = new Contracts(versions, callerStore.versions);
  const wakeups = new Wakeups(store.notices, log);
  const waiter = new RunWaiter(callerStore.runs, clock, polls, wakeups);
  const engine = settings === undefined ? undefined : new Engine({
    ...settings,
    store,
    log,
    clock,
    payloadBytes,
    code: parts.code ?? new VersionCode(versions, contracts, drain, logs),
    wakeups,
    watchdog,
    telemetry,
    around,
    keys: versions.signatures.keys,
    ...(onExit === undefined ? {} : { onExit }),
    ...(onUnawaited === undefined ? {} : { onUnawaited }),
  });
  const context = {
    store: callerStore,
    log,
    runs: callerStore.runs.in(namespace),
    versions,
    contracts,
    replayer: new Replayer(versions, drain),
    dryRuns: new DryRuns(versions, drain, parts.config),
    waiter,
    wakeups,
    node: engine,
    clock,
    payloadBytes,
    telemetry,
    around,
  };
  if (engine === undefined) wakeups.add(denialReader(versions.denials, log));
  const parted = { store, versions, engine, settings, waiter, wakeups, watchdog, telemetry, logs };
  const shared = { ...parted, detach: undefined, subscription: undefined, closing: undefined };
  return { shared, context };
}

/**
 * The watchdog's thread can connect only to a server; an adapter of the application can't cross
 * threads.
 */
function watchdogOf(
  { database, schema = "continuum" }: ConnectOptions,
  { leaseMs }: NodeSettings,
  logs: Logs,
): Watchdog | undefined {
  return typeof database === "string" && /^postgres(ql)?:/i.test(database)
    ? new Watchdog({ database, schema }, logs.engine, leaseMs)
    : undefined;
}
