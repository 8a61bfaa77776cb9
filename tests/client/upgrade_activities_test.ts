/**
 * Moving runs whose activities wait: what is tried again runs the target's code.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { openIn, reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";

/** Imports, as one module has them, an activity that fails, or one that is mended. */
function version(answer: string, exported: boolean): string {
  return `
    import { defineActivity, defineWorkflow }
      from "${import.meta.resolve("../../src/workflow/mod.ts")}";
    const retry = { maxAttempts: 100, initial: "1h", max: "1h" };
    ${exported ? "export " : ""}const ship = defineActivity({ name: "ship", retry }, () => {
      ${answer}
    });
    export default defineWorkflow({ name: "hotfix" }, async (ctx) => await ctx.activity(ship));`;
}

forEachDatabase("moving a run whose activity waits", (database, test) => {
  test("its next attempt runs the code of the version that the run is moved to", async () => {
    await using at = await scene(database, {
      "first.ts": version(`throw new Error("a bug");`, true),
    }, { linger: 0 });
    const run = await at.node.start("hotfix");
    await reached(run, "suspended");
    await at.folder.write({
      "mended.ts": version(`return "shipped";`, true),
      "hidden.ts": version(`return "shipped";`, false),
    });
    const [mended, hidden] = ["mended.ts", "hidden.ts"].map((path) => at.folder.url + path);
    await using node = await openIn(at.db, { workflows: [mended!, hidden!] });
    const held = node.run(run.id);
    const tried = await held.upgrade({ to: hidden!, dryRun: true });
    assert.deepEqual(tried.activities, [
      { name: "ship", position: 0, moved: false, stays: "no module of the target exports it" },
    ]);
    const report = await held.upgrade({ to: mended! });
    assert.deepEqual([report.upgraded, report.activities], [true, [
      { name: "ship", position: 0, moved: true, stays: null },
    ]]);
    await at.db.query("update {schema}.tasks set available_at = clock_timestamp()");
    // An hour later; the activity of another run makes the nodes look.
    await node.start("hotfix");
    assert.equal(await held.result({ timeout: "60s" }), "shipped");
  });
});
