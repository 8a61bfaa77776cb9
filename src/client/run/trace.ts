/**
 * Traces a run: what it has done and waits for, effect by effect, with the line of the pinned
 * source that requested each.
 *
 * - TRACE-1: if this process has not executed a run's code, or the run is `stuck_poisoned`, its
 *   code is replayed in a subprocess without permissions (SUBPROCESS-1).
 * - TRACE-2: if the code can't be replayed, `trace()` shows what the history says, with the reason.
 *
 * @module
 */

import { checkWhole } from "../../base/arguments.ts";
import { shownValue } from "../../base/encoded.ts";
import { authored, authoredFacts } from "../../base/authored.ts";
import { durationMs } from "../../base/duration.ts";
import { decode } from "../../base/values.ts";
import { decodeError } from "../../base/values_failure.ts";
import type { RunRow } from "../../ports/rows.ts";
import { demandDecoded, demandEvents, isUnreadable } from "../../ports/readable.ts";
import type { TaskProgress } from "../../ports/tasks.ts";
import type { CallSite } from "../../replay/turn.ts";
import { type FailedAttempt, isContinuumError } from "../../base/errors.ts";
import { DryRunError } from "../../dry_run/errors.ts";
import type { Trace, TracedAnswer, TraceRequest } from "../../dry_run/trace.ts";
import { recordedFailures } from "../../task/retry.ts";
import { memberOf } from "../../version/manifest/label.ts";
import type { ClientContext } from "../context.ts";
import { readGeneration } from "./generations.ts";
import { eventValue } from "./history.ts";
import { claimedForm, rawHistoryOf } from "./replayer.ts";
import type { PendingEffect } from "./status.ts";
import { effectsOf, type KnownEffect } from "./trace_history.ts";
import type {
  RunTrace,
  TraceAttempt,
  TraceEntry,
  TraceOptions,
  TraceSite,
  TraceTask,
  TraceUnavailable,
} from "./trace_shapes.ts";

/** The dependencies of a trace. */
export type TraceContext = Pick<ClientContext, "store" | "runs" | "dryRuns">;

const DEFAULT_LIMIT = 200;

const DEFAULT_PAYLOAD_CHARS = 65_536;

/** The generation that is traced. */
export interface TracedGeneration extends
  Pick<
    RunRow,
    "runId" | "workflow" | "hash" | "versionLabel" | "generation" | "attempt" | "startedAt"
  > {
  /** The `seq` at which its history begins. */
  readonly firstSeq: number;
}

/**
 * Traces a run.
 *
 * @param row The run.
 * @param options Which part of the run.
 * @param context Reads the run's history and its activities, and replays it.
 * @param unlessReplayed What to do if the code can't be replayed (TRACE-2).
 * @returns The trace.
 * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If the run has no such generation, or
 * retention has removed it.
 */
export async function traceRun(
  row: RunRow,
  options: TraceOptions,
  context: TraceContext,
  unlessReplayed: "throw" | "show history" = "throw",
): Promise<RunTrace> {
  return (await traceWithStop(row, options, context, unlessReplayed)).trace;
}

/**
 * Traces a run, and says where its code stopped before its end.
 *
 * @param row The run.
 * @param options Which part of it.
 * @param context Reads the run's history and its activities, and replays it.
 * @param unlessReplayed What to do if the code can't be replayed (TRACE-2).
 * @returns The trace, and where the code diverged from its history, made a call that is refused, or
 * threw the error with which it ended; `null`: it did not, or the place is unknown.
 * @throws {InvalidArgumentError} If the history has fewer events than `at` says.
 * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If the run has no such generation, or
 * retention has removed it.
 */
