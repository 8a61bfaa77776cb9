/**
 * A client without an engine: it starts, signals and watches runs, on any runtime.
 *
 * @module
 */

import { checkArray, checkOptions, checkText, refuse, refuseUnless } from "../base/arguments.ts";
import { systemClock } from "../base/clock.ts";
import { logsTo } from "../base/log.ts";
import { MAX_RUN_ID } from "../base/run_ids.ts";
import { observerOf } from "../ports/telemetry.ts";
import type { Store } from "../ports/store.ts";
import { asyncDrain } from "../replay/drain.ts";
import { askFor, forCallers } from "../store/callers.ts";
import { ClosedError } from "../store/errors.ts";
import { fromOutside } from "../store/inside.ts";
import { isAdapter, storeOn } from "../store/on_adapter.ts";
import { postgres } from "../store/postgres/mod.ts";
import type { DatabaseAdapter } from "../store/sql/driver.ts";
import { Wakeups } from "../store/wakeups.ts";
import { Contracts } from "../version/contracts.ts";
import type { AnyWorkflowDefinition, InputOf, OutputOf, SignalsOf } from "../workflow/types_of.ts";
import type { SignalSchemas } from "../workflow/signal_types.ts";
import { isWorkflow } from "../workflow/workflow.ts";
import { Activities } from "./activities.ts";
import { type ClientContext, inNamespace } from "./context.ts";
import { denialReader } from "./denial_reader.ts";
import { telemetryHost } from "./fleet.ts";
import { readLimits } from "./limits.ts";
import { checkDatabaseOptions, DATABASE_KEYS, type DatabaseOptions } from "./options.ts";
import { RunHandle } from "./run/handle.ts";
import { Runs } from "./run/queries.ts";
import { Replayer } from "./run/replayer.ts";
import type { RunOptions } from "./run/run_arguments.ts";
import { POLLS, RunWaiter } from "./run/waiter.ts";
import { RunQueues } from "./run_limits.ts";
import { Schedules } from "./schedule/client.ts";
import type { StartArguments, StartOptions } from "./start/options.ts";
import { RunStarter } from "./start/run_starter.ts";
import { NO_DRY_RUNS, RegisteredVersions, schemasOf } from "./without_code.ts";

/**
 * Options of {@linkcode Client.connect}.
 *
 * @category Client
 */
export interface ClientOptions extends DatabaseOptions {
  /** The Postgres that the nodes use: `postgres://...`, or an adapter. */
  readonly database: string | DatabaseAdapter;
  /**
   * Definitions that this process has imported, one for each workflow whose inputs or signals have
   * schemas: the client checks by them. A version that declares schemas is refused if its workflow
   * is not listed, or is listed with others. Of the code, nothing but the schemas is executed.
   *
   * @default {none}
   */
  readonly definitions?: readonly AnyWorkflowDefinition[];
}

/**
 * The handle of a run in a process that loads no code: what `RunHandle` of `@continuum/continuum` has
 * for starting, signalling and watching.
 *
 * @category Client
 */
export type ClientRun<Output = unknown, Signals extends SignalSchemas = SignalSchemas> = Pick<
  RunHandle<Output, Signals>,
  | "answer"
  | "ask"
  | "attributes"
  | "cancel"
  | "generations"
  | "history"
  | "id"
  | "published"
  | "reached"
  | "result"
  | "retry"
  | "signal"
  | "status"
  | "terminate"
  | "values"
>;

/**
 * Finding runs, in a process that loads no code.
 *
 * @category Client
 */
export type ClientRuns = Pick<Runs, "count" | "query" | "relatives" | "troubles">;

/**
 * A connection to the durable runs of a database, for Node, Bun and Deno. It has no engine: it starts
 * runs by the names of their workflows, and never loads a workflow's code.
 *
 * @example A process that has the types of a workflow alone
 * ```ts ignore
 * import { Client } from "@continuum/continuum/client";
 * import type order from "./workflows/order.ts";
 *
 * const client = await Client.connect({ database: process.env.DATABASE_URL! });
 * const run = await client.start<typeof order>("order", { id: "o-1", items: 3 });
 * console.log(await run.result());
 * await client.close();
 * ```
 *
 * @category Client
 * @priority 10
 */
export class Client implements AsyncDisposable {
  /** Finding runs. */
  readonly runs: ClientRuns;
  /** Schedules: which runs start when. Name their workflows. */
  readonly schedules: Schedules;
  /** Queues of runs that wait for admission. */
  readonly limits: RunQueues;
  /** Completes activities from outside, by the tokens of their attempts. */
  readonly activities: Activities;
  readonly #context: ClientContext;
  readonly #starter: RunStarter;
  readonly #end: () => Promise<void>;
  #closing: Promise<void> | undefined;

  /** Use {@linkcode Client.connect}. */
  private constructor(context: ClientContext, end: () => Promise<void>) {
    this.#context = context;
    this.#end = end;
    this.#starter = new RunStarter(context);
    this.runs = new Runs(context);
    this.schedules = new Schedules(context);
    this.limits = new RunQueues(context);
    this.activities = new Activities(context);
  }

