/**
 * Histories as files: the start of a run, and all of its events.
 *
 * @module
 */

import { runNotFound } from "../base/run_errors.ts";
import { checkOptions } from "../base/arguments.ts";
import { describe } from "../base/describe.ts";
import { HISTORY_FORMAT, HISTORY_SHAPE, policyFields, type RunHistory } from "../bundle/history.ts";
import { historyOf } from "../client/run/replayer.ts";
import type { PayloadCodec } from "../codec/codec.ts";
import { demandDecoded } from "../ports/readable.ts";
import type { RunStore } from "../ports/store.ts";
import type { DatabaseAdapter } from "../store/sql/driver.ts";
import { openStore } from "../store/open.ts";
import { HistoryFormatError } from "./errors.ts";

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
  /** The payload codec, as in `Continuum.open`. The history holds the values in plain text. */
  readonly codec?: PayloadCodec | undefined;
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
 * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If a value can't be decoded.
 */
export async function dumpHistory(
  runId: string,
  options: DumpHistoryOptions = {},
): Promise<RunHistory> {
  checkOptions(options, ["database", "schema", "namespace", "codec"], "dumpHistory()");
  const { namespace = "default" } = options;
  await using store = await openStore(options);
  return await readHistory(runId, store.runs.in(namespace));
}

/** Reads a run's history from a store. */
export async function readHistory(runId: string, runs: RunStore): Promise<RunHistory> {
  const row = await runs.get(runId);
  if (row === null) throw runNotFound(runId, "read the history");
  const { workflow, hash, generation, attempt, seed, input, state, result, error, origin } = row;
  for (const text of [input, result, error]) demandDecoded(text);
  return {
    format: HISTORY_FORMAT,
    formatVersion: 1,
    runId,
    workflow,
    version: hash,
    generation,
    attempt,
    ...(origin === null ? {} : { origin }),
    ...policyFields(row.policy),
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
  const { format, formatVersion } = value as Readonly<Record<string, unknown>>;
  if (format !== HISTORY_FORMAT) throw new HistoryFormatError(`the format ${describe(format)}`);
  if (formatVersion !== 1) {
    throw new HistoryFormatError(`version ${describe(formatVersion)} of the format`);
  }
  const fault = HISTORY_SHAPE(value, "");
  if (fault === undefined) return value as RunHistory;
  throw new HistoryFormatError(`${describe(fault.found)} as its ${fault.path}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HistoryFormatError("text that is no JSON");
  }
}
