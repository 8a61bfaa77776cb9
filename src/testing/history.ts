/**
 * Histories as files: the start of a run, and all of its events.
 *
 * @module
 */

import { checkOptions } from "../base/arguments.ts";
import { describe } from "../base/describe.ts";
import { isSha256Hex } from "../base/encoding.ts";
import { historyOf } from "../client/run/replayer.ts";
import type { RunState } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import type { HistoryEvent } from "../replay/history.ts";
import type { RunStart } from "../replay/turn.ts";
import type { DatabaseAdapter } from "../store/sql/driver.ts";
import { openStore } from "../store/open.ts";
import { HistoryFormatError } from "./errors.ts";
import { runNotFound } from "../client/errors.ts";

const FORMAT = "continuum.history";

/**
 * A run's history as plain JSON, in a format that is stable across releases. Times are milliseconds
 * since the epoch. `input`, `result`, `error` and payloads are texts, encoded as in the journal.
 */
export interface RunHistory {
  /** Identifies the format. */
  readonly format: "continuum.history";
  /** The version of the format, which increases when the format changes. */
  readonly formatVersion: 1;
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version hash of the code that the run is pinned to. */
  readonly version: string;
  /** How often the run has continued as new; earlier generations are not included. */
  readonly generation: number;
  /** The number of the run's attempt; 1 when omitted. */
  readonly attempt?: number;
  /** When the generation started. */
  readonly startedAt: number;
  /** The seed of `random()` and `uuid()`. */
  readonly seed: string;
  /** The encoded input. */
  readonly input: string;
  /** The run's state. */
  readonly state: RunState;
  /** The encoded result, if completed. */
  readonly result: string | null;
  /** The encoded error, if it failed or was ended. */
  readonly error: string | null;
  /** The events, in order. */
  readonly events: readonly HistoryEvent[];
}

/** Options of {@linkcode dumpHistory}. */
export interface DumpHistoryOptions {
  /** The database, as in `Continuum.open`. */
  readonly database?: string | DatabaseAdapter | undefined;
  /**
   * The database schema.
   *
   * @default {"continuum"}
   */
  readonly schema?: string;
  /**
   * The run's namespace.
   *
   * @default {"default"}
   */
  readonly namespace?: string;
}

/**
 * Reads a run's history from a database, such as the production database, to replay it in a test.
 * It writes nothing.
 *
 * @param runId The run.
 * @param options The database.
 * @returns The history, which `JSON.stringify` converts to the text of a file.
 * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run. Errors of the database are
 * passed on.
 */
export async function dumpHistory(
  runId: string,
  options: DumpHistoryOptions = {},
): Promise<RunHistory> {
  checkOptions(options, ["database", "schema", "namespace"], "dumpHistory()");
  const { namespace = "default" } = options;
  await using store = await openStore(options);
  return await readHistory(runId, store.runs.in(namespace));
}

/** Reads a run's history from a store. */
export async function readHistory(runId: string, runs: RunStore): Promise<RunHistory> {
  const row = await runs.get(runId);
  if (row === null) throw runNotFound(runId, "read the history");
  const { workflow, hash, generation, attempt, seed, input, state, result, error } = row;
  return {
    format: FORMAT,
    formatVersion: 1,
    runId,
    workflow,
    version: hash,
    generation,
    attempt,
    startedAt: row.startedAt ?? row.createdAt,
    seed,
    input,
    state,
    result,
    error,
    events: await historyOf(runId, runs),
  };
}

/**
 * Parses a history from a file.
 *
 * @param json The file's text, or the value from `JSON.parse` or a JSON import.
 * @returns The history.
 * @throws {HistoryFormatError} If the value is not a history, or has a format that this release
 * does not know.
 */
export function loadHistory(json: unknown): RunHistory {
  const value = typeof json === "string" ? parsed(json) : json;
  if (typeof value !== "object" || value === null) throw new HistoryFormatError(describe(value));
  const history = value as Readonly<Record<keyof RunHistory, unknown>>;
  const { format, formatVersion, version, events } = history;
  if (format !== FORMAT) throw new HistoryFormatError(`the format ${describe(format)}`);
  if (formatVersion !== 1) {
    throw new HistoryFormatError(`version ${describe(formatVersion)} of the format`);
  }
  for (const key of ["runId", "workflow", "seed", "input", "state"] as const) {
    if (typeof history[key] !== "string") {
      throw new HistoryFormatError(`${describe(history[key])} as its ${key}`);
    }
  }
  for (const key of ["generation", "startedAt"] as const) {
    if (!Number.isInteger(history[key])) {
      throw new HistoryFormatError(`${describe(history[key])} as its ${key}`);
    }
  }
  if (history.attempt !== undefined && !Number.isInteger(history.attempt)) {
    throw new HistoryFormatError(`${describe(history.attempt)} as its attempt`);
  }
  if (typeof version !== "string" || !isSha256Hex(version)) {
    throw new HistoryFormatError(`${describe(version)} as its version`);
  }
  if (!Array.isArray(events) || !events.every(isEvent)) {
    throw new HistoryFormatError("an invalid list of events");
  }
  return value as RunHistory;
}

/** Returns the start of an execution. */
export function startOf(history: RunHistory): RunStart {
  const { runId, workflow, version, input, seed, startedAt, generation, attempt = 1 } = history;
  return { runId, workflow, version, input, seed, startedAt, generation, attempt };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HistoryFormatError("text that is no JSON");
  }
}

function isEvent(event: unknown): boolean {
  if (typeof event !== "object" || event === null) return false;
  const { seq, kind, position, name, digest, payload, at } = event as Record<string, unknown>;
  return Number.isInteger(seq) && typeof kind === "string" && typeof name === "string" &&
    (position === null || Number.isInteger(position)) && isTextOrNull(digest) &&
    isTextOrNull(payload) && Number.isInteger(at);
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}
