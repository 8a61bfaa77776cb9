/**
 * The front door: opens a store, reads the versions, and puts the engine and the client together.
 *
 * @module
 */

import { checkOptions, checkText } from "./base/arguments.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import { MAX_RUN_ID } from "./base/run_ids.ts";
import { Activities } from "./client/activities.ts";
import { type ClientContext, inNamespace } from "./client/context.ts";
import { demandDatabase, tellDefault } from "./client/database_option.ts";
import { DryRuns } from "./client/run/dry_runs.ts";
import { Replayer } from "./client/run/replayer.ts";
import { type PollTimes, RunWaiter } from "./client/run/waiter.ts";
import { type Health, healthOf } from "./client/health.ts";
import { readLimits } from "./client/limits.ts";
import { RunHandle } from "./client/run/handle.ts";
import { Runs } from "./client/run/queries.ts";
import { Schedules } from "./client/schedule/client.ts";
import type { StartManyItem, StartManyOptions, StartOptions } from "./client/start/options.ts";
import { RunStarter, type StartedItem } from "./client/start/run_starter.ts";
import { Versions as VersionRegistry } from "./client/versions.ts";
import type { CodeSource } from "./engine/code/source.ts";
import { type DrainSummary, Engine, type EngineState } from "./engine/engine.ts";
import type { Exit } from "./ports/exit.ts";
import type { UnawaitedEffect } from "./engine/run/warnings.ts";
import { engineLog } from "./base/log.ts";
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

/**
 * What {@linkcode Continuum.readiness} says.
 *
 * @category Continuum
 */
export interface Readiness {
  /** Whether this process takes work: for a load balancer's or an orchestrator's probe. */
  readonly ready: boolean;
  /** Where the node stands; `client`: it executes nothing by intent. */
  readonly state: EngineState | "client";
  /** How many runs are in memory. */
  readonly residentRuns: number;
  /** Why it is not ready, for people; `null`: it is, or executes nothing by intent. */
  readonly reason: string | null;
}

/** What an instance is put together from. */
export interface ContinuumParts {
  /** Where everything is kept, migrated; closed with the instance. */
  readonly store: Store;
  /** Obtains versions. */
  readonly versions: Versions;
  /** How executions drain their microtasks. */
  readonly drain: Drain;
  /** What a node decides; a client has none. */
  readonly settings: NodeSettings | undefined;
  /** The namespace that calls work in. */
  readonly namespace: string;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Time, where it is not the process's own. */
  readonly clock?: Clock;
  /** Finds the code of runs, where `versions` alone does not. */
  readonly code?: CodeSource;
  /** Milliseconds between two looks at a run that is awaited. */
  readonly polls?: PollTimes;
  /** Watches that turns return; stopped with the instance. */
  readonly watchdog?: Watchdog | undefined;
  /** Told whenever a run leaves this node's memory, before anybody else. */
  readonly onExit?: (run: ClaimedRun, exit: Exit) => void;
  /** Called for effects that were not awaited, in addition to the log. */
  readonly onUnawaited?: (effect: UnawaitedEffect) => void;
}

/** Puts an instance together, registers workflows, and begins to execute: for `./testing`. */
export let assemble: (
  parts: ContinuumParts,
  workflows: readonly string[],
) => Promise<Continuum>;

