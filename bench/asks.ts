/**
 * Asks: messages that runs answer.
 *
 * @module
 */

import type { Continuum } from "../mod.ts";
import asks from "./asks_workflow.ts";
import type { BenchDatabase } from "./databases.ts";
import { connect, open } from "./fixtures.ts";
import { median, ownProcessorMs, pool, round } from "./measure.ts";
import type { Measurement, Workload } from "./workload.ts";

const ASKS = 2_000;
const RUNS = 100;
/** How many askers wait at once. */
const ASKERS = 100;

/** Asks of a hundred runs and of one, of the process that executes them and of a client. */
export const ASK: Workload = {
  name: "ASKS",
  async measure(db) {
    const workflows = [import.meta.resolve("./asks_workflow.ts")];
    await using node = await open(db, { workflows });
    const started = await node.startMany(
      asks,
      Array.from({ length: RUNS }, (_, i) => ({ input: undefined, runId: `r${i}` })),
    );
    const ids = started.map((item) => item.status === "conflict" ? "" : item.run.id);
    await using client = await connect(db);
    await measured(db, node, ids, RUNS); // warms up
    return {
      n: ASKS,
      own: await measured(db, node, ids, ASKS),
      single: await measured(db, node, ids.slice(0, 1), ASKS),
      other: await measured(db, client, ids, ASKS),
    };
  },
};

async function measured(
  db: BenchDatabase,
  continuum: Pick<Continuum, "run">,
  ids: readonly string[],
  n: number,
): Promise<Measurement> {
  const times: number[] = [];
  const [own, server, begun] = [ownProcessorMs(), db.serverMs(), performance.now()];
  await pool(n, ASKERS, async (i) => {
    const asked = performance.now();
    await continuum.run(ids[i % ids.length]!).ask("add", 1);
    times.push(performance.now() - asked);
  });
  const ms = performance.now() - begun;
  return {
    asks_s: round(n * 1000 / ms, 0),
    p50_ms: round(median(times), 1),
    client_cpu_ms_ask: round((ownProcessorMs() - own) / n, 4),
    server_cpu_ms_ask: round((db.serverMs() - server) / n, 4),
  };
}
