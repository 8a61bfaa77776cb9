/**
 * What commands read, by name. An observer answers each reading under `/api/` and its name, so a
 * command prints the same whether it reads from a database or from an observer.
 *
 * - READING-1: a reading changes nothing, and what a request passes to it is converted before it is
 *   used: it names no file and no module of the server, and no time that a server must not spend.
 *
 * @module
 */

import { inWords } from "../../base/describe.ts";
import { refuse } from "../../base/arguments.ts";
import type { Duration } from "../../base/duration.ts";
import { lookForAnswer } from "../answers.ts";
import { compareRuns, type RunComparison } from "../compare.ts";
import { type Continuum, given } from "../client.ts";
import { healthReport, listNodes, listQueues } from "../health.ts";
import { ACTION_FILTERS, listOperations, type OperationFilter } from "../operations.ts";
import { patchesOf } from "../patches.ts";
import { diffOf } from "../preflight.ts";
import {
  countRuns,
  listRuns,
  type RunFilter,
  runGenerations,
  runHistory,
  type RunPlace,
  showRun,
  traceOfRun,
  whereRunWaits,
} from "../runs.ts";
import { resultOf } from "../result.ts";
import { SCHEDULE_STATES, type ScheduleFilter, schedulePage, showSchedule } from "../schedules.ts";
import { MAX_DEPTH, MAX_RUNS, runTree } from "../tree.ts";
import { bulkJobs, type UpgradeRequest, verdictPage } from "../upgrade.ts";
import {
  listVersions,
  showVersion,
  VERSION_STATES,
  versionSource,
  type VersionState,
  versionUse,
} from "../versions.ts";
import {
  choice,
  condition,
  converted,
  type Converter,
  deadline,
  filter,
  flag,
  hash,
  listOf,
  text,
} from "./converters.ts";
import { time, whole } from "./converters.ts";

/** Something to read. */
export interface Reading<Args extends object, Result> {
  /** The rights that a viewer of an observer needs. */
  readonly rights: readonly ["read", ..."source"[]];
  /** Whether it concerns the whole database, and not one namespace. */
  readonly everywhere?: true;
  /** Whether it costs much, such as a replay. */
  readonly heavy?: true;
  /** Convert what a request passes. */
  readonly args: { readonly [Key in keyof Args]-?: Converter };
  /** The arguments that can't be left out. */
  readonly needs?: readonly (keyof Args & string)[];
  /**
   * Reads.
   *
   * @param client The client.
   * @param args The arguments.
   * @param timeout How long the database may look for it; no limit when omitted.
   */
  read(client: Continuum, args: Args, timeout?: Duration): Promise<Result>;
  /**
   * Leaves out the code, for a viewer without the right `source`.
   *
   * @param result What was read.
   */
  withoutSource?(result: Result): Result;
}

function reading<Args extends object, Result>(
  reading: Reading<Args, Result>,
): Reading<Args, Result> {
  return reading;
}

/** After this time a page of verdicts ends, at the next batch of runs, in milliseconds. */
const VERDICTS_MS = 5_000;

/** How many items a page has at most. */
const PAGE = 1_000;

/** How many schedules a page has: one more is asked for, to know whether there are more. */
const SCHEDULES = 999;

interface OfRun {
  readonly id: string;
}

interface Part {
  readonly from?: number;
  readonly limit?: number;
}

