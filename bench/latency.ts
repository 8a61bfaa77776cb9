/**
 * Workloads of one run at a time: how long until it starts, ends, resumes, hears a signal.
 *
 * @module
 */

import { median, percentile, round, sleep } from "./measure.ts";
import bench from "./peers_workflow.ts";
import { connect, Marks, open, warmUp, work } from "./fixtures.ts";
import type { Measurement, Workload } from "./workload.ts";

/** Runs of so many steps, one at a time: to the function's last line, and to `result()`. */
export function latency(name: string, steps: number): Workload {
  return {
    name,
    async measure(db) {
      const marks = new Marks();
      await using node = await open(db);
      await warmUp(node);
      const [code, result]: [number[], number[]] = [[], []];
      for (let i = 0; i < 50; i++) {
        const ended = marks.end(i);
        const begun = performance.now();
        const run = await node.start(bench, work(i, steps));
        code.push(await ended - begun);
        await run.result();
        result.push(performance.now() - begun);
      }
      return {
        n: 50,
        fn_p50_ms: round(median(code)),
        fn_p95_ms: round(percentile(code, 95)),
        api_p50_ms: round(median(result)),
        api_p95_ms: round(percentile(result, 95)),
      };
    },
  };
}

/** A run that has left memory is signalled: to its last line. */
export const W6: Workload = {
  name: "W6",
  async measure(db) {
    const marks = new Marks();
    await using node = await open(db, { linger: 1 });
    await warmUp(node);
    const runs: Measurement[] = [];
    const found: Measurement = { runs };
    for (const n of [0, 100, 1000]) {
      const times: number[] = [];
      for (let i = 0; i < 7; i++) {
        marks.parked = 0;
        const run = await node.start(bench, work(i, n, true));
        await marks.until(() => marks.parked > 0);
        while (node.readiness().residentRuns > 0) await sleep(5);
        const ended = marks.end(i);
        const begun = performance.now();
        await run.signal("go");
        times.push(await ended - begun);
        await run.result();
      }
      runs.push({ steps: n, resume_ms: round(median(times.slice(2))) });
      found[`resume_ms_${n}`] = round(median(times.slice(2)));
    }
    return found;
  },
};

/** From a client's signal to the code after the wait: on this node, and through another process's. */
export const SIGNAL: Workload = {
  name: "SIGNAL",
  async measure(db) {
    const found: Measurement = {};
    for (const [name, linger] of [["resident", 60_000], ["parked", 1]] as const) {
      const marks = new Marks();
      await using node = await open(db, { linger });
      await using client = db.kind === "postgres" ? await connect(db) : undefined;
      await warmUp(node);
      for (const [sender, from] of [["own", node], ["other", client]] as const) {
        if (from === undefined) continue;
        const times: number[] = [];
        for (let i = 0; i < 30; i++) {
          marks.parked = 0;
          const { id } = await node.start(bench, work(i, 0, true));
          await marks.until(() => marks.parked > 0);
          if (linger === 1) { while (node.readiness().residentRuns > 0) await sleep(2); }
          else await sleep(5);
          const ended = marks.end(i);
          const begun = performance.now();
          await from.run(id).signal("go");
          times.push(await ended - begun);
          await node.run(id).result();
        }
        found[`${name}_${sender}_p50_ms`] = round(median(times));
        found[`${name}_${sender}_p95_ms`] = round(percentile(times, 95));
      }
    }
    return found;
  },
};
