/**
 * What the definition of an activity that is called by its name decides, wherever it is executed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import type { Exit } from "../../src/ports/exit.ts";
import type { ActivityAttempt } from "../../src/replay/commands.ts";
import {
  type ActivityCallOptions,
  type ActivityOptions,
  defineActivity,
  defineWorkflow,
} from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { expireNode, TestNode } from "../support/node.ts";

interface TaskRow {
  state: string;
  queue: string;
  priority: number;
  key: string | null;
  wait_ms: number | null;
  closes_at: unknown;
}

async function tasksOf(db: EmptyDatabase): Promise<TaskRow[]> {
  return await db.query("select * from {schema}.tasks order by run, position");
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!await isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

function resultOf(exit: Exit): unknown {
  assert(exit.kind === "ended" && exit.result !== null, JSON.stringify(exit));
  return decode(exit.result);
}

/** A workflow that calls `act` by its name, and answers with what came of it. */
function calling(options: ActivityCallOptions = {}) {
  return defineWorkflow({ name: "calls" }, async (ctx, input: unknown) => {
    try {
      return await ctx.activity<unknown>("act", input, options);
    } catch (error) {
      const { cause, attempts } = error as {
        cause?: { code?: string; message: string };
        attempts?: unknown[];
      };
      return { cause: cause?.code ?? cause?.message, attempts: attempts?.length };
    }
  });
}

function registered(
  options: Partial<ActivityOptions>,
  execute: (input: unknown, activity: ActivityAttempt) => unknown,
) {
  return { activities: new Map([["act", defineActivity({ name: "act", ...options }, execute)]]) };
}

type Workflow = ReturnType<typeof calling>;
type Registered = ReturnType<typeof registered>;

/** Runs `calls` once; the activity is executed by its own node, or by another. */
async function ran(
  db: EmptyDatabase,
  where: "here" | "elsewhere",
  workflow: Workflow,
  executing: Registered,
  input: unknown = null,
): Promise<unknown> {
  if (where === "here") {
    await using node = await TestNode.open(db, [workflow], executing);
    return resultOf(await node.left(await node.start("calls", input), "ended"));
  }
  await using asks = await TestNode.open(db, [workflow]);
  const id = await asks.start("calls", input);
  await asks.left(id, "suspended");
  await using executes = await TestNode.open(db, [workflow], executing);
  return resultOf(await executes.left(id, "ended"));
}

