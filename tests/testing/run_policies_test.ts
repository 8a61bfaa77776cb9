/**
 * Timeouts and retries of runs in virtual time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encodeError } from "../../src/base/values_failure.ts";
import { assertReplays, testEngine } from "../../src/testing/mod.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";
import { runTimeout } from "../../src/base/errors.ts";
import { hasCode } from "../support/errors.ts";

Deno.test("time jumps to a run's timeout, and what it booked is undone", async () => {
  const unbook = defineActivity({ name: "unbook" }, () => "real");
  const trip = defineWorkflow({ name: "trip", timeout: "30d" }, (ctx) =>
    ctx.saga(async (saga) => {
      saga.undo(unbook);
      await ctx.waitForSignal("paid");
    }));
  await using engine = await testEngine({ workflows: [trip], activities: { unbook: () => "" } });
  const run = await engine.start(trip, undefined);
  await assert.rejects(run.result(), hasCode("RUN_TIMEOUT", { timeout: 30 * 86_400_000 }));
  assert.equal(engine.now.toISOString(), "2030-01-31T00:00:00.000Z");
  assert.equal(engine.calls("unbook").length, 1);
  await assertReplays(trip, await run.dump());
});

Deno.test("rests between attempts take no time", async () => {
  const flaky = defineWorkflow(
    { name: "flaky", retry: { maxAttempts: 4, initial: "1h", max: "3h", jitter: 0 } },
    (ctx) => {
      if (ctx.attempt < 4) throw new Error(`attempt ${ctx.attempt}`);
      return ctx.now();
    },
  );
  await using engine = await testEngine({ workflows: [flaky] });
  const run = await engine.start(flaky, undefined);
  assert.equal((await run.result()).toISOString(), "2030-01-01T06:00:00.000Z"); // 1, 2 and 3 hours
  const { attempt, lastError } = await run.status();
  assert.deepEqual([attempt, (lastError as Error).message], [4, "attempt 3"]);
  await assertReplays(flaky, JSON.stringify(await run.dump()));
});

Deno.test("a run that is cancelled while it rests has run no more code", async () => {
  let begun = 0;
  const throws = defineWorkflow({ name: "throws", retry: { initial: "1h" } }, () => {
    begun++;
    throw new Error("in vain");
  });
  await using engine = await testEngine({ workflows: [throws] });
  const run = await engine.start(throws, undefined);
  await engine.settled();
  await run.cancel();
  await assert.rejects(run.result(), { code: "RUN_CANCELLED" });
  assert.equal(begun, 1);
});

Deno.test("the history of a run that ended before it began replays on any code", async () => {
  const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));
  const other = defineWorkflow({ name: "waits" }, () => "at once");
  await using engine = await testEngine({ workflows: [waits] });
  const run = await engine.start(waits, undefined, { delay: "1d" });
  await run.cancel();
  await assert.rejects(run.result(), { code: "RUN_CANCELLED" });
  const cancelled = await run.dump();
  assert.deepEqual([cancelled.state, cancelled.events], ["cancelled", []]);
  const error = encodeError(runTimeout(cancelled.runId, 1));
  for (const history of [cancelled, { ...cancelled, state: "failed", error } as const]) {
    for (const code of [waits, other]) await assertReplays(code, history);
  }
  const failed = { ...cancelled, state: "failed", error: encodeError(new Error("in vain")) };
  await assert.rejects(assertReplays(waits, failed), { message: /it was failed.*still waits/ });
});

Deno.test("the history of a run whose code received its cancellation ends by it again", async () => {
  const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));
  const goesOn = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go").catch(() => 1));
  await using engine = await testEngine({ workflows: [waits] });
  const run = await engine.start(waits, undefined);
  await engine.settled();
  await run.cancel();
  await assert.rejects(run.result(), { code: "RUN_CANCELLED" });
  const history = await run.dump();
  await assertReplays(waits, history);
  await assert.rejects(assertReplays(goesOn, history), { message: /it was cancelled.*completed/ });
});

Deno.test("the history of a run whose next generation was refused its input replays", async () => {
  const positive = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) =>
        (value as number) > 0
          ? { value: value as number }
          : { issues: [{ message: "Expected more than nothing" }] },
    },
  } as const;
  const counts = defineWorkflow(
    { name: "counts", input: positive },
    (ctx, left) => ctx.continueAsNew(left - 1),
  );
  await using engine = await testEngine({ workflows: [counts] });
  const run = await engine.start(counts, 1);
  await assert.rejects(run.result(), (error: Error) => {
    assert.equal((error.cause as { code: string }).code, "INVALID_INPUT");
    return true;
  });
  await assertReplays(counts, await run.dump());
});
