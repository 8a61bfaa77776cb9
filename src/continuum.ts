/**
 * The front door: opens a store, reads the versions, and puts the engine and the client together.
 *
 * @module
 */

import { systemClock } from "./base/clock.ts";
import { InvalidArgumentError } from "./base/errors.ts";
import { fencingToken, timeOrderedId } from "./base/ids.ts";
import { isSha256Hex } from "./base/encoding.ts";
import { encode } from "./base/values.ts";
import { Ends } from "./client/ends.ts";
import { ClosedError, RunExistsError } from "./client/errors.ts";
import { type Health, healthOf } from "./client/health.ts";
import { RunHandle } from "./client/run_handle.ts";
import type { ClientServices } from "./client/services.ts";
import { Starts } from "./client/starts.ts";
import { type UpgradeOptions, upgradeRun } from "./client/upgrade.ts";
import { type DrainSummary, Engine, type EngineState } from "./engine/engine.ts";
import { engineLog } from "./engine/log.ts";
import { VersionCode } from "./engine/version_code.ts";
import {
  checkConnectOptions,
  type ConnectOptions,
  type NodeSettings,
  type OpenOptions,
  readOpenOptions,
} from "./options.ts";
import type { ClaimedRun, RunRow, VersionRow } from "./ports/rows.ts";
import type { Notice, Store } from "./ports/store.ts";
import { type Drain, probeDrain } from "./replay/drain.ts";
import { installGuard } from "./replay/guard.ts";
import { openStore } from "./store/open.ts";
import { isStorable } from "./store/sql.ts";
import { VersionNotFoundError } from "./version/load_errors.ts";
import { Versions } from "./version/versions.ts";
import { executionOf } from "./workflow/execute.ts";
import { checkOptions, describe } from "./workflow/options.ts";
import type { WorkflowDefinition } from "./workflow/workflow.ts";

/** Options of {@linkcode Continuum.start}. */
export interface StartOptions {
  /**
   * The run's id: 1 to 255 characters.
   *
   * @default {a new UUID}
   */
  readonly runId?: string;
  /**
   * What follows if a run with that id exists: an error, or its handle.
   *
   * @default {"error"}
   */
  readonly ifExists?: "error" | "use";
}

/** What {@linkcode Continuum.readiness} says. */
export interface Readiness {
  /** Whether this process takes work: for a load balancer's or an orchestrator's probe. */
  readonly ready: boolean;
  /** Where the node stands; `client`: it executes nothing by intent. */
  readonly state: EngineState | "client";
  /** How many runs are in memory. */
  readonly residentRuns: number;
}

/** A version, as the registry knows it. */
export interface VersionInfo {
  /** SHA-256 of the manifest, in hex. */
  readonly hash: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The label that the definition gives itself. */
  readonly label: string | null;
  /** Whether runs that are started by name take it. */
  readonly current: boolean;
  /** Every specifier that it is known under, the newest first. */
  readonly specifiers: readonly string[];
  /** Whether the archive holds its members. */
  readonly archived: boolean;
  /** When it was registered. */
  readonly registeredAt: Date;
}

/** The registry of versions. */
export interface VersionsApi {
  /**
   * Lists versions, newest first.
   *
   * @param workflow Of one workflow; of all when omitted.
   */
  list(workflow?: string): Promise<VersionInfo[]>;
  /**
   * Makes a version the one that new runs take when they are started by name.
   *
   * @param workflow The workflow's name.
   * @param hash The version.
   */
  activate(workflow: string, hash: string): Promise<void>;
}

/** A connection to the durable runs of a database; opened with `open`, also their executor. */
export class Continuum implements AsyncDisposable {
  /** The registry of versions. */
  readonly versions: VersionsApi;
  readonly #store: Store;
  readonly #versions: Versions;
  readonly #drain: Drain;
  readonly #engine: Engine | undefined;
  readonly #settings: NodeSettings | undefined;
  readonly #ends: Ends;
  readonly #starts: Starts;
  readonly #services: ClientServices;
  #subscription: AsyncDisposable | undefined;
  #closing: Promise<DrainSummary> | undefined;

