/**
 * What comes while a run's inbox is being read is not slept over, and is received once.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { fencingToken } from "../../src/base/ids.ts";
import { decode, encode } from "../../src/base/values.ts";
import type { JournalStore, NodeStore } from "../../src/ports/store.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { makeDue } from "../support/store_rows.ts";
import { forEachDatabase } from "../support/database.ts";
import { HandClock } from "../support/hand_clock.ts";
import { newRun, TestNode } from "../support/node.ts";
import { eventually } from "../support/runs.ts";
import { BEGINNING, virtualPglite, virtualPostgres } from "../support/virtual_database.ts";

forEachDatabase("waking a run", (database, test) => {
  test("a signal that comes between the reading of the inbox and its answer is heard", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow(
      { name: "waits" },
      async (ctx) => [await ctx.waitForSignal("go"), await ctx.waitForSignal("go")],
    );
    await using node = await TestNode.open(db, [waits], { lingerMs: 3_600_000 });
    const journal = node.store.journal as { load: JournalStore["load"] };
    const load = journal.load.bind(journal);
    const nodes = node.store.nodes as { heartbeat: NodeStore["heartbeat"] };
    const heartbeat = nodes.heartbeat.bind(nodes);
    let beats = 0;
    nodes.heartbeat = (...args) => {
      beats++;
      return heartbeat(...args);
    };
    const say = async (payload: string) => {
      await node.store.runs.deliver(id, { kind: "signal", name: "go", payload: encode(payload) });
      await node.engine.catchUp();
    };
    let late = 1;
    journal.load = async (wanted) => {
      const loaded = await load(wanted);
      if (late-- > 0) await say("late");
      return loaded;
    };
    const id = await node.start("waits");
    await say("early");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.result !== null);
    assert.deepEqual(decode(end.result), ["early", "late"]);
    assert.equal(beats, 0, "no heartbeat was needed, the backstop for what was missed");
  });

  test("a signal is received once, also if the inbox is read again before its event is written", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      const [first, second] = [ctx.waitForSignal("go"), ctx.waitForSignal("go")];
      await first;
      const third = ctx.waitForSignal("go");
      return (await Promise.all([first, second, third])).map((text) => (text as string)[0]);
    });
    await using node = await TestNode.open(db, [waits], { lingerMs: 3_600_000 });
    const run = newRun("waits");
    await node.store.runs.insert([run]);
    const say = (text: string) =>
      node.store.runs.deliver(run.runId, { kind: "signal", name: "go", payload: encode(text) });
    const large = 9 * 1_048_576; // two of these don't go in one write
    await say("1".repeat(large));
    await say("2".repeat(large));
    let writes = 0;
    using _point = armFailPoint("commit.written", async () => {
      if (++writes > 1) return;
      await say("3");
      await node.engine.catchUp();
    });
    node.engine.receive({ kind: "due" });
    const end = await node.left(run.runId, "ended");
    assert(end.kind === "ended" && end.result !== null);
    assert.deepEqual(decode(end.result), ["1", "2", "3"]);
  });

  test("a signal that a run was started with is there before any wait can time out", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow(
      { name: "waits" },
      (ctx) => ctx.waitForSignal("go", { timeout: 0, otherwise: "too late" }),
    );
    await using node = await TestNode.open(db, [waits]);
    const signal = { name: "go", payload: encode("with the start") };
    const lease = { node: node.engine.node, token: fencingToken() };
    const run = { ...newRun("waits"), signal, lease };
    const [inserted] = await node.store.runs.insert([run]);
    node.engine.take(run, inserted!);
    const end = await node.left(run.runId, "ended");
    assert(end.kind === "ended" && end.result !== null);
    assert.equal(decode(end.result), "with the start");
  });

  test("a node whose memory is full of histories takes more when one has left", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    const large = defineWorkflow({ name: "large" }, async (ctx) => {
      await ctx.run("large", () => "x".repeat(100_000));
      await ctx.run("gate", () => gate.promise);
    });
    const small = defineWorkflow({ name: "small" }, () => "small");
    const options = { maxResidentBytes: 50_000, leaseMs: 86_400_000 };
    await using node = await TestNode.open(db, [large, small], options);
    const written = Promise.withResolvers<void>();
    using _point = armFailPoint("effect.done", ({ event }) => {
      if ((event as { name: string }).name === "large") written.resolve();
    });
    const first = await node.start("large");
    await written.promise;
    // Until the large result is in memory.
    while (node.engine.hasRoom) await new Promise((resolve) => setImmediate(resolve));
    const second = newRun("small");
    await node.store.runs.insert([second]);
    node.engine.receive({ kind: "due" });
    await node.engine.catchUp();
    assert.equal((await node.store.runs.get(second.runId))?.state, "pending");
    gate.resolve();
    await node.left(first, "ended");
    assert.equal((await node.left(second.runId, "ended")).kind, "ended");
    assert.equal(node.engine.hasRoom, true);
  });

  test("ROOM-1: runs of a full node that wait make room at once for those that are due", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      await ctx.run("step", () => 1);
      await ctx.waitForSignal("go");
    });
    // None would leave by itself: this clock stands, so no time to linger passes.
    const options = { clock: new HandClock(), maxResidentRuns: 3, lingerMs: 60_000, leaseMs: 1e8 };
    await using node = await TestNode.open(db, [waits], options);
    const runs = Array.from({ length: 10 }, () => newRun("waits"));
    await node.store.runs.insert(runs);
    node.engine.receive({ kind: "due" });
    await eventually(
      async () => {
        const found = await Promise.all(runs.map(({ runId }) => node.store.runs.get(runId)));
        return found.every((run) => run?.state !== "pending") || undefined;
      },
      () => "runs that found room",
    );
  });

  test("what falls due while a node is full is found once there is room", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    const hour = 3_600_000;
    const sleeps = defineWorkflow({ name: "sleeps" }, (ctx) => ctx.sleep(hour));
    const stays = defineWorkflow({ name: "stays" }, (ctx) => ctx.run("gate", () => gate.promise));
    const clock = new HandClock();
    // No heartbeat comes to the rescue.
    const options = { clock, maxResidentRuns: 1, leaseMs: 100 * hour };
    await using node = await TestNode.open(db, [sleeps, stays], options);
    const sleeper = await node.start("sleeps");
    await node.left(sleeper, "suspended");
    const full = await node.start("stays");
    const caughtUp = () => node.engine.catchUp();
    await clock.advance(hour + 1_000, caughtUp); // there is no room for it
    gate.resolve();
    await node.left(full, "ended");
    const looked = () =>
      new Promise<void>((resolve) => {
        const point = armFailPoint("claim.claimed", () => {
          point[Symbol.dispose]();
          resolve();
        });
        node.engine.receive({ kind: "due" });
      });
    await looked();
    await looked(); // so the look before is over
    const claimed: unknown[] = [];
    using _point = armFailPoint("claim.claimed", ({ runs }) => void claimed.push(runs));
    await makeDue(db, sleeper);
    await clock.advance(2 * hour, caughtUp);
    for (let turn = 0; turn < 100_000 && !claimed.includes(1); turn++) { // the database takes its time
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(claimed.filter((runs) => runs === 1), [1]);
  });
});

for (const [name, open] of [["PGlite", virtualPglite], ["Postgres", virtualPostgres]] as const) {
  Deno.test(`of two sleepers of a node, the later is woken at its time too, on ${name}`, async () => {
    await using db = await open();
    const sleeps = defineWorkflow({ name: "sleeps" }, async (ctx, ms: number) => {
      await ctx.sleep(ms);
      return ms;
    });
    // No heartbeat comes to the rescue, and nothing lingers. In real time, a sleep that is over
    // before its run would suspend leaves the run in memory.
    await using node = await TestNode.open(db, [sleeps], { ...db.node, leaseMs: 86_400_000 });
    const early = await node.start("sleeps", 100_000);
    const late = await node.start("sleeps", 300_000);
    await node.left(early, "suspended");
    await node.left(late, "suspended");
    const wakes = async (id: string, at: number) => {
      await db.time.moveTo(BEGINNING + at - 1);
      assert.equal((await node.store.runs.get(id))?.state, "suspended");
      await db.time.moveTo(BEGINNING + at);
      assert.equal((await node.store.runs.get(id))?.state, "completed");
      const end = await node.left(id, "ended");
      assert(end.kind === "ended" && end.state === "completed");
    };
    await wakes(early, 100_000);
    await wakes(late, 300_000);
  });
}