/**
 * A connection to the durable runs of a database; opened with `open`, also their executor.
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
  /** Schedules: what is to be started when. */
  readonly schedules: Schedules;
  readonly #store: Store;
  readonly #versions: Versions;
  readonly #engine: Engine | undefined;
  readonly #settings: NodeSettings | undefined;
  readonly #waiter: RunWaiter;
  readonly #wakeups: Wakeups;
  readonly #runStarter: RunStarter;
  readonly #context: ClientContext;
  readonly #watchdog: Watchdog | undefined;
  #subscription: AsyncDisposable | undefined;
  #closing: Promise<DrainSummary> | undefined;

  static {
    assemble = async (parts, workflows) => {
      const continuum = new Continuum(parts);
      await continuum.#begin(workflows);
      return continuum;
    };
  }

  /** Use {@linkcode Continuum.open} or {@linkcode Continuum.connect}. */
  private constructor(parts: ContinuumParts) {
    const { store, versions, drain, settings, namespace, payloadBytes } = parts;
    const { clock = systemClock, polls = POLLS, watchdog, onExit, onUnawaited } = parts;
    this.#store = store;
    this.#versions = versions;
    this.#settings = settings;
    this.#watchdog = watchdog;
    const asked = forCallers(fromOutside(store));
    const contracts = new Contracts(versions, asked.versions);
    this.#wakeups = new Wakeups(store.notices);
    this.#waiter = new RunWaiter(asked.runs, clock, polls, this.#wakeups);
    this.#engine = settings === undefined ? undefined : new Engine({
      ...settings,
      store,
      clock,
      payloadBytes,
      code: parts.code ?? new VersionCode(versions, contracts, drain),
      wakeups: this.#wakeups,
      watchdog,
      ...(onExit === undefined ? {} : { onExit }),
      ...(onUnawaited === undefined ? {} : { onUnawaited }),
    });
    this.#context = {
      store: asked,
      runs: asked.runs.in(namespace),
      versions,
      contracts,
      replayer: new Replayer(versions, drain),
      dryRuns: new DryRuns(versions, drain),
      waiter: this.#waiter,
      wakeups: this.#wakeups,
      node: this.#engine,
      clock,
      payloadBytes,
    };
    this.#runStarter = new RunStarter(this.#context);
    this.runs = new Runs(this.#context.runs, asked);
    this.activities = new Activities(this.#context);
    this.versions = new VersionRegistry(asked.versions, versions);
    this.schedules = new Schedules(this.#context);
  }

  /**
   * Opens a node: registers its workflows, takes up every run that is due, and executes runs until
   * it is closed.
   *
   * @param options Where everything is kept, and which workflows this node knows.
   * @returns The open node; `await using` closes it.
   * @throws {InvalidArgumentError} If an option is unknown or out of range. Errors of the database,
   * and of reading workflow modules, as they are; nothing stays open then.
   */
  static async open(options: OpenOptions = {}): Promise<Continuum> {
    const settings = readOpenOptions(options);
    tellDefault(options.database);
    return await Continuum.#open(options, settings);
  }

  /**
   * Connects a client: it starts, signals and watches runs, and executes nothing.
   *
   * @param options Where everything is kept.
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
    const store = opened.use(await openStore(options));
    const watchdog = settings && watchdogOf(options, settings);
    if (watchdog !== undefined) opened.use(watchdog);
    await askFor(store.description, true, () => store.migrate());
    const drain = await probeDrain();
    const { namespace = "default", limits, ...graph } = options;
    const versions = new Versions({ ...graph, store: forCallers(store).versions });
    const { payloadBytes } = readLimits(limits);
    const parts = { store, versions, drain, settings, namespace, payloadBytes, watchdog };
    const continuum = await assemble(parts, options.workflows ?? []);
    opened.move(); // from here on, the store is closed with the node
    return continuum;
  }

  /**
   * Starts a run.
   *
   * @param workflow A definition that this process imported and lists in `workflows`: the run takes
   * the version that its module was at `open`. Or a workflow's name: it takes the current version.
   * Or a specifier.
   * @param inputAndOptions The workflow's input, left out where it takes none, and options: the
   * run's id, and when and with what it starts.
   * @returns The run's handle; the run is durable by then.
   * @throws {InvalidArgumentError} If `runId` or an option is invalid.
   * @throws {NotSerializableError} If the input can't be written; its path is named.
   * @throws {PayloadTooLargeError} If it is larger than `limits.payloadBytes`.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If it does not fit the workflow's schema.
   * @throws {RunExistsError} (`RUN_EXISTS`) If the id is taken, and `ifExists` says nothing of the
   * run that has it.
   * @throws {RunExistsError} (`IDEMPOTENCY_CONFLICT`) If the key was used with another input.
   * @throws {VersionNotFoundError} If there is no such workflow. Nothing is written then.
   * @throws {DatabaseUnavailableError} If the database can't answer now: whether the run was
   * started may be unknown (`details.mayBeWritten`). A call again with the same key, or with the
   * same `runId` and `ifExists: "useEnded"`, is the same start.
   */
  async start<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    ...inputAndOptions: undefined extends Input ? [input?: Input, options?: StartOptions<Signals>]
      : [input: Input, options?: StartOptions<Signals>]
  ): Promise<RunHandle<Awaited<Output>, Signals>>;
  /**
   * Starts a run of a workflow's current version, by its name, or of a specifier.
   *
   * @param workflow The name, or the specifier.
   * @param input The workflow's input.
   * @param options The run's id.
   * @returns The run's handle; the run is durable by then.
   */
  async start<Output = unknown>(
    workflow: string,
    input?: unknown,
    options?: StartOptions,
  ): Promise<RunHandle<Output>>;
  async start(
    workflow: WorkflowDefinition<never, unknown> | string,
    input?: unknown,
    options: StartOptions = {},
  ): Promise<RunHandle> {
    if (this.#closing !== undefined) throw new ClosedError("start a run");
    return await this.#runStarter.start(workflow as WorkflowDefinition | string, input, options);
  }

  /**
   * Starts many runs of one workflow, thousands in a few statements. They are not one transaction,
   * unless `transaction` makes them: a run that stands in the way of one start stops no other.
   *
   * @param workflow As in {@linkcode Continuum.start}.
   * @param items One for each run: its input, and what differs from the others.
   * @param options Options of all runs; an item's options override them, and its attributes
   * are merged into these.
   * @returns What became of each, in the same order.
   * @throws {InvalidArgumentError} If an option is invalid, with the item's place.
   * @throws {NotSerializableError} If an input can't be taken. Nothing is started then.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If an input can't be taken. Nothing is started
   * then.
   */
  async startMany<Input, Output, Signals extends SignalSchemas>(
    workflow: WorkflowDefinition<Input, Output, Signals>,
    items: readonly StartManyItem<Input, Signals>[],
    options?: StartManyOptions,
  ): Promise<StartedItem<Awaited<Output>, Signals>[]>;
  /**
   * Starts many runs of a workflow's current version, by its name, or of a specifier.
   *
   * @param workflow The name, or the specifier.
   * @param items One for each run: its input, and what differs from the others.
   * @param options What all have in common.
   * @returns What became of each, in the same order.
   */
  async startMany<Output = unknown>(
    workflow: string,
    items: readonly StartManyItem[],
    options?: StartManyOptions,
  ): Promise<StartedItem<Output>[]>;
  async startMany(
    workflow: WorkflowDefinition<never, unknown> | string,
    items: readonly StartManyItem[],
    options: StartManyOptions = {},
  ): Promise<StartedItem[]> {
    if (this.#closing !== undefined) throw new ClosedError("start runs");
    return await this.#runStarter.startMany(
      workflow as WorkflowDefinition | string,
      items,
      options,
    );
  }

  /**
   * The handle of a run. Nothing is asked: a run that does not exist is found out by using it.
   *
   * @param id The run's id.
   * @param options Its namespace, if not that of this instance.
   * @returns The handle.
   */
  run<Output = unknown>(
    id: string,
    options: { readonly namespace?: string } = {},
  ): RunHandle<Output> {
    checkText(id, "a run id", MAX_RUN_ID);
    checkOptions(options, ["namespace"], "run()");
    const { namespace = this.#context.runs.namespace } = options;
    return new RunHandle(
      id,
      inNamespace(this.#context, checkText(namespace, "option namespace of run()")),
    );
  }

  /**
   * Whether this process takes work, and how much it has. A node is not ready while the database
   * does not answer it: its last heartbeat or its last look for due runs failed, or its heartbeats
   * are overdue.
   */
  readiness(): Readiness {
    const { trouble: reason = null, state = "client", resident = 0 } = this.#engine ?? {};
    const ready = state === "ready" && reason === null;
    return { ready, state, residentRuns: resident, reason };
  }

  /**
   * Takes no more runs, lets attempts under way finish, and gives every run back, so that other
   * nodes continue at once. Starts still work: other nodes execute them.
   *
   * @returns How many runs left in good order.
   */
  async drain(): Promise<DrainSummary> {
    const summary = await this.#engine?.drain(this.#settings?.drainTimeoutMs ?? 0);
    this.#wakeups.publish([{ kind: "due" }]);
    return summary ?? { released: 0, forced: 0 };
  }

  /**
   * Drains, and lets go of the database. Calling it again does nothing more. Starts throw
   * {@linkcode ClosedError} from then on, and every other call that asks the database once it is
   * let go of, here and on handles; what is under way at that moment gets its answer, or that
   * error.
   *
   * @returns How many runs left in good order.
   */
  close(): Promise<DrainSummary> {
    return this.#closing ??= this.#close();
  }

  /** As `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Looks at what this process has in memory, and for what an operator should look at: parked runs,
   * versions that no node can load, work that no node claims, schedules that are stuck, code that
   * runs unsigned. Of all namespaces; what it reads is bounded, so that it may be asked every
   * minute.
   *
   * @returns What was found.
   */
  health(): Promise<Health> {
    return healthOf(this.#context.store, this.#versions, this.#engine?.recovered);
  }

  async #begin(workflows: readonly string[]): Promise<void> {
    for (const specifier of workflows) {
      const { hash } = await this.#versions.register(specifier);
      this.#wakeups.receive({ kind: "available", hash });
    }
    this.#subscription = await this.#context.store.notices.subscribe(
      (notice) => this.#wakeups.receive(notice),
      () => this.#wakeups.catchUp(),
    );
    try {
      if (this.#engine === undefined) return;
      onLateError((error) =>
        engineLog.error("Workflow code threw an error outside of any run: {error}", { error })
      );
      const engine = this.#engine;
      await this.#watchdog?.started;
      await askFor(this.#store.description, false, () => engine.open(), 1);
    } catch (error) {
      await this.#subscription[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #close(): Promise<DrainSummary> {
    const summary = await this.#engine?.close(this.#settings?.drainTimeoutMs ?? 0);
    if (summary !== undefined && summary.released + summary.forced > 0) {
      await this.#wakeups.send([{ kind: "due" }]);
    }
    this.#waiter.close();
    await this.#subscription?.[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
    this.#watchdog?.[Symbol.dispose]();
    return summary ?? { released: 0, forced: 0 };
  }
}

const POLLS: PollTimes = { told: 2_000, passing: 250 };

/** Only a server can be reached from another thread; an adapter of the application's can't go there. */
function watchdogOf(
  { database, schema = "continuum" }: ConnectOptions,
  { leaseMs }: NodeSettings,
): Watchdog | undefined {
  return typeof database === "string" && /^postgres(ql)?:/i.test(database)
    ? new Watchdog({ database, schema }, leaseMs)
    : undefined;
}
