/**
 * Handles of runs by id, typed by a workflow's definition: they refuse the run of another workflow,
 * before they write anything.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

const OTHER = source("return await ctx.waitForSignal(input);", `{ name: "other" }`);

/** Its code is that of another process: only its name and its types are used. */
const echo = defineWorkflow({ name: "echo" }, (_ctx, input: number) => Promise.resolve(input));

forEachDatabase("handles of a workflow's runs", (database, test) => {
  test("a handle by a definition reaches a run of that workflow, without its code", async () => {
    await using at = await scene(database, {});
    const { node } = at;
    await node.start("echo", 7, { runId: "seven" });
    const run = node.run(echo, "seven");
    assert.equal(await run.result() satisfies number, 7);
    assert.equal((await run.status()).workflow, "echo");
    const typed = node.run<typeof echo>("seven");
    assert.equal(await typed.result() satisfies number, 7);
  });

  test("a run of another workflow is refused by every call that reads it", async () => {
    await using at = await scene(database, { "other.ts": OTHER });
    const { node } = at;
    await node.start("other", "go", { runId: "o" });
    const run = node.run(echo, "o");
    const calls: Record<string, () => Promise<unknown>> = {
      signal: () => run.signal("go", 1),
      status: () => run.status(),
      history: () => run.history(),
      trace: () => run.trace(),
      generations: () => run.generations(),
      terminate: () => run.terminate(),
    };
    for (const call of Object.values(calls)) {
      await refused(call(), "RUN_OF_OTHER_WORKFLOW", '"o"', '"other"', '"echo"');
    }
    await node.run("o").signal("go", 2);
    assert.equal(await resultOf(node.run("o")), 2, "the refused signal was not written");
    await refused(run.result(), "RUN_OF_OTHER_WORKFLOW", '"other"');
    await refused(run.reached("completed"), "RUN_OF_OTHER_WORKFLOW", '"other"');
  });

  test("a handle of an unknown run says so, and a bad argument is refused at once", async () => {
    await using at = await scene(database, {});
    const { node } = at;
    await refused(node.run(echo, "none").result(), "RUN_NOT_FOUND", '"none"');
    for (const [bad, named] of [[echo, ""], [echo, 7], [{}, "r"], [null, "r"]]) {
      assert.throws(() => node.run(bad as never, named as never), { code: "INVALID_ARGUMENT" });
    }
  });
});
