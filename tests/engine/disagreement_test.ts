/**
 * A node whose memory and the database do not say the same: the difference does not stay.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fencingToken } from "../../src/base/ids.ts";
import { decode, encode } from "../../src/base/values.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { type Fate, Losses } from "../support/losses.ts";
import { newRun, TestNode } from "../support/node.ts";
import {
  type VirtualDatabase,
  virtualPglite,
  virtualPostgres,
  type Wrap,
} from "../support/virtual_database.ts";

const MINUTE = 60_000;

for (const [where, open] of [["PGlite", virtualPglite], ["Postgres", virtualPostgres]] as const) {
  const test = (
    name: string,
    body: (open: (wrap?: Wrap) => Promise<VirtualDatabase>) => Promise<void>,
  ) => Deno.test(`a node and its database, on ${where}: ${name}`, () => body(open));

  test("a run that the node holds and knows nothing of is given back, and counted", async (open) => {
    await using db = await open();
    const hello = defineWorkflow({ name: "hello" }, () => "hello");
    await using node = await TestNode.open(db, [hello], db.node);
    const run = newRun("hello");
    const lease = { node: node.engine.node, token: fencingToken() };
    await node.store.runs.insert([{ ...run, lease }]); // and the answer never came
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    const row = await node.store.runs.get(run.runId);
    assert.equal(row?.state, "completed");
    assert.deepEqual(node.engine.recovered, { runs: 1, tasks: 0 });
  });

  test("a run that is expected is left alone until that is settled", async (open) => {
    await using db = await open();
    const hello = defineWorkflow({ name: "hello" }, () => "hello");
    await using node = await TestNode.open(db, [hello], db.node);
    const run = newRun("hello");
    const lease = { node: node.engine.node, token: fencingToken() };
    const settled = node.engine.expect(lease.token);
    await node.store.runs.insert([{ ...run, lease }]);
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    assert.equal((await node.store.runs.get(run.runId))?.state, "running");
    settled("unknown");
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    assert.equal((await node.store.runs.get(run.runId))?.state, "completed");
  });

  test("a run that another node holds is removed from the memory of this one", async (open) => {
    await using db = await open();
    const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));
    const options = { ...db.node, lingerMs: 1_000 * MINUTE };
    await using node = await TestNode.open(db, [waits], options);
    await node.start("waits");
    await db.time.settled();
    await db.query(`update {schema}.runs set token = token + 1`);
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    assert.equal(node.exits[0]?.exit.kind, "lost");
  });

  test("a run of which the database has lost the last commits continues from its row", async (open) => {
    await using db = await open();
    const counts = defineWorkflow({ name: "counts" }, async (ctx, n: number) => {
      await ctx.run("step", () => n);
      const next = await ctx.waitForSignal<number>("next");
      return next === 0 ? n : ctx.continueAsNew(next);
    });
    const options = { ...db.node, lingerMs: 1_000 * MINUTE };
    await using node = await TestNode.open(db, [counts], options);
    const id = await node.start("counts", 1);
    await db.time.settled();
    await db.query(`create table {schema}.kept as select * from {schema}.runs`);
    await node.signal(id, "next", 2);
    await db.time.settled();
    await db.query(`delete from {schema}.events where seq > 0`);
    await db.query(`delete from {schema}.generations`);
    await db.query(
      `update {schema}.runs as run set (next_seq, first_seq, generation, wake_seq, input, seed) =
         (select next_seq, first_seq, generation, wake_seq, input, seed from {schema}.kept)`,
    );
    const statements = node.store.journal.load.bind(node.store.journal);
    let loads = 0;
    node.store.journal.load = (runs) => (loads++, statements(runs));
    await node.signal(id, "next", 3);
    await db.time.settled();
    assert.ok(loads < 10, `read ${loads} times`);
    await node.signal(id, "next", 0);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.result !== null);
    assert.equal(decode(end.result), 3);
  });

  test("a node whose heartbeats fail is not ready, says why, and is again at once", async (open) => {
    let fate: Fate = "answered";
    const losses = new Losses((name) => name === "nodes.heartbeat" ? fate : "answered");
    await using db = await open((driver, schema) => losses.wrap(driver, schema));
    await using node = await TestNode.open(db, [], db.node);
    losses.begin();
    const pass = () => db.time.moveTo(db.clock.monotonic() + 5_000);
    await pass();
    assert.equal(node.engine.trouble, null);
    fate = { state: "25006" };
    await pass();
    assert.match(node.engine.trouble ?? "", /heartbeat failed: A fault of the kind 25006/);
    fate = "answered";
    await pass();
    assert.equal(node.engine.trouble, null);
  });

  test("a run that can be neither executed nor parked is given back for later", async (open) => {
    let refused = 0;
    const losses = new Losses(() => "answered");
    await using db = await open((driver, schema) => losses.wrap(driver, schema));
    const breaks = defineWorkflow(
      { name: "breaks" },
      async (ctx) => await ctx.run("step", () => 1),
    );
    await using node = await TestNode.open(db, [breaks], db.node);
    const commit = node.store.journal.commit.bind(node.store.journal);
    let isBroken = true;
    node.store.journal.commit = (entries) => {
      const [only] = entries;
      if (!isBroken || entries.length > 1 || only?.transition?.to === "released") {
        return commit(entries);
      }
      refused++;
      return Promise.resolve([{ status: "refused", error: "A test refuses it" }]);
    };
    const id = await node.start("breaks");
    await db.time.settled();
    assert.equal(refused, 3, "the event, the diagnosis, and a bare one");
    assert.equal((await node.store.runs.get(id))?.node, null);
    isBroken = false;
    await db.time.moveTo(db.clock.monotonic() + 2 * MINUTE);
    assert.equal((await node.store.runs.get(id))?.state, "completed");
  });

  test("a run that is read anew, and is asked to end meanwhile, cleans up", async (open) => {
    let fate: Fate = "answered";
    const losses = new Losses((name) => {
      const now = fate;
      if (name !== "journal.append" || now === "answered") return "answered";
      fate = "answered";
      return now;
    });
    await using db = await open((driver, schema) => losses.wrap(driver, schema));
    const cleaned: string[] = [];
    const tidies = defineWorkflow({ name: "tidies" }, async (ctx) => {
      try {
        await ctx.run("begins", () => 0);
        await ctx.sleep(2 * MINUTE);
        await ctx.sleep(2 * MINUTE);
      } finally {
        await ctx.run("cleans", () => void cleaned.push(ctx.runId));
      }
    });
    const options = { ...db.node, lingerMs: 1_000 * MINUTE };
    await using node = await TestNode.open(db, [tidies], options);
    losses.begin();
    const runs = [newRun("tidies"), newRun("tidies")];
    await node.store.runs.insert([runs[0]!, { ...runs[1]!, policy: `{"timeout":${2 * MINUTE}}` }]);
    node.engine.receive({ kind: "due" }); // claimed, not started here
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    fate = "lost";
    const message = { kind: "cancel", name: "", payload: encode({ reason: "enough" }) } as const;
    await node.store.runs.deliver(runs[0]!.runId, message);
    await db.time.moveTo(db.clock.monotonic() + 3 * MINUTE);
    const states = await Promise.all(runs.map(({ runId }) => node.store.runs.get(runId)));
    assert.deepEqual(states.map((row) => row?.state), ["cancelled", "failed"]);
    assert.deepEqual(cleaned.sort(), runs.map(({ runId }) => runId).sort());
  });
}
