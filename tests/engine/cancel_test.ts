/**
 * What cancelling a run promises.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { decode, encode } from "../../src/base/values.ts";
import type { CancelRequest } from "../../src/replay/history.ts";
import { type CancelledError, defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { newRun, TestNode } from "../support/node.ts";

async function cancel(
  node: TestNode,
  runId: string,
  reason: string | null = null,
  more: Pick<CancelRequest, "force"> = {},
): Promise<void> {
  const message = { kind: "cancel", name: "", payload: encode({ reason, ...more }) } as const;
  const delivery = await node.store.runs.deliver(runId, message);
  assert(delivery.status === "delivered");
  const { run, node: owner } = delivery;
  node.engine.receive(owner === null ? { kind: "due" } : { kind: "message", node: owner, run });
}

forEachDatabase("cancelling a run", (database, test) => {
  test("a run that was cancelled before it would be parked ends instead", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits");
    await node.left(id, "suspended");
    const { hash } = (await node.store.runs.get(id))!;
    node.failures.set(hash, { kind: "lasting", reason: { code: "GONE", message: "404" } });
    await cancel(node, id, "no longer wanted");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled");
    assert.match(end.error!, /no longer wanted/);
  });

  test("a run that is cancelled while it is being parked ends instead", async () => {
    await using db = await database.fresh();
    const foreign = defineWorkflow({ name: "foreign" }, async (ctx) => {
      await ctx.run("step", () => 1);
      await new Promise<never>(() => {});
    });
    await using node = await TestNode.open(db, [foreign]);
    using _point = armFailPoint("commit.written", async ({ run }) => { // past the engine
      await node.store.runs.deliver(run as string, { kind: "cancel", name: "", payload: "{}" });
    });
    const id = await node.start("foreign");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled");
  });

  test("everything that waits throws, once, and the run is cancelled if it lets that pass", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow(
      { name: "waits" },
      (ctx) => Promise.all([ctx.waitForSignal("go"), ctx.sleep("1h")]),
    );
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits");
    await node.left(id, "suspended");
    await cancel(node, id, "no longer wanted");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled");
    assert.match(end.error!, /no longer wanted/);
  });

  test("clean-up after a cancellation runs as durable steps, and may turn it into success", async () => {
    await using db = await database.fresh();
    const cleans = defineWorkflow({ name: "cleans" }, async (ctx) => {
      const seen: unknown[] = [];
      ctx.cancelSignal.addEventListener("abort", () => seen.push("aborted"));
      try {
        await ctx.waitForSignal("go");
      } catch (error) {
        seen.push((error as CancelledError).code, await ctx.run("clean up", () => "cleaned"));
        await ctx.sleep(1);
      }
      return [...seen, ctx.cancelSignal.aborted];
    });
    await using node = await TestNode.open(db, [cleans]);
    const id = await node.start("cleans");
    await node.left(id, "suspended");
    await cancel(node, id);
    await cancel(node, id); // once only
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "completed");
    assert.deepEqual(decode(end.result!), ["aborted", "CANCELLED", "cleaned", true]);
    const kinds = (await node.store.runs.history(id, 0, 10)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["cancel.requested", "step.completed", "timer.fired"]);
  });

  test("REPLAY-8: a cancellation that an activity outlives is thrown by the next effect, once, and no undo is skipped", async () => {
    await using db = await database.fresh();
    const begun = Promise.withResolvers<void>();
    const charge = defineActivity({ name: "charge" }, (_input: void, { signal }) => {
      begun.resolve();
      return new Promise<string>((resolve) =>
        signal.addEventListener("abort", () => resolve("charged all the same"))
      );
    });
    const refunded: string[] = [];
    const refund = defineActivity({ name: "refund" }, (what: string) => void refunded.push(what));
    const pays = defineWorkflow({ name: "pays" }, (ctx) =>
      ctx.saga(async (saga) => {
        const charged = await ctx.activity(charge);
        saga.undo(refund, charged);
        try {
          await ctx.waitForSignal("shipped");
        } finally {
          await ctx.waitForSignal("cleaned up");
        }
      }));
    await using node = await TestNode.open(db, [pays]);
    const id = await node.start("pays");
    await begun.promise;
    await cancel(node, id);
    await node.left(id, "suspended"); // in the clean-up, which works: it continues from its history
    await node.signal(id, "cleaned up");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled");
    assert.deepEqual(refunded, ["charged all the same"]);
    const kinds = (await node.store.runs.history(id, 0, 10)).map(({ kind }) => kind);
    assert.deepEqual(kinds, [
      "cancel.requested",
      "activity.completed",
      "signal.received",
      "activity.completed",
    ]);
  });

  test("a step that may finish is tried again after a cancellation; force ends clean-up that hangs", async () => {
    await using db = await database.fresh();
    const tries: number[] = [];
    const began = { pay: Promise.withResolvers<void>(), clean: Promise.withResolvers<void>() };
    const paid = Promise.withResolvers<void>();
    let isAborted = false;
    const pays = defineWorkflow({ name: "pays" }, async (ctx) => {
      const seen: unknown[] = [];
      try {
        seen.push(
          await ctx.run("pay", async ({ attempt }) => {
            tries.push(attempt);
            began.pay.resolve();
            await paid.promise;
            if (attempt === 1) throw new Error("busy");
            return attempt;
          }, { onCancel: "finish", retry: { initial: 0 } }),
        );
        await ctx.sleep("1h");
      } catch (error) {
        seen.push((error as Error).message);
      }
      await ctx.run("hanging clean-up", async ({ signal }) => {
        began.clean.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        isAborted = true;
      }).catch((error) => seen.push(error.message));
      return [...seen, await ctx.run("after", () => "clean")];
    });
    await using node = await TestNode.open(db, [pays]);
    const id = await node.start("pays");
    await began.pay.promise;
    await cancel(node, id, "first");
    paid.resolve();
    await began.clean.promise;
    await cancel(node, id, "ignored");
    await cancel(node, id, "second", { force: true });
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "completed", JSON.stringify(end));
    const [first, second] = ["first", "second"].map((why) => `The run was cancelled: ${why}`);
    assert.deepEqual(decode(end.result!), [2, first, second, "clean"]);
    assert.deepEqual([tries, isAborted], [[1, 2], true]);
  });

  test("a running activity is aborted, and its success is still delivered", async () => {
    await using db = await database.fresh();
    const begun = Promise.withResolvers<void>();
    const charge = defineActivity({ name: "charge" }, (_input: void, { signal }) => {
      begun.resolve();
      return new Promise<string>((resolve) =>
        signal.addEventListener("abort", () => resolve("charged all the same"))
      );
    });
    const pays = defineWorkflow({ name: "pays" }, async (ctx) => {
      const charged = await ctx.activity(charge);
      return [charged, ctx.cancelSignal.aborted];
    });
    await using node = await TestNode.open(db, [pays]);
    const id = await node.start("pays");
    await begun.promise;
    await cancel(node, id);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "completed", JSON.stringify(end));
    assert.deepEqual(decode(end.result!), ["charged all the same", true]);
  });

  test("an activity that fails after a cancellation is not tried again, and throws it", async () => {
    await using db = await database.fresh();
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
    await using node = await TestNode.open(db, [pays]);
    const id = await node.start("pays");
    await begun.promise;
    await cancel(node, id);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled", JSON.stringify(end));
    assert.equal(attempts, 1);
  });

  test("an activity that rests between two attempts gets no other", async () => {
    await using db = await database.fresh();
    const flaky = defineActivity({ name: "flaky", retry: { initial: "1h" } }, () => {
      throw new Error("not yet");
    });
    const tries = defineWorkflow({ name: "tries" }, (ctx) => ctx.activity(flaky));
    await using node = await TestNode.open(db, [tries]);
    const id = await node.start("tries");
    await node.left(id, "suspended");
    await cancel(node, id);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled", JSON.stringify(end));
  });

  test("an abandoned activity throws at once", async () => {
    await using db = await database.fresh();
    const begun = Promise.withResolvers<void>();
    const slow = defineActivity({ name: "slow", onCancel: "abandon" }, () => {
      begun.resolve();
      return new Promise<never>(() => {});
    });
    const calls = defineWorkflow({ name: "calls" }, (ctx) => ctx.activity(slow));
    await using node = await TestNode.open(db, [calls]);
    const id = await node.start("calls");
    await begun.promise;
    await cancel(node, id);
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled", JSON.stringify(end));
  });

  test("a compensation is tried as often as it may be, though its run is cancelled meanwhile", async () => {
    await using db = await database.fresh();
    const begun = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    let attempts = 0;
    const retry = { maxAttempts: 3, initial: 1 };
    const undo = defineActivity({ name: "undo", retry }, async () => {
      if (++attempts === 2) {
        begun.resolve();
        await told.promise;
      }
      if (attempts < 3) throw new Error("not yet");
    });
    const trip = defineWorkflow({ name: "trip" }, (ctx) =>
      ctx.saga((saga) => {
        saga.undo(undo);
        throw new Error("no seats");
      }));
    const pinned = { "activities.ts#undo": undo };
    await using node = await TestNode.open(db, [trip], { pinned, lingerMs: 60_000 });
    const id = await node.start("trip");
    await begun.promise;
    using _point = armFailPoint("commit.written", () => told.resolve());
    await cancel(node, id);
    const end = await node.left(id, "ended");
    assert.equal(attempts, 3);
    assert(end.kind === "ended" && end.state === "failed");
    assert.match(end.error!, /"no seats"/);
  });

  test("a run that is cancelled before it began runs no code", async () => {
    await using db = await database.fresh();
    let ran = false;
    const runs = defineWorkflow({ name: "runs" }, () => void (ran = true));
    await using node = await TestNode.open(db, [runs]);
    const run = newRun("runs");
    await node.store.runs.insert([run]);
    await cancel(node, run.runId);
    const end = await node.left(run.runId, "ended");
    assert(end.kind === "ended" && end.state === "cancelled");
    assert.equal(ran, false);
  });
});
