/**
 * What schemas promise of everything that does not come from a caller: inputs of children, of next
 * generations and of schedules, and signals between runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** A schema that takes time: of one type, and it makes `wrap` of the value. */
const TYPE = `
const type = (name, wrap = (value) => value) => ({
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value) => {
      await Promise.resolve();
      return typeof value === name
        ? { value: wrap(value) }
        : { issues: [{ message: "Expected a " + name }] };
    },
  },
});
`;

/** A kid that takes one type of input. */
function kid(type: string, label: number): string {
  return source(
    `return input.wait ? [input.text, await ctx.waitForSignal("go")] : input.text;`,
    `{
      name: "kid",
      version: ${label},
      input: type("${type}", (text) => ({ text: String(text).toUpperCase(), wait: text === "wait" })),
      signals: { go: type("number", (n) => n * 2) },
    }`,
    TYPE,
  );
}

const CHILDREN = source(
  `const codes = [];
   const refused = (error) => { codes.push([error.code, error.cause?.code]); };
   for (const which of [kid, "kid"]) await ctx.child(which, 7).catch(refused);
   await ctx.startChild(kid, 7).catch(refused);
   await ctx.waitForSignal("on"); // a replay delivers what was before
   return [codes, await ctx.child(kid, "text"), await ctx.child("kid", "name")];`,
  `{ name: "children" }`,
  `import kid from "./kid.ts";`,
);

const SENDER = source(
  `const child = await ctx.startChild(kid, "wait", { id: "waiting" });
   const codes = [];
   for (const [name, payload] of [["go", "text"], ["og", 1]]) {
     await child.signal(name, payload).catch((error) => codes.push(error.code));
   }
   await child.signal("go", 21);
   return [codes, await child.result()];`,
  `{ name: "sender" }`,
  `import kid from "./kid.ts";`,
);

const STAYER = source(
  `const child = ctx.child("kid", "wait", { id: "stays" });
   await ctx.waitForSignal("poke");
   return await child;`,
  `{ name: "stayer" }`,
);

/** Counts down in generations, each of which gets what the schema makes of its input. */
function countdown(type: string, label: number): string {
  return source(
    `if (input.left === 0) return [ctx.version, input];
     if (input.left === 2) await ctx.waitForSignal("on");
     return ctx.continueAsNew(input.left === -1 ? "text" : input.left - 1);`,
    `{ name: "countdown", version: ${label}, input: type("${type}", (left) => ({ left })) }`,
    TYPE,
  );
}

/** The hash of a version by its label. */
async function hashOf(node: Continuum, workflow: string, label: number): Promise<string> {
  const found = (await node.versions.list({ workflow })).versions.find((row) =>
    row.label === String(label)
  );
  return found!.hash;
}

/** Lets the schedule's next planned time be one that just came. */
async function passTo({ query }: EmptyDatabase, node: Continuum): Promise<void> {
  await query(
    `update {schema}.schedules set planned_at = date_trunc('milliseconds', clock_timestamp()),
       fire_at = date_trunc('milliseconds', clock_timestamp())`,
  );
  await node.schedules.resume("s"); // which makes nodes look
}