export async function traceWithStop(
  row: RunRow,
  options: TraceOptions,
  context: TraceContext,
  unlessReplayed: "throw" | "show history" = "throw",
): Promise<{ readonly trace: RunTrace; readonly stoppedAt: TraceSite | null }> {
  const { generation: number = row.generation } = options;
  const found = await readGeneration(row, number, context.runs);
  const { hash, versionLabel, input, seed, attempt, startedAt, firstSeq } = found;
  const generation = { hash, versionLabel, generation: number, attempt, startedAt, firstSeq };
  const events = await rawHistoryOf(row.runId, context.runs, number);
  const {
    from = 0,
    limit = DEFAULT_LIMIT,
    sites = true,
    payloadChars = DEFAULT_PAYLOAD_CHARS,
  } = options;
  const { at = events.length } = options;
  // What was after events that are not there is unknown: the end would be an answer to another question.
  checkWhole(at, "at", 0, events.length);
  const present = { ...row, ...generation, input, seed };
  const start = { ...claimedForm(present), version: hash };
  const most = Math.min(payloadChars, MOST_CHARS);
  const request = { start, events, at, from, limit, sites, payloadChars: most };
  const timeoutMs = durationMs(options.timeout ?? "10s", "timeout");
  const replay = traceReadable(() => context.dryRuns.trace(present, request, timeoutMs), request);
  const { trace, where: replayed, unavailable } = unlessReplayed === "throw"
    ? { ...await replay, unavailable: null }
    : await orHistory(replay, request);
  // The tasks are those of now.
  const isNow = !found.over && row.endedAt === null && at === events.length;
  const shown = [...trace.effects, ...trace.waiting];
  const tasks = isNow ? await tasksOf(row, shown, context) : [];
  const { runId, workflow } = row;
  const traced = { runId, workflow, ...generation };
  const facts = { events: events.length, at, tasks, replayed, unavailable };
  return {
    trace: shownTrace(trace, traced, facts),
    stoppedAt: trace.stoppedAt === undefined ? null : placeOf(trace.stoppedAt, traced),
  };
}

/** Replays only what this process can read. */
async function traceReadable<Traced>(
  replay: () => Promise<Traced>,
  { start, events }: TraceRequest,
): Promise<Traced> {
  demandDecoded(start.input);
  demandEvents(events);
  return await replay();
}

/** What a replay shows, or a history alone. */
type KnownTrace = Omit<Trace, "effects" | "waiting"> & {
  readonly effects: readonly KnownEffect[];
  readonly waiting: readonly KnownEffect[];
};

/** TRACE-2 */
async function orHistory(
  replay: Promise<{ readonly trace: Trace; readonly where: RunTrace["replayed"] }>,
  request: TraceRequest,
): Promise<{
  readonly trace: KnownTrace;
  readonly where: RunTrace["replayed"];
  readonly unavailable: TraceUnavailable | null;
}> {
  try {
    return { ...await replay, unavailable: null };
  } catch (error) {
    const isExpected = error instanceof DryRunError || isUnreadable(error) ||
      isContinuumError(error, "VERSION_UNAVAILABLE");
    if (!isExpected) throw error;
    const trace = {
      ...effectsOf(request),
      ...{ waiting: [], outcome: null, output: null, drift: null, refused: null },
    };
    const { code, message } = error;
    return { trace, where: null, unavailable: { code, message } };
  }
}

/**
 * Decodes a trace, and gives its places as the author knows them.
 *
 * @param trace The trace.
 * @param traced The generation that was traced.
 * @param facts How many events it has and received, its tasks, and where the code ran, or why it
 * did not.
 * @returns The trace, as `run.trace()` returns it.
 */
export function shownTrace(
  trace: KnownTrace,
  traced: TracedGeneration,
  facts: Pick<RunTrace, "events" | "at" | "replayed"> & {
    readonly unavailable?: TraceUnavailable | null;
    readonly tasks: readonly TaskProgress[];
  },
): RunTrace {
  const { runId, workflow, hash, versionLabel, generation, attempt, startedAt } = traced;
  const { events, at, replayed, unavailable = null } = facts;
  const tasks = new Map(facts.tasks.map((task) => [task.position, task]));
  const entry = (effect: KnownEffect) => entryOf(effect, tasks.get(effect.position), traced);
  return {
    runId,
    workflow,
    version: { hash, label: versionLabel },
    generation,
    attempt,
    events,
    at,
    startedAt: startedAt === null ? null : new Date(startedAt),
    effects: trace.effects.map(entry),
    total: trace.total,
    waiting: trace.waiting.map(entry),
    outcome: trace.outcome,
    drift: authoredFacts(trace.drift, traced),
    refused: authoredFacts(trace.refused, traced),
    replayed,
    unavailable,
  };
}

