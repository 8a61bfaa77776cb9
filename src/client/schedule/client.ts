/**
 * The client for schedules.
 *
 * @module
 */

import { shownValue } from "../../base/encoded.ts";
import { checkDate, checkOptions, checkText, refuse, refuseUnless } from "../../base/arguments.ts";
import type { RetryPolicy } from "../../base/backoff.ts";
import { inWords } from "../../base/describe.ts";
import { isContinuumError } from "../../base/errors.ts";
import { checkPayload } from "../../base/payload.ts";
import { decode, encode } from "../../base/values.ts";
import type { RunState } from "../../ports/rows.ts";
import type { Action } from "../../ports/operations.ts";
import type { Decide, ScheduleKey, ScheduleRow, ScheduleSpec } from "../../ports/schedules.ts";
import { plannedBetween, type Timing } from "../../schedule/calendar.ts";
import {
  begin,
  type CatchUp,
  type Overlap,
  type Progress,
  resume,
  revise,
  type ScheduleState,
  type ScheduleTrouble,
  stop,
  trigger,
} from "../../schedule/firing.ts";
import { VersionNotFoundError } from "../../version/load_errors.ts";
import { policyOf } from "../../workflow/run_policy.ts";
import { type ClientContext, inNamespace } from "../context.ts";
import { type Deed, operated } from "../operated.ts";
import { RunHandle } from "../run/handle.ts";
import {
  MAX_ID,
  readListOptions,
  readNamespace,
  readScheduleOptions,
  type ScheduleListOptions,
  type ScheduleOptions,
} from "./options.ts";
import type { WorkflowDefinition } from "../../workflow/context_types.ts";
import { scheduleExists, scheduleNotFound, wrongScheduleState } from "./errors.ts";

/**
 * A run that a schedule started.
 *
 * @category Schedules
 */
export interface ScheduleRun {
  /**
   * The run's id: `<schedule's id>><planned time>`, with the suffix `.manual` if `trigger` started
   * it.
   */
  readonly runId: string;
  /** The planned time; for a run that `trigger` started, the time of its start. */
  readonly planned: Date;
  /** When it was started. */
  readonly fired: Date;
  /** Whether it was started by `trigger`. */
  readonly manual: boolean;
  /** The run's state; `null`: the run was pruned. */
  readonly state: RunState | null;
}

/**
 * A schedule.
 *
 * @category Schedules
 */
export interface ScheduleStatus {
  /** Its id. */
  readonly id: string;
  /** The namespace. */
  readonly namespace: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version that it is pinned to; `null`: its runs use the current one. */
  readonly version: string | null;
  /** The input of its runs, as the caller passed it. */
  readonly input: unknown;
  /** When it fires: the time, the interval in milliseconds, or the pattern with its time zone. */
  readonly timing:
    | { readonly at: Date }
    | { readonly every: number; readonly anchor: Date }
    | { readonly cron: string; readonly timeZone: string };
  /** What a firing does while a run of it has not ended. */
  readonly overlap: Overlap;
  /** Which missed firings it makes up for. */
  readonly catchUp: CatchUp;
  /** How late a missed firing may be made up for, in milliseconds; `null`: without limit. */
  readonly catchUpWindow: number | null;
  /** The longest delay of a firing, in milliseconds. */
  readonly jitter: number;
  /** It ignores planned times after this one; `null`: there is no end. */
  readonly until: Date | null;
  /** It is done after this many runs; `null`: never. */
  readonly maxRuns: number | null;
  /** The timeout of each run, in milliseconds; `null`: that of its version. */
  readonly timeout: number | null;
  /** The retry policy of each run; `null`: that of its version. */
  readonly retry: RetryPolicy | null;
  /** The schedule's state. */
  readonly state: ScheduleState;
  /** Why it is stuck; `null` in other states. */
  readonly reason: ScheduleTrouble | null;
  /**
   * The next planned time, and when the schedule fires for it; `null`: there is none, or it is
   * paused.
   */
  readonly next: { readonly planned: Date; readonly fire: Date } | null;
  /** A planned time whose run starts when the previous run has ended. */
  readonly held: Date | null;
  /** The last run that it started; `null`: none so far. */
  readonly last: ScheduleRun | null;
  /** The runs that it started, the newest first: at most ten. */
  readonly recent: readonly ScheduleRun[];
  /** How many runs it started at planned times. */
  readonly started: number;
  /** How many runs `trigger` started. */
  readonly triggered: number;
  /** How many planned times were skipped because of `overlap`. */
  readonly skipped: number;
  /** How many planned times passed while no node was available. */
  readonly missed: number;
  /** When it was created. */
  readonly createdAt: Date;
}

