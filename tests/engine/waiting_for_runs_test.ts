/**
 * Runs that wait for other runs: for an answer, a published value or an end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { testEngine } from "../../src/testing/mod.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";

/** A counter that others ask; it publishes each sum, and ends at 10 or more. */
const counter = defineWorkflow({ name: "counter" }, async (ctx, start: number) => {
  let sum = start;
  ctx.on("add", async (n: number) => {
    if (n < 0) throw new RangeError("below zero");
    await ctx.sleep("1h");
    ctx.publish("sum", sum += n);
    return sum;
  });
  ctx.on("never", () => ctx.sleep("365d"));
  await ctx.until(() => sum >= 10);
  return `ended at ${sum}`;
});

const asks = defineWorkflow(
  { name: "asks" },
  async (ctx, [to, ...numbers]: [string, ...number[]]) => {
    const other = ctx.handle(counter, to);
    const answers: unknown[] = [other.id];
    for (const n of numbers) {
      answers.push(await other.ask("add", n).catch((error) => [error.code, error.cause?.message]));
      await ctx.sleep("1h"); // it is executed anew after this
    }
    return answers;
  },
);

const awaits = defineWorkflow({ name: "awaits" }, async (ctx, to: string) => {
  const other = ctx.handle(counter, to);
  const first = await other.published<number>("sum");
  const result = await other.result();
  return [first, result, await other.published("sum"), await ctx.handle(to).result()];
});

Deno.test("a run asks another one, once for each place, and gets its answer, or what it threw", async () => {
  await using engine = await testEngine({ workflows: [counter, asks] });
  const other = await engine.start(counter, 0, { runId: "c" });
  const asker = await engine.start(asks, ["c", 1, -1, 2]);
  assert.deepEqual(await asker.result(), ["c", 1, ["ASK_FAILED", "below zero"], 3]);
  assert.deepEqual(
    (await asker.history()).filter(({ kind }) => kind.startsWith("call"))
      .map(({ kind, name }) => `${kind} ${name}`),
    ["call.completed ask add", "call.failed ask add", "call.completed ask add"],
  );
  assert.equal((await other.history()).filter(({ kind }) => kind === "ask.received").length, 3);
  await assert.rejects((await engine.start(asks, ["none", 1])).result(), /none/).catch(() => {});
  assert.deepEqual(await (await engine.start(asks, ["none", 1])).result(), [
    "none",
    ["RUN_NOT_FOUND", undefined],
  ]);
  assert.equal(await other.ask("add", 7), 10);
  assert.deepEqual(await (await engine.start(asks, ["c", 1])).result(), [
    "c",
    ["RUN_ENDED", undefined],
  ]);
});

Deno.test("a run waits for what another publishes and for its end, also when both are there", async () => {
  await using engine = await testEngine({ workflows: [counter, awaits] });
  const other = await engine.start(counter, 0, { runId: "c" });
  const early = await engine.start(awaits, "c");
  await engine.advance("3d");
  assert.equal((await early.status()).state, "suspended");
  assert.deepEqual((await early.status()).waits.map(({ kind, name }) => [kind, name]), [
    ["run", '"c": published "sum"'],
  ]);
  assert.equal(await other.ask("add", 4), 4);
  assert.equal(await other.ask("add", 7), 11);
  const all = [4, "ended at 11", 11, "ended at 11"];
  assert.deepEqual(await early.result(), all);
  assert.deepEqual(await (await engine.start(awaits, "c")).result(), [11, ...all.slice(1)]);
});

