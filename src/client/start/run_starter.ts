/**
 * Starts runs: one, many, or in the caller's own transaction.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { checkArray, refuse } from "../../base/arguments.ts";
import { sha256Hex } from "../../base/encoding.ts";
import { checkPayload } from "../../base/payload.ts";
import { fencingToken, randomId, timeOrderedId } from "../../base/ids.ts";
import { MAX_GIVEN_ID } from "../../base/run_ids.ts";
import { encode } from "../../base/values.ts";
import type { Exit } from "../../ports/exit.ts";
import type { InsertedRun, Lease, NewRun } from "../../ports/rows.ts";
import type { VersionRef } from "../../ports/version_ref.ts";
import { NO_HEADERS, readHeaders } from "../../workflow/headers.ts";
import { policyText } from "../../workflow/run_policy.ts";
import type { SignalSchemas } from "../../workflow/signal_types.ts";
import { isWorkflow } from "../../workflow/workflow.ts";
import { idempotencyConflict, runExists, type RunExistsError } from "../errors.ts";
import { RunHandle } from "../run/handle.ts";
import { type ClientContext, inNamespace } from "../context.ts";
import {
  type IfExists,
  readItem,
  readManyOptions,
  type ReadStart,
  readStartOptions,
  type StartManyItem,
  type StartManyOptions,
  type StartOptions,
  type StartSignal,
} from "./options.ts";
import { signalMessage } from "../run/asking.ts";
import { operated } from "../operated.ts";
import { StartBatch } from "./batch.ts";
import { sending, type Traced } from "../sending.ts";
import type { WorkflowDefinition } from "../../workflow/context_types.ts";

/**
 * The outcome of one item of {@linkcode Continuum.startMany}.
 *
 * @category Runs
 */
export type StartedItem<Output = unknown, Signals extends SignalSchemas = SignalSchemas> =
  | {
    /** Whether this call started the run, or it existed before. */
    readonly status: "started" | "existing";
    /** Its handle. */
    readonly run: RunHandle<Output, Signals>;
  }
  | {
    /** An existing run has its id or its idempotency key. The other items are not affected. */
    readonly status: "conflict";
    /** The conflict. */
    readonly error: RunExistsError;
  };

/** The most runs of one statement. */
const CHUNK_RUNS = 1_000;
/** The most characters of inputs in one statement. */
const CHUNK_TEXT = 4_000_000;

/** A run that is ready to be inserted. */
interface Prepared {
  readonly run: NewRun & { readonly namespace: string };
  readonly options: ReadStart;
}

/** Starts runs. */
export class RunStarter {
  readonly #context: ClientContext;
  /** Batches concurrent starts. */
  readonly #startBatch: StartBatch;

  /**
   * Creates a starter.
   *
   * @param context Its dependencies.
   */
  constructor(context: ClientContext) {
    this.#context = context;
    this.#startBatch = new StartBatch(context.runs);
  }