  /** Use {@linkcode Continuum.open} or {@linkcode Continuum.connect}. */
  private constructor(parts: {
    readonly store: Store;
    readonly versions: Versions;
    readonly drain: Drain;
    readonly settings: NodeSettings | undefined;
  }) {
    const { store, versions, drain, settings } = parts;
    const clock = systemClock;
    this.#store = store;
    this.#versions = versions;
    this.#drain = drain;
    this.#settings = settings;
    this.#ends = new Ends(store.runs, clock, RESULT_POLL_MS);
    this.#starts = new Starts(store.runs);
    this.#engine = settings === undefined ? undefined : new Engine({
      ...settings,
      store,
      clock,
      code: new VersionCode(versions, drain),
      onDeparture: (run, departure) => {
        if (departure.kind === "suspended" || departure.kind === "released") return;
        this.#ends.tell(run.runId);
        if ("watched" in departure && departure.watched) {
          this.#publish({ kind: "ended", runId: run.runId });
        }
      },
    });
    this.#services = {
      store,
      clock,
      ends: this.#ends,
      woke: (run, node) => this.#woke(run, node),
      ended: (runId) => {
        this.#ends.tell(runId);
        this.#publish({ kind: "ended", runId });
      },
      retry: (hash) => this.#retry(hash),
      upgrade: (runId, options) => this.#upgrade(runId, options),
    };
    this.versions = versionsApi(store);
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
    return await Continuum.#open(options, readOpenOptions(options));
  }

  /**
   * Connects a client: it starts, signals and watches runs, and executes nothing.
   *
   * @param options Where everything is kept.
   * @returns The client; `await using` closes it.
   * @throws {InvalidArgumentError} If an option is unknown or out of range.
   */
  static async connect(options: ConnectOptions = {}): Promise<Continuum> {
    checkConnectOptions(options);
    return await Continuum.#open(options, undefined);
  }

  static async #open(
    options: ConnectOptions,
    settings: NodeSettings | undefined,
  ): Promise<Continuum> {
    await using opened = new AsyncDisposableStack();
    const store = opened.use(await openStore(options));
    await store.migrate();
    const drain = await probeDrain();
    const versions = new Versions({ ...options, store: store.versions });
    const continuum = new Continuum({ store, versions, drain, settings });
    await continuum.#begin(options.workflows ?? []);
    opened.move(); // from here on, the store is closed with the node
    return continuum;
  }

  /**
   * Starts a run.
   *
   * @param workflow A definition that this process imported and lists in `workflows`: the run takes
   * that version. Or a workflow's name: it takes the current version. Or a specifier.
   * @param input The workflow's input.
   * @param options The run's id.
   * @returns The run's handle; the run is durable by then.
   * @throws {InvalidArgumentError} If the run id or an option is none. {NotSerializableError} If the
   * input can't be written; its path is named. {RunExistsError} If the id is taken. {VersionNotFoundError} If there is no such workflow.
   */
  async start<Input, Output>(
    workflow: WorkflowDefinition<Input, Output>,
    input: Input,
    options?: StartOptions,
  ): Promise<RunHandle<Awaited<Output>>>;
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
    checkOptions(options, ["runId", "ifExists"], "start()");
    const { runId = newRunId(), ifExists = "error" } = options;
    checkRunId(runId);
    checkIfExists(ifExists);
    const encoded = encode(input, "input");
    const version = await this.#versions.forStart(workflow as WorkflowDefinition | string);
    const engine = this.#engine;
    const lease = engine?.hasRoom ? { node: engine.node, token: fencingToken() } : undefined;
    const run = { runId, ...version, input: encoded, seed: crypto.randomUUID() };
    const { id, created, at } = await this.#starts.insert(
      lease === undefined ? run : { ...run, lease },
    );
    if (!created) {
      if (ifExists === "use") return this.run(runId);
      throw new RunExistsError(runId);
    }
    if (engine === undefined || lease === undefined) {
      this.#due();
      return new RunHandle(runId, this.#services);
    }
    engine.take({
      ...run,
      namespace: this.#store.runs.namespace,
      id,
      startedAt: at,
      token: lease.token,
      claims: 1,
      began: true,
    });
    return new RunHandle(runId, this.#services, engine.departure(id));
  }

  /**
   * The handle of a run. Nothing is asked: a run that does not exist is found out by using it.
   *
   * @param id The run's id.
   * @returns The handle.
   */
  run<Output = unknown>(id: string): RunHandle<Output> {
    checkRunId(id);
    return new RunHandle(id, this.#services);
  }

  /** Whether this process takes work, and how much it has. */
  readiness(): Readiness {
    const state = this.#engine?.state ?? "client";
    return { ready: state === "ready", state, residentRuns: this.#engine?.resident ?? 0 };
  }

  /**
   * Takes no more runs, lets attempts under way finish, and gives every run back, so that other
   * nodes go on at once. Starts still work: other nodes execute them.
   *
   * @returns How many runs left in good order.
   */
  async drain(): Promise<DrainSummary> {
    const summary = await this.#engine?.drain(this.#settings?.drainTimeoutMs ?? 0);
    this.#publish({ kind: "due" });
    return summary ?? { released: 0, forced: 0 };
  }

  /**
   * Drains, and lets go of the database. Calling it again does nothing more.
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
   * Looks at what this process has in memory, and for what somebody should look at: parked versions,
   * versions that no node can load, code that runs unsigned.
   *
   * @returns What was found.
   */
  health(): Promise<Health> {
    return healthOf(this.#store, this.#versions);
  }

  async #begin(workflows: readonly string[]): Promise<void> {
    for (const specifier of workflows) {
      const { hash } = await this.#versions.register(specifier);
      this.#engine?.forgive(hash);
    }
    this.#subscription = await this.#store.notices.subscribe(
      (notice) => this.#hear(notice),
      () => this.#caughtUp(),
    );
    try {
      if (this.#engine === undefined) return;
      installGuard();
      await this.#engine.open();
    } catch (error) {
      await this.#subscription[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #close(): Promise<DrainSummary> {
    const summary = await this.#engine?.close(this.#settings?.drainTimeoutMs ?? 0);
    if (summary !== undefined && summary.released + summary.forced > 0) {
      await this.#store.notices.publish([{ kind: "due" }]).catch(() => {});
    }
    this.#ends.close();
    await this.#subscription?.[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
    return summary ?? { released: 0, forced: 0 };
  }

  // ---- hints ----------------------------------------------------------------------------------

  #hear(notice: Notice): void {
    if (notice.kind === "ended") this.#ends.tell(notice.runId);
    else this.#engine?.hear(notice);
  }

  #caughtUp(): void {
    this.#ends.tellAll();
    this.#engine?.catchUp().catch((error) => engineLog.warn("Cannot catch up: {error}", { error }));
  }

  /** Some run is due: this node looks; if it can't take all there is, others look too. */
  #due(): void {
    this.#engine?.hear({ kind: "due" });
    if (this.#engine?.hasRoom !== true) this.#publish({ kind: "due" });
  }

  #woke(run: number, node: string | null): void {
    if (node === null) return this.#due();
    const notice: Notice = { kind: "message", node, run };
    if (node === this.#engine?.node) this.#engine.hear(notice);
    else this.#publish(notice);
  }

  /** Losing a hint costs time, never a fact: nobody waits for it. */
  #publish(notice: Notice): void {
    this.#store.notices.publish([notice]).catch((error) =>
      engineLog.debug("Cannot send a hint: {error}", { error })
    );
  }

  /** What counted against a version counts no more: it is tried again, here and elsewhere. */
  async #retry(hash: string): Promise<void> {
    await this.#versions.forgive(hash);
    this.#engine?.forgive(hash);
    this.#publish({ kind: "due" });
  }

  // ---- moving runs ----------------------------------------------------------------------------

  async #upgrade(
    runId: string,
    options: UpgradeOptions,
  ): Promise<Awaited<ReturnType<typeof upgradeRun>>> {
    const report = await upgradeRun(runId, options, {
      store: this.#store,
      asNode: (work) => this.#asNode(work),
      target: (row, to) => this.#target(row, to),
      execution: (run, hash) => this.#execution(run, hash),
    });
    this.#due();
    return report;
  }

  /** A client is a node for as long as the work takes; should it die of it, it is buried. */
  async #asNode<T>(work: (node: string) => Promise<T>): Promise<T> {
    if (this.#engine !== undefined) return await work(this.#engine.node);
    const id = crypto.randomUUID();
    await this.#store.nodes.open({ id, name: "client", leaseMs: CLIENT_LEASE_MS });
    try {
      return await work(id);
    } finally {
      await this.#store.nodes.close(id);
    }
  }

  async #target(
    row: RunRow,
    to: string | undefined,
  ): Promise<{ readonly hash: string; readonly specifier: string }> {
    const hash = to ?? await this.#store.versions.current(row.workflow);
    const version = hash === null ? null : await this.#store.versions.get(hash) ??
      await this.#store.versions.bySpecifier(
        isSha256Hex(hash) ? hash : this.#versions.record(hash),
      );
    if (version === null || version.workflow !== row.workflow) {
      throw new VersionNotFoundError(
        to ?? row.workflow,
        `upgrade run ${JSON.stringify(row.runId)}`,
      );
    }
    return { hash: version.hash, specifier: version.specifiers[0] ?? row.specifier };
  }

  async #execution(run: ClaimedRun, hash: string): Promise<ReturnType<typeof executionOf>> {
    const { definition } = await this.#versions.obtain(hash);
    return executionOf(definition, { ...run, version: hash }, { drain: this.#drain, trace: true });
  }
}

