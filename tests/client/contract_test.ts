/**
 * What schemas of inputs and signals promise: the run's own version decides, before anything is
 * written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";
import { hasCode } from "../support/errors.ts";

/** Schemas as a library makes them. */
const SCHEMAS = `
function schema(validate) {
  return { "~standard": { version: 1, vendor: "test", validate } };
}
const issue = (message, ...path) => ({ issues: [{ message, path }] });
const approval = schema((value) =>
  typeof value?.by === "string"
    ? { value: { by: value.by.toUpperCase(), times: 1 } }
    : issue("Expected a name", { key: "by" }, 0));
const slow = schema(async (value) => {
  await Promise.resolve();
  return value > 0 ? { value } : issue("Expected more than 0");
});
const throws = schema(() => { throw new Error("out of order"); });
const odd = schema(() => 7);
`;

const CONTRACT = source(
  `return [input, await ctx.waitForSignal("approval"), await ctx.waitForSignal("slow")];`,
  `{ name: "contract", input: slow, signals: { approval, slow, throws, odd } }`,
  SCHEMAS,
);

const UNDECLARED = source(
  `return await ctx.run("try", () => 1).then(() => ctx.waitForSignal("tpyo"));`,
  `{ name: "undeclared", signals: {} }`,
  SCHEMAS,
);

const FILES = { "contract.ts": CONTRACT, "undeclared.ts": UNDECLARED };

async function messages({ db }: Scene): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    "select count(*)::integer as count from {schema}.inbox",
  );
  return row!.count;
}

forEachDatabase("contracts", (database, test) => {
  test("the run gets what the schemas make of its input and signals", async () => {
    await using at = await scene(database, FILES);
    const run = await at.node.start("contract", 5, {
      signal: { name: "approval", payload: { by: "ann" } },
    });
    await run.signal("slow", 1);
    assert.deepEqual(await resultOf(run), [5, { by: "ANN", times: 1 }, 1]);
  });

  test("what does not fit is refused with its issues, and nothing is written", async () => {
    await using at = await scene(database, FILES);
    await refused(at.node.start("contract", 0), "INVALID_INPUT", '"contract"', "more than 0");
    await refused(
      at.node.startMany("contract", [{ input: 1 }, { input: -1 }]),
      "INVALID_INPUT",
    );
    const signal = { name: "approval", payload: 7 };
    await refused(at.node.start("contract", 1, { signal }), "INVALID_SIGNAL_PAYLOAD");
    assert.equal(await at.node.runs.count(), 0);

    const run = await at.node.start("contract", 5);
    await reached(run, "suspended");
    await refused(run.signal("approvla", {}), "UNDECLARED_SIGNAL", '"approvla"', '"approval"');
    await refused(
      run.signal("approval", { by: 7 }),
      "INVALID_SIGNAL_PAYLOAD",
      "by.0: Expected a name",
      '"approval"',
    );
    await assert.rejects(
      run.signal("approval", {}),
      hasCode("INVALID_SIGNAL_PAYLOAD", {
        issues: [{ message: "Expected a name", path: "by.0" }],
      }),
    );
    await refused(run.signal("slow", 0), "INVALID_SIGNAL_PAYLOAD", "Expected more than 0");
    await refused(run.signal("throws", 0), "SCHEMA_FAILED", "threw", "test");
    await refused(run.signal("odd", 0), "SCHEMA_FAILED", "neither a value nor issues");
    assert.equal(await messages(at), 0);
    assert.equal((await run.status()).state, "suspended");
  });

  test("a workflow that waits for a signal it does not declare fails with its name", async () => {
    await using at = await scene(database, FILES);
    const run = await at.node.start("undeclared");
    await assert.rejects(resultOf(run), (error: Error) => {
      assert.equal((error.cause as { code?: string }).code, "UNDECLARED_SIGNAL");
      assert.match(error.message, /"tpyo"/);
      return true;
    });
  });

  test("a client that can't have the code sends what needs none, and refuses the rest", async () => {
    await using at = await scene(database, FILES);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const run = await at.node.start("contract", 5);
    const mine = client.run(run.id);
    await refused(mine.signal("approval", { by: "ann" }), "VERSION_UNAVAILABLE", "approval");
    await refused(mine.signal("approvla"), "UNDECLARED_SIGNAL");
    await refused(client.start("contract", 5), "VERSION_UNAVAILABLE", "input");
    assert.equal(await messages(at), 0);
    const echo = await client.start("echo", { wait: "any" });
    await echo.signal("any", 1);
    assert.deepEqual(await resultOf(echo), [{ wait: "any" }, 1]);
  });

  test("a signal is checked by the version that the run is on, also when it has moved", async () => {
    await using at = await scene(database);
    const moving = (type: string) =>
      source(
        `return await ctx.waitForSignal("go");`,
        `{ name: "moving", signals: { go: ${type} } }`,
        `const type = (name) => ({ "~standard": { version: 1, vendor: "test", validate: (value) =>
           typeof value === name ? { value } : { issues: [{ message: "Expected " + name }] } } });`,
      );
    await at.folder.write({
      "v1.ts": moving(`type("string")`),
      "v2.ts": moving(`type("number")`),
    });
    const workflows = [at.folder.url + "v1.ts", at.folder.url + "v2.ts"];
    await using node = await openIn(at.db, { workflows });
    const run = await node.start(at.folder.url + "v1.ts");
    await reached(run, "suspended");
    await refused(run.signal("go", 1), "INVALID_SIGNAL_PAYLOAD", "Expected string");
    const held = node.run(run.id);
    await eventually(
      async () => (await held.upgrade()).upgraded ? true : undefined,
      () => "upgrade",
    );
    await refused(run.signal("go", "text"), "INVALID_SIGNAL_PAYLOAD", "Expected number");
    await run.signal("go", 7);
    assert.equal(await resultOf(run), 7);
  });
});

Deno.test("invalid schemas are refused at the definition", async () => {
  const { defineWorkflow } = await import("../../src/workflow/mod.ts");
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ name: "x", input: {} }, /input of workflow "x": found an object, wanted .*Standard Schema/],
    [{ name: "x", input: null }, /found null/],
    [{ name: "x", signals: [] }, /signals of workflow "x": found an empty array/],
    [{ name: "x", signals: { go: "text" } }, /signal "go" .*: found "text"/],
    [{ name: "x", signals: { "": {} } }, /a signal of workflow "x": found ""/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => defineWorkflow(options as never, () => {}), (error: Error) => {
      assert.equal((error as { code?: string }).code, "INVALID_ARGUMENT");
      assert.match(error.message, message);
      return true;
    });
  }
});
