/**
 * What a user sees of a failure, and of code that was hardly meant: where in the workflow, why, and
 * how often it was tried.
 *
 * @module
 */

import assert from "node:assert/strict";
import { configure, reset } from "@logtape/logtape";
import { Continuum } from "../../src/continuum.ts";
import type { ActivityError } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { openIn, resultOf } from "../support/runs.ts";

const FILES = {
  "own.ts": `import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
const own = defineActivity({ name: "own" }, (input: number) => input + 1);
export const shared = defineActivity({ name: "shared" }, (input: number) => input + 1);
export default defineWorkflow({ name: "own" }, async (ctx) =>
  await ctx.activity(shared, await ctx.activity(own, await ctx.activity(own, 1))));
`,
};

function isFailure(error: unknown): asserts error is ActivityError & { cause: Error } {
  assert(error instanceof Error && error.name === "ActivityError");
}

forEachDatabase("the error of a failure", (database, test) => {
  for (const native of [true, false]) {
    const where = native ? "the application's own module" : "a module of the archive";
    test(`a failed activity shows its call in ${where}, its cause and its attempts`, async () => {
      await using db = await database.fresh();
      const workflows = [import.meta.resolve("./fixtures/failing_order.ts")];
      await using node = await openIn(db, { workflows, native });
      const run = await node.start("order", "o-1");
      const thrown = await resultOf(run).catch((error) => error) as Error;
      assert.equal(
        thrown.message,
        `Run "${run.id}" failed: Activity "charge" failed: declined 2`,
      );
      const { error: recorded } = await run.status();
      for (const error of [thrown.cause, recorded]) {
        isFailure(error);
        const [head, ...frames] = (error.stack ?? "").split("\n");
        assert.equal(head, 'ActivityError: Activity "charge" failed: declined 2');
        assert.equal(frames.length, 1);
        assert.match(frames[0] ?? "", /^ {4}at pay \(.*\/failing_order\.ts:17:23\)$/);
        assert(frames[0]?.includes(`(${workflows[0]}:17:23)`), frames[0]);
        assert.equal(error.code, "ACTIVITY_FAILED");
        assert.deepEqual(
          error.attempts.map(({ attempt, error }) => [attempt, (error as Error).message]),
          [[1, "declined 1"], [2, "declined 2"]],
        );
        assert(error.cause instanceof RangeError);
        assert.match(error.cause.stack ?? "", /RangeError: declined 2\n.*order\.ts:11:/);
      }
      const shown = Deno.inspect(thrown);
      for (
        const word of ["errors_test.ts", "order.ts:17:23", "order.ts:11:", "attempt: 1", "DECLINED"]
      ) {
        assert(shown.includes(word), `${word} in ${shown}`);
      }
    });
  }
});

Deno.test("an activity that no module exports is reported, once for each version", async () => {
  const told: unknown[] = [];
  await configure({
    sinks: { kept: ({ properties, level }) => told.push([level, properties["activity"]]) },
    loggers: [
      { category: ["continuum"], sinks: ["kept"], lowestLevel: "warning" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
  try {
    await using folder = await makeFolder(FILES);
    await using node = await Continuum.open({
      database: "memory:",
      workflows: [folder.url + "own.ts"],
    });
    for (let runs = 0; runs < 2; runs++) assert.equal(await resultOf(await node.start("own")), 4);
  } finally {
    await reset();
  }
  assert.deepEqual(told, [["warning", "own"]]);
});
