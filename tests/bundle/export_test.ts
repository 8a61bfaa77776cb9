/**
 * What an export holds, and that it replays where there is no database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openBundle } from "../../src/bundle/read.ts";
import { contentOf } from "../../src/bundle/bundle.ts";
import { replayBundle } from "../../src/client/bundle/replay.ts";
import { bundleTimeline } from "../../src/client/bundle/timeline.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { RunTrace } from "../../src/client/run/trace_shapes.ts";
import { describeBundle } from "../../src/operate/bundles.ts";
import { assertReplays } from "../../src/testing/replay.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

const SECRET = "s3cr3t";

/** A busy machine may take long to start a process. */
const PATIENT = { timeout: "10m" };

const ORDER = source(
  `const quote = await ctx.run("quote", () => input.items * 10);
await ctx.activity("reserve", { secret: input.secret });
const [shipped, review] = await Promise.all([
  ctx.child("ship", { secret: input.secret }),
  ctx.waitForSignal("review"),
]);
ctx.setStatus({ review });
await ctx.attributes.set({ customer: input.secret });
return { quote, shipped, review };`,
  `{ name: "order" }`,
);
const SHIP = source(
  `return [input.secret, await ctx.run("pack", () => "packed")];`,
  `{ name: "ship" }`,
);
const LOOP = source(
  `await ctx.run("round", () => input);
if (input < 3) return ctx.continueAsNew(input + 1);
return await ctx.waitForSignal("stop");`,
  `{ name: "loop" }`,
);
const FILES = { "order.ts": ORDER, "ship.ts": SHIP, "loop.ts": LOOP };
const reserve = defineActivity(
  { name: "reserve" },
  (input: { secret: string }) => `kept ${input.secret}`,
);
const RESERVE = { activities: [reserve] };

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

/** A trace without the process that made it. */
function told({ replayed: _, ...trace }: RunTrace): unknown {
  return trace;
}

