/**
 * Asks the code of a run for its state, as TRACE-1 of `trace.ts` says: in this process if it executes
 * that code already, otherwise in a subprocess. Nothing is written (QUERY-1).
 *
 * @module
 */

import { authored } from "../../base/authored.ts";
import { queryFailed, readError, unknownQuery } from "../../base/run_errors.ts";
import { decode } from "../../base/values.ts";
import { demandDecoded, demandEvents } from "../../ports/readable.ts";
import type { RunRow } from "../../ports/rows.ts";
import { readGeneration } from "./generations.ts";
import { claimedForm, rawHistoryOf } from "./replayer.ts";
import type { TraceContext } from "./trace.ts";

/**
 * Asks the code of a run.
 *
 * @param row The run.
 * @param name The name of the query.
 * @param arg Its encoded argument.
 * @param timeoutMs Milliseconds that a subprocess has for an answer.
 * @param context Reads the history, and replays it.
 * @returns The answer.
 * @throws {QueryError} If there is none.
 */
export async function queryRun(
  row: RunRow,
  name: string,
  arg: string,
  timeoutMs: number,
  context: TraceContext,
): Promise<unknown> {
  const { hash, input, seed, attempt, startedAt, firstSeq } = await readGeneration(
    row,
    row.generation,
    context.runs,
  );
  const events = await rawHistoryOf(row.runId, context.runs, row.generation);
  const present = { ...row, hash, input, seed, attempt, startedAt, firstSeq };
  const start = { ...claimedForm(present), version: hash };
  demandDecoded(start.input);
  demandEvents(events);
  const reply = await context.dryRuns.query(present, { start, events, name, arg }, timeoutMs);
  const place = { runId: row.runId, query: name };
  switch (reply.kind) {
    case "value":
      return decode(reply.payload);
    case "failed": {
      const cause = readError(authored(reply.error, row));
      throw queryFailed(place, "its function threw", cause);
    }
    case "stopped":
      throw queryFailed(place, authored(reply.why, row), undefined);
    case "unknown":
      throw unknownQuery(place, reply.names);
  }
}
