/**
 * What the timeout of a run promises.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode, encode } from "../../src/base/values.ts";
import { decodeError } from "../../src/base/values_failure.ts";
import type { Exit } from "../../src/ports/exit.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import { POLL_MS, VirtualClock } from "../../src/testing/clock.ts";
import { readHistory } from "../../src/testing/history.ts";
import { replayWithCuts } from "../../src/testing/replay.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { type AnyWorkflow, expireNode, newRun, policyField, TestNode } from "../support/node.ts";

const HOUR = 3_600_000;

/** Lets a run's time be over, as far as the database can tell, and says that something is due. */
async function expire(db: EmptyDatabase, node: TestNode, runId: string): Promise<void> {
  await db.query(
    `update {schema}.runs set deadline = clock_timestamp() - interval '1 second',
       wake_at = case when wake_at is not null then clock_timestamp() - interval '1 second' end
     where run_id = $1`,
    [runId],
  );
  node.engine.receive({ kind: "due" });
}

function isTimedOut(end: Exit, runId: string): void {
  assert(end.kind === "ended" && end.state === "failed", JSON.stringify(end));
  const { code, message, details } = decodeError(end.error!) as Error & Record<string, unknown>;
  assert.equal(code, "RUN_TIMEOUT");
  assert.match(message as string, /it had 3600000 ms/);
  assert.deepEqual(details, { runId, timeout: HOUR });
}

/** A run that is taken up again goes the same way, wherever it was cut. */
async function replays(node: TestNode, workflow: AnyWorkflow, runId: string): Promise<void> {
  const history = await readHistory(runId, node.store.runs);
  await replayWithCuts(workflow, history, { drain: await probeDrain() });
}

async function kindsOf(node: TestNode, runId: string): Promise<string[]> {
  return (await node.store.runs.history(runId, 0, 20)).map(({ kind }) => kind);
}

/**
 * Time stands still, and with it what the node takes for the database's: no heartbeat, which would
 * bring it the real one, comes when the clock is moved.
 */
function still(): { clock: VirtualClock; leaseMs: number } {
  return { clock: new VirtualClock(0), leaseMs: POLL_MS };
}

