/**
 * What a run's trace tells: each effect with its line, at every event, wherever the code runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { RunTrace, TraceEntry } from "../../src/client/run/trace_shapes.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { Continuum } from "../../src/continuum.ts";
import type { TaskFence } from "../../src/ports/tasks.ts";
import { formatToken } from "../../src/task/token.ts";
import { forEachDatabase } from "../support/database.ts";
import { Losses } from "../support/losses.ts";
import { eventually, makeSite, openIn, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Lines of the body begin at 4. */
const ORDER = source(
  `const quote = await ctx.run("quote", () => input.items * 10);
let tries = 0;
const [paid] = await Promise.all([
  ctx.run("charge", ({ attempt }) => { if (attempt < 3) throw new Error("no " + attempt); return quote; },
    { retry: { maxAttempts: 3, initial: 1 } }),
  review(ctx),
]);
const end = new AbortController();
const given = ctx.sleep("30d", { signal: end.signal }).catch(() => {});
end.abort();
await given;
return [paid, await ctx.waitForSignal("done", { timeout: "24h" })];`,
  `{ name: "order" }`,
  `async function review(ctx: any) {
  return await ctx.waitForSignal("review");
}`,
);

/** Waits until a run waits for one signal, and for nothing else. */
async function waitsFor(run: RunHandle, signal: string): Promise<void> {
  await eventually(
    async () => {
      const { state, waits } = await run.status();
      return state === "suspended" && waits.length === 1 && waits[0]!.name === signal || undefined;
    },
    () => `run that waits for ${signal} alone`,
  );
}

/** The source lines that a test asks for. */
function lineOf(text: string, part: string): number {
  return text.split("\n").findIndex((line) => line.includes(part)) + 1;
}

function told({ effects }: RunTrace): unknown[] {
  return effects.map(({ kind, name, state, site }) => [kind, name, state, site?.line]);
}

