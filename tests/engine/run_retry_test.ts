/**
 * What the retry policy of a run promises.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { decode, encode } from "../../src/base/values.ts";
import type { Exit } from "../../src/ports/exit.ts";
import { probeDrain } from "../../src/replay/drain.ts";
import { readHistory } from "../../src/testing/history.ts";
import { replayWithCuts } from "../../src/testing/replay.ts";
import {
  defineActivity,
  defineWorkflow,
  RetryAfterError,
  WorkflowError,
} from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { expireNode, TestNode } from "../support/node.ts";

const HOUR = 3_600_000;
const RETRY = { maxAttempts: 3, initial: "1h", max: "1d", jitter: 0 } as const;

/** Lets a rest be over, as far as the database can tell. */
async function rested(db: EmptyDatabase, node: TestNode): Promise<void> {
  await db.query(
    `update {schema}.runs set start_at = clock_timestamp(), wake_at = clock_timestamp()
     where state = 'suspended'`,
  );
  node.forget();
  node.engine.receive({ kind: "due" });
}

function resultOf(exit: Exit): unknown {
  assert(exit.kind === "ended" && exit.result !== null, JSON.stringify(exit));
  return decode(exit.result);
}

function failedWith(exit: Exit, why: RegExp): void {
  assert(exit.kind === "ended" && exit.state === "failed", JSON.stringify(exit));
  assert.match(exit.error!, why);
}

