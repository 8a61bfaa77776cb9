/**
 * The handle of a run.
 *
 * @module
 */

import {
  checkAbortSignal,
  checkBoolean,
  checkOptions,
  checkText,
  checkWhole,
  readName,
  refuse,
} from "../../base/arguments.ts";
import { quoteId } from "../../base/describe.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { type AttributesPatch, readAttributes } from "../../base/attributes.ts";
import { CancelledError } from "../../base/errors.ts";
import { endError, NotPublishedError, runEnded, runNotFound } from "../../base/run_errors.ts";
import { checkPayload } from "../../base/payload.ts";
import { decode, encode } from "../../base/values.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { Act, Action } from "../../ports/operations.ts";
import type { Exit } from "../../ports/exit.ts";
import type { RunRow, RunState } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import type { CancelRequest } from "../../replay/history.ts";
import type {
  SignalAnswer,
  SignalArguments,
  SignalName,
  SignalSchemas,
} from "../../workflow/signal_types.ts";
import { answerOf, readSending, signalMessage } from "./asking.ts";
import { queryRun } from "./query_run.ts";
import { notifyRelatives } from "./notify_relatives.ts";
import { type ResultOptions, withinDeadline } from "./deadline.ts";
import { runOfOther, wrongRunState } from "../errors.ts";
import {
  checkGenerationsOptions,
  checkHistoryOptions,
  type Generation,
  type GenerationsOptions,
  type HistoryOptions,
  listGenerations,
  readHistory,
} from "./generations.ts";
import { checkExportOptions, type ExportOptions, exportRuns } from "../bundle/export.ts";
import { readStates } from "./conditions.ts";
import type { ClientContext } from "../context.ts";
import { type Deed, operated } from "../operated.ts";
import { sending, type Traced } from "../sending.ts";
import { checkForkOptions, type ForkOptions, type ForkReport, forkRun } from "./fork.ts";
import type { HistoryEntry } from "./history.ts";
import { type RunStatus, runStatus } from "./status.ts";
import { pauseRun, resumeRun } from "./pause.ts";
import { pendingOf, traceRun } from "./trace.ts";
import type { RunTrace, TraceOptions } from "./trace_shapes.ts";
import { type RunWaits, whereOf, type WhereOptions } from "./where.ts";
import { checkReopenOptions, type ReopenOptions, type ReopenReport, reopenRun } from "./reopen.ts";
import { type UpgradeOptions, type UpgradeReport, upgradeRun } from "./upgrade.ts";

/**
 * Options of {@linkcode RunHandle.signal}.
 *
 * @category Runs
 */
export interface SignalOptions {
  /**
   * Deliveries of the same signal to the same run with the same id count once. Pass the id of the
   * message that you received, so that a redelivery does no harm.
   */
  readonly deliveryId?: string;
  /**
   * Makes an ask of the signal: {@linkcode RunHandle.answer} with this id returns what the run's
   * handler answers. It makes the delivery idempotent, so it takes the place of `deliveryId`.
   */
  readonly askId?: string;
}

/**
 * Options of {@linkcode RunHandle.query}.
 *
 * @category Runs
 */
export interface AskCodeOptions {
  /**
   * How long a subprocess has for the answer, imports included. Code that this process executes
   * already answers here, and has no limit.
   *
   * @default {"10s"}
   */
  readonly timeout?: Duration;
}

/**
 * Options of {@linkcode RunHandle.ask}.
 *
 * @category Runs
 */
export interface AskOptions extends ResultOptions {
  /**
   * The id of the ask, by which {@linkcode RunHandle.answer} returns the answer once more, also in
   * another process. A run receives an id once, however often it is asked with it.
   *
   * @default {a new UUID}
   */
  readonly askId?: string;
}

/**
 * Options of {@linkcode RunHandle.status}.
 *
 * @category Runs
 */
export interface StatusOptions {
  /**
   * Whether to include where in its code the run waits. This replays the code, as {@linkcode
   * RunHandle.trace} does, which returns more details.
   *
   * @default {false}
   */
  readonly trace?: boolean;
}

/**
 * A run's search attributes, as the handle changes them.
 *
 * @category Runs
 */