const RESULT_POLL_MS = 2_000;

const CLIENT_LEASE_MS = 60_000;

function checkRunId(runId: unknown): void {
  const isText = typeof runId === "string";
  if (isText && runId !== "" && runId.length <= 255 && isStorable(runId)) return;
  const found = isText && runId.length > 255 ? `${runId.length} characters` : describe(runId);
  throw new InvalidArgumentError(
    `Cannot use a run id: found ${found}, wanted a text of 1 to 255 characters, without NUL and ` +
      "lone surrogates",
  );
}

function checkIfExists(found: unknown): void {
  if (found === "error" || found === "use") return;
  throw new InvalidArgumentError(
    `Cannot use option ifExists: found ${describe(found)}, wanted "error" or "use"`,
    { option: "ifExists" },
  );
}

function newRunId(): string {
  return timeOrderedId(Date.now(), (bytes) => crypto.getRandomValues(bytes));
}

function versionsApi(store: Store): VersionsApi {
  return {
    async list(workflow) {
      const rows = await store.versions.list(workflow);
      const current = new Map<string, string | null>();
      for (const name of new Set(rows.map((row) => row.workflow))) {
        current.set(name, await store.versions.current(name));
      }
      return rows.map((row) => versionInfo(row, current.get(row.workflow) === row.hash));
    },
    async activate(workflow, hash) {
      if (await store.versions.activate(workflow, hash)) return;
      throw new VersionNotFoundError(hash, `activate a version of ${JSON.stringify(workflow)}`);
    },
  };
}

function versionInfo(row: VersionRow, current: boolean): VersionInfo {
  const { hash, workflow, label, specifiers, archived } = row;
  const registeredAt = new Date(row.registeredAt);
  return { hash, workflow, label, current, specifiers, archived, registeredAt };
}
