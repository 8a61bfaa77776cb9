/**
 * What a run says of itself, and what can be seen of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { FailedAttempt } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

const SAYS = source(
  `ctx.setStatus({ phase: "begun" });
   ctx.attributes.set({ phase: 1, kept: [1, 2], due: new Date(0) });
   await ctx.run("step", () => 1);
   ctx.attributes.set({ phase: 2, due: undefined });
   ctx.setStatus(new Map([["phase", "waits"]]));
   const got = await Promise.race([
     ctx.waitForSignal("go"),
     ctx.sleep("30d"),
   ]);
   ctx.attributes.set({ phase: 3 });
   ctx.setStatus("done");
   return got;`,
  `{ name: "says" }`,
);

forEachDatabase("notes of a run", (database, test) => {
  test("status and attributes show at once, are written once, and stay when others set theirs", async () => {
    await using at = await scene(database, { "says.ts": SAYS });
    const run = await at.node.start("says", null, { attributes: { mine: true } });
    const status = await reached(run, "suspended");
    assert.deepEqual(status.custom, new Map([["phase", "waits"]]));
    assert.deepEqual(status.attributes, { mine: true, phase: 2, kept: [1, 2] });
    await run.attributes.set({ phase: "from outside" });
    await run.signal("other");
    await reached(run, "suspended");
    const kinds = (await run.history()).map(({ kind }) => kind);
    assert.deepEqual(kinds, [
      "status.set",
      "attributes.set",
      "step.completed",
      "attributes.set",
      "status.set",
    ]);
    assert.equal((await run.status()).attributes["phase"], "from outside");
    await run.signal("go", "gone");
    assert.equal(await resultOf(run), "gone");
    const end = await run.status();
    assert.deepEqual([end.custom, end.attributes["phase"], end.reason], ["done", 3, null]);
    assert.equal(await at.node.runs.count({ where: { attributes: { phase: 3 } } }), 1);
  });

  test("a terminated run ends at once where it is executed, and its attempt is aborted", async () => {
    const endless = source(
      `await ctx.run("endless", ({ signal }) =>
         new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))));`,
      `{ name: "endless" }`,
    );
    await using at = await scene(database, { "endless.ts": endless });
    const { database: adapter, schema } = at.db;
    await using other = await Continuum.connect({ database: adapter, schema });
    const own = await at.node.start("endless");
    const far = await at.node.start("endless");
    await reached(own, "running");
    await reached(far, "running");
    await own.terminate();
    await refused(own.result(), "RUN_TERMINATED");
    await other.run(far.id).terminate();
    await refused(far.result(), "RUN_TERMINATED");
  });

  test("code that says other things, or fewer, is drift", async () => {
    const says = (more: string) =>
      source(`${more} await ctx.waitForSignal("go"); return 1;`, `{ name: "changed" }`);
    const first = says(`ctx.setStatus("one"); ctx.attributes.set({ a: 1 });`);
    await using at = await scene(database, { "v1.ts": first });
    const run = await at.node.start("changed");
    await reached(run, "suspended");
    const targets = {
      "other.ts": says(`ctx.setStatus("two"); ctx.attributes.set({ a: 1 });`),
      "fewer.ts": says(`ctx.setStatus("one");`),
      "swapped.ts": says(`ctx.attributes.set({ a: 1 }); ctx.setStatus("one");`),
      "more.ts": says(
        `ctx.setStatus("one"); ctx.attributes.set({ a: 1 }); ctx.setStatus("three");`,
      ),
    };
    await at.folder.write(targets);
    const workflows = Object.keys(targets).map((path) => at.folder.url + path);
    await using node = await openIn(at.db, { workflows });
    const held = node.run(run.id);
    const reports = [];
    for (const to of workflows) reports.push(await held.upgrade({ to, dryRun: true }));
    assert.deepEqual(reports.map(({ upgraded }) => upgraded), [false, false, false, true]);
    assert.match(reports[0]!.drift!.message, /status.set.*something else.*other\.ts/s);
    assert.match(reports[1]!.drift!.message, /attributes.set.*does not set it any more/s);
    assert.equal(reports[2]!.drift!.seq, 0);
  });

  test("a trace tells where in the pinned source a run waits, and why", async () => {
    await using at = await scene(database, { "says.ts": SAYS });
    const run = await at.node.start("says");
    await reached(run, "suspended");
    const plain = await run.status();
    assert.equal(plain.pending, null);
    assert.match(plain.reason ?? "", /^waits for signal "go", sleeps until \d{4}-/);
    const { pending } = await run.status({ trace: true });
    const lines = SAYS.split("\n");
    const lineOf = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
    assert.deepEqual(
      pending?.map(({ kind, name, position, site }) => [kind, name, position, site?.line]),
      [
        ["signal", "go", 1, lineOf('waitForSignal("go")')],
        ["sleep", "", 2, lineOf('sleep("30d")')],
      ],
    );
    assert.match(pending![0]!.site!.file, /says\.ts$/);
    assert(pending![1]!.until! > new Date());
    await run.terminate();
    assert.equal((await run.status({ trace: true })).pending, null);
  });

  test("a run says which activity it waits for, where no node has it", async () => {
    const asks = source(`return await ctx.activity("unserved");`, `{ name: "asks" }`);
    await using at = await scene(database, { "asks.ts": asks }, { linger: 0 });
    const { reason, waits, until } = await reached(await at.node.start("asks"), "suspended");
    assert.equal(reason, `waits for activity "unserved"`);
    assert.deepEqual([waits.map(({ kind }) => kind), until], [["activity"], null]);
  });

  test("history comes whole, or in part", async () => {
    await using at = await scene(database, { "says.ts": SAYS });
    const run = await at.node.start("says");
    await reached(run, "suspended");
    const all = await run.history();
    assert.deepEqual(all.map(({ seq }) => seq), [0, 1, 2, 3, 4]);
    assert.deepEqual(await run.history({ from: 2 }), all.slice(2));
    assert.deepEqual(await run.history({ from: 1, limit: 2 }), all.slice(1, 3));
    assert.deepEqual(await run.history({ from: 9 }), []);
    const wrong: readonly (readonly [unknown, ...string[]])[] = [
      [{ from: -1 }, "from", "-1", "from 0"],
      [{ from: "1" }, "from", '"1"'],
      [{ limit: 0 }, "limit", "0", "from 1"],
      [{ limit: 1.5 }, "limit", "1.5"],
      [{ offset: 1 }, '"offset"', "from, limit"],
    ];
    for (const [options, ...words] of wrong) {
      await refused(run.history(options as never), "INVALID_ARGUMENT", ...words);
    }
    await refused(run.status({ trace: 1 } as never), "INVALID_ARGUMENT", "trace", "1");
    await refused(run.status({ tarce: true } as never), "INVALID_ARGUMENT", '"tarce"');
  });

  test("each value of a history is decoded, and so are the errors and attributes in it", async () => {
    const body = `
      ctx.attributes.set({ phase: 1, due: undefined });
      ctx.setStatus(new Map([["phase", "waits"]]));
      await ctx.run("steps", ({ attempt }) => {
        throw new RangeError("no " + attempt, { cause: new Date(0) });
      }, { retry: { maxAttempts: 2, initial: 1 } }).catch(() => {});
      await ctx.activity(charge).catch(() => {});
      await ctx.child("fails", null, { id: "c" }).catch(() => {});
      await ctx.waitForSignal("go");`;
    const charge = `import { defineActivity } from "@continuum/continuum/workflow";
      export const charge = defineActivity(
        { name: "charge", retry: { maxAttempts: 2, initial: 1 } },
        (_: unknown, { attempt }) => { throw new RangeError("no " + attempt); },
      );`;
    const fails = source(`throw new RangeError("child")`, `{ name: "fails" }`);
    await using at = await scene(database, {
      "all.ts": source(body, `{ name: "all" }`, charge),
      "fails.ts": fails,
    });
    const run = await at.node.start("all");
    await eventually(
      async () => (await run.status()).waits.some(({ name }) => name === "go") || undefined,
      () => "run that waits for the signal",
    );
    await run.signal("go", new Map([[1, new Date(0)]]));
    await resultOf(run);
    const values = new Map((await run.history()).map(({ kind, value }) => [kind, value]));
    const error = (found: unknown, message: string) => {
      assert(found instanceof RangeError, String(found));
      assert.equal(found.message, message);
    };
    const value = <T>(kind: string) => values.get(kind) as T;
    assert.deepEqual(value("attributes.set"), { set: { phase: 1 }, remove: ["due"] });
    assert.deepEqual(value("status.set"), new Map([["phase", "waits"]]));
    const retried = value<{ attempt: number; error: Error; nextTry: Date }>("attempt.failed");
    assert.deepEqual([retried.attempt, retried.nextTry instanceof Date], [1, true]);
    error(retried.error, "no 1");
    assert.deepEqual(retried.error.cause, new Date(0));
    error(value("step.failed"), "no 2");
    const failed = value<{ cause: Error; attempts: FailedAttempt[] }>("activity.failed");
    error(failed.cause, "no 2");
    for (const { attempt, error: thrown, at } of failed.attempts) {
      error(thrown, `no ${attempt}`);
      assert(at instanceof Date);
    }
    assert.deepEqual(failed.attempts.map(({ attempt }) => attempt), [1, 2]);
    const ended = value<{ state: string; error: Error }>("child.failed");
    assert.equal(ended.state, "failed");
    error(ended.error, "child");
    assert.deepEqual(value("signal.received"), new Map([[1, new Date(0)]]));
  });
});