forEachDatabase("trying a run again", (database, test) => {
  /** Throws in every attempt but the third. */
  const third = defineWorkflow({ name: "third" }, async (ctx, input: string) => {
    const step = await ctx.run("step", () => `step of ${ctx.attempt}`);
    if (ctx.attempt < 3) throw new Error(`attempt ${ctx.attempt} is not the third`);
    return [input, ctx.attempt, step];
  });

  test("what throws begins anew after a rest, with the same input on the same version", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [third]);
    const id = await node.start("third", "given", undefined, { retry: RETRY });
    await node.left(id, "suspended");
    const resting = (await node.store.runs.get(id))!;
    assert.deepEqual(
      [resting.state, resting.attempt, resting.generation, resting.startedAt, resting.events],
      ["suspended", 2, 1, null, 0],
    );
    assert.match(resting.failure!, /attempt 1 is not the third/);
    const until = resting.wakeAt!;
    assert.deepEqual(resting.waits, [{ kind: "retry", name: "attempt 2", position: 0, until }]);
    assert.ok(until - resting.since! >= HOUR - 5_000 && until - resting.since! <= HOUR + 5_000);
    await rested(db, node);
    await node.left(id, "suspended");
    const { wakeAt, since } = (await node.store.runs.get(id))!;
    assert.ok(wakeAt! - since! > 2 * HOUR - 5_000, "the second rest is twice as long");
    await rested(db, node);
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["given", 3, "step of 3"]);
    const row = (await node.store.runs.get(id))!;
    assert.equal(row.attempt, 3);
    assert.match(row.failure!, /attempt 2 is not the third/);
    await replayWithCuts(third, await readHistory(id, node.store.runs), {
      drain: await probeDrain(),
    });
  });

  test("after the last attempt the run has failed with what that one threw", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [third]);
    const retry = { maxAttempts: 2, initial: 1 };
    const id = await node.start("third", "given", undefined, { retry });
    failedWith(await node.left(id, "ended"), /attempt 2 is not the third/);
    assert.equal((await node.store.runs.get(id))?.attempt, 2);
    await replayWithCuts(third, await readHistory(id, node.store.runs), {
      drain: await probeDrain(),
    });
  });

  test("nothing is tried again without a policy", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [third]);
    const id = await node.start("third", "given");
    failedWith(await node.left(id, "ended"), /attempt 1 is not the third/);
  });

  test("a code that is not to be tried again is found in causes, too", async () => {
    await using db = await database.fresh();
    const charge = defineActivity({ name: "charge", retry: { maxAttempts: 1 } }, () => {
      throw new WorkflowError("no such card");
    });
    const pays = defineWorkflow({ name: "pays" }, (ctx) => ctx.activity(charge));
    await using node = await TestNode.open(db, [pays]);
    const retry = { ...RETRY, nonRetryable: ["WORKFLOW_ERROR"] };
    const id = await node.start("pays", undefined, undefined, { retry });
    failedWith(await node.left(id, "ended"), /no such card/);
  });

  test("the code of a run says when to try again, and whether", async () => {
    await using db = await database.fresh();
    const asked: string[] = [];
    const limited = defineActivity({ name: "limited", retry: { maxAttempts: 1 } }, () => {
      throw new RetryAfterError("5h");
    });
    const says = defineWorkflow({
      name: "says",
      retry: {
        maxAttempts: 9,
        initial: 0,
        retryIf(error, attempt) {
          asked.push(`${attempt}: ${(error as Error).message}`);
          return attempt < 3;
        },
      },
    }, async (ctx) => {
      if (ctx.attempt === 1) throw new RetryAfterError("3h", "the bank is closed");
      if (ctx.attempt === 2) await ctx.activity(limited);
      throw new Error("in vain");
    });
    await using node = await TestNode.open(db, [says]);
    const id = await node.start("says", undefined, undefined, { retry: RETRY });
    for (const hours of [3, 5]) {
      await node.left(id, "suspended");
      const { wakeAt, since } = (await node.store.runs.get(id))!;
      assert.ok(Math.abs(wakeAt! - since! - hours * HOUR) < 5_000, `found ${wakeAt! - since!}`);
      await rested(db, node);
    }
    failedWith(await node.left(id, "ended"), /in vain/);
    assert.deepEqual(asked.slice(0, 1), ["1: the bank is closed"]);
    assert.match(asked[1]!, /^2: Activity "limited" failed/);
    assert.equal(asked.length, 2, "the last attempt is the last in any case");
  });

  test("no attempt begins that would come after the run's time", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [third]);
    const id = await node.start("third", "given", undefined, { retry: RETRY, timeout: "30m" });
    failedWith(await node.left(id, "ended"), /attempt 1 is not the third/);
  });

  test("a cancellation ends the rest at once, and no code runs", async () => {
    await using db = await database.fresh();
    let begun = 0;
    const throws = defineWorkflow({ name: "throws" }, () => {
      begun++;
      throw new Error("in vain");
    });
    await using node = await TestNode.open(db, [throws]);
    const id = await node.start("throws", undefined, undefined, { retry: RETRY });
    await node.left(id, "suspended");
    const payload = encode({ reason: "enough" });
    await node.store.runs.deliver(id, { kind: "cancel", name: "", payload });
    node.engine.receive({ kind: "due" });
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled", JSON.stringify(end));
    assert.match(end.error!, /enough/);
    assert.equal(begun, 1);
  });

  test("a run that is cancelled before it throws is not tried again", async () => {
    await using db = await database.fresh();
    const throws = defineWorkflow({ name: "throws" }, async (ctx) => {
      await ctx.waitForSignal("go").catch(() => {});
      throw new Error("another word");
    });
    await using node = await TestNode.open(db, [throws]);
    const id = await node.start("throws", undefined, undefined, { retry: RETRY });
    await node.left(id, "suspended");
    const payload = encode({ reason: null });
    await node.store.runs.deliver(id, { kind: "cancel", name: "", payload });
    node.engine.receive({ kind: "due" });
    failedWith(await node.left(id, "ended"), /another word/);
  });

  test("a cancellation that races with the throw is not slept over", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [third]);
    using _point = armFailPoint("commit.written", async ({ run }) => { // past the engine
      const payload = encode({ reason: null });
      await node.store.runs.deliver(run as string, { kind: "cancel", name: "", payload });
    });
    const id = await node.start("third", "given", undefined, { retry: RETRY });
    failedWith(await node.left(id, "ended"), /attempt 1 is not the third/);
  });

  test("signals do not shorten the rest, and are there after it", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      if (ctx.attempt === 1) throw new Error("too early");
      return [await ctx.waitForSignal("a"), await ctx.waitForSignal("b")];
    });
    await using node = await TestNode.open(db, [waits]);
    const id = await node.start("waits", undefined, undefined, { retry: RETRY });
    await node.left(id, "suspended");
    const before = (await node.store.runs.get(id))!.wakeAt;
    await node.signal(id, "a", 1);
    await Promise.all([node.signal(id, "b", 2), node.signal(id, "a", 3)]);
    assert.equal((await node.store.runs.get(id))!.wakeAt, before);
    await rested(db, node);
    assert.deepEqual(resultOf(await node.left(id, "ended")), [1, 2]);
  });

  test("a node that dies between the throw and the rest leaves that to the next", async () => {
    await using db = await database.fresh();
    const dead = await TestNode.open(db, [third]);
    const stopped = Promise.withResolvers<void>();
    const point = armFailPoint("commit.written", () => {
      stopped.resolve();
      return new Promise(() => {});
    });
    const id = await dead.start("third", "given", undefined, { retry: RETRY });
    await stopped.promise;
    point[Symbol.dispose]();
    const second = await TestNode.open(db, [third]);
    await expireNode(db, dead, second);
    await second.left(id, "suspended");
    assert.equal((await second.store.runs.get(id))?.attempt, 2);
    await second.engine.close(1_000);
    await using node = await TestNode.open(db, [third]);
    await rested(db, node);
    await node.left(id, "suspended");
    await rested(db, node);
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["given", 3, "step of 3"]);
    await dead.engine.close(0);
  });

  test("what one attempt booked is undone before the next", async () => {
    await using db = await database.fresh();
    const log: string[] = [];
    const undo = defineActivity({ name: "undo" }, () => void log.push("undone"));
    const trip = defineWorkflow({ name: "trip" }, (ctx) =>
      ctx.saga(async (saga) => {
        saga.undo(undo);
        await ctx.run("book", () => log.push(`booked ${ctx.attempt}`));
        if (ctx.attempt === 1) throw new Error("no seats");
      }));
    await using node = await TestNode.open(db, [trip]);
    await node.left(
      await node.start("trip", undefined, undefined, { retry: { initial: 1 } }),
      "ended",
    );
    assert.deepEqual(log, ["booked 1", "undone", "booked 2"]);
  });

  test("what the last turn of an attempt said of its run is kept", async () => {
    await using db = await database.fresh();
    const says = defineWorkflow({ name: "says" }, (ctx) => {
      ctx.attributes.set({ [`attempt${ctx.attempt}`]: true });
      if (ctx.attempt === 1) throw new Error("once more");
    });
    await using node = await TestNode.open(db, [says]);
    const id = await node.start("says", undefined, undefined, { retry: { initial: 1 } });
    await node.left(id, "ended");
    const { attributes } = (await node.store.runs.get(id))!;
    assert.deepEqual(attributes, { attempt1: true, attempt2: true });
  });

  test("attempts are counted anew when a run continues as new", async () => {
    await using db = await database.fresh();
    const counts = defineWorkflow({ name: "counts" }, (ctx, seen: string[]) => {
      const now = [...seen, `${seen.length}:${ctx.attempt}`];
      if (ctx.attempt === 1) throw new Error("once more");
      return seen.length < 1 ? ctx.continueAsNew(now) : now;
    });
    await using node = await TestNode.open(db, [counts]);
    const retry = { maxAttempts: 2, initial: 1 };
    const id = await node.start("counts", [], undefined, { retry });
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["0:2", "1:2"]);
    const row = (await node.store.runs.get(id))!;
    assert.deepEqual([row.generation, row.attempt], [3, 2]);
  });

  test("a parent sees what the last attempt of its child came to", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow(
      { name: "parent" },
      (ctx) =>
        ctx.child(third, "from above", { id: "c", retry: { initial: 1, backoff: "constant" } }),
    );
    await using node = await TestNode.open(db, [parent, third]);
    const id = await node.start("parent", undefined, "p");
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["from above", 3, "step of 3"]);
    assert.equal((await node.store.runs.get("c"))?.attempt, 3);
  });

  test("a child with an id of its own is the same in all attempts and generations", async () => {
    await using db = await database.fresh();
    let runs = 0;
    const child = defineWorkflow({ name: "child" }, () => `run ${++runs}`);
    const parent = defineWorkflow({ name: "parent" }, async (ctx, seen: string[]) => {
      const now = [...seen, await ctx.child(child, undefined, { id: "the-child" })];
      if (ctx.attempt === 1) throw new Error("once more");
      return seen.length < 1 ? ctx.continueAsNew(now) : now;
    });
    await using node = await TestNode.open(db, [parent, child]);
    const id = await node.start("parent", [], undefined, { retry: { initial: 1 } });
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["run 1", "run 1"]);
    assert.equal((await node.store.runs.get(id))?.generation, 3);
  });
});