forEachDatabase("the timeout of a run", (database, test) => {
  const cleans = defineWorkflow({ name: "cleans" }, async (ctx) => {
    try {
      await ctx.waitForSignal("go");
    } finally {
      await ctx.run("clean up", () => ctx.cancelSignal.aborted);
    }
  });

  test("a run that waits as a row is woken by it, cleans up, and has failed", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [cleans]);
    const id = await node.start("cleans", undefined, undefined, { timeout: "1h" });
    await node.left(id, "suspended");
    const row = await node.store.runs.get(id);
    assert.equal(row?.deadline, row!.createdAt + HOUR);
    assert.equal(row?.wakeAt, row?.deadline);
    await expire(db, node, id);
    isTimedOut(await node.left(id, "ended"), id);
    assert.deepEqual(await kindsOf(node, id), ["cancel.requested", "step.completed"]);
    await replays(node, cleans, id);
  });

  test("a run in memory receives its timeout without leaving it", async () => {
    await using db = await database.fresh();
    const { clock, leaseMs } = still();
    await using node = await TestNode.open(db, [cleans], { clock, leaseMs, lingerMs: 2 * HOUR });
    const id = await node.start("cleans", undefined, undefined, { timeout: "1h" });
    clock.moveTo(HOUR + 60_000);
    isTimedOut(await node.left(id, "ended"), id);
    assert.deepEqual(node.exits.map(({ exit }) => exit.kind), ["ended"]);
    await replays(node, cleans, id);
  });

  test("a running activity is aborted, and gets no other attempt", async () => {
    await using db = await database.fresh();
    const { clock, leaseMs } = still();
    const begun = Promise.withResolvers<void>();
    let attempts = 0;
    const charge = defineActivity({ name: "charge" }, (_input: void, { signal }) => {
      attempts++;
      begun.resolve();
      return new Promise<string>((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    });
    const pays = defineWorkflow({ name: "pays" }, (ctx) => ctx.activity(charge));
    await using node = await TestNode.open(db, [pays], { clock, leaseMs });
    const id = await node.start("pays", undefined, undefined, { timeout: "1h" });
    await begun.promise;
    clock.moveTo(HOUR + 60_000);
    isTimedOut(await node.left(id, "ended"), id);
    assert.equal(attempts, 1);
    await replays(node, pays, id);
  });

  test("a run that ends otherwise keeps that end", async () => {
    await using db = await database.fresh();
    const catches = defineWorkflow({ name: "catches" }, async (ctx) => {
      try {
        await ctx.waitForSignal("go");
      } catch (error) {
        return (error as Error).message;
      }
    });
    await using node = await TestNode.open(db, [catches]);
    const id = await node.start("catches", undefined, undefined, { timeout: "1h" });
    await node.left(id, "suspended");
    await expire(db, node, id);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "completed", JSON.stringify(end));
    assert.equal(decode(end.result!), "The run was cancelled: its timeout of 3600000 ms is over");
    await replays(node, catches, id);
  });

  test("it is kept where the node that had the run dies", async () => {
    await using db = await database.fresh();
    const begun = Promise.withResolvers<void>();
    const hangs = defineWorkflow({ name: "hangs" }, async (ctx) => {
      await ctx.run("hang", () => {
        begun.resolve();
        return new Promise(() => {});
      });
    });
    const dead = await TestNode.open(db, [hangs]);
    const id = await dead.start("hangs", undefined, undefined, { timeout: "1h" });
    await begun.promise;
    await expire(db, dead, id);
    await using node = await TestNode.open(db, [hangs]);
    await expireNode(db, dead, node);
    isTimedOut(await node.left(id, "ended"), id);
    await replays(node, hangs, id);
    await dead.engine.close(0);
  });

  test("a run that no node claimed in time runs no code", async () => {
    await using db = await database.fresh();
    let ran = false;
    const runs = defineWorkflow({ name: "runs" }, () => void (ran = true));
    await using node = await TestNode.open(db, [runs]);
    const run = { ...newRun("runs"), ...policyField({ timeout: "1h" }) };
    await node.store.runs.insert([run]);
    await expire(db, node, run.runId);
    isTimedOut(await node.left(run.runId, "ended"), run.runId);
    assert.equal(ran, false);
  });

  test("it bounds all generations together", async () => {
    await using db = await database.fresh();
    const counts = defineWorkflow({ name: "counts" }, async (ctx, n: number) => {
      if (n < 2) return ctx.continueAsNew(n + 1);
      await ctx.waitForSignal("go");
    });
    await using node = await TestNode.open(db, [counts]);
    const id = await node.start("counts", 0, undefined, { timeout: "1h" });
    await node.left(id, "suspended");
    const row = await node.store.runs.get(id);
    assert.deepEqual([row?.generation, row?.deadline], [2, row!.createdAt + HOUR]);
    await expire(db, node, id);
    isTimedOut(await node.left(id, "ended"), id);
    await replays(node, counts, id);
  });

  test("a run whose time is over does not continue as new", async () => {
    await using db = await database.fresh();
    const dodges = defineWorkflow({ name: "dodges" }, async (ctx) => {
      await ctx.waitForSignal("go").catch(() => {});
      return ctx.continueAsNew();
    });
    await using node = await TestNode.open(db, [dodges]);
    const id = await node.start("dodges", undefined, undefined, { timeout: "1h" });
    await node.left(id, "suspended");
    await expire(db, node, id);
    isTimedOut(await node.left(id, "ended"), id);
    await replays(node, dodges, id);
  });

  test("a cancellation that came before it wins, and is not bounded by it", async () => {
    await using db = await database.fresh();
    const slow = defineWorkflow({ name: "slow" }, async (ctx) => {
      try {
        await ctx.waitForSignal("go");
      } finally {
        await ctx.waitForSignal("cleaned");
      }
    });
    await using node = await TestNode.open(db, [slow]);
    const id = await node.start("slow", undefined, undefined, { timeout: "1h" });
    await node.left(id, "suspended");
    node.forget();
    const message = { kind: "cancel", name: "", payload: encode({ reason: "enough" }) } as const;
    await node.store.runs.deliver(id, message);
    node.engine.receive({ kind: "due" });
    await node.left(id, "suspended");
    assert.equal((await node.store.runs.get(id))?.wakeAt, null);
    await expire(db, node, id);
    await node.signal(id, "cleaned");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled", JSON.stringify(end));
    assert.match(end.error!, /enough/);
    await replays(node, slow, id);
  });

  test("what was due before it comes before it", async () => {
    await using db = await database.fresh();
    const sleeps = defineWorkflow({ name: "sleeps" }, async (ctx) => {
      await ctx.sleep("30m");
      return "rested";
    });
    const { clock, leaseMs } = still();
    await using node = await TestNode.open(db, [sleeps], { clock, leaseMs, lingerMs: 2 * HOUR });
    const id = await node.start("sleeps", undefined, undefined, { timeout: "1h" });
    clock.moveTo(2 * HOUR);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "completed", JSON.stringify(end));
  });

  test("a parked run, whose code could not clean up, receives its timeout when it is released", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [cleans]);
    const id = await node.start("cleans", undefined, undefined, { timeout: "1h" });
    await node.left(id, "suspended");
    const { hash } = (await node.store.runs.get(id))!;
    const reason = { code: "GONE", message: "its code is gone" };
    node.failures.set(hash, { kind: "lasting", reason });
    await expire(db, node, id);
    await node.left(id, "stuck");
    assert.equal((await node.store.runs.get(id))?.state, "stuck_unknown_version");
    node.failures.delete(hash);
    await node.store.runs.unpark(id);
    node.engine.receive({ kind: "due" });
    isTimedOut(await node.left(id, "ended"), id);
    assert.deepEqual(await kindsOf(node, id), ["cancel.requested", "step.completed"]);
  });
});
