/**
 * How fast many waiting runs move to other code, each after a proof, and what that costs a node that
 * executes other runs meanwhile. The upgrade is driven from the process of that node, so its replays
 * take the node's own thread: an upgrade from another process costs the node less.
 *
 * @module
 */

import process from "node:process";
import { Continuum } from "../mod.ts";
import { Marks, work } from "./fixtures.ts";
import { round, sleep } from "./measure.ts";
import bench from "./peers_workflow.ts";
import preflight from "./preflight_workflow.ts";
import type { Measurement, Workload } from "./workload.ts";

const EVENTS = 10;
const STEPS = 10;
const AT_ONCE = 50;
const BASELINE_MS = 3_000;

/** Runs moved a second on an idle node, and beside W1, whose steps a second are measured. */
export const MOVE: Workload = {
  name: "MOVE",
  on: ["postgres"],
  async measure(db, { many }) {
    new Marks();
    const [first, next, load] = [
      "./preflight_workflow.ts",
      "./preflight_edited_workflow.ts",
      "./peers_workflow.ts",
    ].map((path) => import.meta.resolve(path)) as [string, string, string];
    await using node = await Continuum.open({
      ...db.options,
      workflows: [first, next, load],
      linger: 0,
    });
    await node.startMany(preflight, Array.from({ length: many }, () => ({ input: EVENTS })));
    while (await node.runs.count({ where: { state: "suspended" } }) < many) await sleep(100);
    const [client, server] = [process.cpuUsage(), db.serverMs()];
    const idle = await move(node, next, many);
    const { user, system } = process.cpuUsage(client);
    const serverMs = db.serverMs() - server;
    const before = await working(node, () => sleep(BASELINE_MS));
    let loaded = idle;
    const during = await working(node, async () => void (loaded = await move(node, first, many)));
    const found: Measurement = { runs: many, events: EVENTS };
    found.moved_s = round(many / idle, 0);
    found.client_cpu_ms_run = round((user + system) / 1e3 / many, 3);
    found.server_cpu_ms_run = round(serverMs / many, 3);
    found.moved_s_loaded = round(many / loaded, 0);
    found.steps_s_before = round(before, 0);
    found.steps_s_during = round(during, 0);
    found.kept = round(during / before, 2);
    return found;
  },
};

/** Moves all runs; returns the seconds. */
async function move(node: Continuum, to: string, many: number): Promise<number> {
  const begun = performance.now();
  let moved = 0;
  for await (const { verdict } of node.runs.upgrade({ to })) if (verdict === "moved") moved++;
  if (moved !== many) throw new Error(`Cannot measure: ${moved} of ${many} runs were moved`);
  return (performance.now() - begun) / 1000;
}

/** Steps a second of other runs while something is done. */
async function working(node: Continuum, meanwhile: () => Promise<void>): Promise<number> {
  let isOver = false;
  let runs = 0;
  const begun = performance.now();
  const load = Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (!isOver) await (await node.start(bench, work(runs++, STEPS))).result();
  }));
  await meanwhile();
  isOver = true;
  await load;
  return runs * STEPS / ((performance.now() - begun) / 1000);
}
