/**
 * What follows if a run has the id of a start.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import type { IfExists } from "../../mod.ts";
import { resultOf } from "../support/runs.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { Faults } from "../support/faults.ts";
import { refused, scene, source } from "../support/scene.ts";

const OTHER = source("return input;", `{ name: "other" }`);

/** Starts a child under an id, reports when it receives its end, and may request it once more. */
const PARENT = source(
  `const child = await ctx.startChild("echo", input, { id: "c" });
   await ctx.waitForSignal("go");
   return await child.result();`,
  `{ name: "parent" }`,
);

async function idsOf(db: EmptyDatabase): Promise<string[]> {
  const rows = await db.query<{ run: string }>(
    "select run_id as run from {schema}.runs order by id",
  );
  return rows.map(({ run }) => run);
}

forEachDatabase("starts with an id that is in use", (database, test) => {
  test("a handle is of the workflow that was asked for, or there is none", async () => {
    await using at = await scene(database, { "other.ts": OTHER });
    const { node } = at;
    await node.start("echo", { wait: "go" }, { runId: "lives" });
    await resultOf(await node.start("echo", 1, { runId: "over" }));
    const start = (workflow: string, runId: string, ifExists: IfExists) =>
      node.start(workflow, 2, { runId, ifExists });
    assert.equal((await start("echo", "lives", "use")).id, "lives");
    assert.equal((await start("echo", "lives", "useEnded")).id, "lives");
    assert.equal(await resultOf(await start("echo", "over", "useEnded")), 1);
    await refused(start("echo", "over", "use"), "RUN_EXISTS", '"echo"', "completed", "useEnded");
    for (const ifExists of ["use", "useEnded"] as const) {
      for (const id of ["lives", "over"]) {
        await refused(start("other", id, ifExists), "RUN_EXISTS", '"echo"');
      }
    }
    await refused(start("echo", "lives", "replaceEnded"), "RUN_EXISTS", '"lives"');
    const items = ["lives", "over", "new"].map((runId) => ({ input: 2, runId }));
    const many = await node.startMany("echo", items, { ifExists: "use" });
    assert.deepEqual(many.map(({ status }) => status), ["existing", "conflict", "started"]);
    await node.run("lives").terminate();
  });

  test("an ended run gives way to a new one, of any workflow, and stays with all that is its own", async () => {
    await using at = await scene(database, { "other.ts": OTHER });
    const { node } = at;
    const first = await node.start("echo", 1, { runId: "r", idempotencyKey: "k" });
    assert.equal(await resultOf(first), 1);
    const second = await node.start("other", 2, { runId: "r", ifExists: "replaceEnded" });
    assert.equal(await resultOf(second), 2);
    const [former, ...rest] = await idsOf(at.db);
    assert.match(former!, /^r>was\.\d+$/);
    assert.deepEqual(rest, ["r"]);
    assert.equal(await resultOf(node.run(former!)), 1);
    assert.equal((await node.start("echo", 1, { idempotencyKey: "k" })).id, former, "its key");
    const third = await node.startMany("echo", [{ input: 3, runId: "r" }], {
      ifExists: "terminate",
    });
    assert.equal(third[0]?.status, "started");
    assert.equal((await idsOf(at.db)).length, 3);
  });

  test("a run that lives is terminated for a new one, with its children, wherever it is executed", async () => {
    await using at = await scene(database, { "parent.ts": PARENT });
    const { node } = at;
    const first = await node.start("parent", { wait: "go" }, { runId: "p" });
    await first.reached("suspended");
    const second = await node.start("echo", 2, { runId: "p", ifExists: "terminate" });
    assert.equal(await resultOf(second), 2);
    assert.equal(await resultOf(first), 2, "a handle names an id");
    const former = (await idsOf(at.db))[0]!;
    assert.equal((await node.run(former).status()).state, "terminated");
    await node.run("c").reached("cancelled");
  });

  test("of many starts at once each finds what the one before has left", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const race = (ifExists: IfExists) =>
      Promise.all(
        Array.from({ length: 4 }, (_, n) =>
          (n % 2 === 0 ? at.node : client).start("echo", { wait: "go" }, {
            runId: ifExists,
            ifExists,
          })
            .then(() =>
              "started", (error) => error.code)),
      );
    const tally = (outcomes: string[]) =>
      outcomes.filter((outcome) => outcome === "started").length;
    assert.equal(tally(await race("error")), 1);
    assert.equal(tally(await race("use")), 4);
    assert.equal(tally(await race("replaceEnded")), 1);
    await at.node.run("replaceEnded").terminate();
    assert.equal(tally(await race("replaceEnded")), 1);
    assert.equal(tally(await race("terminate")), 4);
    const rows = await at.db.query<{ state: string }>(
      "select state from {schema}.runs where run_id like 'terminate%' and ended_at is null",
    );
    assert.equal(rows.length, 1);
  });

  test("a child that its parent may still ask for keeps its id, one whose end was delivered gives it up", async () => {
    await using at = await scene(database, { "parent.ts": PARENT });
    const { node } = at;
    const parent = await node.start("parent", 1, { runId: "p" });
    await parent.reached("suspended");
    await resultOf(node.run("c"));
    const replace = () => node.start("echo", 2, { runId: "c", ifExists: "terminate" });
    await refused(replace(), "RUN_EXISTS", '"c"');
    await parent.signal("go");
    assert.equal(await resultOf(parent), 1);
    assert.equal(await resultOf(await replace()), 2);
  });

  test("a start that replaces a run, its answer being lost, replaces it once", async () => {
    await using at = await scene(database);
    const faults = new Faults(at.db.database);
    const { schema } = at.db;
    await using client = await Continuum.connect({ database: faults.adapter, schema });
    await resultOf(await client.start("echo", 1, { runId: "r" }));
    for (const isDone of [true, false]) {
      faults.arm({ on: "commit", code: "57P01", isDone });
      const run = await client.start("echo", 2, { runId: "r", ifExists: "terminate" });
      assert.equal(await resultOf(run), 2);
    }
    assert.equal(faults.seen, 2);
    assert.equal((await idsOf(at.db)).length, 3);
  });
});
