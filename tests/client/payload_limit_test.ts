/**
 * A value that is larger than `limits.payloadBytes` is refused where it enters, by name and size,
 * and nothing of it is written; what was accepted under another limit continues.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { checkPayload } from "../../src/base/payload.ts";
import { Continuum } from "../../src/continuum.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { openIn, reached, resultOf } from "../support/runs.ts";
import { forEachDatabase } from "../support/database.ts";
import { newRun, TestNode } from "../support/node.ts";
import { refused, scene, source } from "../support/scene.ts";

const CODE = "PAYLOAD_TOO_LARGE";
const LIMIT = 2_048;
const limits = { payloadBytes: LIMIT };
const BIG = "x".repeat(LIMIT);
/** The longest text that passes: its quotes count. */
const MOST = "x".repeat(LIMIT - 2);
const SIZE = `found ${LIMIT + 2} bytes, wanted at most ${LIMIT}`;

/** What code says of the error that it caught. */
const CAUGHT = `(error: any) => {
  const cause = error.cause ?? error;
  return [error.name, error.code, cause.code, cause.details.what, cause.details.limit];
}`;

/** Requests an effect with something too large, and continues. */
const EFFECTS: Readonly<Record<string, readonly [code: string, caught: readonly unknown[]]>> = {
  "an activity's input": [
    `await ctx.activity("echo", "${BIG}").catch(caught)`,
    ["ActivityError", "ACTIVITY_FAILED", CODE, 'the input of activity "echo"', LIMIT],
  ],
  "the input of an activity that no module exports": [
    `await ctx.activity(own, "${BIG}").catch(caught)`,
    ["ActivityError", "ACTIVITY_FAILED", CODE, 'the input of activity "own"', LIMIT],
  ],
  "an activity's result": [
    `await ctx.activity("big", ${LIMIT}).catch(caught)`,
    ["ActivityError", "ACTIVITY_FAILED", CODE, 'the result of activity "big"', LIMIT],
  ],
  "a step's result": [
    `await ctx.run("copy", () => "${BIG}").catch(caught)`,
    ["PayloadTooLargeError", CODE, CODE, 'the result of step "copy"', LIMIT],
  ],
  "a transaction's result": [
    `await ctx.transaction("copy", () => "${BIG}").catch(caught)`,
    ["PayloadTooLargeError", CODE, CODE, 'the result of transaction "copy"', LIMIT],
  ],
  "a child's input": [
    `await ctx.child("echo", "${BIG}", { id: "c" }).catch(caught)`,
    ["ChildError", "CHILD_FAILED", CODE, 'the input of child "c"', LIMIT],
  ],
  "the input of a child that is not awaited": [
    `await ctx.startChild("echo", "${BIG}", { id: "c" }).catch(caught)`,
    ["PayloadTooLargeError", CODE, CODE, 'the input of child "c"', LIMIT],
  ],
  "a signal to a child": [
    `await (await ctx.startChild("echo", { wait: "go" }, { id: "c" }))
      .signal("go", "${BIG}").catch(caught)`,
    ["PayloadTooLargeError", CODE, CODE, 'the payload of signal "go"', LIMIT],
  ],
  "a status": [
    `attempt(() => ctx.setStatus("${BIG}"))`,
    ["PayloadTooLargeError", CODE, CODE, "the status of the run", LIMIT],
  ],
  "attributes": [
    `attempt(() => ctx.attributes.set({ a: "${BIG}" }))`,
    ["PayloadTooLargeError", CODE, CODE, "attributes of the run", LIMIT],
  ],
  "the next generation's input": [
    `attempt(() => ctx.continueAsNew("${BIG}"))`,
    ["PayloadTooLargeError", CODE, CODE, "the input of ctx.continueAsNew", LIMIT],
  ],
};

/** Catches what an effect refuses, waits, and says what it was: by then it has been replayed. */
function catching(name: string, effect: string): string {
  return source(
    `const caught = ${CAUGHT};
     const attempt = (say: () => unknown) => { try { say(); } catch (error) { return caught(error); } };
     const found = ${effect};
     await ctx.waitForSignal("on");
     return found;`,
    `{ name: "${name}" }`,
    `import { defineActivity } from "@continuum/continuum/workflow";
     const own = defineActivity({ name: "own" }, (input: string) => input);`,
  );
}

const activities = [
  defineActivity({ name: "echo" }, (input: unknown) => input),
  defineActivity({ name: "big" }, (length: number) => "x".repeat(length)),
];

Deno.test("a value is measured in bytes of its text, and one more than the limit is too many", () => {
  assert.equal(checkPayload("ü".repeat(10), "it", 20), "ü".repeat(10));
  assert.throws(() => checkPayload("ü".repeat(10), "it", 19), {
    code: CODE,
    message: /^Cannot take it: found 20 bytes, wanted at most 19;/,
  });
});

