/**
 * What the engine for tests promises beyond its first use.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { IdleTracker } from "../../src/testing/idle_tracker.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import {
  answers,
  assertReplays,
  dumpHistory,
  fails,
  hangs,
  loadHistory,
  testEngine,
} from "../../src/testing/mod.ts";
import { TestTime } from "../../src/testing/time.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import type { StandardSchema } from "../../src/workflow/schema.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";
import { makeFolder } from "../support/modules.ts";

const HOST = new URL("../../src/workflow/mod.ts", import.meta.url).href;

Deno.test("a signal and a timeout race in virtual time: whichever comes first wins", async () => {
  const racer = defineWorkflow({ name: "racer" }, async (ctx) => {
    const controller = new AbortController();
    const { signal } = controller;
    const winner = await Promise.race([
      ctx.waitForSignal<string>("go", { signal }),
      ctx.sleep("1h", { signal }).then(() => "late"),
    ]);
    controller.abort();
    return winner;
  });
  await using engine = await testEngine({ workflows: [racer] });
  const early = await engine.start(racer, undefined);
  const late = await engine.start(racer, undefined);
  await engine.advance(3_599_999);
  await early.signal("go", "early");
  await engine.advance(1);
  assert.equal(await early.result(), "early");
  assert.equal(await late.result(), "late");
});

Deno.test("runs are removed in virtual time, and what is gone is not replayed", async () => {
  const turns = defineWorkflow({ name: "turns" }, async (ctx, left: number) => {
    await ctx.sleep("1d");
    return left === 0 ? "done" : ctx.continueAsNew(left - 1) as never;
  });
  await using engine = await testEngine({ workflows: [turns] });
  const run = await engine.start(turns, 2);
  await engine.advance("50h");
  const { generations } = await engine.runs.prune({ olderThan: "12h", generations: true });
  assert.equal(generations, 1, "the other one was over two hours ago");
  assert.deepEqual((await run.generations()).map(({ number }) => number), [1, 2]);
  assert.equal((await run.history({ generation: 1 })).length, 1);
  assert.equal(await run.result(), "done");
  await engine.advance("29d");
  assert.equal((await engine.runs.prune({ olderThan: "30d" })).runs, 0);
  await engine.advance("1d");
  assert.equal((await engine.runs.prune({ olderThan: "30d" })).runs, 1);
  assert.equal((await engine.runs.query()).runs.length, 0);
});

Deno.test("children, generations and delayed starts pass their time too", async () => {
  const child = defineWorkflow({ name: "child" }, async (ctx, days: number) => {
    await ctx.sleep(`${days}d`);
    return days;
  });
  const parent = defineWorkflow({ name: "parent" }, async (ctx, round: number) => {
    const days = await Promise.all([1, 2, 3].map((d) => ctx.child(child, d)));
    if (round < 2) return ctx.continueAsNew(round + 1) as never;
    return { days, today: ctx.today() };
  });
  await using engine = await testEngine({ workflows: [parent, child] });
  const run = await engine.start(parent, 0, { startAt: new Date("2030-02-01") });
  assert.deepEqual(await run.result(), { days: [1, 2, 3], today: "2030-02-10" });
});

Deno.test("time stands still while a schema makes up its mind", async () => {
  const slow: StandardSchema<number, string> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) => {
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve));
        return { value: `${value}` };
      },
    },
  };
  const child = defineWorkflow(
    { name: "child", input: slow, signals: { go: slow } },
    async (ctx, text) => [text, await ctx.waitForSignal("go"), ctx.today()],
  );
  const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
    const controller = new AbortController();
    const late = ctx.sleep("1h", { signal: controller.signal }).then(() => "late");
    const started = await ctx.startChild(child, 1);
    await started.signal("go", 2);
    const end = await Promise.race([started.result(), late]);
    controller.abort();
    return end;
  });
  await using engine = await testEngine({ workflows: [parent, child] });
  const run = await engine.start(parent, undefined);
  assert.deepEqual(await run.result(), ["1", "2", "2030-01-01"]);
});

Deno.test("schedules fire when time passes", async () => {
  const report = defineWorkflow({ name: "report" }, (ctx) => ctx.today());
  await using engine = await testEngine({ workflows: [report] });
  await engine.schedules.create({ id: "daily", workflow: report, cron: "0 6 * * *" });
  await engine.advance("3d");
  const { runs } = await engine.runs.query({ where: { workflow: "report" }, payloads: true });
  assert.deepEqual(runs.map(({ payloads }) => payloads?.result).sort(), [
    "2030-01-01",
    "2030-01-02",
    "2030-01-03",
  ]);
});

Deno.test("a run that is cancelled compensates, and replays", async () => {
  const book = defineActivity({ name: "book" }, () => "real");
  const unbook = defineActivity({ name: "unbook" }, () => "real");
  const trip = defineWorkflow({ name: "trip" }, (ctx) =>
    ctx.saga(async (saga) => {
      saga.undo(unbook);
      await ctx.activity(book, undefined);
      await ctx.waitForSignal("go");
    }));
  await using engine = await testEngine({
    workflows: [trip],
    activities: { book: () => "b-1", unbook: answers(fails(new Error("busy")), "done") },
  });
  const run = await engine.start(trip, undefined);
  await engine.settled();
  await run.cancel({ reason: "no time" });
  await assert.rejects(run.result(), { code: "RUN_CANCELLED" });
  assert.deepEqual(engine.calls().map(({ activity, attempt }) => [activity, attempt]), [
    ["book", 1],
    ["unbook", 1],
    ["unbook", 2],
  ]);
  assert.equal((await run.status()).state, "cancelled");
});

Deno.test("what has no double runs itself; a named activity without one is unknown", async () => {
  const real = defineActivity({ name: "real" }, (n: number) => n + 1);
  const mixed = defineWorkflow({ name: "mixed" }, async (ctx) => {
    const two = await ctx.activity(real, 1);
    return await ctx.activity("absent", two);
  });
  await using engine = await testEngine({ workflows: [mixed] });
  const run = await engine.start(mixed, undefined);
  await assert.rejects(run.result(), (error: Error) => /absent/.test(String(error.cause)));
  assert.deepEqual(engine.calls().map(({ activity }) => activity), ["real"]);
});

Deno.test("steps and activities that wait for the world are waited for before time moves", async () => {
  const gate = Promise.withResolvers<string>();
  const careful = defineWorkflow({ name: "careful" }, async (ctx) => {
    const controller = new AbortController();
    const answer = await Promise.race([
      ctx.run("ask the world", () => gate.promise),
      ctx.sleep("1h", { signal: controller.signal }).then(() => "too late"),
    ]);
    controller.abort();
    return answer;
  });
  await using engine = await testEngine({ workflows: [careful] });
  const run = await engine.start(careful, undefined);
  const result = run.result();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve("in time");
  assert.equal(await result, "in time");
  assert.equal(engine.now.toISOString(), "2030-01-01T00:00:00.000Z");
});

Deno.test("by hand, time passes while a double has not answered", async () => {
  const gate = Promise.withResolvers<string>();
  const slow = defineActivity(
    { name: "slow", timeout: "1m", retry: { maxAttempts: 2, initial: "1s", jitter: 0 } },
    () => "real",
  );
  const caller = defineWorkflow({ name: "caller" }, (ctx) => ctx.activity(slow, undefined));
  await using engine = await testEngine({ workflows: [caller] });
  engine.double(slow, () => gate.promise);
  const run = await engine.start(caller, undefined);
  await engine.advance("1m");
  engine.double(slow, () => "second");
  assert.equal(await run.result(), "second");
  assert.deepEqual(engine.calls(slow).map(({ attempt, at }) => [attempt, at.toISOString()]), [
    [1, "2030-01-01T00:00:00.000Z"],
    [2, "2030-01-01T00:01:01.000Z"],
  ]);
  gate.resolve("unused");
});

Deno.test("transactions write into the engine's database, in virtual time", async () => {
  const writer = defineWorkflow({ name: "writer" }, async (ctx) => {
    await ctx.sleep("1d");
    await ctx.transaction("note", (tx) => tx.query("insert into notes (text) values ('hello')"));
  });
  await using engine = await testEngine({ workflows: [writer] });
  await engine.query("create table notes (text text, at timestamptz default now())");
  const run = await engine.start(writer, undefined);
  await run.result();
  const rows = await engine.query<{ text: string; at: Date }>("select text, at from notes");
  assert.deepEqual(rows, [{ text: "hello", at: new Date("2030-01-02") }]);
});

Deno.test("a run that fails, or that hangs when the test is over, leaves nothing behind", async () => {
  const broken = defineWorkflow({ name: "broken" }, async (ctx) => {
    await ctx.sleep("1h");
    throw new Error("It is broken");
  });
  const hung = defineWorkflow({ name: "hung" }, (ctx) => ctx.activity("hang"));
  await using engine = await testEngine({
    workflows: [broken, hung],
    activities: { hang: hangs() },
  });
  const run = await engine.start(broken, undefined);
  await engine.start(hung, undefined);
  await assert.rejects(run.result(), { code: "RUN_FAILED" });
});

Deno.test("a run that waits for a signal can be dumped on its way, and continues with later code", async () => {
  const waiter = defineWorkflow({ name: "waiter" }, async (ctx) => {
    await ctx.run("first", () => 1);
    return await ctx.waitForSignal("go");
  });
  await using engine = await testEngine({ workflows: [waiter] });
  const options = { runId: "w-1", namespace: "elsewhere" };
  const run = await engine.start(waiter, undefined, options);
  await engine.settled();
  const history = await run.dump();
  assert.deepEqual(await engine.run("w-1", { namespace: "elsewhere" }).dump(), history);
  assert.equal(history.state, "suspended");
  await assertReplays(waiter, history);
  const longer = defineWorkflow({ name: "waiter" }, async (ctx) => {
    await ctx.run("first", () => 1);
    await ctx.waitForSignal("go");
    return await ctx.run("more", () => 2);
  });
  await assertReplays(longer, history);
  assert.deepEqual(loadHistory(JSON.stringify(history)), history);
});

Deno.test("a history that holds more than the code asks for does not replay", async () => {
  const long = defineWorkflow({ name: "steps" }, async (ctx) => {
    await ctx.run("first", () => 1);
    return await ctx.run("second", () => 2);
  });
  const short = defineWorkflow({ name: "steps" }, (ctx) => ctx.run("first", () => 1));
  const other = defineWorkflow({ name: "steps" }, async (ctx) => {
    await ctx.run("first", () => 1);
    await ctx.run("second", () => 2);
    return 3;
  });
  const clock = defineWorkflow({ name: "steps" }, async (ctx) => {
    await ctx.run("first", () => 1);
    setTimeout(() => {}, 0);
    return await ctx.run("second", () => 2);
  });
  await using engine = await testEngine({ workflows: [long] });
  const run = await engine.start(long, undefined);
  await run.result();
  const history = await run.dump();
  await assertReplays(long, history);
  await assert.rejects(assertReplays(short, history), { message: /without asking for it/ });
  await assert.rejects(assertReplays(other, history), { message: /it returned 2.*returns 3/ });
  await assert.rejects(assertReplays(clock, history), { message: /setTimeout/ });
});

Deno.test("a parked run is not awaited forever: the error has its reason", async () => {
  const timer = defineWorkflow({ name: "timer" }, async (ctx) => {
    await ctx.sleep("1d");
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
  await using engine = await testEngine({ workflows: [timer] });
  const run = await engine.start(timer, undefined);
  const parked = { code: "RUN_PARKED", message: /stuck_nondeterminism: .*setTimeout/ };
  await assert.rejects(run.result(), parked);
  await assert.rejects(engine.run(run.id).result(), parked);
});

Deno.test("paranoid mode names two effects that differ, also if no code waited for them", async () => {
  let times = 0;
  const counting = defineWorkflow({ name: "counting" }, async (ctx) => {
    ctx.sleep(++times * 1_000 + 3_600_000).catch(() => {});
    return await ctx.run("one", () => 1);
  });
  const start = async (paranoid: boolean) => {
    await using engine = await testEngine({ workflows: [counting], paranoid });
    const run = await engine.start(counting, undefined);
    assert.equal(await run.result(), 1);
  };
  await start(false);
  await assert.rejects(start(true), {
    code: "REPLAY_FAILED",
    message: /asked for sleep at position 0 .*after 0 events, and for sleep at position 0/,
  });
});

Deno.test("paranoid mode takes a patch as it was decided, amid events that came at once", async () => {
  const patching = defineWorkflow({ name: "patching" }, async (ctx) => {
    const one = ctx.run("one", () => 2);
    const other = ctx.run("other", () => 1);
    await one;
    const isNew = ctx.patched("new way");
    if (isNew) await ctx.run("new", () => 3);
    return [isNew, await other];
  });
  await using engine = await testEngine({ workflows: [patching] });
  const run = await engine.start(patching, undefined);
  assert.deepEqual(await run.result(), [true, 1]);
});

Deno.test("what is no history is refused, with what was found", () => {
  assert.throws(() => loadHistory("no"), {
    code: "HISTORY_FORMAT",
    message: /text that is no JSON/,
  });
  assert.throws(() => loadHistory(3), { message: /found 3/ });
  assert.throws(() => loadHistory({}), { message: /the format undefined/ });
  const history = { format: "continuum.history", formatVersion: 2 };
  assert.throws(() => loadHistory(history), { message: /version 2 of the format/ });
  assert.throws(() => loadHistory({ ...history, formatVersion: 1 }), { message: /as its runId/ });
});

Deno.test("options that make no sense are refused, with what was wanted", async () => {
  const refused = async (options: unknown, message: RegExp) =>
    await assert.rejects(testEngine(options as never), { code: "INVALID_ARGUMENT", message });
  await refused({ workflow: [] }, /found the key "workflow" .*, wanted workflows/);
  await refused({ workflows: [{}] }, /definitions and specifiers/);
  await refused(
    { now: "yesterday" },
    /option now of testEngine\(\): found "yesterday", wanted a Date/,
  );
  await refused({ time: "fast" }, /wanted "auto" or "manual"/);
  await refused({ paranoid: 1 }, /option paranoid/);
  await refused({ activities: { charge: 3 } }, /double of activity "charge": found 3/);
  assert.throws(() => answers(), { code: "INVALID_ARGUMENT" });
});

// Loading modules registers the runtime's hooks, whose poll Deno's sanitizer counts as an op.
Deno.test({
  name: "modules are pinned and loaded as in production, and get doubles too",
  sanitizeOps: false,
  fn: async () => {
    await using folder = await makeFolder({
      "greet.ts": `import { defineActivity, defineWorkflow } from "${HOST}";
        const salute = defineActivity({ name: "salute" }, () => "real");
        export default defineWorkflow({ name: "greet" }, async (ctx, name: string) => {
          await ctx.sleep("7d");
          return await ctx.activity(salute, name);
        });`,
    });
    const specifier = `${folder.url}greet.ts`;
    await using engine = await testEngine({
      workflows: [specifier],
      activities: { salute: (name: string) => `Hello, ${name}` },
    });
    const run = await engine.start("greet", "World");
    assert.equal(await run.result(), "Hello, World");
    await assertReplays(specifier, await run.dump());
  },
});

Deno.test({
  name: "a history is dumped from the database of an application, and nothing is written there",
  sanitizeOps: false,
  fn: async () => {
    await using folder = await makeFolder({
      "count.ts": `import { defineWorkflow } from "${HOST}";
        export default defineWorkflow({ name: "count" }, async (ctx, to: number) => {
          let sum = 0;
          for (let i = 1; i <= to; i++) sum += await ctx.run("add " + i, () => i);
          return sum;
        });`,
    });
    const specifier = `${folder.url}count.ts`;
    const database = pglite(null);
    await using continuum = await Continuum.open({ database, workflows: [specifier] });
    const run = await continuum.start("count", 4, { runId: "c-1" });
    assert.equal(await run.result(), 10);
    const history = await dumpHistory("c-1", { database });
    assert.equal(history.events.length, 4);
    await assertReplays(specifier, JSON.stringify(history));
    await assert.rejects(dumpHistory("c-2", { database }), { code: "RUN_NOT_FOUND" });
  },
});

Deno.test("a wait through moments without end gives up, and says what may be the reason", async () => {
  const clock = new VirtualClock(0);
  const again = () => void clock.after(1, again);
  again();
  const time = new TestTime(clock, new IdleTracker(), () => Promise.resolve());
  const never = Promise.withResolvers<void>();
  await assert.rejects(time.passUntil(never.promise, "a run"), {
    code: "ENDLESS_WAIT",
    message: /a run any longer: 10000 due moments passed/,
  });
});

Deno.test("a state is awaited as time passes, up to the moment at which the run comes to it", async () => {
  const held = Promise.withResolvers<void>();
  const begun = new Date("2030-01-01");
  const staged = defineWorkflow({ name: "staged" }, async (ctx) => {
    await ctx.activity("hold");
    await ctx.sleep("3d");
    return "done";
  });
  await using engine = await testEngine({
    workflows: [staged],
    activities: { hold: () => held.promise },
    now: begun,
  });
  const run = await engine.start(staged, undefined, { startAt: new Date("2030-01-02") });
  assert.equal((await run.reached("pending")).startedAt, null);
  assert.deepEqual(engine.now, begun);
  assert.equal((await run.reached("running")).state, "running");
  assert.deepEqual(engine.now, new Date("2030-01-02"));
  held.resolve();
  const { until } = await run.reached("suspended");
  assert.deepEqual([engine.now, until], [new Date("2030-01-02"), new Date("2030-01-05")]);
  assert.equal((await run.reached(["completed", "failed"])).state, "completed");
  await assert.rejects(run.reached("suspended"), { code: "RUN_ENDED" });
});

Deno.test("a run that is parked ends a wait for another state", async () => {
  const parks = defineWorkflow({ name: "parks" }, async (ctx) => {
    await ctx.sleep("1d");
    setTimeout(() => {}, 1);
  });
  await using engine = await testEngine({ workflows: [parks] });
  const run = await engine.start(parks, undefined);
  await assert.rejects(run.reached("completed"), { code: "RUN_PARKED" });
  await assert.rejects(run.reached(["completed", "stuck_poisoned"]), { code: "RUN_PARKED" });
  assert.equal((await run.reached("stuck_nondeterminism")).stuck?.code, "NONDETERMINISTIC_CALL");
});

Deno.test("a run that is paused sleeps past its time, and wakes when it is resumed", async () => {
  const sleeper = defineWorkflow({ name: "sleeper" }, async (ctx) => {
    await ctx.sleep("1h");
    return "woke";
  });
  await using engine = await testEngine({ workflows: [sleeper] });
  const run = await engine.start(sleeper);
  await engine.settled();
  await run.pause({ reason: "lunch" });
  await engine.advance("3h");
  assert.equal((await run.status()).state, "paused");
  await run.resume();
  assert.equal(await run.result(), "woke");
});
