/**
 * How long it takes to replay the histories of 1,000 waiting runs, 100 events each, on code that was
 * never registered.
 *
 * @module
 */

import process from "node:process";
import { Continuum } from "../mod.ts";
import { median, round } from "./measure.ts";
import preflight from "./preflight_workflow.ts";
import type { Measurement, Workload } from "./workload.ts";

const RUNS = 1_000;
const EVENTS = 100;
const ROUNDS = 3;

/** Seconds until all verdicts are there, the start of the subprocesses included. */
export const PREFLIGHT: Workload = {
  name: "PREFLIGHT",
  async measure(db) {
    const workflows = [import.meta.resolve("./preflight_workflow.ts")];
    await using node = await Continuum.open({ ...db.options, workflows, linger: 0 });
    await node.startMany(preflight, Array.from({ length: RUNS }, () => ({ input: EVENTS })));
    while (await node.runs.count({ where: { state: "suspended" } }) < RUNS) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const times: number[] = [];
    const before = process.cpuUsage();
    for (let i = 0; i < ROUNDS; i++) {
      const begun = performance.now();
      const { counts } = await node.versions.replay(
        import.meta.resolve("./preflight_edited_workflow.ts"),
      );
      times.push(performance.now() - begun);
      if (counts.replays !== RUNS) throw new Error(`Not all replay: ${JSON.stringify(counts)}`);
    }
    const found: Measurement = { runs: RUNS, events: EVENTS };
    const { user, system } = process.cpuUsage(before);
    found.replay_cpu_s = round((user + system) / 1e6 / ROUNDS, 2);
    found.replay_s = round(median(times) / 1_000, 2);
    return found;
  },
};