forEachDatabase("payload limits", (database, test) => {
  test("a caller that passes too much gets an error, and nothing is written", async () => {
    await using at = await scene(database, {}, { limits });
    const { node } = at;
    const run = await node.start("echo", { wait: "go" }, { runId: "r" });
    await reached(run, "suspended");
    await refused(node.start("echo", BIG), CODE, 'input of workflow "echo"', SIZE);
    await refused(
      node.start("echo", 1, { signal: { name: "go", payload: BIG } }),
      CODE,
      'signal.payload of workflow "echo"',
      SIZE,
    );
    await refused(node.start("echo", 1, { attributes: { a: BIG } }), CODE, "attributes");
    await refused(node.startMany("echo", [{ input: 1 }, { input: BIG }]), CODE, "input[1]", SIZE);
    await refused(run.signal("go", BIG), CODE, 'payload of signal "go"', SIZE);
    await refused(run.attributes.set({ a: BIG }), CODE, 'attributes of run "r"');
    await refused(
      node.schedules.create({ id: "s", workflow: "echo", every: "1h", input: BIG }),
      CODE,
      'input of schedule "s"',
      SIZE,
    );
    assert.equal(await node.runs.count(), 1);
    assert.deepEqual(await node.schedules.list(), []);
    assert.deepEqual((await run.status()).attributes, {});
    await run.signal("go", 1);
    assert.deepEqual(await resultOf(run), [{ wait: "go" }, 1]);
  });

  test("a client has the limit too", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema, limits });
    await refused(client.start("echo", BIG), CODE, SIZE);
    assert.equal(await resultOf(await client.start("echo", MOST)), MOST);
  });

  test("a result from outside is refused to the caller that sends it, and the activity continues", async () => {
    const { promise: token, resolve } = Promise.withResolvers<string>();
    await using at = await scene(database, {
      "outside.ts": source(`return await ctx.activity("outside");`, `{ name: "outside" }`),
    }, {
      limits,
      activities: [defineActivity({ name: "outside" }, async (_: void, activity) => {
        resolve(await activity.token());
        return activity.completeLater();
      })],
    });
    const run = await at.node.start("outside");
    await refused(at.node.activities.complete(await token, BIG), CODE, "the result", SIZE);
    await at.node.activities.complete(await token, "small");
    assert.equal(await resultOf(run), "small");
  });

  test("an effect is refused where the code asked for it, and on every replay", async () => {
    const names = Object.keys(EFFECTS).map((what) => what.replaceAll(/\W/g, "_"));
    const files = Object.fromEntries(
      Object.values(EFFECTS).map(([effect], index) =>
        [`${index}.ts`, catching(names[index]!, effect)] as const
      ),
    );
    await using at = await scene(database, files, { limits, activities });
    const started = await Promise.all(
      names.map((name) => at.node.start(name, null, { namespace: name })),
    );
    for (const run of started) await reached(run, "suspended"); // and out of memory
    await at.node.close();
    // The next node takes more: what was refused stays refused.
    const workflows = Object.keys(files).map((path) => at.folder.url + path);
    await using next = await openIn(at.db, { workflows, activities });
    for (const [index, [what, [, wanted]]] of Object.entries(EFFECTS).entries()) {
      const namespace = names[index]!;
      const run = next.run(started[index]!.id, { namespace });
      await run.signal("on");
      assert.deepEqual(await resultOf(run), wanted, what);
    }
    const written = await at.db.query<{ most: number }>(
      `select max(length(payload::text)) as most from {schema}.events`,
    );
    assert(written[0]!.most < LIMIT, "nothing that was refused is in a history");
  });

  test("a result that is too large fails its run with name and size", async () => {
    await using at = await scene(database, {}, { limits });
    const run = await at.node.start("echo", { wait: "go" });
    await run.signal("go", "x".repeat(LIMIT - 10));
    await refused(resultOf(run), "RUN_FAILED", "the result of the run", "wanted at most 2048");
    const { error } = await run.status();
    assert(isContinuumError(error, CODE));
  });

  test("accepted values stay valid under a lower limit", async () => {
    await using db = await database.fresh();
    const attempts: number[] = [];
    const flaky = defineActivity(
      { name: "flaky", retry: { maxAttempts: 2, initial: 0 } },
      (input: string, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("again");
        return input.length;
      },
    );
    const child = defineWorkflow({ name: "child" }, async (ctx, input: string) => {
      await ctx.waitForSignal("on");
      return input.length;
    });
    const parent = defineWorkflow({ name: "parent" }, async (ctx, input: string) => {
      ctx.setStatus(input);
      ctx.attributes.set({ a: input });
      const next = ctx.continueAsNew(input) as unknown;
      const copy = await ctx.run("copy", () => input);
      const length = await ctx.activity(flaky, copy);
      const [ended] = await Promise.all([
        ctx.child(child, copy, { id: "c" }),
        ctx.waitForSignal<string>("go"),
      ]);
      return [length, ended, typeof next];
    });
    const input = "x".repeat(5_000);
    {
      await using node = await TestNode.open(db, [parent, child]);
      const run = newRun("parent", input, "p");
      await node.store.runs.insert([run]);
      node.engine.receive({ kind: "due" });
      await node.left("p", "suspended");
      await node.left("c", "suspended");
      await node.signal("p", "go", input);
    }
    await using node = await TestNode.open(db, [parent, child], { payloadBytes: 1_024 });
    await node.signal("c", "on");
    const exit = await node.left("p", "ended");
    assert(exit.kind === "ended");
    assert.equal(exit.result, '[5000,5000,"object"]');
    assert.deepEqual(attempts, [1, 2]);
  });
});
