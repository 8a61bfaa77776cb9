/**
 * What workflow code logs is said once, however often its run leaves memory and comes back.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { fencingToken } from "../../src/base/ids.ts";
import { encode } from "../../src/base/values.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import { defineWorkflow, type WorkflowContext } from "../../src/workflow/mod.ts";
import { makeDue } from "../support/store_rows.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { type AnyWorkflow, hashOf, type NodeOptions, TestNode } from "../support/node.ts";

/** A node and what its runs have logged. */
async function logging(
  db: EmptyDatabase,
  workflows: readonly AnyWorkflow[],
  options: NodeOptions = {},
): Promise<{ readonly node: TestNode; readonly lines: string[] }> {
  const lines: string[] = [];
  const onLine = ({ message }: { readonly message: string }) => void lines.push(message);
  return { node: await TestNode.open(db, workflows, { onLine, ...options }), lines };
}

/** Wakes a run by a message that it does not wait for, and lets it leave memory again. */
async function wakeWithSignal(node: TestNode, runId: string, name: string): Promise<void> {
  node.forget();
  await node.signal(runId, name);
  await node.left(runId, "suspended");
}

/** Moves a run that rests to other code, and lets it come to rest there. */
async function move(node: TestNode, runId: string, name: string): Promise<void> {
  const lease = { node: node.engine.node, token: fencingToken() };
  const seized = await node.store.runs.seize(runId, lease);
  const pin = { hash: hashOf(name), specifier: `test:${name}` };
  await node.store.runs.settle(seized!.id, lease, { pin, payload: encode({}) });
  node.forget();
  node.engine.receive({ kind: "due" });
  await node.left(runId, "suspended");
}

