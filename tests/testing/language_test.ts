/**
 * Words of the context, by the engine in virtual time. When an engine is disposed of, each run is
 * replayed from several of its events.
 *
 * @module
 */

import assert from "node:assert/strict";
import { answers, fails, testEngine } from "../../src/testing/mod.ts";
import {
  type ActivityAttempt,
  type Attempt,
  defineActivity,
  defineWorkflow,
} from "../../src/workflow/mod.ts";

const START = "2030-01-01T00:00:00Z";

Deno.test("a saga is undone by steps in place, which no cancellation stops and which are retried", async () => {
  const undone: string[] = [];
  const release = defineActivity({ name: "release" }, (id: string) => void undone.push(id));
  const order = defineWorkflow({ name: "order" }, (ctx, how: string) =>
    ctx.saga(async (saga) => {
      saga.undo(release, "stock");
      saga.undo("refund", ({ attempt }) => {
        if (attempt === 1) throw new Error("busy");
        undone.push(`refund at ${attempt}`);
      }, { retry: { initial: "1m", jitter: 0 }, timeout: "5m" });
      saga.undo("tell", async () => await void undone.push("told"));
      if (how === "wrong") saga.undo("x", () => 0, { signal: 1 } as never);
      await ctx.run("work", () => how);
      if (how === "fail") throw new Error("no stock");
      await ctx.sleep("1h");
    }));
  await using engine = await testEngine({ workflows: [order], now: START });
  const failed = await engine.start(order, "fail");
  await assert.rejects(failed.result(), /no stock/);
  assert.deepEqual(undone.splice(0), ["told", "refund at 2", "stock"]);
  assert.deepEqual((await failed.history()).map(({ kind, name }) => `${kind} ${name}`), [
    "step.completed work",
    "step.completed tell",
    "attempt.failed refund",
    "step.completed refund",
    "activity.completed release",
  ]);
  const cancelled = await engine.start(order, "cancel");
  await engine.advance("10m");
  await cancelled.cancel();
  await assert.rejects(cancelled.result(), { code: "RUN_CANCELLED" });
  assert.deepEqual(undone.splice(0), ["told", "refund at 2", "stock"]);
  const wrong = await engine.start(order, "wrong");
  await assert.rejects(wrong.result(), /compensation "x".*found the key "signal"/);
});

Deno.test("a run is asked, with the start and later, while virtual time passes", async () => {
  const slow = defineWorkflow({ name: "slow" }, async (ctx) => {
    ctx.on("ask", async (hours: number) => {
      await ctx.sleep(`${hours}h`);
      return ctx.now().toISOString();
    });
    await ctx.sleep("1d");
    await ctx.handlersDone();
  });
  await using engine = await testEngine({ workflows: [slow], now: START });
  const run = await engine.start(slow, undefined, {
    signal: { name: "ask", payload: 2, askId: "first" },
  });
  assert.equal(await run.answer("first"), "2030-01-01T02:00:00.000Z");
  assert.equal(await run.ask("ask", 1), "2030-01-01T03:00:00.000Z");
  const last = run.ask("ask", 30);
  await run.result();
  assert.equal(await last, "2030-01-02T09:00:00.000Z");
  const other = await engine.start(slow);
  const untaken = other.ask("nobody", null, { timeout: "1h" });
  await assert.rejects(untaken, { code: "TIMEOUT" });
});

