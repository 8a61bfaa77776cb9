/**
 * Whether two executions of one random workflow went alike, where the order of what happened was
 * determined: two things that fall into one moment may reach the code in either order.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { HistoryEvent } from "../../src/replay/history.ts";
import { type EndedRun, type Generation, keyOf } from "./ended_runs.ts";
import type { Results } from "./runs.ts";
import type { Command } from "../../src/replay/commands.ts";

/** What happened in one family of runs: a scenario's run, and all that it started. */
export interface Family {
  /** Its runs. */
  readonly runs: readonly EndedRun[];
  /** When attempts ended, by key. */
  readonly attemptEnds: ReadonlyMap<string, ReadonlySet<number>>;
}

/** The id of the run that all of a family comes from. */
export function familyOf(runId: string): string {
  return /^[^>]+/.exec(runId)![0];
}

/** The families of an aftermath, by the id of their first run. */
export function familiesOf({ runs, made }: Results): Map<string, Family> {
  const attemptEnds = new Map<string, Set<number>>();
  for (const { key, endedAt } of made) {
    const ends = attemptEnds.get(key) ?? new Set();
    if (endedAt !== undefined) attemptEnds.set(key, ends.add(endedAt));
  }
  const byRoot = Map.groupBy(runs, ({ runId }) => familyOf(runId));
  return new Map([...byRoot].map(([root, runs]) => [root, { runs, attemptEnds }]));
}

/** Whether the order of all that happened in a family follows from when it happened. */
export function isDetermined(family: Family): boolean {
  return family.runs.every((run) =>
    run.generations.every((generation) => !isContested(family, generation)) &&
    !isMeddledWith(family, run)
  );
}

/** Two families went alike. */
export function assertAlike(one: Family, other: Family): void {
  assert.deepEqual(essenceOf(one), essenceOf(other));
}

function essenceOf({ runs }: Family): unknown {
  return runs.map((run) =>
    plain(JSON.stringify({
      runId: run.runId,
      state: run.state,
      endedAt: run.endedAt,
      result: run.result,
      error: run.error,
      status: run.customStatus,
      attributes: run.attributes,
      events: run.generations.map((generation) =>
        wantedOf(generation).map(({ kind, position, name, digest, payload, at }) =>
          [kind, position, name, NAMES_CHILD.test(kind) ? "" : digest, payload, at].join(" ")
        )
      ),
    }))
  ).sort().map((text) => JSON.parse(text));
}

/** Without answers that came after the code had given them up: they may be written, or dropped. */
function wantedOf({ events, outstanding }: Generation): HistoryEvent[] {
  const asked = new Set<number>();
  let waiting = new Set<number>();
  return events.filter(({ position }, cut) => {
    const text = outstanding.get(cut);
    if (text !== undefined) {
      waiting = new Set((JSON.parse(text) as Command[]).map(({ position }) => position));
      for (const known of waiting) asked.add(known);
    }
    return position === null || waiting.has(position) || !asked.has(position);
  });
}

/** What is asked for with a child's id, which holds a mark of its parent's seed. */
const NAMES_CHILD = /^(child|call)\./;

/** Without what is drawn anew for each execution: seeds, their marks in ids; and without stacks. */
function plain(json: string): string {
  return json
    .replace(STACK, "stack")
    .replace(/>(\d+)\.[0-9a-z]+/g, ">$1")
    .replace(/>~[0-9a-z.]+/g, ">~")
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "uuid")
    .replace(/\b0\.\d+(e-\d+)?/g, "random");
}

/** A stack in JSON that may itself stand in JSON: its quotes are escaped as often as its key's. */
const STACK = /(?<!\\)(\\*)"stack\1":\1".*?(?<!\\)\1"/gs;

/** Whether something else of the run could have come in a delivery's place. */
function isContested(family: Family, generation: Generation): boolean {
  const { events, start } = generation;
  const momentsOf = new Map<number, Set<number>>();
  for (const { position, at } of events) {
    if (position === null) continue;
    momentsOf.set(position, (momentsOf.get(position) ?? new Set()).add(at));
  }
  let waiting: readonly Command[] = [];
  let now = start.startedAt;
  for (const [cut, { at, position, kind }] of events.entries()) {
    const text = generation.outstanding.get(cut);
    if (text !== undefined) waiting = JSON.parse(text) as Command[];
    const contends = (command: Command) =>
      command.position !== position && (
        command.deadline === at || momentsOf.get(command.position)?.has(at) ||
        family.attemptEnds.get(keyOf(generation, command.position))?.has(at) ||
        (/^(call|transaction|child)$/.test(command.kind) && now === at) ||
        (command.kind === "child" && family.runs.some(({ endedAt }) => endedAt === at))
      );
    if (waiting.some(contends)) return true;
    if (kind === "cancel.requested" && events.some((event, i) => event.at === at && i !== cut)) {
      return true;
    }
    now = at;
  }
  return false;
}

/** Whether its parent acted on it in a moment at which something happened in it. */
function isMeddledWith({ runs }: Family, run: EndedRun): boolean {
  const parent = runs.find(({ id }) => id === run.parent);
  if (parent === undefined) return false;
  const isNotified = parent.generations.some(({ events }) =>
    events.some(({ kind, at }) => kind.startsWith("child.") && at === run.endedAt)
  );
  const acts = parent.generations.flatMap(({ events }) =>
    events.filter(({ kind, name }) =>
      kind === "cancel.requested" || (kind.startsWith("call.") && !name.startsWith("start"))
    ).map(({ at }) => at)
  );
  if (!isNotified && parent.endedAt !== null) acts.push(parent.endedAt);
  const moments = new Set([
    run.endedAt,
    ...run.generations.flatMap(({ start, events }) => [
      start.startedAt,
      ...events.map(({ at }) => at),
    ]),
  ]);
  return acts.some((at) => moments.has(at));
}
