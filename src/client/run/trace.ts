/**
 * Traces a run: what it has done and waits for, effect by effect, with the line of the pinned
 * source that requested each.
 *
 * - TRACE-1: if this process has not executed a run's code, or the run is `stuck_poisoned`, its
 *   code is replayed in a subprocess without permissions (SUBPROCESS-1). A run that can't be
 *   replayed is traced from its history alone, with the reason.
 *
 * @module
 */

import { authoredFacts } from "../../base/authored.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { decode } from "../../base/values.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import type { CommandKind } from "../../replay/commands.ts";
import type { CallSite, DriftReport, Refusal } from "../../replay/turn.ts";
import type { TracedAnswer, TracedEffect } from "../../dry_run/trace.ts";
import { memberOf } from "../../version/manifest/label.ts";
import { asClaimed, historyOf } from "./replayer.ts";
import { eventValue, type PendingEffect } from "./status.ts";
import { linesAround, type SourceLine, type VersionSource } from "../sources.ts";
import type { DryRuns } from "./dry_runs.ts";

/**
 * Options of {@linkcode RunHandle.trace}.
 *
 * @category Runs
 */
export interface TraceOptions {
  /**
   * How many events the code receives: the trace shows the run as it was after them.
   *
   * @default {all events}
   */
  readonly at?: number;
  /**
   * The first effect, by its place in program order.
   *
   * @default {0}
   */
  readonly from?: number;
  /**
   * The most effects, from 1 to 10,000.
   *
   * @default {200}
   */
  readonly limit?: number;
  /**
   * Whether the trace includes the places in the code: each costs about 0.2 ms.
   *
   * @default {true}
   */
  readonly sites?: boolean;
  /**
   * How long a subprocess may take to import the code, and again to replay it.
   *
   * @default {"10s"}
   */
  readonly timeout?: Duration;
}

/**
 * A place in a run's code.
 *
 * @category Runs
 */
export interface TraceSite extends CallSite {
  /** The module of the version that holds it, by its label in the manifest; `null`: unknown. */
  readonly member: string | null;
}

/**
 * A failed attempt of an effect.
 *
 * @category Runs
 */
export interface TraceAttempt {
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** What it threw. */
  readonly error: unknown;
  /** When its failure was written. */
  readonly failedAt: Date;
  /** When the next attempt was due. */
  readonly nextTry: Date;
}

/**
 * One effect of a run.
 *
 * @category Runs
 */
export interface TraceEntry {
  /** Its place in program order, from 0. */
  readonly position: number;
  /** The kind of effect. */
  readonly kind: CommandKind;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its input; `undefined`: effects of its kind have none. */
  readonly input: unknown;
  /** When the wait ends by itself; `null`: never. */
  readonly until: Date | null;
  /** The id of the child run that it concerns; `null`: none. */
  readonly child: string | null;
  /** When the code requested it, by the run's clock. */
  readonly requestedAt: Date;
  /** Its state. `withdrawn`: the code aborted it by an `AbortSignal`, or was cancelled. */
  readonly state: "waiting" | "completed" | "failed" | "timed_out" | "withdrawn";
  /** When the event that answered it was written; `null`: none has. */
  readonly answeredAt: Date | null;
  /** The position of that event in the history of this generation, from 0; `null`: none has. */
  readonly event: number | null;
  /** The answer: a result, an error, a signal's payload. */
  readonly value: unknown;
  /** Its failed attempts. */
  readonly attempts: readonly TraceAttempt[];
  /** Where the code requested it; `null`: unknown. */
  readonly site: TraceSite | null;
  /** The call stack of the request, the innermost call first, `site` included. */
  readonly calls: readonly TraceSite[];
}

/**
 * What a run has done and waits for.
 *
 * @category Runs
 */
export interface RunTrace {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version that the run is pinned to. */
  readonly version: { readonly hash: string; readonly label: string | null };
  /** The generation that was traced. */
  readonly generation: number;
  /** How many events its history has. */
  readonly events: number;
  /** How many of them the code received. */
  readonly at: number;
  /** When the generation began; `null`: no node has claimed it yet. */
  readonly startedAt: Date | null;
  /** The selected effects, in program order. */
  readonly effects: readonly TraceEntry[];
  /** The total number of effects. */
  readonly total: number;
  /**
   * What the code waits for after the last event that it received, in program order; the first 200.
   */
  readonly waiting: readonly TraceEntry[];
  /** How the code ended; `null`: it has not. */
  readonly outcome: "completed" | "failed" | "cancelled" | "continued" | null;
  /** Where code and history diverge; `null`: they match. */
  readonly drift: DriftReport | null;
  /** The call that a replay can't repeat; `null`: there is none. */
  readonly refused: Refusal | null;
  /** Where the code was replayed: in this process, or in a subprocess without permissions. */
  readonly replayed: "here" | "subprocess";
}

/**
 * An effect that a run waits for, with the lines of its pinned source that requested it.
 *
 * @category Runs
 */
export interface WaitingPlace {
  /** The kind of effect. */
  readonly kind: CommandKind;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /** When the code requested it, by the run's clock. */
  readonly since: Date;
  /** When the wait ends by itself; `null`: never. */
  readonly until: Date | null;
  /** Where the code requested it; `null`: unknown. */
  readonly site: TraceSite | null;
  /** The call stack of the request, the innermost call first, `site` included. */
  readonly calls: readonly TraceSite[];
  /** The lines around `site`; empty if the source does not have that place. */
  readonly lines: readonly SourceLine[];
}

