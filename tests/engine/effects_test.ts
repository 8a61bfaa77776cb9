/**
 * Children, generations, sagas and transactions, on every kind of database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { effectId, MAX_RUN_ID } from "../../src/base/run_ids.ts";
import { decode, encode } from "../../src/base/values.ts";
import type { Exit } from "../../src/ports/exit.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { expireNode, newRun, TestNode } from "../support/node.ts";
import { versionUnavailable } from "../../src/version/contract_errors.ts";
import { loadFailure } from "../../src/version/load_errors.ts";

function resultOf(exit: Exit): unknown {
  assert(exit.kind === "ended" && exit.result !== null, JSON.stringify(exit));
  return decode(exit.result);
}

async function cancel(node: TestNode, runId: string): Promise<void> {
  const message = { kind: "cancel", name: "", payload: encode({ reason: null }) } as const;
  const delivery = await node.store.runs.deliver(runId, message);
  assert(delivery.status === "delivered");
  const { run, node: owner } = delivery;
  node.engine.receive(owner === null ? { kind: "due" } : { kind: "message", node: owner, run });
}

forEachDatabase("children", (database, test) => {
  const double = defineWorkflow({ name: "double" }, (_ctx, n: number) => n * 2);
  const waits = defineWorkflow({ name: "waits" }, (ctx) => ctx.waitForSignal("go"));

  test("a child's result is its parent's value, and its id follows from the parent's", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow({ name: "parent" }, (ctx) => ctx.child(double, 21));
    await using node = await TestNode.open(db, [parent, double]);
    const id = await node.start("parent", undefined, "p");
    assert.equal(resultOf(await node.left(id, "ended")), 42);
    const { seed } = (await node.store.runs.get(id))!;
    assert.equal((await node.store.runs.get(effectId({ runId: id, seed }, 0)))?.state, "completed");
  });

  test("a hundred children run at once, and their results come in order", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow(
      { name: "parent" },
      (ctx) => Promise.all(Array.from({ length: 100 }, (_, n) => ctx.child(double, n))),
    );
    await using node = await TestNode.open(db, [parent, double]);
    const id = await node.start("parent");
    assert.deepEqual(
      resultOf(await node.left(id, "ended")),
      Array.from({ length: 100 }, (_, n) => n * 2),
    );
  });

  test("a child that fails throws into its parent, with what it threw as the cause", async () => {
    await using db = await database.fresh();
    const fails = defineWorkflow({ name: "fails" }, () => {
      throw new RangeError("too much");
    });
    const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
      try {
        await ctx.child(fails, undefined);
      } catch (error) {
        const { code, cause } = error as Error & { code: string };
        return [code, (cause as Error).message];
      }
    });
    await using node = await TestNode.open(db, [parent, fails]);
    const id = await node.start("parent");
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["CHILD_FAILED", "too much"]);
  });

  test("a child waits for a schema that is unavailable for now, and fails if the schema is gone", async () => {
    const parent = defineWorkflow(
      { name: "parent" },
      (ctx, n: number) => ctx.child("double", n).catch((error) => error.cause.code),
    );
    const unavailable = (kind: "passing" | "lasting") => {
      const reason = { source: "url", kind, code: "GONE", message: "it is away" } as const;
      return versionUnavailable("f", "check", loadFailure("f", [reason]));
    };
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [parent, double]);
    node.inputErrors.push(unavailable("passing"), unavailable("passing"));
    const patient = await node.start("parent", 21);
    assert.equal(resultOf(await node.left(patient, "ended")), 42);
    node.inputErrors.push(unavailable("lasting"));
    const failed = await node.start("parent", 21);
    assert.equal(resultOf(await node.left(failed, "ended")), "VERSION_UNAVAILABLE");
  });

  test("a handle signals a child and waits for it later", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
      const child = await ctx.startChild<string>("waits", undefined, { id: "the-child" });
      await child.signal("go", "now");
      return [child.id, await child.result()];
    });
    await using node = await TestNode.open(db, [parent, waits]);
    const id = await node.start("parent");
    assert.deepEqual(resultOf(await node.left(id, "ended")), ["the-child", "now"]);
  });

  test("a handle gives its child's end as often as it is asked, at once or later", async () => {
    await using db = await database.fresh();
    const fails = defineWorkflow({ name: "fails" }, () => {
      throw new Error("no luck");
    });
    const codeOf = (error: unknown) => (error as { code: string }).code;
    const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
      const child = await ctx.startChild<number>("double", 4, { id: "good" });
      const failing = await ctx.startChild("fails", undefined, { id: "bad" });
      const twice = await Promise.all([child.result(), child.result()]);
      await ctx.sleep(1);
      const failures = [failing.result().catch(codeOf), failing.result().catch(codeOf)];
      return [...twice, await child.result(), ...await Promise.all(failures)];
    });
    await using node = await TestNode.open(db, [parent, double, fails]);
    const id = await node.start("parent");
    const wanted = [8, 8, 8, "CHILD_FAILED", "CHILD_FAILED"];
    assert.deepEqual(resultOf(await node.left(id, "ended")), wanted);
  });

  test("a child's end answers waits that begin after an earlier wait for it was withdrawn", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
      const child = await ctx.startChild<string>("waits", undefined, { id: "the-child" });
      try {
        await child.result();
      } catch {
        return await child.result();
      }
    });
    await using node = await TestNode.open(db, [parent, waits]);
    const id = await node.start("parent");
    await node.left("the-child", "suspended");
    await node.left(id, "suspended");
    await node.engine.drain(1_000);
    // The request comes first, and with it, before the code receives it, the child's end.
    const cancel = { kind: "cancel", name: "", payload: encode({}) } as const;
    await node.store.runs.deliver(id, cancel);
    await using children = await TestNode.open(db, [waits]);
    await children.signal("the-child", "go", "done");
    await children.left("the-child", "ended");
    await children.engine.close(1_000); // its parent is notified of its end
    await using heir = await TestNode.open(db, [parent]);
    assert.equal(resultOf(await heir.left(id, "ended")), "done");
  });

  /** Waits for a child until its `enough` comes, and ends once it receives `done`. */
  const impatient = defineWorkflow({ name: "impatient" }, async (ctx) => {
    const enough = new AbortController();
    const child = ctx.child(waits, undefined, {
      id: "given-up",
      parentClose: "abandon",
      signal: enough.signal,
    }).catch((error) => error.message);
    await ctx.waitForSignal("enough");
    enough.abort(new Error("enough"));
    const told = await child;
    await ctx.waitForSignal("done");
    return told;
  });

  test("a child is cancelled when its parent gives it up by a signal", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [impatient, waits]);
    const id = await node.start("impatient");
    await node.left("given-up", "suspended");
    await node.signal(id, "enough");
    await node.left("given-up", "ended");
    assert.equal((await node.store.runs.get("given-up"))?.state, "cancelled");
    await node.signal(id, "done");
    assert.equal(resultOf(await node.left(id, "ended")), "enough");
  });

  test("a child that is given up while it is started is cancelled after that", async () => {
    await using db = await database.fresh();
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    await using node = await TestNode.open(db, [impatient, waits]);
    const { lineage } = node.store;
    const start = lineage.startChildren.bind(lineage);
    lineage.startChildren = async (...given) => {
      begun.resolve();
      await gate.promise;
      return await start(...given);
    };
    const id = await node.start("impatient");
    await begun.promise;
    await node.signal(id, "enough");
    await node.signal(id, "done");
    gate.resolve();
    assert.equal(resultOf(await node.left(id, "ended")), "enough");
    await node.left("given-up", "ended");
    assert.equal((await node.store.runs.get("given-up"))?.state, "cancelled");
  });

  test("a child that was given up before a crash is cancelled by the replay after it", async () => {
    await using db = await database.fresh();
    let id: string;
    {
      await using node = await TestNode.open(db, [impatient, waits]);
      const { lineage } = node.store;
      id = await node.start("impatient");
      await node.left("given-up", "suspended");
      const lost = Promise.withResolvers<void>();
      lineage.hasChild = () => {
        lost.resolve();
        return new Promise(() => {}); // the node dies before its request is made
      };
      await node.signal(id, "enough");
      await lost.promise;
      assert.equal((await node.store.runs.get("given-up"))?.state, "suspended");
    }
    await using node = await TestNode.open(db, [impatient, waits]);
    await node.left("given-up", "ended");
    assert.equal((await node.store.runs.get("given-up"))?.state, "cancelled");
    await node.signal(id, "done");
    assert.equal(resultOf(await node.left(id, "ended")), "enough");
  });

  test("an unrelated run that has the id of a withdrawn child continues", async () => {
    await using db = await database.fresh();
    const never = defineWorkflow({ name: "never" }, async (ctx) => {
      const enough = new AbortController();
      const child = ctx.child(waits, undefined, { id: "stranger", signal: enough.signal });
      enough.abort(new Error("enough"));
      return await child.catch((error) => error.message);
    });
    await using node = await TestNode.open(db, [never, waits]);
    await node.start("waits", undefined, "stranger");
    await node.left("stranger", "suspended");
    assert.equal(resultOf(await node.left(await node.start("never"), "ended")), "enough");
    await node.signal("stranger", "go", 1);
    assert.equal(resultOf(await node.left("stranger", "ended")), 1);
  });

  test("a child whose id another run has is not started, and says so", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
      try {
        await ctx.child(double, 1, { id: "taken" });
      } catch (error) {
        return ((error as Error).cause as Error).message;
      }
    });
    await using node = await TestNode.open(db, [parent, double, waits]);
    await node.start("waits", undefined, "taken");
    const id = await node.start("parent");
    assert.match(resultOf(await node.left(id, "ended")) as string, /another run has that id/);
  });

  test("a chain of parents that is too long is refused", async () => {
    await using db = await database.fresh();
    const nests = defineWorkflow(
      { name: "nests" },
      (ctx): Promise<unknown> => ctx.child("nests", undefined),
    );
    await using node = await TestNode.open(db, [nests]);
    const id = await node.start("nests");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "failed");
    const deepest = await db.query<{ error: string }>(
      `select error::text as error from {schema}.runs order by id desc limit 1`,
    );
    assert.match(deepest[0]!.error, /longer than 50/);
  });

  test("the end of a parent cancels, terminates or abandons its children", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow({ name: "parent" }, async (ctx) => {
      await ctx.startChild(waits, undefined, { id: "a" });
      await ctx.startChild(waits, undefined, { id: "b", parentClose: "terminate" });
      await ctx.startChild(waits, undefined, { id: "c", parentClose: "abandon" });
    });
    await using node = await TestNode.open(db, [parent, waits]);
    const id = await node.start("parent");
    await node.left(id, "ended");
    assert.equal((await node.left("a", "ended") as { state: string }).state, "cancelled");
    await node.left("c", "suspended");
    assert.equal((await node.store.runs.get("b"))?.state, "terminated");
    assert.equal((await node.store.runs.get("c"))?.endedAt, null);
  });

  test("a termination goes down to the last descendant, without waiting for a heartbeat", async () => {
    await using db = await database.fresh();
    const below = (child: typeof waits, id: string) =>
      defineWorkflow({ name: `above ${id}` }, async (ctx) => {
        await ctx.startChild(child, undefined, { id, parentClose: "terminate" });
        return await ctx.waitForSignal("go");
      });
    const middle = below(waits, "c");
    const top = below(middle, "b");
    await using node = await TestNode.open(db, [top, middle, waits]);
    const id = await node.start(top.name);
    for (const waiting of ["b", "c", id]) await node.left(waiting, "suspended");
    await node.signal(id, "go");
    await node.left(id, "ended");
    await node.engine.close(0); // does what was begun to the end
    assert.equal((await node.store.runs.get("b"))?.state, "terminated");
    assert.equal((await node.store.runs.get("c"))?.state, "terminated");
  });

  test("a cancellation reaches the children that a run waits for", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow(
      { name: "parent" },
      (ctx) => ctx.child(waits, undefined, { id: "c" }),
    );
    await using node = await TestNode.open(db, [parent, waits]);
    const id = await node.start("parent", undefined, "p");
    await node.left("c", "suspended");
    await node.left(id, "suspended");
    await cancel(node, id);
    assert.equal((await node.left(id, "ended") as { state: string }).state, "cancelled");
    assert.equal((await node.store.runs.get("c"))?.state, "cancelled");
  });

  test("a child's end is delivered although its node dies right after it", async () => {
    await using db = await database.fresh();
    const parent = defineWorkflow({ name: "parent" }, (ctx) => ctx.child(double, 4, { id: "c" }));
    await using node = await TestNode.open(db, [parent, double]);
    const id = await node.start("parent", undefined, "p");
    await node.left("c", "ended");
    // As if no node had settled the ended child.
    await db.query(`update {schema}.inbox set name = name where kind = 'child'`);
    assert.equal(resultOf(await node.left(id, "ended")), 8);
  });

  test("an id that another run has is refused to every parent that asks for it, permanently", async () => {
    await using db = await database.fresh();
    const asks = defineWorkflow({ name: "asks" }, async (ctx, how: "child" | "start") => {
      const told = (error: { code: string; cause?: { code: string } }) => error.cause ?? error;
      const child = how === "child"
        ? await ctx.child("waits", undefined, { id: "one" }).catch(told)
        : await ctx.startChild("waits", undefined, { id: "one" }).catch(told);
      await ctx.waitForSignal("more");
      return (child as { code: string }).code;
    });
    await using node = await TestNode.open(db, [asks, waits], { lingerMs: 0 });
    await node.start("waits", undefined, "one");
    const parents = ["p1", "p2", "p3"];
    for (const [index, id] of parents.entries()) {
      await node.start("asks", index === 0 ? "start" : "child", id);
    }
    for (const id of parents) { // their histories have the failure when they are read again
      await node.left(id, "suspended");
      await node.signal(id, "more");
      assert.equal(resultOf(await node.left(id, "ended")), "CHILD_NOT_STARTED");
    }
    assert.equal((await node.store.runs.get("one"))?.state, "suspended");
  });

  test("of parents that ask for one id at once, one gets the child; the others are refused", async () => {
    await using db = await database.fresh();
    const asks = defineWorkflow(
      { name: "asks" },
      (ctx) => ctx.child("double", 4, { id: "one" }).catch((error) => error.cause.code),
    );
    await using node = await TestNode.open(db, [asks, double]);
    const ids = Array.from({ length: 20 }, (_, index) => `p${index}`);
    for (const id of ids) await node.start("asks", undefined, id);
    const results = await Promise.all(
      ids.map(async (id) => resultOf(await node.left(id, "ended"))),
    );
    assert.equal(results.filter((result) => result === 8).length, 1);
    assert.equal(results.filter((result) => result === "CHILD_NOT_STARTED").length, 19);
  });

  test("a parent that asks for its child's id with another workflow is refused: the id is taken", async () => {
    await using db = await database.fresh();
    const asks = defineWorkflow({ name: "asks" }, async (ctx) => {
      const [first] = [await ctx.child("double", 4, { id: "one" })];
      return [first, await ctx.child("waits", 4, { id: "one" }).catch((error) => error.cause.code)];
    });
    await using node = await TestNode.open(db, [asks, double, waits]);
    const id = await node.start("asks");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [8, "CHILD_NOT_STARTED"]);
  });

  test("runs with the longest ids have children, and these have theirs, down to the last", async () => {
    await using db = await database.fresh();
    const nested = defineWorkflow({ name: "nested" }, async (ctx, levels: number) => {
      const longest: number = levels === 0 ? 0 : await ctx.child<number>("nested", levels - 1);
      return Math.max(longest, ctx.runId.length);
    });
    await using node = await TestNode.open(db, [nested]);
    const id = await node.start("nested", 49, "x".repeat(255));
    const longest = resultOf(await node.left(id, "ended")) as number;
    assert(longest > 255 && longest <= MAX_RUN_ID, String(longest));
  });

  test("a run with an id that was used before has children beside those of the earlier one", async () => {
    await using db = await database.fresh();
    const lets = defineWorkflow({ name: "lets" }, async (ctx) => {
      return (await ctx.startChild("waits", undefined, { parentClose: "abandon" })).id;
    });
    await using node = await TestNode.open(db, [lets, waits]);
    const first = resultOf(await node.left(await node.start("lets", undefined, "p"), "ended"));
    await db.query("delete from {schema}.runs where run_id = 'p'");
    node.forget();
    await node.store.runs.insert([{ ...newRun("lets", undefined, "p"), seed: "another" }]);
    node.engine.receive({ kind: "due" });
    const second = resultOf(await node.left("p", "ended"));
    assert.notEqual(second, first);
    assert.equal((await node.store.runs.get(first as string))?.endedAt, null);
  });
});