forEachDatabase("what runs log", (database, test) => {
  test("signals that no code waits for repeat no line, before the first delivery and later", async () => {
    await using db = await database.fresh();
    const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
      ctx.log.info("start");
      for (const name of ["one", "two"]) {
        await ctx.waitForSignal(name);
        ctx.log.info(name);
        await ctx.run("step", () => {});
        ctx.setStatus(name);
        ctx.log.info(`after ${name}`);
      }
    });
    const { node, lines } = await logging(db, [waits]);
    await using _ = node;
    const id = await node.start("waits");
    await node.left(id, "suspended");
    await wakeWithSignal(node, id, "stray");
    await wakeWithSignal(node, id, "stray");
    assert.deepEqual(lines, ["start"]);
    await wakeWithSignal(node, id, "one");
    await wakeWithSignal(node, id, "stray");
    await wakeWithSignal(node, id, "stray");
    assert.deepEqual(lines, ["start", "one", "after one"]);
    await node.signal(id, "two");
    await node.left(id, "ended");
    assert.deepEqual(lines, ["start", "one", "after one", "two", "after two"]);
  });

  test("steps and activities that rest between their attempts repeat no line", async () => {
    await using db = await database.fresh();
    const retry = { initial: 1, jitter: 0, backoff: "constant" } as const;
    let failures = 0;
    const fails = () => {
      if (failures++ % 3 !== 2) throw new Error("not yet");
    };
    const flaky = defineActivity({ name: "flaky", retry }, fails);
    const tries = defineWorkflow({ name: "tries" }, async (ctx) => {
      ctx.log.info("start");
      await ctx.run("step", fails, { retry });
      ctx.log.info("between");
      await ctx.activity(flaky);
      ctx.log.info("end");
    });
    const { node, lines } = await logging(db, [tries]);
    await using _ = node;
    await node.left(await node.start("tries"), "ended");
    assert.deepEqual(lines, ["start", "between", "end"]);
  });

  test("each generation logs its own lines, once", async () => {
    await using db = await database.fresh();
    const turns = defineWorkflow({ name: "turns" }, async (ctx, round: number) => {
      ctx.log.info(`start ${round}`);
      if (round > 0) await ctx.waitForSignal("go");
      ctx.log.info(`end ${round}`);
      return round < 2 ? ctx.continueAsNew(round + 1) as never : round;
    });
    const { node, lines } = await logging(db, [turns]);
    await using _ = node;
    const id = await node.start("turns", 0);
    await node.left(id, "suspended");
    await wakeWithSignal(node, id, "stray");
    await wakeWithSignal(node, id, "go");
    await wakeWithSignal(node, id, "stray");
    assert.deepEqual(lines, ["start 0", "end 0", "start 1", "end 1", "start 2"]);
    await node.signal(id, "go");
    await node.left(id, "ended");
    assert.deepEqual(lines.slice(5), ["end 2"]);
  });

  test("each attempt of a run logs its own lines, once", async () => {
    await using db = await database.fresh();
    const fails = defineWorkflow({ name: "fails" }, async (ctx) => {
      ctx.log.info(`attempt ${ctx.attempt}`);
      await ctx.waitForSignal("go");
      ctx.log.info(`fails ${ctx.attempt}`);
      if (ctx.attempt === 1) throw new Error("not yet");
    });
    const { node, lines } = await logging(db, [fails]);
    await using _ = node;
    const retry = { maxAttempts: 2, initial: 1, jitter: 0 } as const;
    const id = await node.start("fails", undefined, undefined, { retry });
    await node.left(id, "suspended");
    await node.signal(id, "go");
    while (lines.length < 3) await new Promise((resolve) => setImmediate(resolve));
    await node.signal(id, "go");
    await node.left(id, "ended");
    assert.deepEqual(lines, ["attempt 1", "fails 1", "attempt 2", "fails 2"]);
  });

  test("a run that was moved to other code logs what is new of it only", async () => {
    await using db = await database.fresh();
    const line = (ctx: WorkflowContext, text: string) => ctx.log.info(text);
    const old = defineWorkflow({ name: "old" }, async (ctx) => {
      line(ctx, "start");
      await ctx.waitForSignal("go");
      line(ctx, "old end");
    });
    const next = defineWorkflow({ name: "next" }, async (ctx) => {
      line(ctx, "start, reworded");
      await ctx.waitForSignal("go");
      line(ctx, "new end");
    });
    const { node, lines } = await logging(db, [old, next]);
    await using _ = node;
    const id = await node.start("old");
    await node.left(id, "suspended");
    await move(node, id, "next");
    await wakeWithSignal(node, id, "stray");
    await node.signal(id, "go");
    await node.left(id, "ended");
    assert.deepEqual(lines, ["start", "new end"]);
  });

  test("a run that logged nothing, moved to code that does, logs nothing of its past", async () => {
    await using db = await database.fresh();
    const works =
      (line: (ctx: WorkflowContext, text: string) => void) => async (ctx: WorkflowContext) => {
        for (const name of ["a", "b"]) {
          line(ctx, `before ${name}`);
          await ctx.run(name, () => {});
        }
        line(ctx, "waits");
        await ctx.waitForSignal("go");
        line(ctx, "end");
      };
    const silent = defineWorkflow({ name: "silent" }, works(() => {}));
    const speaks = defineWorkflow({ name: "speaks" }, works((ctx, text) => ctx.log.info(text)));
    const { node, lines } = await logging(db, [silent, speaks]);
    await using _ = node;
    const id = await node.start("silent");
    await node.left(id, "suspended");
    const [{ delivered_seq }] = await db.query(
      "select delivered_seq from {schema}.runs where run_id = $1",
      [
        id,
      ],
    ) as [
      { delivered_seq: number | null },
    ];
    assert.equal(delivered_seq, null, "without a line nothing of lines is written");
    await move(node, id, "speaks");
    await wakeWithSignal(node, id, "stray");
    await node.signal(id, "go");
    await node.left(id, "ended");
    assert.deepEqual(lines, ["waits", "end"]);
  });

  test("of a run whose node was lost, only what followed the last write is said again", async () => {
    await using db = await database.fresh();
    const works = defineWorkflow({ name: "works" }, async (ctx) => {
      ctx.log.info("start");
      await ctx.run("a", () => {});
      ctx.log.info("after a");
      await ctx.run("b", () => {});
      ctx.log.info("after b");
    });
    const { node, lines } = await logging(db, [works]);
    await using _ = node;
    const lost = Promise.withResolvers<void>();
    const id = crypto.randomUUID();
    using _point = armFailPoint("effect.done", async ({ event }) => {
      if ((event as { name: string }).name !== "b" || lines.includes("lost")) return;
      lines.push("lost");
      // As the expiry of a node does: the row is free, and its former owner can't write any more.
      await db.query(
        `update {schema}.runs set state = 'suspended', node = null, token = null
         where run_id = $1`,
        [id],
      );
      lost.resolve();
    });
    await node.start("works", undefined, id);
    await lost.promise;
    await node.left(id, "lost");
    await makeDue(db, id);
    node.engine.receive({ kind: "due" });
    await node.left(id, "ended");
    assert.deepEqual(lines, ["start", "after a", "lost", "after a", "after b"]);
  });

  test("of events that were written together, and not delivered, no line is left out", async () => {
    await using db = await database.fresh();
    const both = defineWorkflow({ name: "both" }, async (ctx) => {
      ctx.log.info("start");
      const [one, two] = ["one", "two"].map((name) => ctx.waitForSignal(name));
      await one;
      ctx.log.info("one");
      await two;
      ctx.log.info("two");
      await ctx.waitForSignal("end");
    });
    const { node, lines } = await logging(db, [both]);
    await using _ = node;
    const id = await node.start("both");
    await node.left(id, "suspended");
    // Another node's write of both, after which it crashed.
    await db.query(
      `with run as (
         update {schema}.runs set next_seq = 2 where run_id = $1 returning id
       )
       insert into {schema}.events (run, seq, position, at, kind, name, digest, payload)
       select id, seq, seq, clock_timestamp(), 'signal.received', name, null, '0'
       from run, (values (0, 'one'), (1, 'two')) as event (seq, name)`,
      [id],
    );
    await wakeWithSignal(node, id, "stray");
    assert.deepEqual(lines, ["start", "one", "two"]);
  });
});
