/**
 * How long a trace of a run of 1,000 effects takes, with the lines of 200 of them: in a process that
 * executes the code, and in a subprocess.
 *
 * @module
 */

import process from "node:process";
import { Continuum } from "../mod.ts";
import { median, round } from "./measure.ts";
import traced from "./trace_workflow.ts";
import type { Measurement, Workload } from "./workload.ts";

const EFFECTS = 1_000;
const ROUNDS = 9;

/** Milliseconds of a trace with a page of 200 lines. */
export const TRACE: Workload = {
  name: "TRACE",
  async measure(db) {
    const workflows = [import.meta.resolve("./trace_workflow.ts")];
    await using node = await Continuum.open({ ...db.options, workflows });
    await using client = db.kind === "postgres"
      ? await Continuum.connect({ ...db.options, workflows: [] })
      : undefined;
    const run = await node.start(traced, EFFECTS);
    await run.result();
    const found: Measurement = { effects: EFFECTS };
    for (const [name, from] of [["here", node], ["subprocess", client]] as const) {
      if (from === undefined) continue;
      const times: number[] = [];
      const before = process.cpuUsage();
      for (let i = 0; i < ROUNDS; i++) {
        const begun = performance.now();
        const { effects, total, replayed } = await from.run(run.id).trace({
          from: 400,
          limit: 200,
        });
        times.push(performance.now() - begun);
        const lines = effects.filter(({ site }) => site !== null).length;
        if (replayed !== name || total !== EFFECTS || lines !== 200) {
          throw new Error(`The trace is of ${total} effects, ${lines} lines, made ${replayed}`);
        }
      }
      const { user, system } = process.cpuUsage(before);
      found[`${name}_ms`] = round(median(times));
      found[`${name}_cpu_ms`] = round((user + system) / 1_000 / ROUNDS);
    }
    return found;
  },
};
