/** The text of `/metrics`. */
import assert from "node:assert/strict";
import { prometheus } from "../../src/operate/prometheus.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";

const WAITS = source(
  `await ctx.activity("absent", 1, { queue: 'a "q"' });`,
  `{ name: "waits" }`,
);

forEachDatabase("prometheus", (database, test) => {
  test("it tells runs by state and tasks by queue, with escaped labels, and asks every 15 seconds", async () => {
    await using world = await scene(database, { "waits.ts": WAITS });
    const [first] = [await world.node.start("waits", null), await world.node.start("waits", null)];
    await reached(first!, "suspended");
    const parked = world.node;
    await parked.start("echo", { wait: "x" }, { runId: "later", delay: "1h" });
    const text = await prometheus(world.node, 0);
    const lines = text.split("\n");
    assert.ok(lines.includes('continuum_runs_live{continuum_state="pending"} 1'), text);
    assert.ok(lines.includes('continuum_runs_live{continuum_state="stuck_poisoned"} 0'), text);
    assert.match(text, /continuum_queue_depth\{continuum_queue="a \\"q\\""\} [12]\n/);
    assert.match(text, /continuum_queue_oldest_seconds\{continuum_queue="a \\"q\\""\} \d/);
    assert.ok(lines.includes("continuum_nodes 1"), text);
    for (const line of lines) {
      assert.match(line, /^(# (HELP|TYPE) continuum_\w+ .+|continuum_\w+(\{.*\})? \d+(\.\d+)?|)$/);
    }
    await world.node.start("echo", { wait: "x" }, { delay: "1h" });
    assert.equal(await prometheus(world.node, 14_999), text, "the same text for 15 seconds");
    const later = await prometheus(world.node, 15_000);
    assert.match(later, /continuum_runs_live\{continuum_state="pending"\} 2\n/);
  });
});