export interface RunAttributes {
  /**
   * Merges attributes into those of the run, also after its end. Concurrent merges of different
   * names are all kept.
   *
   * @param patch Attributes by name; `undefined` removes one.
   * @throws {InvalidArgumentError} If a name or value is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  set(patch: AttributesPatch): Promise<void>;
}

/** What is known of a run when its handle is made. */
export interface KnownRun {
  /** The name of the workflow that it must be of; absent if any will do. */
  readonly workflow?: string | undefined;
  /** If the run is in this process's memory: resolves when it has left it. */
  readonly local?: Promise<Exit> | undefined;
  /** The version that it is pinned to. */
  readonly version?: string | undefined;
}

/**
 * The handle of a run, typed with its output and its signals. It holds no resources, and it never
 * becomes stale.
 *
 * @category Runs
 */
export class RunHandle<Output = unknown, Signals extends SignalSchemas = SignalSchemas> {
  /** The run's id. */
  readonly id: string;
  /** Search attributes. */
  readonly attributes: RunAttributes;
  readonly #context: ClientContext;
  /** The workflow that its run must be of, if the caller has named one. */
  readonly #workflow: string | undefined;
  #local: Promise<Exit> | undefined;
  /** The version that the run was pinned to when this handle last read it. */
  #version: string | undefined;

  /**
   * Use `continuum.start(...)` or `continuum.run(id)`.
   *
   * @param id The run's id.
   * @param context Its dependencies.
   * @param known What the caller knows of the run.
   */
  constructor(id: string, context: ClientContext, known: KnownRun = {}) {
    this.id = id;
    this.#context = context;
    this.#workflow = known.workflow;
    this.#local = known.local;
    this.#version = known.version;
    this.attributes = {
      set: async (patch) => {
        const change = readAttributes(patch, "attributes.set()");
        checkPayload(change.set, `attributes of run ${JSON.stringify(id)}`, context.payloadBytes);
        if (await context.runs.setAttributes(id, change)) return;
        throw runNotFound(id, "set attributes");
      },
    };
  }

  /**
   * Waits for the run's end, also while the database is unavailable.
   *
   * @param options How long to wait, and a signal that aborts the wait.
   * @returns The workflow's return value.
   * @throws {RunFailedError} If the workflow threw.
   * @throws {TimeoutError} (`RUN_TIMEOUT`) If the run's own timeout ended it.
   * @throws {RunStoppedError} If the run was cancelled or terminated.
   * @throws {TimeoutError} If the run has not ended in time.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {ClosedError} If the `Continuum` is closed meanwhile.
   */
  async result(options: ResultOptions = {}): Promise<Output> {
    const waited = { runId: this.id, call: "result()", missing: "has not ended" };
    const { clock, waiter, runs } = this.#context;
    return await withinDeadline(options, waited, clock, async (signal) => {
      const end = await this.#endHere(signal) ??
        this.#mine(await waiter.wait(this.id, signal, runs), "await the result");
      return outputOf(this.id, end) as Output;
    });
  }

  /**
   * Waits until the run is in a state, or in one of several; it returns at once if the run already
   * is. The process that executes the run notices every state at once. Other processes are notified
   * of ends and parking, as for `result()`, and poll for other states four times a second. They
   * miss a state that the run leaves between two polls, so prefer a state in which the run stays.
   *
   * @param states The states. A run becomes `suspended` when it leaves memory, which is `linger`
   * after it began to wait.
   * @param options How long to wait, and a signal that aborts the wait.
   * @returns Its status, in one of these states.
   * @throws {InvalidArgumentError} If a state or an option is invalid.
   * @throws {RunStateError} (`RUN_ENDED`) If the run has ended in another state.
   * @throws {TimeoutError} If the run does not reach a state in time.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {ClosedError} If the `Continuum` is closed meanwhile.
   */
  async reached(
    states: RunState | readonly RunState[],
    options: ResultOptions = {},
  ): Promise<RunStatus> {
    const wanted = readStates(states, "reached()");
    const names = [...wanted].join(" or ");
    const waited = { runId: this.id, call: "reached()", missing: `has not become ${names}` };
    const { clock, waiter, runs, store } = this.#context;
    return await withinDeadline(options, waited, clock, async (signal) => {
      const row = this.#mine(await waiter.reach(this.id, wanted, signal, runs), "await a state");
      if (wanted.has(row.state)) return await runStatus(row, store);
      throw runEnded(this.id, `wait until the run is ${names}`, row.state);
    });
  }