forEachDatabase("a run's trace", (database, test) => {
  test("tells each effect with its input, times, attempts, answer and line, also of an ended run", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await run.signal("review", "approved");
    await waitsFor(run, "done");
    const trace = await run.trace();
    assert.deepEqual(told(trace), [
      ["step", "quote", "completed", lineOf(ORDER, '"quote"')],
      ["step", "charge", "completed", lineOf(ORDER, '"charge"')],
      ["signal", "review", "completed", lineOf(ORDER, '"review"')],
      ["sleep", "", "withdrawn", lineOf(ORDER, '"30d"')],
      ["signal", "done", "waiting", lineOf(ORDER, '"done"')],
    ]);
    const [quote, charge, review, , done] = trace.effects;
    assert.equal(quote!.value, 20);
    assert.deepEqual(
      charge!.attempts.map(({ attempt, error }) => [attempt, (error as Error).message]),
      [[1, "no 1"], [2, "no 2"]],
    );
    assert.equal(review!.value, "approved");
    assert.deepEqual(review!.calls.map(({ line, member }) => [line, member]), [
      [lineOf(ORDER, '"review"'), "./order.ts"],
      [lineOf(ORDER, "review(ctx),"), "./order.ts"],
    ]);
    assert.deepEqual(trace.waiting.map(({ name }) => name), ["done"]);
    const { requestedAt, until } = done!;
    assert.equal(until!.getTime() - requestedAt!.getTime(), 24 * 3_600_000);
    assert.deepEqual([trace.replayed, trace.total, trace.outcome], ["here", 5, null]);
    await run.signal("done", "yes");
    await resultOf(run);
    const ended = await run.trace();
    assert.deepEqual([ended.outcome, ended.effects[4]!.state], ["completed", "completed"]);
  });

  test("where() tells the line at which code stopped before its end", async () => {
    const stops: Readonly<Record<string, readonly [line: string, before?: string]>> = {
      throws: [`if (input !== 0) throw new RangeError("too many"); // here`],
      deep: [`check(input);`, `function check(_: unknown) { throw new Error("deep"); } // here`],
      step: [
        `await ctx.run("charge", () => { throw new Error("no card"); }, { retry: { maxAttempts: 1 } }); // here`,
      ],
      caught: [
        `await ctx.run("one", () => { throw new Error("one"); }, { retry: { maxAttempts: 1 } }).catch(() => {});
try { await ctx.run("two", () => { throw new Error("two"); }, { retry: { maxAttempts: 1 } }); } // here
finally { await ctx.run("mend", () => { throw new Error("three"); }, { retry: { maxAttempts: 1 } }).catch(() => {}); }`,
      ],
      calls: [`await fetch("http://127.0.0.1:1/"); // here`],
      cancelled: [`await ctx.waitForSignal("never"); // here`],
    };
    const files = Object.fromEntries(
      Object.entries(stops).map(([name, [body, before]]) =>
        [
          `${name}.ts`,
          source(`await ctx.run("first", () => 1);\n${body}`, `{ name: "${name}" }`, before),
        ] as const
      ),
    );
    await using at = await scene(database, files);
    for (const [path, text] of Object.entries(files)) {
      const name = path.slice(0, -3);
      const run = await at.node.start(name, 7, { runId: name });
      if (name === "cancelled") {
        await waitsFor(run, "never");
        const { stopped, waiting } = await run.where();
        assert.deepEqual([stopped, waiting.length], [null, 1]);
        await run.cancel();
        await reached(run, "cancelled");
      } else await reached(run, name === "calls" ? "stuck_nondeterminism" : "failed");
      const { stopped } = await run.where({ around: 0 });
      const line = lineOf(text, "// here");
      assert.deepEqual(
        [stopped?.site.member, stopped?.site.line, stopped?.lines.map(({ number }) => number)],
        [`./${path}`, line, [line]],
        name,
      );
    }
  });

  test("shows what the code waited for after each event", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    await run.signal("review", "approved");
    await run.signal("done", "yes");
    await resultOf(run);
    const history = await run.history();
    const waits: string[] = [];
    for (let n = 0; n <= history.length; n++) {
      const { waiting } = await run.trace({ at: n });
      waits.push(waiting.map(({ name }) => name).join(" "));
    }
    assert.deepEqual(waits, [
      "quote",
      "charge review",
      "charge review",
      "charge review",
      "review",
      "done",
      "",
    ]);
    const { length } = history;
    for (const wrong of [length + 1, 99, -1, 1.5, NaN, Infinity, "1", null]) {
      const words = new RegExp(`^Cannot use at: .*from 0( to ${length})?$`);
      await refused(run.trace({ at: wrong as number }), "INVALID_ARGUMENT", words);
      await refused(run.where({ at: wrong as number }), "INVALID_ARGUMENT", words);
    }
    await refused(run.trace({ at: 7 }), "INVALID_ARGUMENT", "found 7", "from 0 to 6");
  });

  test("of a run that this process has no code of is made in a subprocess, with the same lines", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const far = await client.run(run.id).trace({ timeout: "5m" });
    const own = await run.trace();
    assert.deepEqual([far.replayed, own.replayed], ["subprocess", "here"]);
    assert.deepEqual(told(far), told(own));
    assert.deepEqual(far.effects.map(({ calls }) => calls.map(({ member }) => member)), [
      ["./order.ts"],
      ["./order.ts"],
      ["./order.ts", "./order.ts"],
    ]);
  });

  test("where the code runs in a subprocess, its bytes are read once for its replay and its lines", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    const { database: adapter, schema } = at.db;
    const reads = new Losses(() => "answered");
    await using client = await Continuum.connect({
      database: {
        description: adapter.description,
        open: async () => reads.wrap(await adapter.open(), schema),
      },
      schema,
    });
    reads.begin();
    const { waiting } = await client.run(run.id).where({ timeout: "10m" });
    assert.equal(waiting[0]!.lines.length > 0, true);
    assert.equal(reads.asked.get("versions.blobs"), 1, JSON.stringify([...reads.asked]));
  });

  test("shows the waiting line in the pinned source, wherever it is asked for", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    const line = lineOf(ORDER, '"review"');
    await at.folder.write({ "order.ts": "// something else by now\n" });
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    for (const continuum of [at.node, client]) {
      const { waiting, from, version } = await continuum.run(run.id).where({ around: 1 });
      assert.deepEqual(
        waiting.map(({ kind, name, lines }) => [kind, name, lines]),
        [["signal", "review", [
          { number: line - 1, text: ORDER.split("\n")[line - 2] },
          { number: line, text: '  return await ctx.waitForSignal("review");' },
          { number: line + 1, text: "}" },
        ]]],
      );
      assert.equal(from, "archive");
      const source = await continuum.versions.source(version.hash);
      assert.deepEqual([source.entry, source.packages], ["./order.ts", []]);
      assert.deepEqual(source.members.map(({ label, media, text }) => [label, media, text]), [
        ["./order.ts", "ts", ORDER],
      ]);
    }
    await refused(client.versions.source("0".repeat(64)), "VERSION_UNAVAILABLE", "registered");
    await refused(run.where({ around: -1 }), "INVALID_ARGUMENT", "around");
  });

  test("finds lines in modules with odd names, and in those of another server", async () => {
    const lines = (text: string) =>
      `export const wait = async (ctx: any, name: string) => {\n` +
      `  ${text}\n};\n`;
    const there = makeSite({ "/a b/ö%20.ts": lines(`await ctx.waitForSignal(name); // there`) });
    await using _ = there;
    await using at = await scene(database, {});
    await at.folder.write({
      "grö ße/a%b.ts": lines(`await ctx.waitForSignal(name); // here`),
      "main ü.ts": source(
        `await Promise.all([here(ctx, "here"), there(ctx, "there"), ctx.waitForSignal("main")]);`,
        `{ name: "odd" }`,
        `import { wait as here } from "./gr%C3%B6%20%C3%9Fe/a%25b.ts";
import { wait as there } from "${there.at("/a%20b/%C3%B6%2520.ts")}";`,
      ),
    });
    await using node = await openIn(at.db, {
      workflows: [`${at.folder.url}main%20%C3%BC.ts`],
      trust: { modules: [`${there.at("/")}*`] },
    });
    const run = await node.start("odd", null);
    await reached(run, "suspended");
    const { waiting } = await run.where({ around: 0 });
    assert.deepEqual(
      waiting.map(({ name, lines }) => [name, lines.map(({ text }) => text.trim())]),
      [
        ["here", ["await ctx.waitForSignal(name); // here"]],
        ["there", ["await ctx.waitForSignal(name); // there"]],
        ["main", [
          `await Promise.all([here(ctx, "here"), there(ctx, "there"), ctx.waitForSignal("main")]);`,
        ]],
      ],
    );
  });

  test("comes in pages, and without lines where none are wanted", async () => {
    const many = source(
      `await Promise.all(Array.from({ length: 30 }, (_, n) => ctx.run("s" + n, () => n)));
       await ctx.waitForSignal("go");`,
      `{ name: "many" }`,
    );
    await using at = await scene(database, { "many.ts": many });
    const run = await at.node.start("many");
    await reached(run, "suspended");
    const page = await run.trace({ from: 10, limit: 3, sites: false });
    assert.deepEqual(
      told(page),
      [10, 11, 12].map((n) => ["step", `s${n}`, "completed", undefined]),
    );
    assert.deepEqual([page.total, page.waiting.length], [31, 1]);
    assert.deepEqual((await run.trace({ from: 99 })).effects, []);
    for (
      const options of [{ at: -1 }, { from: 0.5 }, { limit: 0 }, { limit: 10_001 }, { sites: 1 }]
    ) {
      await refused(run.trace(options as never), "INVALID_ARGUMENT", Object.keys(options)[0]!);
    }
  });

  test("ends where code and history part, and says so", async () => {
    const waits = (name: string) =>
      source(`await ctx.run("a", () => 1); await ctx.waitForSignal("${name}");`, `{ name: "w" }`);
    await using at = await scene(database, { "w.ts": waits("go") });
    const run = await at.node.start("w");
    await reached(run, "suspended");
    await run.signal("go");
    await resultOf(run);
    // The history of a run that was copied onto other code.
    await at.folder.write({ "w.ts": waits("come") });
    await using other = await openIn(at.db, { workflows: [`${at.folder.url}w.ts`] });
    const { hash } = (await other.versions.list({ workflow: "w" })).versions[0]!;
    const specifier = await at.db.query<{ id: number }>(
      "select id from {schema}.workflow_specifiers where hash = $1",
      [hash],
    );
    await at.db.query("update {schema}.runs set specifier_id = $1 where run_id = $2", [
      specifier[0]!.id,
      run.id,
    ]);
    const { drift, effects } = await other.run(run.id).trace();
    assert.deepEqual([drift?.found?.name, drift?.expected.name], ["come", "go"]);
    assert.deepEqual(effects.map(({ name }) => name), ["a", "come"]);
  });

  test("of an earlier generation shows what that one did, on its own input, seed and attempt", async () => {
    const turns = source(
      `await ctx.run("step " + input + " " + Math.random(), () => input);
       await ctx.run("attempt " + ctx.attempt, () => input);
       if (input === 0) return ctx.continueAsNew(1);
       if (ctx.attempt === 1) throw new Error("not yet");
       await ctx.waitForSignal("go");`,
      `{ name: "turns", retry: { maxAttempts: 2, initial: 1 } }`,
    );
    await using at = await scene(database, { "turns.ts": turns });
    const run = await at.node.start("turns", 0);
    await waitsFor(run, "go");
    const traces: unknown[] = [];
    for (const generation of [0, 1, 2]) {
      const trace = await run.trace({ generation });
      assert.deepEqual([trace.drift, trace.at, trace.generation], [null, 2, generation]);
      traces.push([
        trace.attempt,
        trace.outcome,
        trace.effects.map(({ name, event }) => [name.replace(/ 0\..*/, ""), event]),
      ]);
    }
    const [first, second] = [["step 0", 0], ["step 1", 0]];
    assert.deepEqual(traces, [
      [1, "continued", [first, ["attempt 1", 1]]],
      [1, "failed", [second, ["attempt 1", 1]]],
      [2, null, [second, ["attempt 2", 1], ["go", null]]],
    ]);
    assert.deepEqual((await run.generations()).map(({ attempt }) => attempt), [1, 1, 2]);
    const { waiting } = await run.where({ generation: 0, at: 1 });
    assert.deepEqual(waiting.map(({ name }) => name), ["attempt 1"]);
    await refused(run.trace({ generation: 3 }), "GENERATION_NOT_FOUND", "3");
    await refused(run.where({ generation: -1 }), "INVALID_ARGUMENT", "generation");
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const far = await client.run(run.id).trace({ generation: 1, timeout: "5m" });
    assert.deepEqual([far.replayed, far.outcome, far.drift], ["subprocess", "failed", null]);
  });

  test("shows the attempts of an activity, with errors, while it is retried and once it has failed", async () => {
    const asks = source(
      `return await ctx.activity(charge, input);`,
      `{ name: "asks" }`,
      `import { defineActivity } from "@continuum/continuum/workflow";
       export const charge = defineActivity(
         { name: "charge", retry: { maxAttempts: 4, initial: 1 }, timeout: "1h" },
         async (input, activity) => {
           if (activity.attempt > 2) return activity.completeLater();
           throw new RangeError("no " + activity.attempt);
         },
       );`,
    );
    await using at = await scene(database, { "asks.ts": asks });
    const run = await at.node.start("asks", 7);
    const third = await eventually(
      async () => {
        const { effects: [charge] } = await run.trace();
        return charge?.task?.state === "external" ? charge : undefined;
      },
      () => "attempt that waits to be completed",
    );
    const failed = ({ attempts }: TraceEntry) =>
      attempts.map(({ attempt, error }) => [attempt, (error as Error).message]);
    assert.deepEqual([third.input, third.state, third.task!.attempt], [7, "waiting", 3]);
    assert.deepEqual(failed(third), [[1, "no 1"], [2, "no 2"]]);
    assert.deepEqual(third.attempts[1]!.nextTry, third.task!.availableAt);
    assert(third.attempts[0]!.failedAt <= third.attempts[1]!.failedAt);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const far = await client.run(run.id).trace({ timeout: "5m" });
    assert.deepEqual([far.replayed, failed(far.effects[0]!)], ["subprocess", failed(third)]);
    assert.deepEqual((await run.trace({ at: 0 })).effects[0]!.state, "waiting");

    await at.db.query(
      "update {schema}.tasks set state = 'ready', available_at = available_at + interval '1h'",
    );
    const { effects: [queued] } = await run.trace();
    assert.deepEqual([queued!.task!.state, queued!.task!.queue], ["queued", "default"]);
    const laterMs = queued!.attempts[1]!.nextTry!.getTime() - third.task!.availableAt.getTime();
    assert.equal(laterMs, 3_600_000);
    await at.db.query("update {schema}.tasks set state = 'external'");
    for (const attempt of [3, 4]) {
      const [task] = await eventually(
        async () => {
          const rows = await at.db.query<TaskFence>(
            "select run, position, token from {schema}.tasks where state = 'external' and attempt = $1",
            [attempt],
          );
          return rows.length === 1 ? rows : undefined;
        },
        () => `attempt ${attempt} that waits to be completed`,
      );
      const token = formatToken({ ...task!, run: Number(task!.run), token: Number(task!.token) });
      await at.node.activities.fail(token, new Error(`no ${attempt}`));
    }
    await assert.rejects(run.result(), { code: "RUN_FAILED" });
    const { effects: [ended], outcome } = await run.trace();
    assert.deepEqual([ended!.state, ended!.task, outcome], ["failed", null, "failed"]);
    assert.deepEqual(failed(ended!), [1, 2, 3, 4].map((n) => [n, `no ${n}`]));
  });

  test("leaves out inputs and answers that are larger than asked for", async () => {
    const large = source(
      `await ctx.startChild("echo", input, { id: "child" }).then((child) => child.result());
       return await ctx.run("small", () => 1);`,
      `{ name: "large" }`,
    );
    await using at = await scene(database, { "large.ts": large });
    const run = await at.node.start("large", "x".repeat(100));
    await resultOf(run);
    const entries = async (payloadChars?: number) =>
      (await run.trace(payloadChars === undefined ? {} : { payloadChars })).effects
        .map(({ input, value, omitted }) => [typeof input, typeof value, omitted]);
    const whole = await entries();
    assert.deepEqual(whole, await entries(Infinity));
    assert.deepEqual(whole.at(-1), ["undefined", "number", []]);
    assert.deepEqual(whole[0], ["string", "undefined", []]);
    assert.deepEqual(whole[1], ["undefined", "string", []]);
    const cut = await entries(50);
    assert.deepEqual(cut[0], ["undefined", "undefined", ["input"]]);
    assert.deepEqual(cut[1], ["undefined", "undefined", ["value"]]);
    assert.deepEqual(cut.at(-1), ["undefined", "number", []]);
    await refused(run.trace({ payloadChars: -1 }), "INVALID_ARGUMENT", "payloadChars");
  });

  test("of a run whose code is gone shows what the history says, and why", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    const replayed = await run.trace();
    await at.node.close();
    await at.folder.write({ "order.ts": "// something else by now\n" });
    await at.db.query("delete from {schema}.version_modules");
    await at.db.query("delete from {schema}.modules");
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const { unavailable, effects, total, waiting, replayed: where } = await client.run(run.id)
      .trace();
    assert.equal(unavailable?.code, "VERSION_UNAVAILABLE");
    assert.deepEqual([where, waiting, total], [null, [], 2]);
    assert.deepEqual(
      effects.map(({ kind, name, state, value, requestedAt, site }) => [
        ...[kind, name, state, value, requestedAt, site],
      ]),
      [["step", "quote", "completed", 20, null, null], [
        ...["step", "charge", "completed", 20, null, null],
      ]],
    );
    const known = replayed.effects.slice(0, 2);
    assert.deepEqual(
      effects.map(({ attempts }) => attempts),
      known.map(({ attempts }) => attempts),
    );
    assert.deepEqual(effects.map(({ event }) => event), known.map(({ event }) => event));
    await refused(client.run(run.id).where(), "VERSION_UNAVAILABLE");
    await refused(client.run(run.id).status({ trace: true }), "VERSION_UNAVAILABLE");
  });
});