Deno.test("a child has attributes, and begins after its delay, counted from its request", async () => {
  const child = defineWorkflow({ name: "child" }, async (ctx, name: string) => {
    const began = ctx.now().toISOString();
    return [name, began, await ctx.attributes.get()];
  });
  const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
    await ctx.sleep("1h");
    const late = await ctx.startChild(child, "late", { delay: "2h", timeout: "1m" });
    const now = await ctx.child(child, "now", { attributes: { customer: "c-1", vip: true } });
    for (const wrong of [{ delay: "soon" }, { attributes: { "": 1 } }]) {
      await assert.rejects(async () => await ctx.child(child, "x", wrong), /of ctx\.child/);
    }
    return [now, await late.result()];
  });
  await using engine = await testEngine({ workflows: [parent, child], now: START });
  const run = await engine.start(parent, undefined);
  assert.deepEqual(await run.result(), [
    ["now", "2030-01-01T01:00:00.000Z", { customer: "c-1", vip: true }],
    ["late", "2030-01-01T03:00:00.000Z", {}],
  ]);
  const found = await engine.runs.query({ where: { attributes: { customer: "c-1" } } });
  assert.deepEqual(found.runs.map(({ workflow }) => workflow), ["child"]);
});

Deno.test("code reads the attributes of its run as they are now, by one event", async () => {
  const run = defineWorkflow({ name: "run" }, async (ctx) => {
    const before = await ctx.attributes.get();
    ctx.attributes.set({ b: 2, a: undefined });
    const after = ctx.attributes.get();
    return [before, await after];
  });
  await using engine = await testEngine({ workflows: [run], now: START });
  const handle = await engine.start(run, undefined, { attributes: { a: 1 } });
  assert.deepEqual(await handle.result(), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual((await handle.history()).map(({ kind, name }) => `${kind} ${name}`), [
    "call.completed attributes",
    "attributes.set ",
    "call.completed attributes",
  ]);
});

Deno.test("the length of a history is the same on a replay, and starts anew with a generation", async () => {
  const counts = defineWorkflow({ name: "counts" }, async (ctx, rounds: number) => {
    const seen = [ctx.historyLength];
    ctx.setStatus("counting");
    await ctx.run("retried", ({ attempt }) => {
      if (attempt === 1) throw new Error("again");
    });
    await Promise.all([ctx.sleep("1s"), ctx.sleep("1s")]);
    seen.push(ctx.historyLength);
    assert.equal(ctx.isContinueAsNewSuggested, false);
    return rounds === 0 ? seen : ctx.continueAsNew(rounds - 1) as never;
  });
  await using engine = await testEngine({ workflows: [counts], now: START });
  assert.deepEqual(await (await engine.start(counts, 1)).result(), [0, 3]);
});

Deno.test("a sleep shows what it is for, and later code may name it otherwise", async () => {
  const rests = defineWorkflow({ name: "rests" }, async (ctx) => {
    await ctx.sleep("1d", { name: "cool down" });
    await assert.rejects(async () => await ctx.sleep(1, { name: "" }), /a name for a sleep/);
  });
  await using engine = await testEngine({ workflows: [rests], now: START, time: "manual" });
  const run = await engine.start(rests, undefined);
  await run.reached("suspended");
  const [wait] = (await run.status()).waits;
  assert.deepEqual([wait?.kind, wait?.name], ["sleep", "cool down"]);
  await engine.advance("1d");
  await run.result();
  assert.deepEqual((await run.history()).map(({ name }) => name), [""]);
});

Deno.test("a run knows the schedule that started it, and the time that was planned", async () => {
  const report = defineWorkflow({ name: "report" }, async (ctx) => {
    await ctx.sleep("1s");
    return ctx.schedule;
  });
  await using engine = await testEngine({ workflows: [report], now: START });
  assert.equal(await (await engine.start(report, undefined)).result(), null);
  await engine.schedules.create({
    id: "night>ly",
    workflow: report,
    cron: "30 2 * * *",
    maxRuns: 1,
  });
  await engine.advance("3h");
  const manual = await engine.schedules.trigger("night>ly");
  const { id, plannedAt, manual: isManual } = await engine.run(manual.id).result() as never;
  assert.deepEqual([id, isManual], ["night>ly", true]);
  assert.ok((plannedAt as Date).getTime() >= Date.parse("2030-01-01T03:00:00Z"));
  const { recent } = await engine.schedules.get("night>ly");
  const planned = recent.find((run) => !run.manual)!;
  assert.deepEqual(await engine.run(planned.runId).result(), {
    id: "night>ly",
    plannedAt: new Date("2030-01-01T02:30:00Z"),
    manual: false,
  });
});

Deno.test("doubles of activities keep the predicate of their definition", async () => {
  const act = defineActivity(
    { name: "act", retry: { initial: 0, retryIf: (error) => !/never/.test(String(error)) } },
    () => 1,
  );
  const calls = defineWorkflow({ name: "calls" }, (ctx) => ctx.activity(act));
  const double = answers<number>(fails(new Error("once")), fails(new Error("never")), 3);
  await using engine = await testEngine({ workflows: [calls], activities: [[act, double]] });
  await assert.rejects((await engine.start(calls, undefined)).result(), /never/);
  assert.equal(engine.calls(act).length, 2);
});

Deno.test("headers travel from a start to steps, activities, children, generations and schedules", async () => {
  const seen: Record<string, unknown> = {};
  const keep = (place: string, { headers, attempt }: Attempt) => {
    seen[`${place} ${attempt}`] = headers;
    if (attempt === 1) throw new Error("once more");
  };
  const retry = { initial: "1m" } as const;
  const act = defineActivity(
    { name: "act", retry },
    (place: string, attempt) => keep(place, attempt),
  );
  const child = defineWorkflow(
    { name: "child" },
    async (ctx, depth: number): Promise<unknown[]> => {
      if (depth === 0) return [ctx.headers];
      return [ctx.headers, ...await ctx.child(child, depth - 1, { headers: { user: `${depth}` } })];
    },
  );
  const tells = defineWorkflow({ name: "tells" }, async (ctx, rounds: number): Promise<unknown> => {
    await ctx.activity(act, "pinned");
    await ctx.activity("named", "named");
    await ctx.run("step", (step) => keep("step", step), { retry });
    await ctx.transaction("transaction", (_, step) => keep("transaction", step), { retry });
    if (rounds > 0) return ctx.continueAsNew(rounds - 1) as never;
    return [ctx.headers, await ctx.child(child, 1)];
  });
  await using engine = await testEngine({
    workflows: [tells, child],
    activities: { named: (place: string, attempt: ActivityAttempt) => keep(place, attempt) },
    now: START,
  });
  const headers = { tenant: "acme", "trace id": "t-1" };
  const run = await engine.start(tells, 1, { headers });
  const deeper = { ...headers, user: "1" };
  assert.deepEqual(await run.result(), [headers, [headers, deeper]]);
  const places = ["pinned", "named", "step", "transaction"];
  assert.deepEqual(
    seen,
    Object.fromEntries(places.flatMap((place) => [1, 2].map((n) => [`${place} ${n}`, headers]))),
  );
  assert.deepEqual((await run.dump()).headers, headers);
  const bare = await engine.start(child, 0);
  assert.deepEqual(await bare.result(), [{}]);
  assert.equal((await bare.dump()).headers, undefined);
  await engine.schedules.create({ id: "s", workflow: child, input: 0, at: new Date(0), headers });
  await engine.advance("1m");
  const { recent: [fired] } = await engine.schedules.get("s");
  assert.deepEqual(await engine.run(fired!.runId).result(), [headers]);
});

Deno.test("headers that are no short texts are refused by name", async () => {
  const any = defineWorkflow({ name: "any" }, () => 1);
  await using engine = await testEngine({ workflows: [any] });
  const wrong: [unknown, RegExp][] = [
    [5, /option headers of start\(\): found 5, wanted an object/],
    [{ a: 1 }, /option headers of start\(\)\.a: found 1, wanted a text/],
    [{ "": "x" }, /a name in option headers of start\(\): found ""/],
    [{ a: "x".repeat(9_000) }, /found 9001 characters, wanted at most 8192/],
  ];
  for (const [headers, message] of wrong) {
    await assert.rejects(engine.start(any, undefined, { headers } as never), {
      code: "INVALID_ARGUMENT",
      message,
    });
  }
});
