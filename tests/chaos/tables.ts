/**
 * Reads what stands in the tables.
 *
 * @module
 */

import { decode } from "../../src/base/values.ts";
import { decodeError } from "../../src/base/values_failure.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import type { EventRow, Evidence, LeftRow, RunRow } from "./evidence.ts";
import { SCHEMA } from "./world.ts";

/** What is read from the tables. */
export type Tables = Pick<
  Evidence,
  | "runs"
  | "events"
  | "generations"
  | "inbox"
  | "deliveries"
  | "scheduleRows"
  | "firings"
  | "tenures"
  | "bookings"
  | "left"
>;

/** Tables that are empty once all runs have ended and all nodes are closed. */
const EMPTY_IN_THE_END = ["nodes", "leases", "tasks", "version_loads", "adoptions"];

/** Reads all tables. */
export async function readTables(admin: SqlDriver): Promise<Tables> {
  const read = <Row>(text: string) => admin.query<Row>(text.replaceAll("{schema}", SCHEMA));
  const runs = await read<Omit<RunRow, "result" | "error"> & { result: string; error: string }>(
    `select r.id as key, run_id as id, r.workflow, state, parent, origin is not null as "isFork",
       specifier, generation, first_seq as "firstSeq", next_seq as "nextSeq", node,
       must_notify as "mustNotify", ${ms("wake_at")} as "wakeAt", ${
      ms("created_at")
    } as "createdAt",
       ${ms("ended_at")} as "endedAt", result::text, error::text, stuck_reason as stuck
     from {schema}.runs as r join {schema}.workflow_specifiers as s on s.id = r.specifier_id
     order by r.id`,
  );
  const events = await read<Omit<EventRow, "payload"> & { payload: string | null }>(
    `select run, seq, position, ${ms("at")} as at, kind::text, name, payload::text
     from {schema}.events order by run, seq`,
  );
  return {
    runs: runs.map((run) => ({
      ...run,
      result: run.result === null ? null : decode(run.result),
      error: run.error === null ? null : decodeError(run.error),
    })),
    events: events.map((event) => ({
      ...event,
      payload: event.payload === null ? null : readPayload(event.payload),
    })),
    generations: await read(
      `select run, generation, first_seq as "firstSeq", next_seq as "nextSeq"
       from {schema}.generations`,
    ),
    inbox: await read("select run, kind, name from {schema}.inbox"),
    deliveries: await read("select run, kind, name from {schema}.deliveries"),
    scheduleRows: await read(
      `select id as key, schedule_id as id, state, started::integer, skipped::integer,
         missed::integer from {schema}.schedules`,
    ),
    firings: await read(
      `select schedule, ${ms("planned_at")} as "plannedAt", ${ms("fired_at")} as "firedAt", run
       from {schema}.schedule_runs`,
    ),
    tenures: await read(
      `select run, old_token as "oldToken", new_token as "newToken", old_seq as "oldSeq",
         new_seq as "newSeq" from chaos.tenures order by id`,
    ),
    bookings: await read("select run, place from chaos.bookings"),
    left: (await Promise.all(EMPTY_IN_THE_END.map(async (table): Promise<LeftRow[]> => {
      const rows = await read<{ row: string }>(
        `select to_jsonb(t)::text as row from {schema}.${table} as t limit 10`,
      );
      return rows.map(({ row }) => ({ table, row }));
    }))).flat(),
  };
}

function ms(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`;
}

/** A payload of an event: a value, or a failure. */
function readPayload(text: string): unknown {
  try {
    return decode(text);
  } catch {
    return text;
  }
}
