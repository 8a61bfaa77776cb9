/**
 * Reads the generations of a run: the present one, and those before it continued as new or was
 * retried.
 *
 * @module
 */

import { shownValue } from "../../base/encoded.ts";
import { checkBoolean, checkOptions, checkWhole } from "../../base/arguments.ts";
import { decode } from "../../base/values.ts";
import type { GenerationRow, RunRow } from "../../ports/rows.ts";
import type { RunStore, Store } from "../../ports/store.ts";
import { type HistoryEntry, historyEntry, retriedEntries } from "./history.ts";
import { generationNotFound } from "../errors.ts";

/**
 * Options of {@linkcode RunHandle.history}.
 *
 * @category Runs
 */
export interface HistoryOptions {
  /**
   * The generation, from 0. An earlier one is kept until retention removes it, also after the run's
   * end.
   *
   * @default {the present generation}
   */
  readonly generation?: number;
  /**
   * How many of the generation's first entries are skipped, from 0.
   *
   * @default {0}
   */
  readonly from?: number;
  /** The most entries, from 1; all when omitted. */
  readonly limit?: number;
}

/**
 * Options of {@linkcode RunHandle.generations}.
 *
 * @category Runs
 */
export interface GenerationsOptions {
  /**
   * The first generation, from 0.
   *
   * @default {0}
   */
  readonly from?: number;
  /** The most generations, from 1; all when omitted. */
  readonly limit?: number;
  /**
   * Whether the result includes inputs.
   *
   * @default {false}
   */
  readonly payloads?: boolean;
}

/**
 * One generation of a run.
 *
 * @category Runs
 */
export interface Generation {
  /** Its number, from 0. */
  readonly number: number;
  /** Whether it is the present generation. */
  readonly current: boolean;
  /** The code that it was last pinned to. */
  readonly version: {
    /** SHA-256 of the version's manifest, in hex. */
    readonly hash: string;
    /** The label that the definition gives itself. */
    readonly label: string | null;
    /** The specifier that was recorded for it. */
    readonly specifier: string;
  };
  /** When it began; `null`: no node has claimed it yet. */
  readonly startedAt: Date | null;
  /** When the next generation began, or the run ended; `null`: it has not ended. */
  readonly endedAt: Date | null;
  /** The attempt of the run that it belongs to, from 1: a retry of the run begins a generation. */
  readonly attempt: number;
  /** How many events its history has. */
  readonly events: number;
  /** Its input, if `payloads` is set. */
  readonly payloads?: {
    /** The input that it began with. */
    readonly input: unknown;
  };
}

const PAGE = 1_000;

/** The largest value of a column of type `integer`. */
const MOST = 2_147_483_647;

/**
 * Reads the history of one generation.
 *
 * @param row The run, as it is now. If it continues as new meanwhile, the result is still the
 * history of one generation.
 * @param options Which generation, and which part of its history.
 * @param runs Reads the run.
 * @param store Reads the run's activities.
 * @throws {InvalidArgumentError} If an option is invalid.
 * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If the run has no such generation, or
 * retention has removed it.
 */
export async function readHistory(
  row: RunRow,
  options: HistoryOptions,
  runs: RunStore,
  store: Pick<Store, "tasks">,
): Promise<HistoryEntry[]> {
  const { generation = row.generation, from = 0, limit = Infinity } = options;
  if (generation !== row.generation) await readGeneration(row, generation, runs);
  const entries: HistoryEntry[] = [];
  while (entries.length < limit && from + entries.length <= MOST) {
    const wanted = Math.min(limit - entries.length, PAGE);
    const place = from + entries.length;
    const events = await runs.history(row.runId, place, wanted, generation);
    for (const event of events) entries.push(historyEntry(event));
    if (events.length < wanted) break;
  }
  if (generation === row.generation && entries.length < limit) {
    const retried = await retriedEntries(row, store);
    entries.push(...retried.slice(0, Math.min(retried.length, limit - entries.length)));
  }
  return entries;
}

/**
 * Lists generations, in ascending order.
 *
 * @param row The run.
 * @param options Which generations.
 * @param runs Reads the run.
 */
export async function listGenerations(
  row: RunRow,
  options: GenerationsOptions,
  runs: RunStore,
): Promise<Generation[]> {
  const { from = 0, limit = Infinity, payloads = false } = options;
  const listed: Generation[] = [];
  for (let next = from; listed.length < limit && next <= MOST;) {
    const wanted = Math.min(limit - listed.length, PAGE);
    const rows = await runs.generations(row.runId, next, wanted);
    for (const found of rows) listed.push(shown(found, payloads));
    const last = rows.at(-1);
    if (last === undefined || rows.length < wanted) break;
    next = last.number + 1;
  }
  return listed;
}

/** Checks the options of {@linkcode readHistory}, before any query. */
export function checkHistoryOptions(options: HistoryOptions): void {
  checkOptions(options, ["generation", "from", "limit"], "history()");
  const { generation = 0 } = options;
  checkWhole(generation, "option generation of history()", 0);
  checkPart(options, "history()");
}

/** Checks the options of {@linkcode listGenerations}, before any query. */
export function checkGenerationsOptions(options: GenerationsOptions): void {
  checkOptions(options, ["from", "limit", "payloads"], "generations()");
  const { payloads = false } = options;
  checkPart(options, "generations()");
  checkBoolean(payloads, "option payloads of generations()");
}

function checkPart(
  { from = 0, limit = Infinity }: { readonly from?: number; readonly limit?: number },
  call: string,
): void {
  checkWhole(from, `option from of ${call}`, 0);
  if (limit !== Infinity) checkWhole(limit, `option limit of ${call}`, 1);
}

/**
 * Reads one generation.
 *
 * @param row The run.
 * @param generation Its number.
 * @param runs Reads it.
 * @throws {RunNotFoundError} (`GENERATION_NOT_FOUND`) If the run has no such generation, or
 * retention has removed it.
 */
export async function readGeneration(
  row: RunRow,
  generation: number,
  runs: RunStore,
): Promise<GenerationRow> {
  const { runId } = row;
  const [found] = generation > MOST ? [] : await runs.generations(runId, generation, 1);
  if (found?.number === generation) return found;
  const [first] = await runs.generations(runId, 0, 1);
  throw generationNotFound(runId, generation, {
    first: first?.number ?? row.generation,
    last: row.generation,
  });
}

function shown(row: GenerationRow, payloads: boolean): Generation {
  const { number, over, hash, versionLabel: label, specifier, events, attempt } = row;
  const { startedAt, endedAt } = row;
  return {
    number,
    attempt,
    current: !over,
    version: { hash, label, specifier },
    startedAt: startedAt === null ? null : new Date(startedAt),
    endedAt: endedAt === null ? null : new Date(endedAt),
    events,
    ...(payloads ? { payloads: { input: shownValue(row.input, decode) } } : {}),
  };
}
