/**
 * A short round of chaos; `deno task chaos` makes long ones, with other seeds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { findingsOf } from "./report.ts";
import { makeRound } from "./round.ts";

Deno.test("processes, server, wires and statements fail in every way, and no run is lost, doubled, early or left over", async () => {
  const outcome = await makeRound({
    seed: 4,
    seconds: 14,
    workers: 2,
    runsPerSecond: 2.5,
    faultEveryMs: 700,
  });
  assert.deepEqual(findingsOf(outcome), []);
  const { made, replayed, evidence } = outcome;
  assert.ok(made.has("kill a worker") && made.has("crash Postgres"), [...made.keys()].join());
  assert.ok(replayed >= evidence.planned.length, `${replayed} histories were replayed`);
});
