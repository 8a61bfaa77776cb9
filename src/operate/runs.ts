/**
 * Finding runs, and looking into them, as plain JSON.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import { isContinuumError } from "../base/errors.ts";
import type { RunWhere } from "../client/run/conditions.ts";
import type { Generation, HistoryOptions } from "../client/run/generations.ts";
import type { HistoryEntry } from "../client/run/history.ts";
import type { RunStatus } from "../client/run/status.ts";
import type { RunTrace, TraceOptions } from "../client/run/trace_shapes.ts";
import type { RunWaits, WhereOptions } from "../client/run/where.ts";
import type { Continuum } from "../continuum.ts";
import { given } from "./client.ts";
import { type Json, type Plain, plain } from "./plain.ts";
import { type RunLine, runLine, type StateWord } from "./run_lines.ts";
import { currentVersions, findVersion } from "./versions.ts";

/** Which runs. Whatever is given must hold. */
export interface RunFilter {
  /** The states, or words for several; all when omitted. */
  readonly states?: readonly StateWord[] | undefined;
  /** The workflow's name. */
  readonly workflow?: string | undefined;
  /**
   * The first digits of a version's hash; `current`: pinned to the current version of the workflow;
   * `old`: pinned to another.
   */
  readonly version?: string | undefined;
  /** What the id begins with. */
  readonly idPrefix?: string | undefined;
  /** The id of the run that started it. */
  readonly parent?: string | undefined;
  /** The id of the run of which it is a fork. */
  readonly forksOf?: string | undefined;
  /** Attributes that it has. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Created at this time or later. */
  readonly since?: Date | undefined;
  /** Created at this time or earlier. */
  readonly until?: Date | undefined;
  /** Ended at this time or later. */
  readonly endedSince?: Date | undefined;
  /** Any further condition. */
  readonly where?: RunWhere | undefined;
}

/** A page of runs. */
export interface RunLines {
  /** The runs. */
  readonly runs: readonly RunLine[];
  /** Leads to the next page; `null`: there is none. */
  readonly cursor: string | null;
}

/**
 * Converts a filter to a condition of `runs.query()`.
 *
 * @param client The client, which knows the versions.
 * @param filter The filter.
 * @throws {VersionNotFoundError} If `version` names none.
 */
export async function conditionOf(client: Continuum, filter: RunFilter): Promise<RunWhere> {
  const { states, workflow, idPrefix, parent, forksOf, attributes } = filter;
  const { since, until, endedSince } = filter;
  const where = filter.where as object | undefined;
  const own = [
    ...stateCondition(states),
    ...(filter.version === undefined ? [] : [await versionCondition(client, filter.version)]),
    ...(since === undefined ? [] : [{ createdAt: { gte: since } }]),
    ...(until === undefined ? [] : [{ createdAt: { lte: until } }]),
    ...(endedSince === undefined ? [] : [{ endedAt: { gte: endedSince } }]),
    ...(idPrefix === undefined ? [] : [{ id: { prefix: idPrefix } }]),
    given({ workflow, parent, forksOf, attributes }),
  ].filter((part) => Object.keys(part).length > 0);
  return { and: where === undefined ? own : [...own, where] };
}

/** Which part of a list. */
export interface PageOptions {
  /** How many, from 1 to 1,000; 50 when omitted. */
  readonly limit?: number | undefined;
  /** The cursor of the page before. */
  readonly cursor?: string | undefined;
  /** The namespace; that of the client when omitted. */
  readonly namespace?: string | undefined;
  /** How long the server may look for the runs; no limit when omitted. */
  readonly timeout?: Duration | undefined;
}

/**
 * Lists runs, the newest first. If all that is asked for are parked and failed runs, the latest
 * trouble comes first.
 *
 * @param client The client.
 * @param filter Which runs.
 * @param page How many, and the cursor of the page before.
 * @throws {QueryTimeoutError} If the server looks for longer than `timeout`.
 */
export async function listRuns(
  client: Continuum,
  filter: RunFilter,
  page: PageOptions = {},
): Promise<RunLines> {
  const where = withoutEmpty(await conditionOf(client, filter));
  const { runs, cursor } = isTroubled(filter)
    ? await client.runs.troubles(given({ ...page, where }))
    : await client.runs.query(given({ ...page, where }));
  const workflows = new Set(runs.map(({ workflow }) => workflow));
  const current = await currentVersions(client, [...workflows]);
  return { runs: runs.map((run) => runLine(run, current.get(run.workflow))), cursor };
}

/**
 * Counts runs.
 *
 * @param client The client.
 * @param filter Which runs.
 * @param limit Where counting stops; a result that is equal to it means this many or more.
 * @param namespace The namespace; that of the client when omitted.
 * @param timeout How long the server may count; no limit when omitted.
 * @throws {QueryTimeoutError} If the server counts for longer.
 */
export async function countRuns(
  client: Continuum,
  filter: RunFilter,
  limit?: number,
  namespace?: string,
  timeout?: Duration,
): Promise<number> {
  const where = withoutEmpty(await conditionOf(client, filter));
  return await client.runs.count(given({ where, limit, namespace, timeout }));
}