interface Page {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

interface Replayed {
  readonly at?: number;
  readonly generation?: number;
  readonly timeout?: number;
}

const REPLAYED = { at: whole(0), generation: whole(0), timeout: deadline };
const PART = { from: whole(0), limit: whole(1) };
const CURSOR = { limit: whole(1, PAGE), cursor: text };

/** All readings, by the name that the API has for them. */
export const READINGS = {
  "runs.list": reading<Page & { readonly filter: RunFilter }, Result<typeof listRuns>>({
    rights: ["read"],
    args: { filter, ...CURSOR },
    needs: ["filter"],
    read: (client, { filter, ...page }, timeout) => listRuns(client, filter, { ...page, timeout }),
  }),
  "runs.count": reading<
    { readonly filter: RunFilter; readonly limit?: number | undefined },
    number
  >({
    rights: ["read"],
    args: { filter, limit: whole(1) },
    needs: ["filter"],
    read: (client, { filter, limit }, timeout) =>
      countRuns(client, filter, limit, undefined, timeout),
  }),
  "runs.show": reading<OfRun, Result<typeof showRun>>({
    rights: ["read"],
    args: { id: text },
    needs: ["id"],
    read: (client, { id }) => showRun(client, id),
  }),
  "runs.result": reading<OfRun, Result<typeof resultOf>>({
    rights: ["read"],
    args: { id: text },
    needs: ["id"],
    read: (client, { id }) => resultOf(client, id),
  }),
  "runs.answer": reading<OfRun & { readonly ask: string }, Result<typeof lookForAnswer>>({
    rights: ["read"],
    args: { id: text, ask: text },
    needs: ["id", "ask"],
    read: (client, { id, ask }) => lookForAnswer(client, id, ask),
  }),
  "runs.where": reading<OfRun & Replayed & { readonly around?: number }, RunPlace>({
    rights: ["read"],
    heavy: true,
    args: { id: text, around: whole(0, 100), ...REPLAYED },
    needs: ["id"],
    read: (client, { id, ...options }) => whereRunWaits(client, id, options),
    withoutSource: ({ waits, ...place }) => ({
      ...place,
      waits: waits && { ...waits, waiting: waits.waiting.map((at) => ({ ...at, lines: [] })) },
    }),
  }),
  "runs.trace": reading<OfRun & Replayed & Part, Result<typeof traceOfRun>>({
    rights: ["read"],
    heavy: true,
    args: { id: text, ...PART, limit: whole(1, 10_000), ...REPLAYED },
    needs: ["id"],
    read: (client, { id, ...options }) => traceOfRun(client, id, options),
  }),
  "runs.history": reading<
    OfRun & Part & { readonly generation?: number },
    Result<typeof runHistory>
  >({
    rights: ["read"],
    heavy: true,
    args: { id: text, generation: whole(0), ...PART },
    needs: ["id"],
    read: (client, { id, ...options }) => runHistory(client, id, options),
  }),
  "runs.generations": reading<OfRun & Part, Result<typeof runGenerations>>({
    rights: ["read"],
    args: { id: text, ...PART },
    needs: ["id"],
    read: (client, { id, ...options }) => runGenerations(client, id, options),
  }),
  "runs.tree": reading<
    OfRun & { readonly depth?: number; readonly limit?: number },
    Result<typeof runTree>
  >({
    rights: ["read"],
    args: { id: text, depth: whole(0, MAX_DEPTH), limit: whole(1, MAX_RUNS) },
    needs: ["id"],
    read: (client, { id, ...options }) => runTree(client, id, options),
  }),
  "runs.diff": reading<
    { readonly a: string; readonly b: string; readonly timeout?: number | undefined },
    RunComparison
  >({
    rights: ["read", "source"],
    heavy: true,
    args: { a: text, b: text, timeout: deadline },
    needs: ["a", "b"],
    read: (client, { a, b, timeout }) => compareRuns(client, a, b, { timeout }),
  }),
  "runs.jobs": reading<
    { readonly limit: number; readonly everywhere?: boolean | undefined },
    Result<typeof bulkJobs>
  >({
    rights: ["read"],
    everywhere: true,
    args: { limit: whole(1, PAGE), everywhere: flag },
    needs: ["limit"],
    read: (client, { limit, everywhere }) => bulkJobs(client, limit, everywhere),
  }),
  "runs.verdicts": reading<
    Omit<UpgradeRequest, "signal" | "limit"> & Page & { readonly limit: number },
    Result<typeof verdictPage>
  >({
    rights: ["read"],
    heavy: true,
    args: {
      to: text,
      workflow: text,
      where: condition,
      stopAfterFailures: whole(1),
      ...CURSOR,
    },
    needs: ["limit"],
    read: (client, { cursor, ...request }) =>
      verdictPage(client, request, { cursor, pauseAfter: VERDICTS_MS }),
    withoutSource: ({ verdicts, ...page }) => ({
      ...page,
      verdicts: verdicts.map(({ cause, ...verdict }) => ({
        ...verdict,
        cause: cause && {
          ...cause,
          recordedAt: cause.recordedAt && { ...cause.recordedAt, text: null },
          requestedAt: cause.requestedAt && { ...cause.requestedAt, text: null },
        },
      })),
    }),
  }),
  "versions.list": reading<
    Page & {
      readonly workflow?: string | undefined;
      readonly state?: VersionState | undefined;
    },
    Result<typeof listVersions>
  >({
    rights: ["read"],
    everywhere: true,
    args: { ...CURSOR, workflow: text, state: choice(VERSION_STATES) },
    read: (client, options) => listVersions(client, given(options)),
  }),
  "versions.show": reading<{ readonly hash: string }, Result<typeof showVersion>>({
    rights: ["read"],
    everywhere: true,
    args: { hash: text },
    needs: ["hash"],
    read: (client, { hash }) => showVersion(client, hash),
  }),
  "versions.source": reading<
    { readonly hash: string; readonly member?: string | undefined },
    Result<typeof versionSource>
  >({
    rights: ["read", "source"],
    everywhere: true,
    args: { hash: text, member: text },
    needs: ["hash"],
    read: (client, { hash, member }) => versionSource(client, hash, member),
  }),
  "versions.diff": reading<
    {
      readonly a: string;
      readonly b: string;
      readonly member?: string | undefined;
      readonly timeout: number;
      readonly ignoreWhitespace?: boolean | undefined;
    },
    Result<typeof diffOf>
  >({
    rights: ["read", "source"],
    everywhere: true,
    heavy: true,
    args: { a: hash, b: hash, member: text, timeout: deadline, ignoreWhitespace: flag },
    needs: ["a", "b", "timeout"],
    read: (client, { a, b, ...options }) => diffOf(client, a, b, { member: undefined, ...options }),
  }),
  "versions.patches": reading<
    { readonly workflow: string; readonly limit?: number | undefined },
    Result<typeof patchesOf>
  >({
    rights: ["read", "source"],
    everywhere: true,
    heavy: true,
    args: { workflow: text, limit: whole(1, 10_000) },
    needs: ["workflow"],
    read: (client, { workflow, ...options }) => patchesOf(client, workflow, given(options)),
  }),
  "versions.use": reading<{ readonly hash: string }, Result<typeof versionUse>>({
    rights: ["read"],
    args: { hash: text },
    needs: ["hash"],
    read: (client, { hash }) => versionUse(client, hash),
  }),
  "schedules.list": reading<
    Omit<ScheduleFilter, "version"> & { readonly after?: string | undefined },
    Result<typeof schedulePage>
  >({
    rights: ["read"],
    args: { workflow: text, states: listOf(choice(SCHEDULE_STATES)), after: text },
    read: (client, { after, ...filter }) =>
      schedulePage(client, filter, { after, limit: SCHEDULES }),
  }),
  "schedules.show": reading<{ readonly id: string }, Result<typeof showSchedule>>({
    rights: ["read"],
    args: { id: text },
    needs: ["id"],
    read: (client, { id }) => showSchedule(client, id),
  }),
  "queues": reading<Record<never, never>, Result<typeof listQueues>>({
    rights: ["read"],
    everywhere: true,
    args: {},
    read: (client) => listQueues(client),
  }),
  "nodes": reading<Record<never, never>, Result<typeof listNodes>>({
    rights: ["read"],
    everywhere: true,
    args: {},
    read: (client) => listNodes(client),
  }),
  "health": reading<{ readonly strict: boolean }, Result<typeof healthReport>>({
    rights: ["read"],
    everywhere: true,
    args: { strict: flag },
    needs: ["strict"],
    read: (client, options) => healthReport(client, options),
  }),
  "audit": reading<OperationFilter & Page, Result<typeof listOperations>>({
    rights: ["read"],
    everywhere: true,
    args: {
      run: text,
      target: text,
      action: choice(ACTION_FILTERS),
      as: text,
      since: time,
      ...CURSOR,
    },
    read: (client, { limit, cursor, ...filter }) =>
      listOperations(client, filter, { limit, cursor }),
  }),
};

// deno-lint-ignore no-explicit-any -- of whatever function
type Result<Read extends (...args: any[]) => Promise<unknown>> = Awaited<ReturnType<Read>>;

/** The names of readings. */
export type ReadingName = keyof typeof READINGS;

/** What a reading takes. */
export type ArgsOf<Name extends ReadingName> = Parameters<typeof READINGS[Name]["read"]>[1];

/** What a reading results in. */
export type ResultOf<Name extends ReadingName> = Result<typeof READINGS[Name]["read"]>;

/** Arguments of any reading. */
type Json = Readonly<Record<string, unknown>>;

/**
 * Converts what a request passes to a reading (READING-1).
 *
 * @param name The reading.
 * @param given The arguments, as JSON has them.
 * @throws {InvalidArgumentError} If one is missing, unknown or wrong.
 */
export function argsOf(name: ReadingName, given: unknown): object {
  const { args, needs = [] } = READINGS[name] as Pick<Reading<Json, unknown>, "args" | "needs">;
  const what = `the arguments of reading ${name}`;
  const found = converted(given, args, what);
  const missing = needs.find((key) => !(key in found));
  return missing === undefined ? found : refuse(what, inWords("some"), `also ${missing}`);
}
