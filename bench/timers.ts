/**
 * How late timers are: many sleeps that fall due at random moments, with and without other work.
 *
 * @module
 */

import type { Continuum } from "../mod.ts";
import { percentile, round, sleep } from "./measure.ts";
import bench from "./peers_workflow.ts";
import { Marks, open, warmUp, work } from "./fixtures.ts";
import timers, { LATENESS } from "./timers_workflow.ts";
import type { Measurement, Workload } from "./workload.ts";

/** Sleeps end from one to so many milliseconds after their start: most are parked meanwhile. */
const WITHIN_MS = 10_000;
const STEPS = 10;
const AT_ONCE = 50;

/** Sleeps that end at random, on an idle node and beside W1; late by the database's clock. */
export const TIMERS: Workload = {
  name: "TIMERS",
  async measure(db, { many }) {
    new Marks();
    await using node = await open(db, {
      workflows: [
        import.meta.resolve("./timers_workflow.ts"),
        import.meta.resolve("./peers_workflow.ts"),
      ],
    });
    await warmUp(node, 100);
    const n = many / 2;
    const idle = await lateness(node, n);
    let isOver = false;
    let runs = 0;
    const load = Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (!isOver) await (await node.start(bench, work(runs++, STEPS))).result();
    }));
    const begun = performance.now();
    const loaded = await lateness(node, n);
    isOver = true;
    await load;
    const seconds = (performance.now() - begun) / 1000;
    return { timers: n, idle, loaded: { ...loaded, steps_s: round(runs * STEPS / seconds, 0) } };
  },
};

async function lateness(node: Continuum, n: number): Promise<Measurement> {
  const late: number[] = [];
  (globalThis as unknown as { [LATENESS]: number[] })[LATENESS] = late;
  await node.startMany(
    timers,
    Array.from({ length: n }, () => ({ input: 1 + Math.floor(Math.random() * WITHIN_MS) })),
  );
  while (late.length < n) await sleep(50);
  return {
    late_p50_ms: round(percentile(late, 50), 1),
    late_p95_ms: round(percentile(late, 95), 1),
    late_max_ms: round(Math.max(...late), 1),
  };
}