  /**
   * Connects.
   *
   * @param options The database, and others.
   * @returns The client; close it, or use `await using`.
   * @throws {InvalidArgumentError} If an option is unknown or out of range.
   * @throws {DatabaseUnavailableError} If the database can't answer now.
   */
  static async connect(options: ClientOptions): Promise<Client> {
    const { database, definitions } = readClientOptions(options);
    const { schema, codec, migrate = "create" } = options;
    const { engine: log } = logsTo(options.log);
    const store = await storeOn(database, { schema, codec, log });
    try {
      await askFor(store.description, true, () => store.migrate(migrate, false));
      return await Client.#begin(store, options, definitions);
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #begin(
    opened: Store,
    options: ClientOptions,
    definitions: readonly AnyWorkflowDefinition[],
  ): Promise<Client> {
    const { namespace = "default", limits } = options;
    const { engine: log } = logsTo(options.log);
    const store = forCallers(fromOutside(opened));
    const versions = new RegisteredVersions(store.versions, store.denials);
    const wakeups = new Wakeups(opened.notices, log);
    wakeups.add(denialReader(versions.denials, log));
    const waiter = new RunWaiter(store.runs, systemClock, POLLS, wakeups);
    const telemetry = observerOf(options.telemetry);
    await versions.denials.refresh();
    const subscription = await wakeups.subscribe();
    const detach = telemetry?.attach(telemetryHost(log, store, undefined));
    const context = {
      store,
      log,
      runs: store.runs.in(namespace),
      versions,
      contracts: new Contracts(schemasOf(definitions, store.versions), store.versions),
      replayer: new Replayer(versions, asyncDrain),
      dryRuns: NO_DRY_RUNS,
      waiter,
      wakeups,
      node: undefined,
      clock: systemClock,
      ...readLimits(limits),
      telemetry,
    };
    return new Client(context, async () => {
      detach?.();
      waiter.close();
      await subscription[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    });
  }

  /**
   * Starts a run of a workflow's current version.
   *
   * @typeParam Type The workflow's type, or the type of its result.
   * @param workflow The workflow's name, or a registered specifier.
   * @param inputAndOptions The workflow's input, omitted if it takes none, and options: the run's
   * id, its start time, its first signal and others.
   * @returns The run's handle. When the promise resolves, the run is durable.
   * @throws {InvalidArgumentError} If `runId` or an option is invalid.
   * @throws {NotSerializableError} If the input can't be encoded; the message names its path.
   * @throws {PayloadTooLargeError} If the input is larger than `limits.payloadBytes`.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If the input does not match the workflow's schema.
   * @throws {RunExistsError} (`RUN_EXISTS`) If another run has the id, and `ifExists` does not cover
   * that run.
   * @throws {RunExistsError} (`IDEMPOTENCY_CONFLICT`) If the key was used with another input.
   * @throws {VersionNotFoundError} If the workflow has no version. Nothing is written then.
   * @throws {VersionUnavailableError} If the version has a schema that this client was not given.
   * @throws {DatabaseUnavailableError} If the database can't answer now: whether the run was started
   * may be unknown (`details.mayBeWritten`). A second call with the same key, or with the same
   * `runId` and `ifExists: "useEnded"`, starts no second run.
   */
  async start<Type = unknown>(
    workflow: string,
    ...inputAndOptions: StartArguments<InputOf<Type>, StartOptions<SignalsOf<Type>>>
  ): Promise<ClientRun<OutputOf<Type>, SignalsOf<Type>>>;
  async start(workflow: string, input?: unknown, options: StartOptions = {}): Promise<unknown> {
    if (this.#closing !== undefined) throw new ClosedError("start a run");
    checkText(workflow, "the workflow of start()", Infinity);
    return await this.#starter.start(workflow, input, options);
  }

  /**
   * Returns the handle of a run without a query: if the run does not exist, the handle's methods
   * throw.
   *
   * @typeParam Type The workflow's type, or the type of its result.
   * @param id The run's id.
   * @param options Its namespace, if not that of this client.
   * @returns The handle. `status({ trace: true })` throws {@linkcode VersionUnavailableError}, since
   * it needs the code.
   * @throws {InvalidArgumentError} If an argument is invalid.
   */
  run<Type = unknown>(
    id: string,
    options: RunOptions = {},
  ): ClientRun<OutputOf<Type>, SignalsOf<Type>> {
    checkText(id, "a run id", MAX_RUN_ID);
    checkOptions(options, ["namespace"], "run()");
    const { namespace = this.#context.runs.namespace } = options;
    checkText(namespace, "option namespace of run()");
    return new RunHandle(id, inNamespace(this.#context, namespace));
  }

  /** The namespace that calls work in, unless they name another. */
  get namespace(): string {
    return this.#context.runs.namespace;
  }

  /**
   * Closes the connections to the database. Calls throw {@linkcode ClosedError} from then on, also
   * those that wait. A second call does nothing more.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#end();
  }

  /** Calls {@linkcode Client.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function readClientOptions(options: ClientOptions): {
  readonly database: DatabaseAdapter;
  readonly definitions: readonly AnyWorkflowDefinition[];
} {
  checkOptions(options, [...DATABASE_KEYS, "definitions"], "Client.connect");
  checkDatabaseOptions(options);
  const { database, definitions = [] } = options;
  const wanted = "an array of what defineWorkflow returns";
  checkArray(definitions, "option definitions", wanted, isWorkflow);
  const names = new Set<string>();
  for (const { name } of definitions) {
    refuseUnless(!names.has(name), "option definitions", name, "each workflow once");
    names.add(name);
  }
  if (isAdapter(database)) return { database, definitions };
  if (typeof database === "string" && /^postgres(ql)?:/i.test(database)) {
    return { database: postgres(database), definitions };
  }
  return refuse(
    "option database of Client.connect",
    database,
    "the Postgres that the nodes use, postgres://user@host/name, or an adapter; a database in the " +
      "process, such as PGlite, is not shared",
    "DATABASE_OPTION",
  );
}