  /**
   * Sends the run a signal. Signals are kept in order of arrival until the workflow consumes them.
   *
   * @param name The signal's name.
   * @param payloadAndOptions Its payload, any serializable value, and an id that makes the delivery
   * idempotent.
   * @returns `duplicate` if a delivery with that id came before.
   * @throws {InvalidArgumentError} If the name or an option is invalid.
   * @throws {NotSerializableError} If the payload can't be encoded; the message names its path.
   * @throws {PayloadTooLargeError} If the payload is larger than `limits.payloadBytes`.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the run's version does not declare the
   * signal.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the payload does not match the
   * signal's schema.
   * @throws {VersionUnavailableError} If that version has schemas and is unavailable in this process.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run. Nothing is written then.
   * @throws {RunStateError} (`RUN_ENDED`) If the run has ended. Nothing is written then.
   * @throws {DatabaseUnavailableError} If the database can't answer now: whether the signal was
   * delivered may be unknown (`details.mayBeWritten`). If you call again with the same
   * `deliveryId`, the signal is delivered once; without an id it may be delivered twice.
   * @throws {ClosedError} If the `Continuum` is closed.
   */
  async signal<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, SignalOptions>
  ): Promise<"delivered" | "duplicate"> {
    const [payload, options = {}] = payloadAndOptions;
    checkOptions(options, ["deliveryId", "askId"], "signal()");
    readSending(options, (option) => `option ${option} of signal()`);
    readName(name, "a signal");
    const deliver = () =>
      operated(
        this.#context,
        this.#act("run.signal"),
        (deed) => this.#deliver(name, payload, options, deed),
      );
    const hook = this.#context.around?.signal;
    return await (hook === undefined ? deliver() : hook({ runId: this.id, name }, deliver));
  }