forEachDatabase("continuing as new", (database, test) => {
  test("the run continues under its id with a new input and an empty history", async () => {
    await using db = await database.fresh();
    const counts = defineWorkflow({ name: "counts" }, async (ctx, n: number) => {
      await ctx.run("step", () => n);
      return n < 3 ? ctx.continueAsNew(n + 1) : `done at ${n}`;
    });
    await using node = await TestNode.open(db, [counts]);
    const id = await node.start("counts", 0);
    assert.equal(resultOf(await node.left(id, "ended")), "done at 3");
    const row = await node.store.runs.get(id);
    assert.equal(row?.generation, 3);
    assert.equal(row?.events, 1);
    assert.equal(row?.input, "3");
    assert.equal((await node.store.runs.history(id, 0, 10)).length, 1);
    const kept = await db.query<{ n: number }>(
      `select count(*)::integer as n from {schema}.generations`,
    );
    assert.equal(kept[0]?.n, 3);
  });

  test("F93: a run that continues as new keeps its namespace and its attributes", async () => {
    await using db = await database.fresh();
    const counts = defineWorkflow({ name: "counts" }, async (ctx, n: number) => {
      if (n === 0) ctx.attributes.set({ tier: "gold" });
      await ctx.run("step", () => n);
      return n < 2 ? ctx.continueAsNew(n + 1) : n;
    });
    await using node = await TestNode.open(db, [counts]);
    const id = await node.start("counts", 0);
    assert.equal(resultOf(await node.left(id, "ended")), 2);
    const row = await node.store.runs.in("default").get(id);
    assert.deepEqual([row?.generation, row?.attributes], [2, { tier: "gold" }]);
  });

  test("signals wait for whichever generation wants them", async () => {
    await using db = await database.fresh();
    const collects = defineWorkflow({ name: "collects" }, async (ctx, got: number[]) => {
      const next = await ctx.waitForSignal<number>("n");
      return got.length === 2 ? [...got, next] : ctx.continueAsNew([...got, next]);
    });
    await using node = await TestNode.open(db, [collects]);
    const id = await node.start("collects", []);
    for (const n of [1, 2, 3]) await node.signal(id, "n", n);
    assert.deepEqual(resultOf(await node.left(id, "ended")), [1, 2, 3]);
  });

  test("what a generation says of itself at its end is kept", async () => {
    const says = defineWorkflow({ name: "says" }, async (ctx, n: number) => {
      if (n === 1) return await ctx.waitForSignal("go");
      ctx.setStatus("continuing");
      ctx.attributes.set({ rounds: 1 });
      return ctx.continueAsNew(n + 1);
    });
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [says]);
    const id = await node.start("says", 0);
    await node.left(id, "suspended");
    const { generation, customStatus, attributes } = (await node.store.runs.get(id))!;
    assert.deepEqual([generation, customStatus, attributes], [1, '"continuing"', { rounds: 1 }]);
  });

  test("a parent sees the result of its child's last generation only", async () => {
    await using db = await database.fresh();
    const counts = defineWorkflow(
      { name: "counts" },
      (ctx, n: number) => n < 2 ? ctx.continueAsNew(n + 1) : n,
    );
    const parent = defineWorkflow({ name: "parent" }, (ctx) => ctx.child(counts, 0));
    await using node = await TestNode.open(db, [parent, counts]);
    const id = await node.start("parent");
    assert.equal(resultOf(await node.left(id, "ended")), 2);
  });
});

