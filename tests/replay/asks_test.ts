/**
 * Asks on the machine: signals that handlers answer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { encode } from "../../src/base/values.ts";
import { installGuard } from "../../src/replay/guard.ts";
import { executionFor, Journal } from "../support/executions.ts";
import { type Body, MessageRun } from "../support/message_run.ts";

installGuard();

Deno.test("a handler answers an ask with what it returns, at once or later, and for several names", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    let sum = 0;
    ctx.on("add", (n: number) => sum += n);
    ctx.on("slow", async (n: number) => n + await ctx.run<number>("step", () => 0));
    ctx.on<number>(["up", "down"], ({ name, payload }) => `${name} ${payload}`);
    ctx.on("nothing", () => {});
    await ctx.sleep("1h");
    return sum;
  });
  assert.equal(await run.ask("1", "add", 3), true);
  assert.equal(await run.signal("add", 4), true, "only sent: no answer is written");
  await run.ask("2", "slow", 1);
  await run.ask("3", "up", 2);
  assert.deepEqual(run.answers, { 1: 3, 3: "up 2" });
  await run.ask("4", "add", 5);
  await run.end("step", 7);
  await run.ask("5", "nothing");
  assert.deepEqual(run.answers, { 1: 3, 2: 8, 3: "up 2", 4: 12, 5: undefined });
  await run.end("sleep");
  assert.equal(await run.outcome(), 12);
});

Deno.test("a handler that throws while it answers an ask ends nothing, as it does for a signal", async () => {
  const body: Body = async (ctx) => {
    ctx.on("refuse", () => {
      throw new RangeError("no");
    });
    ctx.on("later", async () => {
      await ctx.run("step", () => 0);
    });
    ctx.on("strange", () => () => 0);
    await ctx.sleep("1h");
    return "continued";
  };
  const run = await MessageRun.begin(body);
  await run.ask("1", "refuse");
  await run.ask("2", "later");
  await run.fail("step");
  await run.ask("3", "strange");
  assert.deepEqual(run.answers, { 1: ["no"], 2: ["It failed"], 3: ["NOT_SERIALIZABLE"] });
  await run.end("sleep");
  assert.equal(await run.outcome(), "continued");
  const signalled = await MessageRun.begin(body);
  await signalled.signal("refuse");
  assert.deepEqual(await signalled.outcome(), ["failed", "no"]);
});

Deno.test("an answer that is too large is refused, and the refusal answers", async () => {
  const body: Body = async (ctx) => {
    ctx.on("large", (length: number) => "x".repeat(length));
    await ctx.sleep("1h");
  };
  const run = await MessageRun.begin(body, { payloadBytes: 100 });
  await run.ask("1", "large", 10);
  await run.ask("2", "large", 200);
  assert.deepEqual(run.answers, { 1: "x".repeat(10), 2: ["PAYLOAD_TOO_LARGE"] });
  await run.end("sleep");
  await run.outcome(); // REPLAY-6: it replays without a limit
});

Deno.test("ASK-2: a wait and a loop take no ask, and a handler that comes later does", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    const first = ctx.waitForSignal("a");
    for await (const _ of ctx.signals("b")) break;
    ctx.on("a", (n: number) => n * 2);
    await ctx.sleep("1h");
    return await first;
  });
  assert.equal(await run.ask("1", "a", 1), false);
  assert.equal(await run.ask("1", "b", 1), false);
  await run.signal("b");
  assert.equal(await run.ask("1", "a", 1), true);
  assert.deepEqual(run.answers, { 1: 2 });
  await run.signal("a", "for the wait");
  await run.end("sleep");
  assert.equal(await run.outcome(), "for the wait");
});

Deno.test("an ask that reaches a handler that has stopped goes to the next one", async () => {
  const body: Body = async (ctx) => {
    const stop = ctx.on("a", () => "first");
    await ctx.run("step", () => 0);
    stop();
    await ctx.run("step", () => 0);
    ctx.on("a", () => "second");
    await ctx.sleep("1h");
  };
  const execution = executionFor(body);
  const journal = new Journal();
  const { issued: [wait, step] } = await execution.turn([]);
  // Both are written together, and the code stops the handler before it receives the second.
  const { issued: [other] } = await execution.turn([
    journal.succeed(step!),
    journal.ask(wait!, "1", "a", 0),
  ]);
  const { notes } = await execution.turn([journal.succeed(other!)]);
  assert.deepEqual(notes.map(({ kind, name, payload }) => [kind, name, payload]), [
    ["ask.answered", "1", '"second"'],
  ]);
});

Deno.test("an answer that comes after the end of its run is dropped", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    ctx.on("a", () => ctx.run("step", () => 0));
    return await ctx.sleep("1h");
  });
  await run.ask("1", "a");
  await run.end("sleep");
  assert.deepEqual(run.answers, {});
  await run.outcome();
});

Deno.test("another answer, none, or no handler is drift; another error is not", async () => {
  const body = (handler: (() => unknown) | null): Body => async (ctx) => {
    if (handler !== null) ctx.on("a", handler);
    else ctx.waitForSignal("a").catch(() => {});
    await ctx.sleep("1h");
  };
  const throwing = (message: string) => () => {
    throw new Error(message);
  };
  const historyOf = async (handler: () => unknown) => {
    const run = await MessageRun.begin(body(handler));
    await run.ask("1", "a");
    return run.events;
  };
  const driftOf = async (
    events: Parameters<ReturnType<typeof executionFor>["turn"]>[0],
    to: Body,
  ) => (await executionFor(to).turn(events)).drift;
  const [answered, failed] = [await historyOf(() => 1), await historyOf(throwing("no"))];
  assert.equal(await driftOf(answered, body(() => 1)), null);
  assert.equal(await driftOf(failed, body(throwing("other"))), null);
  const expected = ["ask.answered", "ask.answered", "ask.answered", "ask.received"];
  const others = [() => 2, throwing("no"), () => new Promise(() => {}), null];
  for (const [index, other] of others.entries()) {
    const drift = await driftOf(answered, body(other));
    assert.equal(drift?.expected.kind, expected[index], drift?.message);
  }
  const handless = await driftOf(answered, body(null));
  assert.match(handless!.message, /only a handler takes an ask/);
});

Deno.test("a cancellation reaches the effects of a handler, whose ask fails with it", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    ctx.on("a", () => ctx.sleep("2h"));
    ctx.on("b", () => "cleaning up");
    await ctx.waitForSignal("never").catch(() => {});
    return await ctx.sleep("1h");
  });
  await run.ask("1", "a");
  await run.cancel();
  assert.deepEqual(run.waiting, ["signal b", "signal a", "sleep"]);
  await run.ask("2", "b");
  assert.deepEqual(run.answers, { 1: ["CANCELLED"], 2: "cleaning up" });
  await run.end("sleep");
  await run.outcome();
});

Deno.test("an ask is one event with its id, its signal and its payload", async () => {
  const run = await MessageRun.begin(async (ctx) => {
    ctx.on("a", (value: unknown) => value);
    await ctx.sleep("1h");
  });
  const payload = { at: new Date(0), $continuum: "own", [`"`]: [undefined] };
  await run.ask('id "1"', "a", payload);
  const [{ name, digest }, answer] = run.events as [typeof run.events[0], typeof run.events[0]];
  assert.deepEqual([name, digest], ['id "1"', null]);
  assert.equal(answer.payload, encode(payload));
});