  /** See {@linkcode Continuum.start}. */
  async start(
    workflow: WorkflowDefinition | string,
    input: unknown,
    given: StartOptions,
  ): Promise<RunHandle> {
    const options = readStartOptions(given);
    checkWorkflow(workflow);
    return await this.#around(
      workflow,
      options,
      async (options) =>
        await this.#context.versions.pinning(
          () => this.#start(workflow, input, options),
          options.transaction === undefined,
        ),
    );
  }

  /** Starts within the application's hook, which may give other headers. */
  async #around<Result>(
    workflow: WorkflowDefinition | string,
    options: ReadStart,
    start: (options: ReadStart) => Promise<Result>,
  ): Promise<Result> {
    const hook = this.#context.around?.start;
    if (hook === undefined) return await start(options);
    const { runId = null, policy } = options;
    const name = typeof workflow === "string" ? workflow : workflow.name;
    const call = { workflow: name, runId, headers: policy.headers ?? NO_HEADERS };
    return await hook(call, async (given) => {
      if (given === undefined) return await start(options);
      const headers = readHeaders(given, "what around.start passes on");
      return await start({ ...options, policy: { ...policy, headers } });
    });
  }

  async #start(
    workflow: WorkflowDefinition | string,
    input: unknown,
    options: ReadStart,
  ): Promise<RunHandle> {
    const version = await this.#versionOf(workflow, options.version);
    const prepared = await this.#prepare(version, input, options);
    const { runId, namespace } = prepared.run;
    return await sending(
      this.#context.telemetry,
      { operation: "start", runId, namespace, ...version },
      (trace) => this.#startPrepared(prepared, trace),
    );
  }

  async #startPrepared(prepared: Prepared, trace: Traced): Promise<RunHandle> {
    const { options } = prepared;
    const lease = prepared.run.place === undefined ? this.#lease(options) : undefined;
    const run = { ...prepared.run, ...trace, ...(lease === undefined ? {} : { lease }) };
    const settled = lease && this.#context.node?.expect(lease.token);
    let inserted: InsertedRun | undefined;
    try {
      inserted = await this.#insert(prepared, run);
      if (inserted.created) return this.#created(run, inserted);
    } finally {
      settled?.(inserted === undefined ? "unknown" : "settled");
    }
    const existing = this.#existing(prepared, inserted);
    if (existing.status === "conflict") throw existing.error;
    const { signal } = options;
    if (signal !== undefined && inserted.key === undefined) {
      await sendTo(existing.run, signal);
    }
    return existing.run;
  }

  /** See {@linkcode Continuum.startMany}. */
  async startMany(
    workflow: WorkflowDefinition | string,
    items: readonly StartManyItem[],
    given: StartManyOptions,
  ): Promise<StartedItem[]> {
    const shared = readManyOptions(given);
    checkArray(items, "the items of startMany()", "an array of objects with an input");
    checkWorkflow(workflow);
    return await this.#around(
      workflow,
      shared,
      (shared) => this.#startItems(workflow, items, shared),
    );
  }

  async #startItems(
    workflow: WorkflowDefinition | string,
    items: readonly StartManyItem[],
    shared: ReadStart,
  ): Promise<StartedItem[]> {
    const all = items.map((item, index) => readItem(item, index, shared));
    const version = await this.#versionOf(workflow, shared.version);
    const prepared: Prepared[] = [];
    for (const [index, options] of all.entries()) {
      prepared.push(await this.#prepare(version, items[index]!.input, options, `[${index}]`));
    }
    const { namespace } = prepared[0]?.run ?? this.#context.runs;
    return await sending(
      this.#context.telemetry,
      { operation: "start", runId: null, namespace, runs: items.length, ...version },
      (trace) => this.#startAll(prepared, shared, trace),
    );
  }

  async #startAll(
    prepared: readonly Prepared[],
    shared: ReadStart,
    trace: Traced,
  ): Promise<StartedItem[]> {
    const started: StartedItem[] = [];
    let due = Infinity;
    let isQueued = false;
    for (const chunk of chunked(prepared)) {
      const runs = chunk.map(({ run }) => ({ ...run, ...trace }));
      const { transaction } = shared;
      const { operator, runs: store, versions } = this.#context;
      const inserted = await versions.pinning(
        () => {
          if (transaction !== undefined) return store.insertInto(transaction, runs);
          return operator === undefined ? store.insert(runs) : this.#recordEach(chunk, runs);
        },
        transaction === undefined,
      );
      this.#wakeEnded(inserted);
      for (const [index, row] of inserted.entries()) {
        const { run } = chunk[index]!;
        if (row.due !== null) due = Math.min(due, row.due);
        isQueued ||= row.queued !== undefined;
        started.push(
          row.created
            ? { status: "started", run: this.#handle(run.runId, run) }
            : this.#existing(chunk[index]!, row),
        );
      }
    }
    if (shared.transaction === undefined && due < Infinity) this.#context.wakeups.due(due);
    if (isQueued) this.#context.wakeups.limits();
    return await this.#signalExisting(prepared, started);
  }

  async #versionOf(
    workflow: WorkflowDefinition | string,
    chosen: string | undefined,
  ): Promise<VersionRef> {
    const { versions } = this.#context;
    const version = await versions.forStart(workflow, chosen);
    versions.demandAllowed(version.hash, `start a run of workflow ${quoteId(version.workflow)}`);
    return version;
  }

  /** Sends the signals of starts that found an existing run, as `handle.signal` does. */
  async #signalExisting(
    prepared: readonly Prepared[],
    started: readonly StartedItem[],
  ): Promise<StartedItem[]> {
    for (const [index, item] of started.entries()) {
      const { run: { runId }, options: { signal } } = prepared[index]!;
      // Another id means that the start was found by its key, so the first start has sent the
      // signal.
      if (item.status !== "existing" || signal === undefined || item.run.id !== runId) continue;
      await sendTo(item.run, signal);
    }
    return [...started];
  }

  async #prepare(
    version: VersionRef,
    input: unknown,
    options: ReadStart,
    place = "",
  ): Promise<Prepared> {
    const { contracts, runs, payloadBytes } = this.#context;
    const { signal, key, attributes } = options;
    const workflow = `workflow ${JSON.stringify(version.workflow)}`;
    const written = (value: unknown, what: string): string =>
      checkPayload(encode(value, what), `${what} of ${workflow}`, payloadBytes);
    const checked = await contracts.input(version.hash, input);
    const encoded = written(checked, `input${place}`);
    const queued = await contracts.place(version.hash, checked, options.place);
    const payload = signal === undefined ? undefined : written(
      await contracts.signal(version.hash, signal.name, signal.payload),
      `signal.payload${place}`,
    );
    if (attributes !== undefined) {
      checkPayload(attributes, `attributes${place} of ${workflow}`, payloadBytes);
    }
    return {
      options,
      run: {
        ...version,
        namespace: options.namespace ?? runs.namespace,
        runId: options.singleton === undefined
          ? options.runId ?? newRunId()
          : singletonId(version.workflow, options.singleton),
        input: encoded,
        seed: randomId(),
        ...defined({
          startAt: options.startAt,
          delayMs: options.delayMs,
          attributes: options.attributes,
          replaces: options.singleton === undefined ? REPLACES[options.ifExists] : "ended",
          policy: policyText(options.policy) ?? undefined,
          place: queued ?? undefined,
        }),
        ...(key === undefined ? {} : { key: { key, digest: sha256Hex(encoded) } }),
        ...(signal === undefined ? {} : {
          signal: signalMessage(signal.name, payload!, signal),
        }),
      },
    };
  }

  /**
   * Returns the node to lease the run to. A run that starts later, or may never be committed, is
   * not leased yet. Neither is one whose start is recorded: its entry makes a transaction of it anyway,
   * and the node, which is woken, claims it with one statement more.
   */
  #lease({ startAt, delayMs, transaction }: ReadStart): Lease | undefined {
    if (startAt !== undefined || delayMs !== undefined || transaction !== undefined) return;
    const { node, operator } = this.#context;
    if (operator !== undefined) return;
    return node?.hasRoom === true ? { node: node.node, token: fencingToken() } : undefined;
  }

  async #insert(prepared: Prepared, run: Prepared["run"]): Promise<InsertedRun> {
    const { operator, runs } = this.#context;
    const { transaction } = prepared.options;
    if (transaction !== undefined) return (await runs.insertInto(transaction, [run]))[0]!;
    if (operator !== undefined) return await this.#record(prepared, run);
    if (run.replaces === undefined) return await this.#startBatch.insert(run);
    const inserted = await runs.insert([run]);
    this.#wakeEnded(inserted);
    return inserted[0]!;
  }

  async #recordEach(
    prepared: readonly Prepared[],
    runs: readonly Prepared["run"][],
  ): Promise<InsertedRun[]> {
    const inserted: InsertedRun[] = [];
    for (const [index, run] of runs.entries()) {
      inserted.push(await this.#record(prepared[index]!, run));
    }
    return inserted;
  }

  /** Inserts a run with the entry that says who started it. A run that existed leaves no entry. */
  async #record(prepared: Prepared, run: Prepared["run"]): Promise<InsertedRun> {
    const { namespace, runId } = run;
    const act = { action: "run.start", namespace, target: runId } as const;
    return await operated(
      this.#context,
      act,
      async (deed) => {
        let inserted: InsertedRun | undefined;
        await this.#context.versions.pinning(() =>
          deed(async ({ runs }) => {
            [inserted] = await runs.insert([run]);
            return inserted!.created ? inserted! : null;
          })
        );
        this.#wakeEnded([inserted!]);
        return inserted!;
      },
      (inserted) => {
        if (inserted.created) return null;
        const existing = this.#existing(prepared, inserted);
        return existing.status === "conflict" ? existing.error.code : null;
      },
    );
  }

  /**
   * Aborts the attempts of a run that was replaced; its node would otherwise notice only at its
   * next write.
   */
  #wakeEnded(inserted: readonly InsertedRun[]): void {
    const ended = inserted[0]?.ended ?? [];
    if (ended.length > 0) this.#context.wakeups.wakeRuns(ended);
  }

  #created(run: Prepared["run"], inserted: InsertedRun): RunHandle {
    const { due, queued } = inserted;
    const { lease } = run;
    if (queued !== undefined) this.#context.wakeups.limits();
    if (lease === undefined || due !== null) {
      if (due !== null) this.#context.wakeups.due(due);
      return this.#handle(run.runId, run);
    }
    return this.#handle(run.runId, run, this.#context.node?.take({ ...run, lease }, inserted));
  }

  #existing({ run, options }: Prepared, { key, taken }: InsertedRun): StartedItem {
    const { runId, workflow } = run;
    if (key !== undefined) {
      return key.sameInput ? { status: "existing", run: this.#handle(key.runId, run) } : {
        status: "conflict",
        error: idempotencyConflict(options.key!, workflow, key.runId),
      };
    }
    const { ifExists, singleton } = options;
    const isLive = !taken!.isEnded;
    const isUsed = taken!.workflow === workflow && (
      ifExists === "useEnded" || (ifExists === "use" || singleton !== undefined) && isLive
    );
    return isUsed
      ? { status: "existing", run: this.#handle(runId, run) }
      : { status: "conflict", error: runExists(runId, taken!) };
  }

  #handle(runId: string, run: Prepared["run"], left?: Promise<Exit>): RunHandle {
    const context = inNamespace(this.#context, run.namespace);
    return new RunHandle(runId, context, { local: left, version: run.hash });
  }
}