forEachDatabase("sagas", (database, test) => {
  const log: string[] = [];
  const undo = defineActivity({ name: "undo" }, (what: string) => void log.push(`undo ${what}`));

  test("a failed saga is undone, the last step first, and its error is thrown", async () => {
    log.length = 0;
    await using db = await database.fresh();
    const trip = defineWorkflow({ name: "trip" }, (ctx) =>
      ctx.saga(async (saga) => {
        saga.undo(undo, "hotel");
        await ctx.run("hotel", () => log.push("hotel"));
        saga.undo(undo, "flight");
        await ctx.run("flight", () => Promise.reject(new Error("no seats")), {
          retry: { maxAttempts: 1 },
        });
      }));
    await using node = await TestNode.open(db, [trip]);
    const id = await node.start("trip");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "failed");
    assert.match(end.error!, /no seats/);
    assert.deepEqual(log, ["hotel", "undo flight", "undo hotel"]);
  });

  test("what is undone in parallel does not wait for each other, and is undone once", async () => {
    log.length = 0;
    await using db = await database.fresh();
    const both = Promise.withResolvers<void>();
    const meet = defineActivity({ name: "meet" }, async (what: string) => {
      if (log.push(what) === 2) both.resolve();
      await both.promise;
    });
    const trip = defineWorkflow({ name: "trip" }, (ctx) =>
      ctx.saga(async (saga) => {
        saga.undo(meet, "hotel");
        saga.undo(meet, "flight");
        await saga.compensate({ parallel: true });
        throw new Error("nothing is left to undo");
      }));
    await using node = await TestNode.open(db, [trip]);
    const end = await node.left(await node.start("trip"), "ended");
    assert(end.kind === "ended" && end.state === "failed");
    assert.deepEqual(log.toSorted(), ["flight", "hotel"]);
  });

  test("a cancellation is undone too, and a second one does not stop that", async () => {
    log.length = 0;
    await using db = await database.fresh();
    const undoing = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slowUndo = defineActivity({ name: "slow undo" }, async (_input: void, { signal }) => {
      undoing.resolve();
      await release.promise;
      log.push(`undone, aborted ${signal.aborted}`);
    });
    const trip = defineWorkflow({ name: "trip" }, (ctx) =>
      ctx.saga(async (saga) => {
        saga.undo(slowUndo);
        await ctx.waitForSignal("go");
      }));
    await using node = await TestNode.open(db, [trip]);
    const id = await node.start("trip");
    await node.left(id, "suspended");
    await cancel(node, id);
    await undoing.promise;
    await cancel(node, id);
    release.resolve();
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "cancelled", JSON.stringify(end));
    assert.deepEqual(log, ["undone, aborted false"]);
  });

  test("a compensation that fails for good does not keep the others from running", async () => {
    log.length = 0;
    await using db = await database.fresh();
    const broken = defineActivity({ name: "broken", retry: { maxAttempts: 1 } }, () => {
      throw new Error("can't undo");
    });
    const trip = defineWorkflow({ name: "trip" }, (ctx) =>
      ctx.saga((saga) => {
        saga.undo(undo, "first");
        saga.undo(broken);
        throw new Error("why");
      }));
    await using node = await TestNode.open(db, [trip]);
    const id = await node.start("trip");
    const end = await node.left(id, "ended");
    assert(end.kind === "ended" && end.state === "failed");
    assert.match(end.error!, /COMPENSATION_FAILED/);
    assert.match(end.error!, /can't undo/);
    assert.match(end.error!, /why/);
    assert.deepEqual(log, ["undo first"]);
  });
});