forEachDatabase("contracts inside", (database, test) => {
  test("a child gets what its schema makes of its input, or its parent the issues", async () => {
    await using at = await scene(database, { "kid.ts": kid("string", 1), "children.ts": CHILDREN });
    const run = await at.node.start("children");
    await reached(run, "suspended");
    assert.equal(await at.node.runs.count(), 1, "no child is there that was refused");
    await run.signal("on");
    assert.deepEqual(await resultOf(run), [
      [["CHILD_FAILED", "INVALID_INPUT"], ["CHILD_FAILED", "INVALID_INPUT"], [
        "INVALID_INPUT",
        undefined,
      ]],
      "TEXT",
      "NAME",
    ]);
    const [refusal] = await run.history({ limit: 1 });
    assert.equal(refusal!.kind, "child.failed");
    assert.match(JSON.stringify(refusal), /Expected a string/);
  });

  test("a child that was started continues, though the current version would refuse it", async () => {
    const files = { "kid.ts": kid("string", 1), "kid2.ts": kid("number", 2), "stayer.ts": STAYER };
    await using at = await scene(database, files);
    await at.node.versions.activate("kid", await hashOf(at.node, "kid", 1));
    const run = await at.node.start("stayer");
    const child = at.node.run("stays");
    await eventually(
      async () => await child.status().catch(() => undefined),
      () => "child",
    );
    await reached(child, "suspended");
    await reached(run, "suspended");
    await at.node.versions.activate("kid", await hashOf(at.node, "kid", 2));
    await run.signal("poke"); // the parent is read anew, and starts its child once more
    await eventually(
      async () => (await run.history()).length > 0 ? true : undefined,
      () => "signal that was taken",
    );
    await reached(run, "suspended");
    await child.signal("go", 4);
    assert.deepEqual(await resultOf(run), ["WAIT", 8]);
  });

  test("a parent and a child that are moved keep what was checked, and what comes is checked anew", async () => {
    const parent = (label: number, more: string) =>
      source(
        `const child = ctx.child("kid", "wait", { id: "stays" });
         await ctx.waitForSignal("poke");
         return [await child, ${more}];`,
        `{ name: "parent", version: ${label} }`,
      );
    await using at = await scene(database, {
      "kid.ts": kid("string", 1),
      "kid2.ts": kid("number", 2),
      "parent.ts": parent(1, `"first"`),
      "parent2.ts": parent(2, `await ctx.child("kid", 5)`),
    }, { linger: 0 });
    const hash = (workflow: string, label: number) => hashOf(at.node, workflow, label);
    for (const workflow of ["kid", "parent"]) {
      await at.node.versions.activate(workflow, await hash(workflow, 1));
    }
    const run = await at.node.start("parent");
    const child = at.node.run("stays");
    await eventually(
      async () => await child.status().catch(() => undefined),
      () => "child",
    );
    for (const waits of [child, run]) await reached(waits, "suspended");
    await at.node.versions.activate("kid", await hash("kid", 2));
    const checked = await at.node.versions.replay(await hash("parent", 2));
    assert.equal(checked.ok, true, "what was answered is not checked by a schema");
    for (const [moved, workflow] of [[run, "parent"], [child, "kid"]] as const) {
      const report = await moved.upgrade({ to: await hash(workflow, 2) });
      assert.equal(report.upgraded, true, JSON.stringify(report));
    }
    // The schema of version 2 refuses "wait": the input stays what version 1 made of it.
    await refused(child.signal("go", "text"), "INVALID_SIGNAL_PAYLOAD");
    await child.signal("go", 4);
    await run.signal("poke");
    assert.deepEqual(await resultOf(run), [["WAIT", 8], "5"]);
  });

  test("a signal to a child is checked by the child's version, and refused where it is sent", async () => {
    await using at = await scene(database, { "kid.ts": kid("string", 1), "sender.ts": SENDER });
    const run = await at.node.start("sender");
    assert.deepEqual(await resultOf(run), [
      ["INVALID_SIGNAL_PAYLOAD", "UNDECLARED_SIGNAL"],
      ["WAIT", 42],
    ]);
  });

  test("a next generation gets what its schema makes of its input", async () => {
    await using at = await scene(database, { "countdown.ts": countdown("number", 1) });
    const run = await at.node.start("countdown", 1);
    assert.deepEqual(await resultOf(run), [await hashOf(at.node, "countdown", 1), { left: 0 }]);
    const lost = await at.node.start("countdown", -1);
    await assert.rejects(resultOf(lost), (error: Error) => {
      assert.equal((error.cause as { code?: string }).code, "INVALID_INPUT");
      assert.match(error.message, /Expected a number/);
      return true;
    });
  });

  test("a run stays on its version if the current one refuses its next input", async () => {
    const files = { "countdown.ts": countdown("number", 1), "other.ts": countdown("string", 2) };
    await using at = await scene(database, files);
    const first = await hashOf(at.node, "countdown", 1);
    await at.node.versions.activate("countdown", first);
    const run = await at.node.start("countdown", 2);
    await reached(run, "suspended");
    await at.node.versions.activate("countdown", await hashOf(at.node, "countdown", 2));
    await run.signal("on");
    assert.deepEqual(await resultOf(run), [first, { left: 0 }]);
  });

  test("a schedule's input is checked when it is made, and each run gets what is made of it", async () => {
    await using at = await scene(database, { "kid.ts": kid("string", 1) });
    const { node, db } = at;
    const options = { id: "s", workflow: "kid", every: "1h" } as const;
    await refused(
      node.schedules.create({ ...options, input: 7 }),
      "INVALID_INPUT",
      "Expected a string",
    );
    const made = await node.schedules.create({ ...options, input: "text" });
    assert.equal(made.input, "text");
    await passTo(db, node);
    const fired = await eventually(
      async () => (await node.schedules.get("s")).last ?? undefined,
      () => "firing",
    );
    assert.equal(await resultOf(node.run(fired.runId)), "TEXT");
    assert.equal(await resultOf(await node.schedules.trigger("s")), "TEXT");
  });

  test("a firing whose input the current version refuses parks the schedule until another is", async () => {
    await using at = await scene(database, {
      "kid.ts": kid("string", 1),
      "kid2.ts": kid("number", 2),
    });
    const { node, db } = at;
    const [first, second] = [await hashOf(node, "kid", 1), await hashOf(node, "kid", 2)];
    await node.versions.activate("kid", first);
    await node.schedules.create({ id: "s", workflow: "kid", every: "1h", input: "text" });
    await node.versions.activate("kid", second);
    await passTo(db, node);
    const parked = await eventually(async () => {
      const status = await node.schedules.get("s");
      return status.state === "stuck" ? status : undefined;
    }, () => "parked schedule");
    assert.equal(parked.reason!.code, "INVALID_INPUT");
    assert.equal(parked.reason!.version, second);
    assert.match(parked.reason!.message, /Expected a number/);
    assert.deepEqual([parked.started, parked.missed, parked.skipped], [0, 0, 0]);
    assert.equal(await node.runs.count(), 0);
    await refused(node.schedules.trigger("s"), "INVALID_INPUT", "Expected a number");
    const { findings } = await node.health();
    assert.ok(findings.some(({ code }) => code === "STUCK_SCHEDULE"));

    await node.versions.activate("kid", first);
    const fired = await eventually(
      async () => (await node.schedules.get("s")).last ?? undefined,
      () => "firing that was made up for",
    );
    assert.equal(await resultOf(node.run(fired.runId)), "TEXT");
    const { state, reason, started } = await node.schedules.get("s");
    assert.deepEqual([state, reason, started], ["active", null, 1]);
  });
});