forEachDatabase("activities called by name", (database, test) => {
  for (const where of ["here", "elsewhere"] as const) {
    const always = (): never => {
      throw Object.assign(new Error("no"), { code: "FATAL" });
    };

    test(`TERMS-2: retry is the executing definition's, ${where}`, async () => {
      await using db = await database.fresh();
      const executing = registered({ retry: { maxAttempts: 2, initial: 0 } }, always);
      assert.deepEqual(await ran(db, where, calling(), executing), {
        cause: "FATAL",
        attempts: 2,
      });
    });

    test(`TERMS-1: retry of the call goes first, ${where}`, async () => {
      await using db = await database.fresh();
      const executing = registered({ retry: { maxAttempts: 2, initial: 0 } }, always);
      const workflow = calling({ retry: { maxAttempts: 3, initial: 0 } });
      assert.deepEqual(await ran(db, where, workflow, executing), {
        cause: "FATAL",
        attempts: 3,
      });
    });

    test(`TERMS-2: nonRetryable is the executing definition's, ${where}`, async () => {
      await using db = await database.fresh();
      const executing = registered({ retry: { nonRetryable: ["FATAL"] } }, always);
      assert.deepEqual(await ran(db, where, calling(), executing), {
        cause: "FATAL",
        attempts: 1,
      });
    });

    test(`TERMS-2: the time of an attempt is the executing definition's, ${where}`, async () => {
      await using db = await database.fresh();
      const never = () => new Promise(() => {});
      const executing = registered({ timeout: 5, retry: { maxAttempts: 1 } }, never);
      assert.deepEqual(await ran(db, where, calling(), executing), {
        cause: "TIMEOUT",
        attempts: 1,
      });
    });

    test(`TERMS-2: the silence between heartbeats is the executing definition's, ${where}`, async () => {
      await using db = await database.fresh();
      const never = () => new Promise(() => {});
      const executing = registered(
        { timeouts: { heartbeat: 5 }, retry: { maxAttempts: 1 } },
        never,
      );
      assert.deepEqual(await ran(db, where, calling(), executing), {
        cause: "TIMEOUT",
        attempts: 1,
      });
    });

    test(`TERMS-2: the key is the executing definition's, and answers later calls, ${where}`, async () => {
      await using db = await database.fresh();
      let executed = 0;
      const executing = registered(
        { idempotencyKey: (input) => `key ${input}` },
        (_, { idempotencyKey }) => `${++executed}: ${idempotencyKey}`,
      );
      for (let run = 0; run < 2; run++) {
        assert.equal(await ran(db, where, calling(), executing, "a"), "1: key a");
      }
      assert.equal(await ran(db, where, calling(), executing, "b"), "2: key b");
      const keyless = await ran(db, where, calling({ idempotencyKey: null }), executing, "a");
      assert.match(String(keyless), /^3: [0-9a-f-]{36}\/[0-9a-z]+\.[0-9a-z]+\.0$/);
      const own = await ran(db, where, calling({ idempotencyKey: "own" }), executing, "a");
      assert.equal(own, "4: own");
    });

    test(`a definition that makes no key fails the call, ${where}`, async () => {
      await using db = await database.fresh();
      const executing = registered({ idempotencyKey: () => "" }, () => "executed");
      assert.deepEqual(await ran(db, where, calling(), executing), {
        cause: "INVALID_ARGUMENT",
        attempts: 0,
      });
    });
  }

  test("TERMS-2: one attempt means at most once, though only the definition says so", async () => {
    await using db = await database.fresh();
    let tries = 0;
    const began = Promise.withResolvers<void>();
    const executing = registered({ retry: { maxAttempts: 1 } }, () => {
      tries++;
      began.resolve();
      return new Promise(() => {});
    });
    const workflow = calling();
    await using dies = await TestNode.open(db, [workflow], executing);
    const id = await dies.start("calls");
    await began.promise;
    assert.equal((await tasksOf(db)).length, 1, "it is durable before it begins");
    await using lives = await TestNode.open(db, [workflow], executing);
    await expireNode(db, dies, lives);
    assert.deepEqual(resultOf(await lives.left(id, "ended")), {
      cause: "ATTEMPT_INTERRUPTED",
      attempts: 1,
    });
    assert.equal(tries, 1);
  });

  test("TERMS-2: a next attempt goes by the definition of the node that makes it", async () => {
    await using db = await database.fresh();
    const workflow = calling();
    const failed = Promise.withResolvers<void>();
    const first = registered({ retry: { maxAttempts: 9, initial: "1h" } }, () => {
      failed.resolve();
      throw new Error("no");
    });
    let id: string;
    {
      await using node = await TestNode.open(db, [workflow], first);
      id = await node.start("calls");
      await node.left(id, "suspended");
      await failed.promise;
    }
    await db.query("update {schema}.tasks set available_at = clock_timestamp()");
    const second = registered({ retry: { maxAttempts: 2 } }, () => {
      throw new Error("never");
    });
    await using node = await TestNode.open(db, [workflow], second);
    assert.deepEqual(resultOf(await node.left(id, "ended")), { cause: "never", attempts: 2 });
  });

  test("TERMS-2: a failure from outside is tried again as the definition says", async () => {
    await using db = await database.fresh();
    const token = Promise.withResolvers<string>();
    const workflow = calling();
    const executing = registered({ retry: { maxAttempts: 1 } }, async (_, activity) => {
      token.resolve(await activity.token());
      return activity.completeLater();
    });
    await using node = await TestNode.open(db, [workflow], executing);
    const id = await node.start("calls");
    await node.left(id, "suspended");
    await node.activities.fail(await token.promise, new Error("down"));
    assert.deepEqual(resultOf(await node.left(id, "ended")), { cause: "down", attempts: 1 });
  });

  test("TERMS-2: an attempt that is left to others has the definition's time", async () => {
    await using db = await database.fresh();
    const workflow = calling();
    const executing = registered(
      { timeout: 20, retry: { maxAttempts: 1 } },
      (_, activity) => activity.completeLater(),
    );
    await using node = await TestNode.open(db, [workflow], executing);
    const id = await node.start("calls");
    assert.deepEqual(resultOf(await node.left(id, "ended")), { cause: "TIMEOUT", attempts: 1 });
  });

  test("TERMS-3: the wait is the caller's, by its call or by what its node registered", async () => {
    await using db = await database.fresh();
    const executing = registered({
      queue: "own",
      priority: 3,
      timeouts: { scheduleToStart: "1h", scheduleToClose: "2h" },
    }, () => "executed");
    const served = { ...executing, queues: new Map() };
    const wait = ({ queue, priority, wait_ms, closes_at }: TaskRow) => ({
      queue,
      priority,
      wait_ms: wait_ms === null ? null : Number(wait_ms),
      closes: closes_at !== null,
    });
    const cases = [
      [calling(), served, { queue: "own", priority: 3, wait_ms: 3_600_000, closes: true }],
      [
        calling({ queue: "said", priority: 4, timeouts: { scheduleToStart: "3h" } }),
        served,
        { queue: "said", priority: 4, wait_ms: 10_800_000, closes: true },
      ],
      [calling(), {}, { queue: "default", priority: 0, wait_ms: null, closes: false }],
    ] as const;
    for (const [workflow, node, wanted] of cases) {
      await using asks = await TestNode.open(db, [workflow], node);
      const id = await asks.start("calls");
      await asks.left(id, "suspended");
      await until(async () => (await tasksOf(db)).length === 1);
      assert.deepEqual((await tasksOf(db)).map(wait), [wanted]);
      await db.query("delete from {schema}.tasks");
    }
  });
});