/**
 * Identifies the namespace of a schedule.
 *
 * @category Schedules
 */
export interface ScheduleScopeOptions {
  /**
   * The namespace.
   *
   * @default {the namespace of this connection}
   */
  readonly namespace?: string;
}

/**
 * Options of {@linkcode Schedules.backfill}.
 *
 * @category Schedules
 */
export interface BackfillOptions extends ScheduleScopeOptions {
  /** The first planned time that counts. */
  readonly from: Date;
  /**
   * The first planned time that no longer counts; not in the future.
   *
   * @default {now}
   */
  readonly to?: Date;
}

const BACKFILL = "backfill the schedule";
/** The most planned times of one call, and of one of its transactions. */
const MOST_BACKFILLED = 10_000;
const BATCH = 100;
/** How much later than the database's clock the caller's may be. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Starts runs at planned times.
 *
 * @category Schedules
 */
export class Schedules {
  readonly #context: ClientContext;

  /**
   * Use `continuum.schedules`.
   *
   * @param context Its dependencies.
   */
  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Creates a schedule. When the promise resolves, the schedule is durable, and any node fires it.
   *
   * @param options Which workflow to start, and when.
   * @returns The schedule; `stuck` if it names a workflow that no process has registered so far.
   * @throws {InvalidArgumentError} If an option is invalid; the message names it.
   * @throws {NotSerializableError} If the input can't be encoded.
   * @throws {PayloadTooLargeError} If the input is larger than `limits.payloadBytes`.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If the input does not match the schema of the
   * version that a start would use now.
   * @throws {ScheduleError} (`SCHEDULE_EXISTS`) If another schedule has the id.
   * @throws {VersionNotFoundError} If the given definition or specifier leads to no version.
   */
  async create<Input = unknown>(options: ScheduleOptions<Input>): Promise<ScheduleStatus> {
    const { contracts, payloadBytes, runs, versions, wakeups } = this.#context;
    const settings = readScheduleOptions(options, runs.namespace);
    const { namespace, id, ifExists, paused } = settings;
    const target = await this.#target(settings.workflow, settings.pin);
    const { hash } = target;
    const what = `schedule ${JSON.stringify(id)}`;
    const input = checkPayload(encode(options.input, "input"), `input of ${what}`, payloadBytes);
    checkPayload(settings.attributes, `attributes of ${what}`, payloadBytes);
    // The input is stored as the caller passed it, since the version of each firing parses it by
    // its own schema.
    if (hash !== null) await contracts.inputText(hash, input);
    const specFrom = (now: number, before?: Timing): ScheduleSpec => {
      const { workflow, pin } = target;
      const { attributes, policy } = settings;
      return {
        namespace,
        id,
        workflow,
        pin,
        input,
        attributes,
        policy,
        rules: settings.rules(now, before),
      };
    };
    const make = (now: number) => {
      const spec = specFrom(now);
      const startable = hash !== null;
      return { spec, progress: begin(id, spec.rules, now, { paused: paused ?? false, startable }) };
    };
    const revised: Decide = (row, now) => {
      const spec = specFrom(now, row.rules.timing);
      return { progress: revise(id, spec.rules, row, now, paused), starts: [], spec };
    };
    await this.#act("schedule.create", { namespace, id }, async (deed) => {
      await versions.pinning(() =>
        deed(async ({ store: { schedules } }) => {
          if (await schedules.create(make)) return true;
          if (ifExists === "error") throw scheduleExists(id);
          return ifExists === "replace" ? await schedules.change({ namespace, id }, revised) : null;
        }, { details: () => ({ workflow: target.workflow, version: target.pin?.hash ?? null }) })
      );
    });
    wakeups.broadcast({ kind: "scheduled" });
    return await this.get(id, { namespace });
  }

  /**
   * Returns one schedule.
   *
   * @param id Its id.
   * @param scope The namespace.
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   */
  async get(id: string, scope: ScheduleScopeOptions = {}): Promise<ScheduleStatus> {
    const row = await this.#context.store.schedules.get(this.#key(id, scope));
    if (row === null) throw scheduleNotFound(id, "read the schedule");
    return scheduleStatus(row);
  }

  /**
   * Lists schedules by id, a page at a time.
   *
   * @param options Which schedules; `after` is the last id of the previous page.
   */
  async list(options: ScheduleListOptions = {}): Promise<ScheduleStatus[]> {
    const filter = readListOptions(options, this.#context.runs.namespace);
    return (await this.#context.store.schedules.list(filter)).map(scheduleStatus);
  }

  /**
   * Pauses a schedule until `resume`. Runs that it started continue. A firing that waits for one of
   * them is dropped. If the schedule is paused already, nothing changes.
   *
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   * @throws {ScheduleError} (`SCHEDULE_STATE`) If it is done or cancelled.
   */
  async pause(id: string, scope: ScheduleScopeOptions = {}): Promise<ScheduleStatus> {
    return await this.#change(
      "schedule.pause",
      id,
      scope,
      "pause the schedule",
      ["active", "stuck", "paused"],
      (row) => stop(row.progress, "paused"),
    );
  }

  /**
   * Resumes a paused or stuck schedule. It skips times that were planned during the pause, except
   * the time of a one-shot. If the schedule is active already, nothing changes.
   *
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   * @throws {ScheduleError} (`SCHEDULE_STATE`) If it is done or cancelled.
   */
  async resume(id: string, scope: ScheduleScopeOptions = {}): Promise<ScheduleStatus> {
    const from = ["paused", "stuck", "active"] as const;
    return await this.#change(
      "schedule.resume",
      id,
      scope,
      "resume the schedule",
      from,
      (row, now) =>
        row.progress.state === "active"
          ? row.progress
          : resume(row.id, row.rules, row.progress, now),
    );
  }

  /**
   * Ends a schedule for good. Runs that it started continue. If the schedule is cancelled already,
   * nothing changes.
   *
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   * @throws {ScheduleError} (`SCHEDULE_STATE`) If it is done.
   */
  async cancel(id: string, scope: ScheduleScopeOptions = {}): Promise<ScheduleStatus> {
    const from = ["active", "paused", "stuck", "cancelled"] as const;
    return await this.#change(
      "schedule.cancel",
      id,
      scope,
      "cancel the schedule",
      from,
      (row) => stop(row.progress, "cancelled"),
    );
  }

  /**
   * Removes a schedule with the record of its firings; its id is free then. Runs that it started
   * stay and continue. A firing that waits for one of them is dropped.
   *
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   */
  async delete(id: string, scope: ScheduleScopeOptions = {}): Promise<void> {
    const key = this.#key(id, scope);
    await this.#act("schedule.delete", key, (deed) =>
      deed(async ({ store }) => {
        if (await store.schedules.delete(key)) return true;
        throw scheduleNotFound(id, "delete the schedule");
      }));
  }

  /**
   * Starts a run now, in addition to the planned ones and regardless of `overlap`. This also works
   * for a schedule that is paused or done.
   *
   * @returns The run's handle.
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   * @throws {ScheduleError} (`SCHEDULE_STATE`) If it is cancelled.
   * @throws {VersionNotFoundError} If no version of its workflow is registered.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If that version refuses the schedule's input.
   */
  async trigger(id: string, scope: ScheduleScopeOptions = {}): Promise<RunHandle> {
    const key = this.#key(id, scope);
    return await this.#act("schedule.trigger", key, (deed) => this.#trigger(key, deed));
  }

  async #trigger(key: ScheduleKey, deed: Deed): Promise<RunHandle> {
    const { id } = key;
    const action = "trigger the schedule";
    const { store: { schedules: store }, versions } = this.#context;
    for (;;) {
      const before = await store.get(key);
      if (before === null) throw scheduleNotFound(id, action);
      const checked = await this.#inputOf(before);
      const decide: Decide = ({ progress, version, ...row }, now) => {
        if (progress.state === "cancelled") {
          throw wrongScheduleState(id, action, progress.state, ["active", "paused", "done"]);
        }
        if (version === null) throw new VersionNotFoundError(row.workflow, action);
        const isSame = version.hash === before.version?.hash && row.input === before.input;
        if (!isSame) return { progress, starts: [] }; // once more, as it is now
        const { firedAt = null } = row.runs[0] ?? {};
        return { ...trigger(progress, firedAt, now), manual: true, input: checked };
      };
      const started = await versions.pinning(() =>
        deed(async ({ store }) => {
          const runs = await store.schedules.change(key, decide);
          if (runs === null) throw scheduleNotFound(id, action);
          return runs[0] ?? null;
        }, { details: (run) => ({ run }) })
      );
      if (started === null) continue;
      this.#context.wakeups.due();
      return new RunHandle(started, inNamespace(this.#context, key.namespace));
    }
  }

  /**
   * Starts a run now for each planned time of a past period that has none, such as the time before
   * the schedule was created or while it was paused. It does so regardless of `overlap`, and leaves
   * the schedule's next time and its counts as they are. Repeating the call starts nothing twice.
   * The process that calls it starts the runs, 100 in a transaction; if it ends meanwhile, repeat
   * the call.
   *
   * @param options The period: `from` included, `to` excluded; by default `to` is now.
   * @returns The ids of the runs of these times, in order, also of those that existed.
   * @throws {InvalidArgumentError} If the period is invalid, or has more than 10,000 planned times.
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
   * @throws {ScheduleError} (`SCHEDULE_STATE`) If it is cancelled.
   * @throws {VersionNotFoundError} If no version of its workflow is registered.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If that version refuses the schedule's input.
   */
  async backfill(id: string, options: BackfillOptions): Promise<readonly string[]> {
    const what = "schedules.backfill";
    checkOptions(options, ["from", "to", "namespace"], what);
    const { from, to, ...scope } = options;
    const key = this.#key(id, scope);
    const now = await this.#context.store.now();
    const start = checkDate(from, `option from of ${what}`);
    const end = to === undefined ? Math.floor(now) : checkDate(to, `option to of ${what}`);
    refuseUnless(
      start < end && end <= now + CLOCK_SLACK_MS,
      `the period of ${what}`,
      inWords(`${new Date(start).toISOString()} to ${new Date(end).toISOString()}`),
      "one that has begun and ended",
    );
    const started = await this.#act("schedule.backfill", key, async (deed) => {
      const row = await this.#context.store.schedules.get(key);
      if (row === null) throw scheduleNotFound(id, BACKFILL);
      const { until } = row.rules;
      const last = until === null ? end : Math.min(end, until + 1);
      const times: number[] = [];
      for (const at of plannedBetween(row.rules.timing, start, last)) {
        if (times.push(at) <= MOST_BACKFILLED) continue;
        refuse(
          `the period of ${what}`,
          inWords(`more than ${MOST_BACKFILLED} planned times`),
          `at most ${MOST_BACKFILLED}: call it for parts of the period`,
        );
      }
      const runs: string[] = [];
      while (runs.length < times.length) {
        runs.push(...await this.#start(key, times.slice(runs.length, runs.length + BATCH), deed));
      }
      return runs;
    });
    if (started.length > 0) this.#context.wakeups.due();
    return started;
  }

  /** Starts the runs of planned times in one transaction, on the version that is current then. */
  async #start(
    key: ScheduleKey,
    starts: readonly number[],
    deed: Deed,
  ): Promise<readonly string[]> {
    const { store: { schedules: store }, versions } = this.#context;
    for (;;) {
      const before = await store.get(key);
      if (before === null) throw scheduleNotFound(key.id, BACKFILL);
      const input = await this.#inputOf(before);
      const decide: Decide = ({ progress, version, ...row }) => {
        if (progress.state === "cancelled") {
          throw wrongScheduleState(key.id, BACKFILL, progress.state, ["active", "paused", "done"]);
        }
        if (version === null) throw new VersionNotFoundError(row.workflow, BACKFILL);
        const isSame = version.hash === before.version?.hash && row.input === before.input;
        return isSame ? { progress, starts, input } : { progress, starts: [] }; // once more, as it is now
      };
      const started = await versions.pinning(() =>
        deed(async ({ store }) => {
          const runs = await store.schedules.change(key, decide);
          if (runs === null) throw scheduleNotFound(key.id, BACKFILL);
          return runs.length === 0 ? null : runs;
        }, { details: (runs) => ({ runs: runs.length, first: runs[0]!, last: runs.at(-1)! }) })
      );
      if (started !== null) return started;
    }
  }

  async #inputOf({ input, version }: ScheduleRow): Promise<string> {
    return version === null ? input : await this.#context.contracts.inputText(version.hash, input);
  }

  async #change(
    act: Action,
    id: string,
    scope: ScheduleScopeOptions,
    action: string,
    from: readonly ScheduleState[],
    next: (row: ScheduleRow, now: number) => Progress,
  ): Promise<ScheduleStatus> {
    const key = this.#key(id, scope);
    await this.#act(act, key, (deed) =>
      deed(async ({ store }) => {
        const changed = await store.schedules.change(key, (row, now) => {
          const { state } = row.progress;
          if (!from.includes(state)) throw wrongScheduleState(id, action, state, from);
          return { progress: next(row, now), starts: [] };
        });
        if (changed === null) throw scheduleNotFound(id, action);
        return changed;
      }));
    this.#context.wakeups.broadcast({ kind: "scheduled" });
    return await this.get(id, scope);
  }

  #act<Result>(
    action: Action,
    { namespace, id }: ScheduleKey,
    perform: (deed: Deed) => Promise<Result>,
  ): Promise<Result> {
    return operated(this.#context, { action, namespace, target: id }, perform);
  }

  /**
   * Checks the input, unless the name is not registered yet: it may be registered before the
   * schedule fires.
   */
  async #target(workflow: WorkflowDefinition | string, isPinned: boolean): Promise<Target> {
    try {
      const { workflow: name, hash, specifier } = await this.#context.versions.forStart(workflow);
      return { workflow: name, hash, pin: isPinned ? { hash, specifier } : null };
    } catch (error) {
      const isName = typeof workflow === "string" && !/[:/]/.test(workflow);
      if (!isName || isPinned || !isContinuumError(error, "VERSION_NOT_FOUND")) throw error;
      return { workflow, hash: null, pin: null };
    }
  }

  #key(id: string, scope: ScheduleScopeOptions): ScheduleKey {
    checkText(id, "the id of a schedule", MAX_ID);
    checkOptions(scope, ["namespace"], "a schedule's scope");
    return { id, namespace: readNamespace(scope.namespace, this.#context.runs.namespace) };
  }
}