/**
 * Returns what a run's code waits for; the first 200.
 *
 * @param row The run.
 * @param context Reads the run's history, and replays it.
 */
export async function pendingOf(row: RunRow, context: TraceContext): Promise<PendingEffect[]> {
  const { waiting } = await traceRun(row, { limit: 0, payloadChars: 0 }, context);
  return waiting.map(({ kind, name, position, until, site }) => ({
    kind,
    name,
    position,
    until,
    site,
  }));
}

/** JSON has no `Infinity`; a text of JavaScript is shorter than this. */
const MOST_CHARS = 2 ** 30;

async function tasksOf(
  { id }: RunRow,
  effects: readonly KnownEffect[],
  { store }: TraceContext,
): Promise<TaskProgress[]> {
  const positions = effects
    .filter(({ kind, state }) => kind === "activity" && state !== "answered")
    .map(({ position }) => position);
  return positions.length === 0 ? [] : await store.tasks.progress(id, [...new Set(positions)]);
}

function entryOf(
  effect: KnownEffect,
  task: TaskProgress | undefined,
  traced: TracedGeneration,
): TraceEntry {
  const { position, kind, name, child, answer } = effect;
  const calls = effect.sites.map((site) => placeOf(site, traced));
  const value = answer === null ? undefined : eventValue(answer);
  return {
    position,
    kind,
    name,
    input: effect.input === null ? undefined : decode(effect.input),
    until: effect.until === null ? null : new Date(effect.until),
    child,
    requestedAt: effect.requestedAt === null ? null : new Date(effect.requestedAt),
    state: answer === null ? effect.state === "waiting" ? "waiting" : "withdrawn" : stateOf(answer),
    answeredAt: answer && new Date(answer.at),
    event: answer && answer.seq - traced.firstSeq,
    value,
    omitted: effect.omitted,
    attempts: [
      ...effect.failures.map(failedAttempt),
      ...(answer?.kind === "activity.failed" ? endedAttempts(value) : []),
      ...(task === undefined ? [] : taskAttempts(task)),
    ],
    task: task === undefined ? null : traceTask(task),
    site: calls[0] ?? null,
    calls,
  };
}

function placeOf(site: CallSite, traced: TracedGeneration): TraceSite {
  return { ...authoredFacts(site, traced), member: memberOf(site.file) };
}

/** A failed attempt that the history has as an event. */
function failedAttempt(failure: TracedAnswer): TraceAttempt {
  const { attempt, error, nextTry } = eventValue(failure) as {
    attempt: number;
    error: unknown;
    nextTry: Date;
  };
  return { attempt, error, failedAt: new Date(failure.at), nextTry };
}

/** The attempts of an activity that has failed. */
function endedAttempts(value: unknown): TraceAttempt[] {
  const { attempts = [] } = (value ?? {}) as { readonly attempts?: readonly FailedAttempt[] };
  return attempts.map(({ attempt, error, at }) => ({
    attempt,
    error,
    failedAt: at,
    nextTry: null,
  }));
}

/** The attempts of an activity that is still retried. */
function taskAttempts(task: TaskProgress): TraceAttempt[] {
  return recordedFailures(task).map(({ attempt, error, at }) => ({
    attempt,
    error: shownValue(error, (text) => decodeError(authored(text))),
    failedAt: new Date(at),
    nextTry: attempt === task.attempt - 1 ? new Date(task.availableAt) : null,
  }));
}

const TASK_STATES = {
  ready: "queued",
  held: "held",
  leased: "running",
  external: "external",
} as const;

function traceTask(
  { attempt, state, queue, node, availableAt, heartbeat }: TaskProgress,
): TraceTask {
  return {
    attempt,
    state: TASK_STATES[state],
    queue,
    node,
    availableAt: new Date(availableAt),
    heartbeat: heartbeat === null ? undefined : shownValue(heartbeat, decode),
  };
}

function stateOf({ kind }: TracedAnswer): TraceEntry["state"] {
  if (kind === "signal.timeout") return "timed_out";
  return kind.endsWith(".failed") ? "failed" : "completed";
}
