/**
 * A round: a world, its callers and their runs, faults, calm, and what the checker says of it.
 *
 * @module
 */

import { openBundle } from "../../src/bundle/read.ts";
import { Callers } from "./callers.ts";
import { check } from "./checker/check.ts";
import { checkReplays } from "./checker/replays.ts";
import type { Evidence, Finding } from "./evidence.ts";
import { pause } from "./faults/fault.ts";
import { Operator } from "./operator.ts";
import { planOf, type Size } from "./plan.ts";
import { readTables } from "./tables.ts";
import { Tormentor } from "./tormentor.ts";
import { SCHEMA, World } from "./world.ts";

/** What came of a round. */
export interface Outcome {
  readonly size: Size;
  readonly findings: readonly Finding[];
  readonly evidence: Evidence;
  /** Faults that were made, by kind. */
  readonly made: ReadonlyMap<string, number>;
  readonly missed: ReadonlyMap<string, number>;
  readonly repaired: ReadonlyMap<string, number>;
  readonly verdicts: ReadonlyMap<string, number>;
  /** Errors after which callers asked again, by code. */
  readonly errors: ReadonlyMap<string, number>;
  readonly logged: ReadonlyMap<string, number>;
  readonly injected: number;
  readonly unanswered: number;
  readonly replayed: number;
  /** How long it took until all runs had ended after the last fault. */
  readonly calmMs: number;
}

/** How long runs may take to end once there are no more faults. */
const CALM_MS = 120_000;

/** Makes a round. */
export async function makeRound(size: Size): Promise<Outcome> {
  const plan = planOf(size);
  await using world = await World.open(size);
  const operator = new Operator(world);
  const repairs = setInterval(() => void operator.repair(), 3_000);
  try {
    const callers = new Callers(world);
    const tormentor = new Tormentor(world);
    const followed = callers.follow(plan);
    await tormentor.make(plan.faults);
    for (const wire of world.wires) wire.heal();
    const calmFrom = performance.now();
    await ended(world, followed, calmFrom);
    const calmMs = performance.now() - calmFrom;
    callers.giveUp();
    await followed;
    await Promise.all(world.places.map(({ process }) => process.drain(30_000)));
    clearInterval(repairs);
    const tables = await readTables(world.admin);
    const evidence: Evidence = {
      ...tables,
      planned: plan.runs,
      schedules: plan.schedules,
      heard: callers.heard,
      complaints: callers.complaints,
      notes: world.ledger.notes,
      deaths: world.deaths,
    };
    const generations = await world.admin.query<never>(
      `select run, generation, specifier from ${SCHEMA}.generations as g
       join ${SCHEMA}.workflow_specifiers as s on s.id = g.specifier_id order by generation`,
    );
    const ofTheEnded = tables.runs.filter(({ endedAt }) => endedAt !== null);
    const replays = await checkReplays(
      async (ids) => await openBundle(await world.client.runs.export(ids)),
      ofTheEnded,
      generations,
    );
    return {
      size,
      evidence,
      findings: [...check(evidence), ...replays.findings],
      made: tormentor.made,
      missed: tormentor.missed,
      repaired: operator.repaired,
      verdicts: world.verdicts,
      errors: callers.errors,
      logged: world.logged,
      injected: world.injected,
      unanswered: world.ledger.unanswered,
      replayed: replays.replayed,
      calmMs,
    };
  } finally {
    clearInterval(repairs);
  }
}

/**
 * Waits until callers have their answers, all runs and schedules are over, and the nodes of dead
 * processes have expired, which only a live node finds; not for ever.
 */
async function ended(world: World, followed: Promise<void>, from: number): Promise<void> {
  let isFollowed = false;
  void followed.then(() => isFollowed = true);
  while (performance.now() - from < CALM_MS) {
    const [left] = await world.admin.query<{ count: number }>(
      `select ((select count(*) from ${SCHEMA}.runs where ended_at is null or must_notify)
         + (select count(*) from ${SCHEMA}.schedules where state <> 'done')
         + (select count(*) from ${SCHEMA}.nodes where not name = any($1::text[])))::integer
         as count`,
      [`{${world.places.map(({ process }) => process.name).join(",")}}`],
    );
    if (isFollowed && left!.count === 0) return;
    await pause(200);
  }
}