interface Target {
  readonly workflow: string;
  /** Returns the version that a start would use; `null`: there is none. */
  readonly hash: string | null;
  readonly pin: ScheduleSpec["pin"];
}

function scheduleStatus(row: ScheduleRow): ScheduleStatus {
  const { id, namespace, workflow, pin, rules, progress } = row;
  const { state, trouble, planned, fireAt, held } = progress;
  const { started, triggered, skipped, missed } = progress;
  const { timeout = null, retry = null } = policyOf(row.policy);
  const recent = row.runs.map(({ runId, planned, firedAt, manual, state }) => ({
    runId,
    planned: new Date(planned),
    fired: new Date(firedAt),
    manual,
    state,
  }));
  return {
    id,
    namespace,
    workflow,
    version: pin?.hash ?? null,
    input: shownValue(row.input, decode),
    timing: timingStatus(rules.timing),
    overlap: rules.overlap,
    catchUp: rules.catchUp,
    catchUpWindow: rules.catchUpWindowMs,
    jitter: rules.jitterMs,
    until: dateOf(rules.until),
    maxRuns: rules.maxRuns,
    timeout,
    retry,
    state,
    reason: trouble,
    next: planned === null || fireAt === null
      ? null
      : { planned: new Date(planned), fire: new Date(fireAt) },
    held: dateOf(held),
    last: recent[0] ?? null,
    recent,
    ...{ started, triggered, skipped, missed },
    createdAt: new Date(row.createdAt),
  };
}

function timingStatus(timing: Timing): ScheduleStatus["timing"] {
  switch (timing.kind) {
    case "at":
      return { at: new Date(timing.at) };
    case "every":
      return { every: timing.everyMs, anchor: new Date(timing.anchor) };
    case "cron":
      return { cron: timing.expression, timeZone: timing.timeZone };
  }
}

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