forEachDatabase("an exported run", (database, test) => {
  test("is traced from its bundle as from its database, without one", async () => {
    await using at = await scene(database, FILES, RESERVE);
    const run = await at.node.start("order", { items: 2, secret: SECRET });
    await waitsFor(run, "review");
    for (const end of [false, true]) {
      if (end) {
        await run.signal("review", "fine");
        await resultOf(run);
      }
      const bundle = await openBundle(await run.export());
      await using replay = await replayBundle(bundle, PATIENT);
      for (let n = 0; n <= replay.events; n++) {
        assert.deepEqual(told(await replay.trace({ at: n })), told(await run.trace({ at: n })));
      }
      for (const wrong of [replay.events + 1, -1, 0.5, NaN]) {
        await refused(replay.trace({ at: wrong }), "INVALID_ARGUMENT", `to ${replay.events}`);
        await refused(replay.step(wrong), "INVALID_ARGUMENT", `to ${replay.events}`);
      }
      const verdict = await replay.verdict();
      assert.deepEqual([verdict.replays, verdict.cause], [true, null]);
      assert.equal(bundle.history().state, end ? "completed" : "suspended");
    }
  });

  test("comes with its children, if asked for", async () => {
    await using at = await scene(database, FILES, RESERVE);
    const run = await at.node.start("order", { items: 2, secret: SECRET });
    await waitsFor(run, "review");
    const alone = await openBundle(await run.export());
    assert.deepEqual(alone.runs.map(({ workflow }) => workflow), ["order"]);
    const family = await openBundle(await run.export({ children: true }));
    assert.deepEqual(family.runs.map(({ workflow }) => workflow), ["order", "ship"]);
    const [, child] = family.runs;
    await using replay = await replayBundle(family, { ...PATIENT, runId: child!.runId });
    assert.deepEqual((await replay.trace()).effects.map(({ name }) => name), ["pack"]);
    assert.equal((await replay.verdict()).replays, true);
    const { versions, members } = contentOf(family);
    assert.deepEqual([versions.length, Object.keys(members).length], [2, 2]);
  });

  test("comes with every generation, each of which replays", async () => {
    await using at = await scene(database, FILES);
    const run = await at.node.start("loop", 1);
    await waitsFor(run, "stop");
    const bundle = await openBundle(await run.export());
    assert.deepEqual(bundle.runs[0]!.generations, [0, 1, 2]);
    for (const generation of [0, 1, 2]) {
      const history = bundle.history({ generation });
      await assertReplays(at.folder.url + "loop.ts", history);
      await using replay = await replayBundle(bundle, { ...PATIENT, generation });
      assert.equal(replay.input, generation + 1);
      assert.deepEqual(told(await replay.trace()), told(await run.trace({ generation })));
      const { replays, outcome } = await replay.verdict();
      assert.deepEqual([replays, outcome], [true, generation < 2 ? "continued" : null]);
    }
  });

  test("that is a fork replays with the values that its original drew", async () => {
    const draws = source(
      `const drawn = ctx.uuid();
const one = await ctx.run("one", () => drawn);
await ctx.waitForSignal("go");
return [one, ctx.uuid(), await ctx.run("two", () => 2)];`,
      `{ name: "draws" }`,
    );
    await using at = await scene(database, { "draws.ts": draws });
    const original = await at.node.start("draws", null);
    await waitsFor(original, "go");
    const run = at.node.run((await original.fork({ at: 1 })).id);
    await run.signal("go");
    await resultOf(run);
    for (const redact of [undefined, "timeline" as const]) {
      const file = await run.export({ ...PATIENT, ...(redact === undefined ? {} : { redact }) });
      const bundle = await openBundle(file);
      const { id, events } = describeBundle({ bundle, bytes: file }).runs[0]!.origin!;
      assert.deepEqual([id, events], [original.id, 1]);
      if (redact !== undefined) continue;
      await using replay = await replayBundle(bundle, PATIENT);
      assert.deepEqual(told(await replay.trace()), told(await run.trace()));
      assert.equal((await replay.verdict()).replays, true);
    }
  });

  test("comes with messages and attempts that the code has not seen", async () => {
    await using at = await scene(database, FILES, {
      activities: [defineActivity(
        { name: "reserve", retry: { maxAttempts: 5, initial: "1h" } },
        () => Promise.reject(new Error("no stock")),
      )],
    });
    const run = await at.node.start("order", { items: 2, secret: SECRET });
    await eventually(
      async () => (await run.status()).retrying.length === 1 || undefined,
      () => "attempt that failed",
    );
    await reached(run, "suspended");
    await run.signal("other", "early");
    const bundle = await openBundle(await run.export());
    const [{ inbox, tasks }] = contentOf(bundle).runs as [ReturnType<typeof contentOf>["runs"][0]];
    assert.deepEqual(inbox.map(({ kind, name }) => [kind, name]), [["signal", "other"]]);
    assert.deepEqual(tasks.map(({ name, attempt }) => [name, attempt]), [["reserve", 2]]);
    await using replay = await replayBundle(bundle, PATIENT);
    const { waiting } = await replay.trace();
    assert.equal((waiting[0]!.attempts[0]!.error as Error).message, "no stock");
  });

  test("without payloads holds its timeline and none of its values", async () => {
    await using at = await scene(database, FILES, RESERVE);
    const run = await at.node.start("order", { items: 2, secret: SECRET });
    await waitsFor(run, "review");
    await run.signal("review", SECRET);
    await resultOf(run);
    const full = await openBundle(await run.export({ children: true }));
    assert(JSON.stringify(contentOf(full)).includes(SECRET));
    const bundle = await openBundle(
      await run.export({ ...PATIENT, children: true, redact: "timeline" }),
    );
    assert.equal(bundle.redacted, "timeline");
    assert(!JSON.stringify(contentOf(bundle)).includes(SECRET));
    const shown = (trace: RunTrace | null) =>
      trace?.effects.map(({ kind, name, state, site, requestedAt }) => [
        ...[kind, name, state, site?.line, requestedAt],
      ]);
    assert.deepEqual(shown(bundleTimeline(bundle)), shown(await run.trace()));
    await refused(replayBundle(bundle), "BUNDLE_REDACTED", run.id, "redact");
  });

  test("is refused if it does not exist, and by options that make no sense", async () => {
    await using at = await scene(database, {});
    await refused(at.node.run("none").export(), "RUN_NOT_FOUND", "none");
    const run = await at.node.start("echo", 1);
    await refused(run.export({ redact: "all" as never }), "INVALID_ARGUMENT", "timeline");
    await refused(run.export({ child: true } as never), "INVALID_ARGUMENT", "child");
    await refused(at.node.runs.export([]), "INVALID_ARGUMENT", "at least one id");
    await refused(at.node.runs.export([run.id, "none"]), "RUN_NOT_FOUND", "none");
  });
});