/**
 * Where a run waits, in the exact source that it executes.
 *
 * @category Runs
 */
export interface RunWaits {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version that the run is pinned to. */
  readonly version: { readonly hash: string; readonly label: string | null };
  /** The source of the verified bytes. */
  readonly from: VersionSource["from"];
  /** What the code waits for, in program order; the first 200. Empty if the run has ended. */
  readonly waiting: readonly WaitingPlace[];
  /** Where code and history diverge; `null`: they match. */
  readonly drift: DriftReport | null;
  /** The call that a replay can't repeat; `null`: there is none. */
  readonly refused: Refusal | null;
}

/**
 * Options of {@linkcode RunHandle.where}.
 *
 * @category Runs
 */
export interface WhereOptions extends Pick<TraceOptions, "at" | "timeout"> {
  /**
   * How many lines to show before and after each place, from 0 to 100.
   *
   * @default {2}
   */
  readonly around?: number;
}

const DEFAULT_LIMIT = 200;

/**
 * Traces a run.
 *
 * @param row The run.
 * @param options Which part of the run.
 * @param runs Reads the run's history.
 * @param dryRuns Replays the run.
 * @returns The trace.
 */
export async function traceRun(
  row: RunRow,
  options: TraceOptions,
  runs: RunStore,
  dryRuns: DryRuns,
): Promise<RunTrace> {
  const events = await historyOf(row.runId, runs);
  const { from = 0, limit = DEFAULT_LIMIT, sites = true } = options;
  const at = Math.min(options.at ?? events.length, events.length);
  const start = { ...asClaimed(row), version: row.hash };
  const request = { start, events, at, from, limit, sites };
  const { trace, where } = await dryRuns.trace(
    row,
    request,
    durationMs(options.timeout ?? "10s", "timeout"),
  );
  const entry = (effect: TracedEffect) => entryOf(effect, row);
  return {
    runId: row.runId,
    workflow: row.workflow,
    version: { hash: row.hash, label: row.versionLabel },
    generation: row.generation,
    events: events.length,
    at,
    startedAt: row.startedAt === null ? null : new Date(row.startedAt),
    effects: trace.effects.map(entry),
    total: trace.total,
    waiting: trace.waiting.map(entry),
    outcome: trace.outcome,
    drift: authoredFacts(trace.drift, row),
    refused: authoredFacts(trace.refused, row),
    replayed: where,
  };
}

/**
 * Finds the lines at which a run waits.
 *
 * @param row The run.
 * @param options After how many events, and how many lines to show.
 * @param runs Reads the run's history.
 * @param dryRuns Replays the run, and reads its source.
 * @returns The places.
 */
export async function whereOf(
  row: RunRow,
  { around = 2, ...options }: WhereOptions,
  runs: RunStore,
  dryRuns: DryRuns,
): Promise<RunWaits> {
  const { runId, workflow, version, waiting, drift, refused } = await traceRun(
    row,
    { ...options, limit: 0 },
    runs,
    dryRuns,
  );
  const source = await dryRuns.source(row);
  return {
    runId,
    workflow,
    version,
    from: source.from,
    waiting: waiting.map(({ kind, name, position, requestedAt: since, until, site, calls }) => ({
      kind,
      name,
      position,
      since,
      until,
      site,
      calls,
      lines: site === null ? [] : linesAround(source, site, around),
    })),
    drift,
    refused,
  };
}

/**
 * Returns what a run's code waits for; the first 200.
 *
 * @param row The run.
 * @param runs Reads the run's history.
 * @param dryRuns Replays the run.
 */
export async function pendingOf(
  row: RunRow,
  runs: RunStore,
  dryRuns: DryRuns,
): Promise<PendingEffect[]> {
  const { waiting } = await traceRun(row, { limit: 0 }, runs, dryRuns);
  return waiting.map(({ kind, name, position, until, site }) => ({
    kind,
    name,
    position,
    until,
    site,
  }));
}

function entryOf(effect: TracedEffect, row: RunRow): TraceEntry {
  const { position, kind, name, child, answer } = effect;
  const calls = effect.sites.map((site) => ({
    ...authoredFacts(site, row),
    member: memberOf(site.file),
  }));
  return {
    position,
    kind,
    name,
    input: effect.input === null ? undefined : decode(effect.input),
    until: effect.until === null ? null : new Date(effect.until),
    child,
    requestedAt: new Date(effect.requestedAt),
    state: answer === null ? effect.state === "waiting" ? "waiting" : "withdrawn" : stateOf(answer),
    answeredAt: answer && new Date(answer.at),
    event: answer && answer.seq,
    value: answer === null ? undefined : eventValue(answer),
    attempts: effect.failures.map((failure) => ({
      ...eventValue(failure) as { attempt: number; error: unknown; nextTry: Date },
      failedAt: new Date(failure.at),
    })),
    site: calls[0] ?? null,
    calls,
  };
}

function stateOf({ kind }: TracedAnswer): TraceEntry["state"] {
  if (kind === "signal.timeout") return "timed_out";
  return kind.endsWith(".failed") ? "failed" : "completed";
}
