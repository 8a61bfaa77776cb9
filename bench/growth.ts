/**
 * Workloads that ask what grows with the number of waiting runs, with a history, and with the
 * table.
 *
 * @module
 */

import { median, memory, pool, round, sleep } from "./measure.ts";
import { millionRows } from "./million.ts";
import bench from "./peers_workflow.ts";
import type { BenchDatabase } from "./databases.ts";
import { connect, Marks, open, warmUp, work } from "./fixtures.ts";
import type { Measurement, Workload } from "./workload.ts";

/** Runs wait for a signal: what one takes of the memory, and how soon all are woken. */
export const W4: Workload = {
  name: "W4",
  async measure(db, { parked: n }) {
    const marks = new Marks();
    await using node = await open(db);
    await warmUp(node);
    marks.ended = 0;
    // Room for histories and plans is taken once, not per run.
    const rest = async () => {
      while (node.readiness().residentRuns > 0) await sleep(20);
      return await memory();
    };
    const ids: string[] = [];
    const round1 = async (offset: number) => {
      await pool(n, 50, async (i) => {
        ids[offset + i] = (await node.start(bench, work(offset + i, 0, true))).id;
      });
    };
    await round1(0);
    const before = await rest();
    await round1(n);
    const begun = performance.now();
    const after = await rest();
    const parkedAfter = (performance.now() - begun) / 1000;
    marks.ended = 0;
    const woken = performance.now();
    await pool(n, 50, (i) => node.run(ids[n + i] as string).signal("go"));
    const sent = performance.now();
    await marks.until(() => marks.ended >= n);
    const all = performance.now();
    while (node.readiness().residentRuns > 0) await sleep(2);
    return {
      n,
      heap_bytes_per_parked: round((after.heap - before.heap) / n, 1),
      rss_kib_per_parked: round((after.rss - before.rss) / n / 1024, 2),
      rss_mib: round(after.rss / 1048576, 1),
      all_parked_s: round(parkedAfter),
      signals_s: round(n * 1000 / (sent - woken), 0),
      wake_all_s: round((performance.now() - woken) / 1000, 3),
      wake_fn_s: round((all - woken) / 1000, 3),
    };
  },
};

/** Time of a step at the start and at the end of a long history. */
export const W5: Workload = {
  name: "W5",
  async measure(db, { long }) {
    const found: Measurement[] = [];
    let ratio = NaN;
    for (const n of long) {
      const marks = new Marks();
      await using node = await open(db);
      await warmUp(node);
      await (await node.start(bench, work(-1, 200))).result(); // one alone, warm
      marks.stepAt.length = 0;
      const begun = performance.now();
      await (await node.start(bench, work(n, n))).result();
      const sec = (performance.now() - begun) / 1000;
      const at = marks.stepAt;
      const times = at.slice(1).map((time, i) => time - (at[i] as number));
      const eighth = Math.floor(n / 8);
      const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
      found.push({
        steps: n,
        sec: round(sec, 3),
        ms_step: round(sec * 1000 / n, 3),
        first8th_ms_step: round(mean(times.slice(0, eighth)), 3),
        last8th_ms_step: round(mean(times.slice(-eighth)), 3),
      });
      // Medians of 500 steps each: one slow commit says nothing about the history's length.
      ratio = median(times.slice(-500)) / median(times.slice(100, 600));
    }
    return { runs: found, last_over_100: round(ratio, 3) };
  },
};

/** Start, claim and signal beside a table full of suspended rows, over the same without. */
export const ROWS: Workload = {
  name: "ROWS",
  on: ["postgres"],
  async measure(db, { rows }, reps) {
    const empty = { ...db, options: { ...db.options, schema: "empty" } };
    await probe(db); // creates the schema, and registers the version that rows are of
    const fill = await millionRows(db, rows);
    const found: Measurement[] = [];
    for (let rep = 0; rep < reps; rep++) {
      const [without, beside] = [await probe(empty), await probe(db)];
      const compared = (key: keyof Latencies) => [round(without[key], 3), round(beside[key], 3)];
      const over = (key: keyof Latencies) => round(beside[key] / without[key], 3);
      found.push({
        rows,
        fill_s: fill,
        start_ms: compared("start"),
        claim_ms: compared("claim"),
        signal_ms: compared("signal"),
        start_ratio: over("start"),
        claim_ratio: over("claim"),
        signal_ratio: over("signal"),
      });
    }
    return found;
  },
};

/** Medians, in milliseconds. */
interface Latencies {
  readonly start: number;
  readonly claim: number;
  readonly signal: number;
}

async function probe(db: BenchDatabase): Promise<Latencies> {
  const marks = new Marks();
  await using node = await open(db, { linger: 1 });
  await using client = await connect(db);
  await warmUp(node, 100);
  const [start, claim, signal]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < 200; i++) {
    marks.parked = 0;
    const begun = performance.now();
    const run = await client.start(bench, work(i, 0, true));
    const started = performance.now();
    await marks.until(() => marks.parked > 0);
    start.push(started - begun);
    claim.push(performance.now() - started);
    while (node.readiness().residentRuns > 0) await sleep(2);
    const ended = marks.end(i);
    const sent = performance.now();
    await run.signal("go");
    signal.push(await ended - sent);
    while (node.readiness().residentRuns > 0) await sleep(1);
  }
  return { start: median(start), claim: median(claim), signal: median(signal) };
}
