/**
 * Every run that a caller started is there once, and ended as its program says.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { programOf, TICK } from "../programs/all.ts";
import { grouped } from "./grouped.ts";

/** Checks the ends of runs. */
export function* checkEnds(evidence: Evidence): Generator<Finding> {
  const { planned, heard, runs, complaints } = evidence;
  const byId = new Map(runs.map((run) => [run.id, run]));
  const eventsOf = grouped(evidence.events, ({ run }) => run);
  const bookingsOf = grouped(evidence.bookings, ({ run }) => run);
  const notesOf = grouped(evidence.notes, ({ run }) => run);
  const wanted = new Set<string>();
  for (const message of complaints) yield { promise: ENDS, message };
  for (const drawn of planned) {
    const { name, program } = drawn;
    const told = heard.get(name);
    if (told === undefined) {
      yield { promise: ONCE, message: `The start of ${name} was never acknowledged` };
      continue;
    }
    for (const id of [told.id, ...told.fork === null ? [] : [told.fork]]) {
      wanted.add(id);
      const row = byId.get(id);
      if (row === undefined) {
        yield { promise: ONCE, message: `Run ${id} was acknowledged, and is not there` };
        continue;
      }
      const facts = {
        drawn,
        row,
        events: eventsOf.get(row.key) ?? [],
        bookings: bookingsOf.get(id) ?? [],
        notes: notesOf.get(id) ?? [],
      };
      for (const fault of programOf(program).check(facts)) {
        yield { promise: ENDS, message: `Run ${id} ${fault}${reasonOf(row)}` };
      }
    }
    const row = byId.get(told.id);
    if ("result" in told && JSON.stringify(told.result) !== JSON.stringify(row?.result)) {
      const given = JSON.stringify(told.result);
      yield { promise: ENDS, message: `A caller of run ${told.id} was given ${given}` };
    }
  }
  for (const { id, parent, workflow } of runs) {
    if (parent !== null || workflow === TICK || wanted.has(id)) continue;
    yield { promise: ONCE, message: `No caller started run ${id} of ${workflow}` };
  }
}

const ENDS = "every run ends as its program says";
const ONCE = "no run is lost or doubled";

function reasonOf({ error, stuck }: { readonly error: unknown; readonly stuck: unknown }): string {
  const shown = error instanceof Error ? `${error.name}: ${error.message}` : error ?? stuck;
  return shown === null ? "" : ` (${typeof shown === "string" ? shown : JSON.stringify(shown)})`;
}
