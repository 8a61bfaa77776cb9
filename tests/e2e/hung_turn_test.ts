/**
 * A turn that never returns holds the only thread of its node: its run is parked from another
 * thread, and takes no second node with it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { Worker } from "../support/processes.ts";
import { openIn, reached, resultOf } from "../support/runs.ts";

const LOOPS = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "loops" }, async (ctx, loops: boolean) => {
  await ctx.run("first", () => 1);
  if (loops) for (;;);
  return await ctx.waitForSignal("go");
});
`;

Deno.test("a turn that never returns parks its run, and costs one node", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({ "loops.ts": LOOPS });
  const workflows = [folder.url + "loops.ts"];
  const options = { database: postgresUrl(), schema: db.schema, workflows, linger: "1h" };
  await using first = await Worker.start({ ...options, lease: "8s" });
  await first.do("start", "loops", false, "innocent");
  await first.tell("start", "loops", true, "guilty");

  {
    // Every run of this process would be held by that one, if the thread came too late.
    const { schema } = db;
    await using client = await Continuum.connect({ database: postgresUrl(), schema });
    await reached(client.run("guilty"), "stuck_poisoned");
  }
  await using node = await openIn(db, { workflows });
  const { stuck } = await node.run("guilty").status();
  assert.equal(stuck?.code, "TURN_HUNG");
  assert.match(stuck?.message ?? "", /has not returned for 4 s after event 0 of its history/);
  assert.deepEqual((await node.run("guilty").history()).map(({ kind }) => kind), [
    "step.completed",
  ]);

  assert.equal((await first.ended()).signal, "SIGKILL", "Nothing else would ever run there");
  const innocent = node.run("innocent");
  await innocent.signal("go", "continued");
  assert.equal(await resultOf(innocent), "continued");
  await node.run("guilty").terminate({ reason: "it loops" });
});

Deno.test("a node whose turns return is left alone, however many they are", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({ "loops.ts": LOOPS });
  const workflows = [folder.url + "loops.ts"];
  const options = { database: postgresUrl(), schema: db.schema, workflows, lease: "1s" };
  await using node = await Worker.start(options);
  for (let i = 0; i < 20; i++) await node.do("start", "loops", false, `run ${i}`);
  for (let i = 0; i < 20; i++) {
    await node.do("signal", `run ${i}`, "go", i);
    assert.equal(await node.do("result", `run ${i}`), i);
  }
});
