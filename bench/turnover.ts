/**
 * The turn-over of a full node: many more runs than it has room for, each of which waits as soon as
 * it has begun.
 *
 * @module
 */

import { Marks, open, warmUp } from "./fixtures.ts";
import { round, sleep } from "./measure.ts";
import turnover from "./turnover_workflow.ts";
import type { Workload } from "./workload.ts";

const RUNS = 2_000;
const ROOM = 100;

/** From one call that starts the runs until all of them wait; then signals to all, until all have ended. */
export const TURNOVER: Workload = {
  name: "TURNOVER",
  async measure(db) {
    new Marks();
    await using node = await open(db, {
      workflows: [
        import.meta.resolve("./turnover_workflow.ts"),
        import.meta.resolve("./peers_workflow.ts"),
      ],
      maxResidentRuns: ROOM,
    });
    await warmUp(node, 100);
    const waiting = () =>
      node.runs.count({ where: { workflow: "turnover", state: "suspended" }, limit: RUNS + 1 });
    const begun = performance.now();
    const before = db.serverMs();
    const items = await node.startMany(
      turnover,
      Array.from({ length: RUNS }, () => ({ input: undefined })),
    );
    const handles = items.flatMap((item) => item.status === "conflict" ? [] : [item.run]);
    const started = performance.now();
    while (await waiting() < RUNS) await sleep(20);
    const parked = performance.now();
    await Promise.all(handles.map((handle) => handle.signal("go", 1)));
    const signalled = performance.now();
    await Promise.all(handles.map((handle) => handle.result()));
    const ended = performance.now();
    return {
      runs: RUNS,
      room: ROOM,
      start_ms: round(started - begun, 1),
      park_ms: round(parked - started, 1),
      signal_ms: round(signalled - parked, 1),
      end_ms: round(ended - signalled, 1),
      server_ms: round(db.serverMs() - before, 0),
    };
  },
};
