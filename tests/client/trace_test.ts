/**
 * What a run's trace tells: each effect with its line, at every event, wherever the code runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { RunTrace } from "../../src/client/run/trace.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
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
    assert.equal(until!.getTime() - requestedAt.getTime(), 24 * 3_600_000);
    assert.deepEqual([trace.replayed, trace.total, trace.outcome], ["here", 5, null]);
    await run.signal("done", "yes");
    await resultOf(run);
    const ended = await run.trace();
    assert.deepEqual([ended.outcome, ended.effects[4]!.state], ["completed", "completed"]);
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
  });

  test("of a run that this process has no code of is made in a subprocess, with the same lines", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const far = await client.run(run.id).trace();
    const own = await run.trace();
    assert.deepEqual([far.replayed, own.replayed], ["subprocess", "here"]);
    assert.deepEqual(told(far), told(own));
    assert.deepEqual(far.effects.map(({ calls }) => calls.map(({ member }) => member)), [
      ["./order.ts"],
      ["./order.ts"],
      ["./order.ts", "./order.ts"],
    ]);
  });

  test("shows the waiting line in the pinned source, wherever it is asked for", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", { items: 2 });
    await waitsFor(run, "review");
    const line = lineOf(ORDER, '"review"');
    await at.folder.write({ "order.ts": "// something else by now\n" });
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    for (const  of of[at.node, client]) {
      const { waiting, from, version } = await of.run(run.id).where({ around: 1 });
      assert.deepEqual(
        waiting.map(({ kind, name, lines }) => [kind, name, lines]),
        [["signal", "review", [
          { number: line - 1, text: ORDER.split("\n")[line - 2] },
          { number: line, text: '  return await ctx.waitForSignal("review");' },
          { number: line + 1, text: "}" },
        ]]],
      );
      assert.equal(from, "archive");
      const source = await of.versions.source(version.hash);
      assert.deepEqual([source.entry, source.packages], ["./order.ts", []]);
      assert.deepEqual(source.members.map(({ label, media, text }) => [label, media, text]), [
        ["./order.ts", "ts", ORDER],
      ]);
    }
    await refused(client.versions.source("0".repeat(64)), "VERSION_UNAVAILABLE", "registered");
    await refused(run.where({ around: -1 }), "INVALID_ARGUMENT", "around");
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
    const { hash } = (await other.versions.list("w"))[0]!;
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
});
