/**
 * Histories have no gaps, and were written by one owner after the other.
 *
 * @module
 */

import type { EventRow, Evidence, Finding, TenureRow } from "../evidence.ts";
import { grouped } from "./grouped.ts";

/** Checks that the events of each run are those that its row and its generations speak of. */
export function* checkHistories(evidence: Evidence): Generator<Finding> {
  const { runs, events, generations } = evidence;
  const eventsOf = grouped(events, ({ run }) => run);
  const generationsOf = grouped(generations, ({ run }) => run);
  for (const run of runs) {
    const found = (eventsOf.get(run.key) ?? []).map(({ seq }) => seq);
    eventsOf.delete(run.key);
    const gap = found.findIndex((seq, at) => seq !== at);
    const gapMessage = `Run ${run.id} has event ${found[gap]} in the place of ${gap}`;
    if (gap >= 0) yield { promise: GAPS, message: gapMessage };
    if (found.length !== run.nextSeq) {
      const message = `Run ${run.id} has ${found.length} events, wanted ${run.nextSeq}`;
      yield { promise: GAPS, message };
    }
    let next = 0;
    const earlier = (generationsOf.get(run.key) ?? []).sort((a, b) => a.generation - b.generation);
    for (const [at, { generation, firstSeq, nextSeq }] of earlier.entries()) {
      if (generation !== at || firstSeq !== next || nextSeq < firstSeq) {
        const message = `Generation ${generation} of run ${run.id} has events ${firstSeq} to ` +
          `${nextSeq}, wanted generation ${at} from ${next}`;
        yield { promise: GAPS, message };
      }
      next = nextSeq;
    }
    if (earlier.length !== run.generation || run.firstSeq !== next) {
      const message = `Run ${run.id} is in generation ${run.generation} from event ` +
        `${run.firstSeq}, and ${earlier.length} generations before it end at ${next}`;
      yield { promise: GAPS, message };
    }
  }
  for (const key of eventsOf.keys()) {
    yield { promise: GAPS, message: `Events belong to run ${key}, which is not there` };
  }
}

/**
 * Checks that no owner wrote after another one had taken its place, and none left events out. One
 * kind of event needs no owner: a run without an owner was moved to another version.
 */
export function* checkTenures({ tenures, runs, events }: Evidence): Generator<Finding> {
  const names = new Map(runs.map(({ key, id }) => [key, id]));
  const eventsOf = grouped(events, ({ run }) => run);
  for (const [key, changes] of grouped(tenures, ({ run }) => run)) {
    for (const message of faultsOf(changes, eventsOf.get(key) ?? [])) {
      yield { promise: "one token at a time", message: `Run ${names.get(key) ?? key} ${message}` };
    }
  }
}

function* faultsOf(
  changes: readonly TenureRow[],
  events: readonly EventRow[],
): Generator<string> {
  const gone = new Set<number>();
  let token: number | null | undefined;
  let seq: number | undefined;
  for (const { oldToken, newToken, oldSeq, newSeq } of changes) {
    if (token !== undefined && oldToken !== token) {
      yield `changed under token ${oldToken}, and was held by ${token}`;
    }
    if (seq !== undefined && oldSeq !== seq) yield `went from event ${seq} to ${oldSeq}`;
    if (newSeq < oldSeq) yield `lost events ${newSeq} to ${oldSeq}`;
    const gained = events.filter((event) => event.seq >= oldSeq && event.seq < newSeq);
    const isMoved = gained.length === 1 && gained[0]!.kind === "version.changed";
    if (newSeq > oldSeq && oldToken === null && newToken === null && !isMoved) {
      yield `got events ${oldSeq} to ${newSeq}, and no token held it`;
    }
    if (newToken !== oldToken) {
      if (oldToken !== null) gone.add(oldToken);
      if (newToken !== null && gone.has(newToken)) yield `was held by ${newToken} a second time`;
      if (oldToken !== null && newToken !== null) {
        yield `was taken from ${oldToken} by ${newToken}, and was not freed before`;
      }
    }
    [token, seq] = [newToken, newSeq];
  }
}

const GAPS = "histories have no gaps";
