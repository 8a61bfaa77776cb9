/**
 * Workloads of starting runs, by a client that executes nothing.
 *
 * @module
 */

import { ownProcessorMs, pool, round } from "./measure.ts";
import bench from "./peers_workflow.ts";
import type { BenchDatabase } from "./databases.ts";
import { connect, Marks, work } from "./fixtures.ts";
import type { Measurement, Workload } from "./workload.ts";

const SINGLE = 5_000;

/** So many at once in one call: as the comparison with other engines does. */
const BATCH = 500;

/** Single starts, 50 and 500 at a time; then many in one call. */
export const W3: Workload = {
  name: "W3",
  async measure(db, { many }) {
    new Marks();
    await using client = await connect(db);
    await client.start(bench, work(0, 1));
    const startMany = async (n: number) => {
      const items = Array.from({ length: n }, (_, i) => ({ input: work(i, 1) }));
      await client.startMany(bench, items);
    };
    const singly = (inflight: number) => () =>
      pool(SINGLE, inflight, (i) => client.start(bench, work(i, 1)));
    return {
      ...await rate(db, "50", SINGLE, singly(50)),
      ...await rate(db, "500", SINGLE, singly(500)),
      ...await rate(db, "batch", many, () => pool(many / BATCH, 1, () => startMany(BATCH))),
      ...await rate(db, "many", many, () => startMany(many)),
    };
  },
};

/** Starts a second, and the processor time of each. */
async function rate(
  db: BenchDatabase,
  name: string,
  n: number,
  work: () => Promise<void>,
): Promise<Measurement> {
  const [own, server, begun] = [ownProcessorMs(), db.serverMs(), performance.now()];
  await work();
  const ms = performance.now() - begun;
  return {
    [`n_${name}`]: n,
    [`starts_s_${name}`]: round(n * 1000 / ms, 0),
    [`client_cpu_ms_start_${name}`]: round((ownProcessorMs() - own) / n, 4),
    [`server_cpu_ms_start_${name}`]: round((db.serverMs() - server) / n, 4),
  };
}