Deno.test("a run that waits is rejected when the other run ends otherwise", async () => {
  const ends = defineWorkflow({ name: "ends" }, async (ctx, how: string) => {
    ctx.on("ask", () => ctx.sleep("1d"));
    await ctx.waitForSignal("end");
    if (how === "fail") throw new RangeError("No");
    if (how === "again") return ctx.continueAsNew("wait");
    return await ctx.waitForSignal("never");
  });
  const waits = defineWorkflow({ name: "waits" }, async (ctx, to: string) => {
    const code = (error: { code: string; cause?: Error }) => [error.code, error.cause?.message];
    const other = ctx.handle(ends, to);
    return await Promise.all([
      other.ask("ask").catch(code),
      other.published("value").catch(code),
      other.result().catch(code),
    ]);
  });
  await using engine = await testEngine({ workflows: [ends, waits] });
  const cases = [
    ["fail", ["RUN_FAILED", "No"], async (run: string) => void await engine.run(run).signal("end")],
    [
      "cancel",
      ["RUN_CANCELLED", "The run was cancelled"],
      (run: string) => engine.run(run).cancel(),
    ],
    [
      "terminate",
      ["RUN_TERMINATED", "Terminated by request"],
      (run: string) => engine.run(run).terminate(),
    ],
  ] as const;
  for (const [how, end, act] of cases) {
    await engine.start(ends, how, { runId: how });
    const waiting = await engine.start(waits, how);
    await engine.settled();
    await act(how);
    // A cancelled run has still answered what it has received: with the cancellation.
    const asked = how === "cancel"
      ? ["ASK_FAILED", "The run was cancelled"]
      : ["ASK_UNANSWERED", undefined];
    assert.deepEqual(await waiting.result(), [asked, ["NOT_PUBLISHED", undefined], end], how);
  }
  await engine.start(ends, "again", { runId: "again" });
  const waiting = await engine.start(waits, "again");
  await engine.settled();
  await engine.run("again").signal("end");
  await engine.advance("1m");
  const asked = (await waiting.history()).filter(({ name }) => name === "ask ask");
  assert.deepEqual(asked.map(({ kind }) => kind), ["call.failed"], "the generation is over");
  await engine.run("again").terminate();
  await waiting.result();
});

Deno.test("a wait for another run ends by its signal, its scope and a cancellation", async () => {
  const forever = defineWorkflow({ name: "forever" }, (ctx) => ctx.waitForSignal("never"));
  const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
    const other = ctx.handle("forever");
    const code = (error: { code?: string; message: string }) => error.code ?? error.message;
    const controller = new AbortController();
    const aborted = other.result({ signal: controller.signal }).catch(code);
    await ctx.sleep("1h");
    controller.abort(new Error("Enough"));
    const late = await ctx.scope(() => other.published("x"), { timeout: "1h" }).catch(code);
    const seen = [await aborted, late];
    try {
      await other.ask("nothing");
    } catch (error) {
      return [...seen, code(error as Error), await other.cancel()];
    }
  });
  await using engine = await testEngine({ workflows: [forever, waits] });
  await engine.start(forever, undefined, { runId: "forever" });
  const run = await engine.start(waits);
  await engine.advance("3h");
  await run.cancel();
  assert.deepEqual(await run.result(), ["Enough", "TIMEOUT", "CANCELLED", true]);
});

Deno.test("a child has the handle of its parent, whatever its id, and others have none", async () => {
  const child = defineWorkflow({ name: "child" }, async (ctx, question: string | null) => {
    if (question === null) return ctx.parent === undefined;
    const answer = await ctx.parent!.ask("question", question);
    await ctx.parent!.signal("done", ctx.parent!.id);
    return answer;
  });
  const long = "x".repeat(60);
  const parent = defineWorkflow(
    { name: "parent" },
    async (ctx, depth: number): Promise<unknown> => {
      ctx.on("question", (text: string) => `${text}?`);
      const done: string[] = [];
      ctx.on("done", (id: string) => void done.push(id));
      const ids = [undefined, "named"].map((id) => id === undefined ? {} : { id });
      if (depth > 0) return await ctx.child(parent, depth - 1, { id: `${ctx.runId}>${long}` });
      const answers = await Promise.all(ids.map((options) => ctx.child(child, "why", options)));
      await ctx.until(() => done.length === 2);
      return [answers, done.map((id) => id === ctx.runId)];
    },
  );
  await using engine = await testEngine({ workflows: [child, parent] });
  const wanted = [["why?", "why?"], [true, true]];
  assert.deepEqual(await (await engine.start(parent, 2)).result(), wanted);
  assert.equal(await (await engine.start(child, null)).result(), true);
});
