/**
 * Workloads of many runs at once: what a step, a drained run and an activity cost.
 *
 * @module
 */

import type { Continuum, OpenOptions } from "../mod.ts";
import activities from "./activities_workflow.ts";
import { median, pool, round, sleep } from "./measure.ts";
import { Meter } from "./meter.ts";
import bench from "./peers_workflow.ts";
import type { BenchDatabase } from "./databases.ts";
import { connect, Marks, open, warmUp, work } from "./fixtures.ts";
import type { Measurement, Workload } from "./workload.ts";

const RUNS = 500;
const STEPS = 10;

/** Runs of ten steps, started 50 at a time; until the last result is there. */
export const W1: Workload = {
  name: "W1",
  async measure(db) {
    new Marks();
    await using first = await open(db);
    await warmUp(first, 100);
    await first.close();
    const start = (node: Continuum, i: number) => node.start(bench, work(i, STEPS));
    return {
      workflows: RUNS,
      ...await throughput(db, () => open(db), ["step", "steps"], start),
    };
  },
};

/** Runs that a client has put in, which a node finds when it opens; until it holds none. */
export const W1D: Workload = {
  name: "W1D",
  async measure(db) {
    const marks = new Marks();
    {
      await using first = await open(db);
      await warmUp(first, 100);
    }
    const n = RUNS * STEPS;
    {
      await using client = await connect(db);
      await client.startMany(bench, Array.from({ length: n }, (_, i) => ({ input: work(i, 1) })));
    }
    marks.ended = 0;
    const meter = await Meter.at(db);
    meter.begin();
    {
      await using node = await open(db);
      await marks.until(() => marks.ended === n);
      while (node.readiness().residentRuns > 0) await sleep(1);
      meter.end();
    }
    return await meter.found(n, ["run", "runs"]);
  },
};

/** All at once: what a start's caller sees when 500 of them come together. */
export const CROWD: Workload = {
  name: "CROWD",
  async measure(db) {
    new Marks();
    await using node = await open(db);
    await warmUp(node, 100);
    const times: number[] = [];
    const begun = performance.now();
    await Promise.all(Array.from({ length: RUNS }, async (_, i) => {
      await (await node.start(bench, work(i, STEPS))).result();
      times.push(performance.now() - begun);
    }));
    const ms = performance.now() - begun;
    return {
      runs: RUNS,
      ms: round(ms, 1),
      steps_s: round(RUNS * STEPS * 1000 / ms, 0),
      result_p50_ms: round(median(times), 1),
    };
  },
};

/** A limit that is never reached: it makes every attempt come out of its queue. */
const rateLimit = { limit: 1_000_000, per: "1s" };

/** W1 with activities in place of steps: each through its queue, or where its run is. */
export const ACTIVITIES: Workload = {
  name: "ACTIVITIES",
  async measure(db) {
    const common = {
      workflows: [import.meta.resolve("./activities_workflow.ts")],
      activityConcurrency: 500,
    };
    const modes: readonly (readonly [string, OpenOptions])[] = [
      ["queued", { ...common, queues: { default: { rateLimit } } }],
      ["local", common],
    ];
    const found: Measurement = {};
    for (const [mode, options] of modes) {
      const start = (node: Continuum) => node.start(activities, STEPS);
      await using first = await open(db, options);
      await Promise.all(
        Array.from({ length: 100 }, async () => await (await start(first)).result()),
      );
      await first.close();
      const unit = ["activity", "activities"] as const;
      found[mode] = await throughput(db, () => open(db, options), unit, start);
    }
    return found;
  },
};

/** Starts the runs, 50 at a time, and waits for all results. */
async function throughput(
  db: BenchDatabase,
  opened: () => Promise<Continuum>,
  unit: readonly [string, string],
  start: (node: Continuum, i: number) => Promise<{ result(): Promise<unknown> }>,
): Promise<Measurement> {
  const idle = await Meter.at(db);
  await (await opened()).close();
  const overhead = await idle.commits(); // what opening and closing costs by itself
  const meter = await Meter.at(db);
  await using node = await opened();
  const results: Promise<unknown>[] = [];
  meter.begin();
  await pool(RUNS, 50, async (i) => void results.push((await start(node, i)).result()));
  await Promise.all(results);
  meter.end();
  await node.close();
  return await meter.found(RUNS * STEPS, unit, overhead);
}