  /**
   * Sends the run a signal, and waits for what its handler (`ctx.on`) returns for it. The ask waits
   * in the run's inbox until the run has a handler for it; also while the run is paused, queued or
   * parked.
   *
   * @example The number of items in a cart
   * ```ts ignore
   * const count = await run.ask("add", "bread", { timeout: "5s" });
   * ```
   *
   * @param name The signal's name.
   * @param payloadAndOptions Its payload, the id of the ask, how long to wait, and a signal that
   * aborts the wait. The run answers in any case.
   * @returns What the handler returned; if the workflow declares a schema for the answer, the
   * schema's output.
   * @throws {AskError} (`ASK_FAILED`) If the handler threw, or returned what can't be the answer:
   * `cause` says why. The run continues.
   * @throws {AskError} (`ASK_UNANSWERED`) If the run ends, continues as new or is retried before it
   * has answered.
   * @throws {TimeoutError} If the run has not answered in time.
   * @throws The errors of {@linkcode RunHandle.signal}, before anything is sent.
   */
  ask<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, AskOptions>
  ): Promise<SignalAnswer<Signals, Name>>;
  /** Asks a run of a workflow that declares no signals. */
  ask<Answer>(
    name: string extends keyof Signals ? string : never,
    payload?: unknown,
    options?: AskOptions,
  ): Promise<Answer>;
  async ask(name: string, payload?: unknown, options: AskOptions = {}): Promise<unknown> {
    checkOptions(options, ["askId", "timeout", "signal"], "ask()");
    const { askId = crypto.randomUUID(), ...waiting } = options;
    checkText(askId, "option askId of ask()");
    checkAbortSignal(options.signal, "ask()");
    options.signal?.throwIfAborted();
    const send = () => (this as RunHandle).signal(name, payload, { askId });
    return await this.#answer(askId, waiting, "ask()", async () => await send() === "duplicate");
  }

  /**
   * Waits for the answer to an ask that was sent with this id: by {@linkcode RunHandle.ask} or
   * {@linkcode RunHandle.signal}, or together with the start. It returns the same answer again and
   * again, until retention removes it with the history that holds it.
   *
   * @param askId The id of the ask.
   * @param options How long to wait, and a signal that aborts the wait.
   * @returns What the run's handler returned.
   * @throws {AskError} (`ASK_FAILED`, `ASK_UNANSWERED`) As {@linkcode RunHandle.ask}.
   * @throws {AskError} (`ASK_NOT_FOUND`) If the run has received no ask with that id.
   * @throws {TimeoutError} If the run has not answered in time.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {ClosedError} If the `Continuum` is closed meanwhile.
   */
  async answer<Answer = unknown>(askId: string, options: ResultOptions = {}): Promise<Answer> {
    checkText(askId, "the id of answer()");
    return await this.#answer(askId, options, "answer()") as Answer;
  }

  async #answer(
    askId: string,
    options: ResultOptions,
    call: string,
    send?: () => Promise<boolean>,
  ): Promise<unknown> {
    const { clock, waiter, runs } = this.#context;
    const waited = { runId: this.id, call, missing: `has not answered ask ${quoteId(askId)}` };
    return await withinDeadline(options, waited, clock, async (signal) => {
      const row = await waiter.answer(this.id, askId, signal, runs, send);
      return answerOf({ runId: this.id, askId }, this.#mine(row, "wait for an answer"));
    });
  }

  /**
   * Waits until the run has published a value with that name (`ctx.publish`), and returns the latest.
   * It returns at once if the run has, also after its end.
   *
   * @param name The name of the value.
   * @param options How long to wait, and a signal that aborts the wait.
   * @returns The value.
   * @throws {NotPublishedError} (`NOT_PUBLISHED`) If the run has ended, and has published none.
   * @throws {TimeoutError} If the run has not published it in time.
   * @throws {InvalidArgumentError} If the name or an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {ClosedError} If the `Continuum` is closed meanwhile.
   */
  async published<Value = unknown>(name: string, options: ResultOptions = {}): Promise<Value> {
    readName(name, "a value");
    const missing = `has not published value ${quoteId(name)}`;
    const waited = { runId: this.id, call: "published()", missing };
    const { clock, waiter, runs } = this.#context;
    return await withinDeadline(options, waited, clock, async (signal) => {
      const row = this.#mine(
        await waiter.published(this.id, name, signal, runs),
        "wait for a value",
      );
      if (row.status !== "published") throw new NotPublishedError(this.id, name, row.state);
      return (row.payload === null ? undefined : decode(row.payload)) as Value;
    });
  }

  /**
   * Returns the values that the run has published so far, by name: of each the latest.
   *
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  async values(): Promise<Readonly<Record<string, unknown>>> {
    await this.#row("read the values");
    const values = await this.#context.runs.values(this.id);
    return Object.fromEntries(
      values.map(({ name, payload }) => [name, payload === null ? undefined : decode(payload)]),
    );
  }

  async #deliver(
    name: string,
    payload: unknown,
    options: SignalOptions,
    deed: Deed,
  ): Promise<"delivered" | "duplicate"> {
    const { runs, contracts, payloadBytes, wakeups } = this.#context;
    const what = `signal ${quoteId(name)}`;
    const action = `send the ${what}`;
    this.#version ??= this.#workflow === undefined
      ? await runs.version(this.id) ?? undefined
      : (await this.#row(action)).hash;
    return await this.#sending("signal", name, async (trace) => {
      // The payload is checked by the version that receives it, also if the run is upgraded
      // meanwhile.
      while (this.#version !== undefined) {
        const version = this.#version;
        const checked = await contracts.signal(version, name, payload);
        const encoded = encode(checked, "payload");
        checkPayload(encoded, `the payload of ${what}`, payloadBytes);
        const message = { ...signalMessage(name, encoded, options), ...trace };
        const delivery = await deed(async ({ runs }) => {
          const delivery = await runs.deliverTo(version, this.id, message);
          switch (delivery.status) {
            case "moved":
              this.#version = delivery.hash;
              return null; // once more
            case "ended":
              throw runEnded(this.id, action, delivery.state);
            case "not_found":
              throw runNotFound(this.id, action);
            default:
              return delivery;
          }
        }, { details: ({ status }) => ({ signal: name, delivery: status }) });
        if (delivery === null) continue;
        if (delivery.status === "delivered") wakeups.wakeRun(delivery.run, delivery.node);
        return delivery.status;
      }
      throw runNotFound(this.id, action);
    });
  }

  /** Sends a message, and tells telemetry of it. */
  async #sending<T>(
    operation: "signal" | "cancel",
    signal: string | undefined,
    send: (trace: Traced) => Promise<T>,
  ): Promise<T> {
    const { telemetry, versions, runs: { namespace } } = this.#context;
    if (telemetry === undefined) return await send({});
    const hash = this.#version ?? null;
    const workflow = hash === null ? null : versions.workflowOf(hash) ?? null;
    const sent = { operation, runId: this.id, namespace, workflow, hash };
    return await sending(telemetry, signal === undefined ? sent : { ...sent, signal }, send);
  }

  /**
   * Returns the run's state, what it waits for, and its code.
   *
   * @param options Whether to include where in the code it waits.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {VersionUnavailableError} If its code, which `trace` needs, is unavailable.
   */
  async status(options: StatusOptions = {}): Promise<RunStatus> {
    checkOptions(options, ["trace"], "status()");
    const { trace = false } = options;
    checkBoolean(trace, "option trace of status()");
    const row = await this.#row("read the status");
    const pending = trace && row.endedAt === null ? await pendingOf(row, this.#context) : null;
    return await runStatus(row, this.#context.store, pending);
  }

  /**
   * Returns the history of the run, or of an earlier generation, in order. Last come the latest
   * failures of activities that are still retried.
   *
   * @param options Which generation, and which part of its history.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If there is no such generation, or
   * retention has removed it.
   */
  async history(options: HistoryOptions = {}): Promise<HistoryEntry[]> {
    checkHistoryOptions(options);
    return await readHistory(
      await this.#row("read the history"),
      options,
      this.#context.runs,
      this.#context.store,
    );
  }

  /**
   * Returns what the run has done and waits for, effect by effect: inputs, times, answers, failed
   * attempts, and the line of its pinned source that requested each. This replays the code without
   * executing effects: in this process if it already executes the code, otherwise in a subprocess
   * without permissions, which requires `--allow-run`. It also works for runs that have ended. If
   * the code is unavailable, or does not return in time, the trace shows what the history says, and
   * `unavailable` says why.
   *
   * @example Where the run waits
   * ```ts ignore
   * const { waiting } = await run.trace({ limit: 1 });
   * for (const { kind, name, site } of waiting) console.log(kind, name, site?.file, site?.line);
   * ```
   *
   * @param options Which effects of which generation, and after how many events.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If there is no such generation, or
   * retention has removed it.
   */
  async trace(options: TraceOptions = {}): Promise<RunTrace> {
    checkOptions(options, TRACE_OPTIONS, "trace()");
    const { at = 0, from = 0, limit = 1, sites = true, generation = 0 } = options;
    const { payloadChars = Infinity } = options;
    checkWhole(generation, "generation", 0);
    if (payloadChars !== Infinity) checkWhole(payloadChars, "payloadChars", 0);
    checkWhole(at, "at", 0);
    checkWhole(from, "from", 0);
    checkWhole(limit, "limit", 1, MAX_TRACED);
    checkBoolean(sites, "sites");
    const row = await this.#row("trace the run");
    return await traceRun(row, options, this.#context, "show history");
  }

  /**
   * Asks the code of the run about its state, by a query of `ctx.onQuery`. This replays the run's
   * history on its own version without executing effects, as {@linkcode RunHandle.trace} does, and
   * writes nothing: it needs no node, and answers by what the history holds, also after the run's end.
   *
   * @example The items of a cart
   * ```ts ignore
   * const items = await run.query<Item[]>("items", "fruit");
   * ```
   *
   * @param name The name of the query.
   * @param arg What its function receives.
   * @param options How long a subprocess has for the answer.
   * @returns What the function returned.
   * @throws {InvalidArgumentError} If the name or an option is invalid.
   * @throws {NotSerializableError} If the argument can't be encoded.
   * @throws {QueryError} (`UNKNOWN_QUERY`) If the code has no such query there: the message names those
   * that there are.
   * @throws {QueryError} (`QUERY_FAILED`) If the function threw (`cause`) or returned what can't be
   * encoded, or the code does not replay the history.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {VersionUnavailableError} If no source has the run's code, or it can't be imported.
   * @throws {DryRunError} If the subprocess can't be started or doesn't answer in time.
   */
  async query<Value = unknown>(
    name: string,
    arg?: unknown,
    options: AskCodeOptions = {},
  ): Promise<Value> {
    readName(name, "a query");
    checkOptions(options, ["timeout"], "query()");
    const timeoutMs = durationMs(options.timeout ?? "10s", "timeout");
    const text = encode(arg, "the argument of query()");
    const row = await this.#row("query the run");
    return await queryRun(row, name, text, timeoutMs, this.#context) as Value;
  }

  /**
   * Returns where the run waits: the lines of its pinned source, with verified bytes, and the
   * effect that each of them requested. Like {@linkcode RunHandle.trace}, it needs neither a node
   * nor trust.
   *
   * @param options After how many events, and how many lines to show around each place.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If there is no such generation, or
   * retention has removed it.
   * @throws {VersionUnavailableError} If no source has the run's code, or it can't be imported.
   * @throws {DryRunError} If the subprocess can't be started or doesn't answer in time.
   */
  async where(options: WhereOptions = {}): Promise<RunWaits> {
    checkOptions(options, ["around", "at", "generation", "timeout"], "where()");
    const { around = 0, at = 0, generation = 0 } = options;
    checkWhole(generation, "generation", 0);
    checkWhole(around, "around", 0, MAX_AROUND);
    checkWhole(at, "at", 0);
    return await whereOf(await this.#row("find where the run waits"), options, this.#context);
  }

  /**
   * Lists the run's generations in ascending order, without those that retention has removed. The
   * last one is the present generation.
   *
   * @param options Which generations, and whether to include their inputs.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  async generations(options: GenerationsOptions = {}): Promise<Generation[]> {
    checkGenerationsOptions(options);
    return await listGenerations(
      await this.#row("list the generations"),
      options,
      this.#context.runs,
    );
  }

  /**
   * Requests the run's cancellation: everything that it waits for throws `CancelledError`, once,
   * and `ctx.cancelSignal` aborts. Its `finally` blocks and compensations run as durable steps. The
   * run becomes `cancelled` if its code does not catch the error. A parked run, whose code can't
   * run, ends at once without cleanup, and so does a run that would be parked before it reads the
   * request. A second call does no harm, and nothing else.
   *
   * With `force`, a second call reaches the clean-up that the first one has begun: everything that
   * it waits for throws `CancelledError` once more, also activities and children whose end the
   * cancellation awaits. It reaches neither compensations, nor effects with `onCancel: "finish"`,
   * nor shielded scopes. If the run is not being cancelled, `force` changes nothing.
   *
   * @param options The reason, for the error and the history; `force`.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_ENDED`) If the run has ended.
   */
  async cancel(
    options: { readonly reason?: string; readonly force?: boolean } = {},
  ): Promise<void> {
    checkOptions(options, ["reason", "force"], "cancel()");
    const reason = readReason(options.reason, "cancel()") ?? null;
    const { force = false } = options;
    checkBoolean(force, "option force of cancel()");
    const error = encodeError(new CancelledError(reason));
    const payload = encode({ reason, ...(force ? { force } : {}) } satisfies CancelRequest);
    const message = { kind: "cancel", name: "", payload } as const;
    await operated(this.#context, this.#act("run.cancel"), async (deed) => {
      const { run, node, row } = await deed(async ({ runs }) => {
        const delivery = await this.#sending(
          "cancel",
          undefined,
          (trace) => runs.deliver(this.id, { ...message, ...trace }),
        );
        if (delivery.status === "not_found") throw runNotFound(this.id, "cancel the run");
        if (delivery.status === "ended") {
          throw runEnded(this.id, "cancel the run", delivery.state);
        }
        const { run, node } = delivery;
        return { run, node, row: await runs.end(this.id, "cancelled", error, { onlyStuck: true }) };
      });
      if (row?.state === "cancelled") {
        this.#context.telemetry?.endedOutside(row, "cancelled");
        await this.#ended();
      } else this.#context.wakeups.wakeRun(run, node);
    });
  }

  /**
   * Exports the run as one file: the histories of all generations that retention has kept, the exact
   * code, unread messages, and outstanding activities. `continuum replay FILE` and {@linkcode
   * openBundle} replay it on another machine, without a database. Nothing is written, and the run is
   * not disturbed.
   *
   * @example A file for a bug report
   * ```ts ignore
   * await Deno.writeFile("o-1041.bundle", await continuum.run("o-1041").export());
   * ```
   *
   * @param options What the bundle holds.
   * @returns The bytes of the file.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {BundleError} (`BUNDLE_LIMIT`) If the content is larger than 256 MiB.
   */
  async export(options: ExportOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    checkExportOptions(options, "export()");
    return await exportRuns([this.id], options, this.#context);
  }

  /**
   * Ends the run at once, from any state, even while a node executes it. The workflow's code does
   * not run any more, so there is no cleanup.
   *
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_ENDED`) If the run has ended.
   */
  async terminate(options: { readonly reason?: string } = {}): Promise<void> {
    checkOptions(options, ["reason"], "terminate()");
    const error = new Error(readReason(options.reason, "terminate()") ?? "Terminated by request");
    await operated(this.#context, this.#act("run.terminate"), async (deed) => {
      const before = await this.#row("terminate the run");
      const row = await deed(async ({ runs }) => {
        const row = await runs.end(this.id, "terminated", encodeError(error), { onlyStuck: false });
        if (row === null) throw runNotFound(this.id, "terminate the run");
        if (row.state !== "terminated") {
          throw runEnded(this.id, "terminate the run", row.state);
        }
        return row;
      });
      if (before.endedAt === null) this.#context.telemetry?.endedOutside(row, "terminated");
      // Aborts attempts now; the node that executes the run would otherwise notice only at its next
      // write.
      if (before.node !== null) this.#context.wakeups.wakeRun(before.id, before.node);
      await this.#ended();
    });
  }

  /**
   * Pauses the run, whatever it does: nothing of it is executed until `resume()`. It keeps its
   * messages, its timers fire when it continues, and its activities get no further attempt. Attempts
   * under way end first, and their results are kept; until then the run is `running`, and `pause` of
   * its status says that it is about to be paused. A parked run is paused when it is released. A
   * second call does no harm.
   *
   * A cancellation waits until the run continues; `terminate()` ends it at once. Its
   * `timeout` is not extended.
   *
   * @example
   * ```ts ignore
   * await run.pause({ reason: "the bank is down" });
   * await run.resume();
   * ```
   *
   * @param options The reason, for `status()` and for people.
   * @throws {InvalidArgumentError} If the reason is no text, or longer than 1,000 characters.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_ENDED`) If the run has ended.
   */
  async pause(options: { readonly reason?: string } = {}): Promise<void> {
    checkOptions(options, ["reason"], "pause()");
    const reason = readReason(options.reason, "pause()") ?? null;
    await pauseRun(await this.#row("pause the run"), reason, this.#context);
  }

  /**
   * Lets a paused run continue where it was, at once; one whose start time has not come starts then.
   *
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_STATE`) If the run is not paused, nor about to be.
   * @throws {RunStateError} (`RUN_ENDED`) If the run has ended.
   */
  async resume(): Promise<void> {
    await resumeRun(await this.#row("resume the run"), this.#context);
  }

  /**
   * Releases a parked run: a node executes it again, unchanged.
   *
   * @throws {RunStateError} (`RUN_STATE`) If the run is not parked.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  async retry(): Promise<void> {
    await operated(this.#context, this.#act("run.retry"), async (deed) => {
      const { hash } = await this.#row("retry the run");
      await deed(async ({ runs }) => {
        if (await runs.unpark(this.id)) return true;
        const { state } = await this.#row("retry the run", runs);
        throw wrongRunState(this.id, "retry the run", state, "a parked state (stuck_...)");
      });
      await this.#context.versions.clearFailures(hash);
      this.#context.wakeups.versionAvailable(hash);
    });
  }

  /**
   * Moves the run to other code, if its whole history replays on that code, and that requests what is
   * open in the run at the same positions: tasks, ends of activities that the run has not read, and
   * children. Otherwise the run keeps its code, and the report names the event or the open effect, and
   * the line, at which they diverge.
   *
   * @param options Which version, and whether only to try.
   * @throws {VersionDeniedError} If an operator has denied the target.
   * @throws {RunStateError} (`RUN_STATE`) If another node is executing the run, or another transaction
   * has locked the row of a queued run.
   * @throws {RunStateError} (`RUN_ENDED`) If it has ended.
   */
  async upgrade(options: UpgradeOptions = {}): Promise<UpgradeReport> {
    checkOptions(options, ["to", "dryRun"], "upgrade()");
    const { to, dryRun = false } = options;
    if (to !== undefined && (typeof to !== "string" || to === "")) {
      refuse("option to of upgrade()", to, "a version's hash, or a specifier");
    }
    checkBoolean(dryRun, "option dryRun of upgrade()");
    const report = await upgradeRun(this.id, options, this.#context);
    this.#context.wakeups.due();
    return report;
  }

  /**
   * Takes up a run that failed by its code again, under its own id, on code that replays its whole
   * history: a fixed version. Its failure is removed, and it continues where it threw. It stays
   * failed if the history does not replay, or if the code throws after it again; the report says
   * which. Callers whose `result()` has thrown are not notified.
   *
   * @param options Which version, and whether only to try.
   * @returns The report; `reopened` says whether the run continues.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_STATE`) If it has not failed, or its timeout is over.
   * @throws {RunStateError} (`RUN_END_REPORTED`) If its parent, or a fork that adopted it, has
   * received its failure.
   * @throws {VersionNotFoundError} If the run's workflow has no such version.
   * @throws {VersionUnavailableError} If the version is unavailable in this process.
   */
  async reopen(options: ReopenOptions = {}): Promise<ReopenReport> {
    checkReopenOptions(options);
    return await reopenRun(this.id, options, this.#context);
  }

  /**
   * Starts a new run that begins with a part of this run's present history, on the same or on
   * another version. The part is replayed first: if it does not replay, there is no fork, and the
   * report names the event and the line at which they diverge. This run is not changed; it may be
   * live, parked or ended.
   *
   * What the code has computed from its run id, its randomness and its clock before the point stays
   * as it was. After it, the fork has its own: its effects have new idempotency keys, and really
   * happen. Call with `dryRun` first, to see which ones do.
   *
   * @example A failed run, from its failure, on fixed code
   * ```ts ignore
   * const plan = await run.fork({ fromFailure: true, version: fixed, dryRun: true });
   * for (const { name, newKey, site } of plan.again) console.log(name, newKey, site?.line);
   * const { id } = await run.fork({ fromFailure: true, version: fixed, plan: plan.plan });
   * ```
   *
   * @param options Where the fork begins, and what it takes over.
   * @returns The report; `forked` says whether the fork exists.
   * @throws {InvalidArgumentError} If an option is invalid, or the history has no such point.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If the version refuses the option `input`.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_STATE`) If nothing has failed (`fromFailure`), if the run has
   * changed meanwhile, or if its history comes from too many forks.
   * @throws {RunExistsError} (`RUN_EXISTS`) If another run has the fork's id. If you repeat a call
   * with the same `id`, the fork is made once.
   * @throws {VersionNotFoundError} If the run's workflow has no such version.
   * @throws {VersionUnavailableError} If the version is unavailable in this process.
   */
  async fork(options: ForkOptions): Promise<ForkReport> {
    checkForkOptions(options);
    return await forkRun(this.id, options, this.#context);
  }

  #act(action: Action): Act {
    return { action, namespace: this.#context.runs.namespace, target: this.id };
  }

  async #ended(): Promise<void> {
    this.#context.wakeups.ended(this.id, true);
    await notifyRelatives(this.id, this.#context);
  }

  async #row(
    action: string,
    runs: Pick<RunStore, "get"> = this.#context.runs,
  ): Promise<RunRow> {
    const row = await runs.get(this.id);
    if (row === null) throw runNotFound(this.id, action);
    return this.#mine(row, action);
  }

  /** Refuses a run of another workflow than the caller has named. */
  #mine<Row extends Pick<RunRow, "workflow">>(row: Row, action: string): Row {
    if (this.#workflow === undefined || row.workflow === this.#workflow) return row;
    throw runOfOther(this.id, action, { found: row.workflow, wanted: this.#workflow });
  }

  /** Waits for a run that executes here without a query to the database. */
  async #endHere(signal: AbortSignal): Promise<RunEnd | undefined> {
    const local = this.#local;
    if (local === undefined || signal.aborted) return undefined;
    const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    const exit = await Promise.race([local, aborted]);
    if (exit === undefined) return undefined;
    // A failed run may have been reopened since.
    if (exit.kind === "ended" && exit.state !== "failed") return exit;
    this.#local = undefined; // another node executes it, it waits, or it failed
    return undefined;
  }
}

/** The most lines before and after a place. */
const MAX_AROUND = 100;

/** The most effects of one trace: each holds lines of code and decoded values. */
const MAX_TRACED = 10_000;

const TRACE_OPTIONS: readonly (keyof TraceOptions)[] = [
  "at",
  "from",
  "generation",
  "limit",
  "payloadChars",
  "sites",
  "timeout",
];

/** The longest reason, in characters. */
const MAX_REASON = 1_000;

function readReason(reason: unknown, call: string): string | undefined {
  return reason === undefined
    ? undefined
    : checkText(reason, `option reason of ${call}`, MAX_REASON);
}

/** How a run ended, from its row or from the engine of this process. */
type RunEnd =
  & Pick<RunRow, "state" | "result" | "error">
  & Partial<Pick<RunRow, "hash" | "workflow">>;

function outputOf(runId: string, end: RunEnd): unknown {
  const { state, result } = end;
  if (state !== "completed") throw endError(runId, end);
  return result === null ? undefined : decode(result);
}