/** A run, with its values. */
export type RunDetails = Plain<RunStatus> & {
  /** Whether it is pinned to its workflow's current version. */
  readonly current: boolean | null;
  /** The workflow's input. */
  readonly input: Json;
  /** What it returned; `null` unless it completed. */
  readonly result: Json;
};

/**
 * Shows a run.
 *
 * @param client The client.
 * @param id Its id.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function showRun(client: Continuum, id: string): Promise<RunDetails> {
  const status = await client.run(id).status();
  const { runs: [row] } = await client.runs.query({ where: { id }, payloads: true });
  const current = await currentVersions(client, [status.workflow]);
  return {
    ...plain(status),
    current: status.version.hash === current.get(status.workflow),
    input: plain(row?.payloads?.input),
    result: status.state === "completed" ? plain(row?.payloads?.result) : null,
  };
}

/**
 * Reads with what a run has failed.
 *
 * @param client The client.
 * @param id Its id.
 * @returns The error; `null`: it has not failed, or there is no such run any more.
 */
export async function runError(client: Continuum, id: string): Promise<Json> {
  try {
    return plain((await client.run(id).status()).error ?? null);
  } catch (error) {
    if (isContinuumError(error, "RUN_NOT_FOUND")) return null;
    throw error;
  }
}

/**
 * Reads the history of a run.
 *
 * @param client The client.
 * @param id Its id.
 * @param options Which generation, and which part.
 */
export async function runHistory(
  client: Continuum,
  id: string,
  options: HistoryOptions = {},
): Promise<Plain<HistoryEntry>[]> {
  return (await client.run(id).history(options)).map((entry) => plain(entry));
}

/**
 * Lists the generations of a run in ascending order.
 *
 * @param client The client.
 * @param id Its id.
 * @param options Which generations.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function runGenerations(
  client: Continuum,
  id: string,
  options: { readonly from?: number; readonly limit?: number } = {},
): Promise<Plain<Generation>[]> {
  return (await client.run(id).generations(options)).map((generation) => plain(generation));
}

/** What a run has done and waits for. */
export type TraceOfRun = Plain<RunTrace>;

/**
 * Traces a run: what it has done and waits for, with the lines of its code.
 *
 * @param client The client.
 * @param id Its id.
 * @param options Which part, and after how many events.
 */
export async function traceOfRun(
  client: Continuum,
  id: string,
  options: TraceOptions = {},
): Promise<TraceOfRun> {
  return plain(await client.run(id).trace(options));
}

/** Where a run waits, or why that can't be found. */
export interface RunPlace {
  /** The run. */
  readonly run: RunDetails;
  /** Where its code waits; `null`: `unavailable` says why that is unknown. */
  readonly waits: Plain<RunWaits> | null;
  /** Why the line can't be found, and the code of the error; `null`: it was found. */
  readonly unavailable: { readonly code: string; readonly message: string } | null;
  /** The last event of its history; `null`: it has none. */
  readonly last: Plain<HistoryEntry> | null;
}

/** Errors that leave the run's state and its history to be shown. */
const NO_LINE = [
  "SUBPROCESS_ENDED",
  "SUBPROCESS_FAILED",
  "SUBPROCESS_TIMEOUT",
  "SUBPROCESS_UNAVAILABLE",
  "VALUE_NOT_DECODED",
  "VERSION_UNAVAILABLE",
];

/**
 * Finds the line at which a run waits. Its code runs in a subprocess without permissions. If that is
 * impossible, the result says why, and what the history ends with.
 *
 * @param client The client.
 * @param id Its id.
 * @param options After how many events, and how many lines to show.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function whereRunWaits(
  client: Continuum,
  id: string,
  options: WhereOptions = {},
): Promise<RunPlace> {
  const run = await showRun(client, id);
  const last = run.events === 0
    ? null
    : (await runHistory(client, id, { from: run.events - 1, limit: 1 }))[0] ?? null;
  try {
    const waits = plain(await client.run(id).where(options));
    return { run, waits, unavailable: null, last };
  } catch (error) {
    if (!isContinuumError(error) || !NO_LINE.includes(error.code)) throw error;
    return { run, waits: null, unavailable: { code: error.code, message: error.message }, last };
  }
}

/** Runs in trouble have an index of their own. */
function isTroubled({ states }: RunFilter): boolean {
  return states !== undefined && states.length > 0 &&
    states.every((state) => state === "parked" || state === "failed" || state.startsWith("stuck_"));
}

function stateCondition(words: RunFilter["states"]): RunWhere[] {
  if (words === undefined || words.includes("any")) return [];
  return [{ state: { in: words.filter((word) => word !== "any") } }];
}

async function versionCondition(client: Continuum, version: string): Promise<RunWhere> {
  if (version === "current" || version === "old") return { current: version === "current" };
  return { version: (await findVersion(client, version)).hash };
}

/** `runs.query()` refuses a condition without parts: all runs are meant. */
function withoutEmpty(where: RunWhere): RunWhere | undefined {
  return where.and?.length === 0 ? undefined : where;
}