forEachDatabase("transactions", (database, test) => {
  test("a step's writes and its event commit together, or neither does", async () => {
    await using db = await database.fresh();
    await db.open();
    await db.query(`create table {schema}.ledger (entry text)`);
    const table = `"${db.schema}".ledger`;
    let attempts = 0;
    const pays = defineWorkflow({ name: "pays" }, async (ctx) => {
      const rows = await ctx.transaction("pay", async (tx) => {
        await tx.query(`insert into ${table} values ($1)`, ["paid"]);
        if (++attempts === 1) throw new Error("rolled back");
        return await tx.query<{ entry: string }>(`select entry from ${table}`);
      }, { retry: { initial: 1 } });
      return rows;
    });
    await using node = await TestNode.open(db, [pays]);
    const id = await node.start("pays");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [{ entry: "paid" }]);
    assert.equal((await db.query(`select * from ${table}`)).length, 1);
    const kinds = (await node.store.runs.history(id, 0, 10)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["attempt.failed", "transaction.completed"]);
  });

  test("a node that lost its lease commits nothing of a transaction", async () => {
    await using db = await database.fresh();
    await db.open();
    await db.query(`create table {schema}.ledger (entry text)`);
    const table = `"${db.schema}".ledger`;
    const entered = Promise.withResolvers<void>();
    let isZombie = true;
    const pays = defineWorkflow({ name: "pays" }, (ctx) =>
      ctx.transaction("pay", async (tx) => {
        await tx.query(`insert into ${table} values ('paid')`);
        if (isZombie) {
          isZombie = false;
          await tx.query(`update "${db.schema}".runs set token = token + 1`);
          entered.resolve();
        }
        return "paid";
      }));
    const zombie = await TestNode.open(db, [pays]);
    const id = await zombie.start("pays");
    await entered.promise;
    // The fence inside the transaction saw another token: all of it was rolled back.
    await zombie.left(id, "lost");
    assert.equal((await db.query(`select * from ${table}`)).length, 0);
    await zombie.engine.close(0);
    await using node = await TestNode.open(db, [pays]);
    assert.equal(resultOf(await node.left(id, "ended")), "paid");
    assert.equal((await db.query(`select * from ${table}`)).length, 1);
  });

  test("a transaction that was committed is not run again by the next node", async () => {
    await using db = await database.fresh();
    await db.open();
    await db.query(`create table {schema}.ledger (entry text)`);
    const table = `"${db.schema}".ledger`;
    const pays = defineWorkflow({ name: "pays" }, async (ctx) => {
      await ctx.transaction("pay", (tx) => tx.query(`insert into ${table} values ('paid')`));
      await ctx.run("after", () => 1);
      return "done";
    });
    const dead = await TestNode.open(db, [pays]);
    const stopped = Promise.withResolvers<void>();
    const point = armFailPoint("effect.done", () => {
      stopped.resolve();
      return new Promise(() => {}); // dies within the step after it
    });
    const id = await dead.start("pays");
    await stopped.promise;
    point[Symbol.dispose]();
    await using node = await TestNode.open(db, [pays]);
    await expireNode(db, dead, node);
    assert.equal(resultOf(await node.left(id, "ended")), "done");
    assert.equal((await db.query(`select * from ${table}`)).length, 1);
    await dead.engine.close(0);
  });
});