/** Sends the signal of a start to a run that was there. */
async function sendTo(run: RunHandle, { name, payload, ...ids }: StartSignal): Promise<void> {
  await run.signal(name, payload, ids);
}

function checkWorkflow(workflow: unknown): void {
  if (typeof workflow === "string" && workflow !== "" || isWorkflow(workflow)) return;
  refuse(
    "the workflow of start()",
    workflow,
    "a workflow's name, what defineWorkflow returns, or a specifier",
  );
}

/**
 * The id of the one live run of a key. A name that is long, or has the separator, is replaced by its
 * digest: no two pairs of a workflow and a key have one id.
 */
function singletonId(workflow: string, key: string): string {
  const id = `${workflow}/${key}`;
  const isPlain = id.length <= MAX_GIVEN_ID && !workflow.includes("/");
  return isPlain ? id : `${sha256Hex(workflow).slice(0, 40)}/${key}`;
}

function newRunId(): string {
  return timeOrderedId(Date.now(), (bytes) => crypto.getRandomValues(bytes));
}

function* chunked(prepared: readonly Prepared[]): Generator<Prepared[]> {
  let chunk: Prepared[] = [];
  let text = 0;
  for (const item of prepared) {
    const { length } = item.run.input;
    if (chunk.length === CHUNK_RUNS || chunk.length > 0 && text + length > CHUNK_TEXT) {
      yield chunk;
      chunk = [];
      text = 0;
    }
    chunk.push(item);
    text += length;
  }
  if (chunk.length > 0) yield chunk;
}

/** Returns the object without keys whose value is undefined. */
function defined<T extends object>(
  fields: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

/** Which existing runs a start may replace. */
const REPLACES: { readonly [Policy in IfExists]?: "ended" | "any" } = {
  replaceEnded: "ended",
  terminate: "any",
};
