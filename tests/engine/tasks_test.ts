/**
 * What an engine promises about activities, on every kind of database.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { decode, encode } from "../../src/base/values.ts";
import type { Exit } from "../../src/ports/exit.ts";
import type { ActivityAttempt, Attempt } from "../../src/replay/commands.ts";
import {
  type ActivityOptions,
  defineActivity,
  defineWorkflow,
  NonRetryableError,
  RetryAfterError,
} from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { expireNode, type NodeOptions, TestNode } from "../support/node.ts";

const CODE = "./activities.ts#act";
const ELSEWHERE = { queues: new Map() } satisfies NodeOptions;
const AT_ONCE = { retry: { maxAttempts: 3, initial: 0 } } as const;

function resultOf(exit: Exit): unknown {
  assert(exit.kind === "ended" && exit.result !== null, JSON.stringify(exit));
  return decode(exit.result);
}

/** A workflow that calls one pinned activity, and answers with what came of it. */
function calls(
  execute: (input: number, activity: ActivityAttempt) => unknown,
  options: Partial<ActivityOptions> = {},
) {
  const act = defineActivity({ name: "act", ...options }, execute);
  const workflow = defineWorkflow({ name: "calls" }, async (ctx, input: number) => {
    try {
      return { value: await ctx.activity(act, input) };
    } catch (error) {
      const { code, cause, attempts } = error as {
        code: string;
        cause?: { code?: string; message: string };
        attempts?: { attempt: number; error: { message: string } }[];
      };
      return {
        code,
        cause: cause?.code ?? cause?.message,
        attempts: attempts?.map(({ attempt, error }) => `${attempt}: ${error.message}`),
      };
    }
  });
  return { workflow, pinned: { [CODE]: act } };
}

interface TaskRow {
  state: string;
  attempt: number;
  node: string | null;
  token: number;
  position: number;
  name: string;
  cancel_requested: boolean;
}

/** Asks again and again; each time others have their turn. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!await isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

async function tasksOf(db: EmptyDatabase): Promise<TaskRow[]> {
  return await db.query("select * from {schema}.tasks order by run, position");
}

async function eventsOf(node: TestNode, id: string): Promise<string[]> {
  return (await node.store.runs.history(id, 0, 100)).map(({ kind }) => kind);
}

forEachDatabase("executing activities", (database, test) => {
  test("an activity of a resident run begins at once, and is one event", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((n) => n + 1);
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    assert.deepEqual(resultOf(await node.left(id, "ended")), { value: 2 });
    assert.deepEqual(await eventsOf(node, id), ["activity.completed"]);
    assert.deepEqual(await tasksOf(db), []);
  });

  test("a longer activity has a task, leased by its node, until its end is written", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<string>();
    const { workflow, pinned } = calls(async (_, { token }) => {
      await token();
      began.resolve();
      return await gate.promise;
    });
    const began = Promise.withResolvers<void>();
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    await began.promise;
    const [task] = await tasksOf(db);
    assert.equal(task?.state, "leased");
    assert.equal(task?.node, node.engine.node);
    gate.resolve("late");
    assert.deepEqual(resultOf(await node.left(id, "ended")), { value: "late" });
    assert.deepEqual(await tasksOf(db), []);
  });

  test("a node that does not serve the queue leaves the activity to one that does", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((n) => n + 1);
    await using asks = await TestNode.open(db, [workflow], { pinned, ...ELSEWHERE });
    const id = await asks.start("calls", 1);
    await asks.left(id, "suspended");
    assert.equal((await tasksOf(db))[0]?.state, "ready");
    const row = await asks.store.runs.get(id);
    assert.deepEqual(row?.waits, [{ kind: "activity", name: "act", position: 0, until: null }]);
    await using executes = await TestNode.open(db, [workflow], { pinned });
    await executes.left(id, "ended");
    assert.deepEqual(await eventsOf(asks, id), ["activity.completed"]);
  });

  test("an activity named by a text waits for a node that registered it", async () => {
    await using db = await database.fresh();
    const late = defineActivity({ name: "late" }, (n: number) => n * 2);
    const workflow = defineWorkflow({ name: "names" }, (ctx) => ctx.activity("late", 21));
    await using asks = await TestNode.open(db, [workflow]);
    const id = await asks.start("names");
    await asks.left(id, "suspended");
    await using executes = await TestNode.open(db, [workflow], {
      activities: new Map([["late", late]]),
    });
    assert.equal(resultOf(await executes.left(id, "ended")), 42);
  });

  test("AC7: failed attempts are reported with the error, and leave no event", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((_, { attempt }) => {
      throw new Error(`no ${attempt}`);
    }, AT_ONCE);
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    assert.deepEqual(resultOf(await node.left(id, "ended")), {
      code: "ACTIVITY_FAILED",
      cause: "no 3",
      attempts: ["1: no 1", "2: no 2", "3: no 3"],
    });
    assert.deepEqual(await eventsOf(node, id), ["activity.failed"]);
  });

  test("a task that falls due just after a claim is found by the next", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((_, { attempt }) => {
      if (attempt === 1) throw new Error("not yet");
      return attempt;
    }, { retry: { maxAttempts: 2, initial: "1h" } });
    // No heartbeat comes to the rescue.
    await using node = await TestNode.open(db, [workflow], { pinned, leaseMs: 86_400_000 });
    const id = await node.start("calls", 1);
    await until(async () => (await tasksOf(db)).some(({ state }) => state === "ready"));
    const due = "update {schema}.tasks set available_at = clock_timestamp() returning run";
    const { next } = node.store.tasks;
    const told: (number | null)[] = [];
    node.store.tasks.next = async (...given) => {
      told.push(await next.apply(node.store.tasks, given));
      return told.at(-1)!;
    };
    using _point = armFailPoint("task.claimed", async () => {
      if (told.length === 0) await db.query(due);
    });
    node.engine.receive({ kind: "tasks" });
    await until(() => Promise.resolve(told.length > 0));
    assert.ok(told[0]! < await node.store.now() + 1_000, `found ${told[0]}`);
    assert.deepEqual(resultOf(await node.left(id, "ended")), { value: 2 });
  });

  test("a code among `nonRetryable` ends the activity at its first attempt", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls(() => {
      throw Object.assign(new Error("declined"), { code: "DECLINED" });
    }, { retry: { maxAttempts: 3, nonRetryable: ["DECLINED"] } });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const { cause, attempts } = resultOf(await node.left(id, "ended")) as Record<string, unknown>;
    assert.deepEqual([cause, attempts], ["DECLINED", ["1: declined"]]);
  });

  test("code says when to try again, and whether: in steps, activities, transactions, undos", async () => {
    await using db = await database.fresh();
    const soon = { retry: { maxAttempts: 5, initial: "1h", retryIf: () => true } } as const;
    const tries: string[] = [];
    /** The policy's own delay would be an hour. */
    const once = (kind: string) => (_: unknown, attempt?: Attempt) => {
      const { attempt: n } = attempt ?? _ as Attempt;
      tries.push(`${kind} ${n}`);
      if (n === 1) throw new RetryAfterError(0, "busy");
      if (n === 2) throw new RetryAfterError(new Date(0), "still busy");
      return n;
    };
    const stop = {
      retry: { initial: 0, retryIf: (error, n) => n < 2 && !/no/.test(`${error}`) },
    } satisfies Pick<ActivityOptions, "retry">;
    const never = (kind: string, text = "why") => (_: unknown, attempt?: Attempt) => {
      tries.push(`${kind} ${(attempt ?? _ as Attempt).attempt}`);
      throw new Error(text);
    };
    const act = defineActivity({ name: "act", ...soon }, once("activity"));
    const undo = defineActivity({ name: "undo", ...soon }, once("undo"));
    const stopped = defineActivity({ name: "stopped", ...stop }, never("stopped"));
    const named = defineActivity({ name: "named", ...stop }, never("named", "no"));
    const own = defineActivity({ name: "own", ...stop }, never("own"));
    const workflow = defineWorkflow({ name: "asks" }, async (ctx) => {
      const said = (work: Promise<unknown>) =>
        work.then((value) => value, (error) => error.cause?.message ?? error.message);
      return [
        await said(ctx.run("step", once("step"), soon)),
        await said(ctx.activity(act)),
        await said(ctx.transaction("transaction", once("transaction"), soon)),
        await said(ctx.saga((saga) => {
          saga.undo(undo);
          throw new Error("undo it");
        })),
        await said(ctx.run("stop", never("stop"), stop)),
        await said(ctx.activity(stopped, undefined, { retry: { maxAttempts: 9, initial: 0 } })),
        await said(ctx.activity("named")),
        await said(ctx.activity(own)),
        await said(ctx.transaction("stop", never("in transaction", "no"), stop)),
      ];
    });
    const codes = { act, undo, stopped };
    await using node = await TestNode.open(db, [workflow], {
      pinned: Object.fromEntries(
        Object.entries(codes).map(([name, activity]) => [`./activities.ts#${name}`, activity]),
      ),
      activities: new Map([["named", named]]),
    });
    const id = await node.start("asks");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [
      ...[3, 3, 3, "undo it"],
      ...["why", "why", "no", "why", "no"],
    ]);
    const thrice = ["step", "activity", "transaction", "undo"];
    assert.deepEqual(tries, [
      ...thrice.flatMap((kind) => [1, 2, 3].map((n) => `${kind} ${n}`)),
      ...["stop 1", "stop 2", "stopped 1", "stopped 2", "named 1", "own 1", "own 2"],
      "in transaction 1",
    ]);
  });

  test("a fault in retryIf forbids nothing, and is logged", async () => {
    await using db = await database.fresh();
    const faults: ((error: unknown) => boolean)[] = [
      (error) => (error as { response: { status: number } }).response.status > 499,
      (() => Promise.reject(new Error("async"))) as never,
      (() => 0) as never,
    ];
    const workflow = defineWorkflow(
      { name: "faulty" },
      (ctx) =>
        Promise.all(faults.map((retryIf, n) =>
          ctx.run(`step ${n}`, ({ attempt }) => {
            if (attempt === 1) throw new Error("no response");
            return attempt;
          }, { retry: { initial: 0, retryIf } })
        )),
    );
    const lines: string[] = [];
    const sink = (message: string, facts: Record<string, unknown>) =>
      void (message.startsWith("Ignored retryIf") && lines.push(`${facts["name"]} ${message}`));
    const log = { debug() {}, info() {}, error() {}, warn: sink as never };
    await using node = await TestNode.open(db, [workflow], { log });
    const id = await node.start("faulty");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [2, 2, 2]);
    assert.deepEqual(lines.map((line) => line.slice(0, 6)).sort(), ["step 0", "step 1", "step 2"]);
  });

  test("what no attempt can mend is tried once: in steps, activities, transactions, undos", async () => {
    await using db = await database.fresh();
    const tries = { step: 0, activity: 0, transaction: 0, undo: 0, misuse: 0 };
    const never = (kind: keyof typeof tries) => () => {
      tries[kind]++;
      throw new NonRetryableError(`no ${kind}`);
    };
    const act = defineActivity({ name: "act", ...AT_ONCE }, never("activity"));
    const undo = defineActivity({ name: "undo", ...AT_ONCE }, never("undo"));
    const workflow = defineWorkflow({ name: "finals" }, async (ctx) => {
      const said = (work: Promise<unknown>) => work.then(() => "done", (error) => error.code);
      return [
        await said(ctx.run("step", never("step"), AT_ONCE)),
        await said(ctx.activity(act)),
        await said(ctx.transaction("transaction", never("transaction"), AT_ONCE)),
        await said(ctx.saga((saga) => {
          saga.undo(undo);
          throw new Error("undo it");
        })),
        await said(ctx.run("misuse", async () => {
          tries.misuse++;
          await ctx.sleep(1);
        }, AT_ONCE)),
      ];
    });
    await using node = await TestNode.open(db, [workflow], {
      pinned: { [CODE]: act, "./activities.ts#undo": undo },
    });
    const id = await node.start("finals");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [
      "NON_RETRYABLE",
      "ACTIVITY_FAILED",
      "NON_RETRYABLE",
      "COMPENSATION_FAILED",
      "CONTEXT_MISUSED",
    ]);
    assert.deepEqual(tries, { step: 1, activity: 1, transaction: 1, undo: 1, misuse: 1 });
  });

  test("a timeout says which limit it was, in one word, and its whole milliseconds", async () => {
    await using db = await database.fresh();
    const until = (signal: AbortSignal) =>
      new Promise((resolve) => signal.addEventListener("abort", resolve));
    const hang = (_: void, { signal }: ActivityAttempt) => until(signal);
    const once = { retry: { maxAttempts: 1 } };
    const acts = {
      start: defineActivity({ name: "start", ...once, timeout: 5 }, hang),
      silent: defineActivity({ name: "silent", ...once, timeouts: { heartbeat: 6 } }, hang),
      close: defineActivity(
        { name: "close", timeout: "1h", timeouts: { scheduleToClose: 7 } },
        hang,
      ),
      wait: defineActivity(
        { name: "wait", queue: "nobody", timeouts: { scheduleToStart: 8 } },
        hang,
      ),
    };
    const workflow = defineWorkflow({ name: "limits" }, async (ctx) => {
      const said = (work: Promise<unknown>) =>
        work.then(() => "done", ({ details, cause }) => {
          const { timeout, timeoutMs } = cause?.details ?? details;
          return [timeout, timeoutMs];
        });
      return [
        await said(ctx.activity(acts.start)),
        await said(ctx.activity(acts.silent)),
        await said(ctx.activity(acts.close)),
        await said(ctx.activity(acts.wait)),
        await said(ctx.run("step", ({ signal }) => until(signal), { ...once, timeout: 9 })),
      ];
    });
    await using node = await TestNode.open(db, [workflow], {
      pinned: Object.fromEntries(
        Object.entries(acts).map(([name, act]) => [`./a.ts#${name}`, act]),
      ),
    });
    const id = await node.start("limits");
    assert.deepEqual(resultOf(await node.left(id, "ended")), [
      ["startToClose", 5],
      ["heartbeat", 6],
      ["scheduleToClose", 7],
      ["scheduleToStart", 8],
      ["startToClose", 9],
    ]);
  });

  test("F35: a result that can't be written fails for good, and says where", async () => {
    await using db = await database.fresh();
    let tries = 0;
    const { workflow, pinned } = calls(() => {
      tries++;
      return { on: () => {} };
    }, AT_ONCE);
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const { cause } = resultOf(await node.left(id, "ended")) as { cause: string };
    assert.deepEqual([cause, tries], ["NOT_SERIALIZABLE", 1]);
  });

  test("F27, F28: an attempt whose node died counts; the next one runs elsewhere", async () => {
    await using db = await database.fresh();
    const began = Promise.withResolvers<void>();
    const never = new Promise(() => {});
    const { workflow, pinned } = calls(async (_, activity) => {
      if (activity.attempt > 1) return activity.attempt;
      await activity.token();
      began.resolve();
      return await never;
    }, AT_ONCE);
    await using dies = await TestNode.open(db, [workflow], { pinned });
    const id = await dies.start("calls", 1);
    await began.promise;
    await using lives = await TestNode.open(db, [workflow], { pinned });
    await expireNode(db, dies, lives);
    assert.deepEqual(resultOf(await lives.left(id, "ended")), { value: 2 });
  });

  test("one attempt means at most once: after a death it fails, and is not repeated", async () => {
    await using db = await database.fresh();
    let tries = 0;
    const began = Promise.withResolvers<void>();
    const { workflow, pinned } = calls(() => {
      tries++;
      began.resolve();
      return new Promise(() => {});
    }, { retry: { maxAttempts: 1 } });
    await using dies = await TestNode.open(db, [workflow], { pinned });
    const id = await dies.start("calls", 1);
    await began.promise;
    assert.equal((await tasksOf(db)).length, 1, "it is durable before it begins");
    await using lives = await TestNode.open(db, [workflow], { pinned });
    await expireNode(db, dies, lives);
    const { cause, attempts } = resultOf(await lives.left(id, "ended")) as Record<string, unknown>;
    assert.equal(cause, "ATTEMPT_INTERRUPTED");
    assert.equal((attempts as string[]).length, 1);
    assert.equal(tries, 1);
  });

  test("the result of a node that was taken for dead counts until another begins", async () => {
    await using db = await database.fresh();
    const began = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<string>();
    const { workflow, pinned } = calls(async (_, activity) => {
      await activity.token();
      began.resolve();
      return await gate.promise;
    }, AT_ONCE);
    await using slow = await TestNode.open(db, [workflow], { pinned });
    const id = await slow.start("calls", 1);
    await began.promise;
    await using other = await TestNode.open(db, [workflow], { pinned, ...ELSEWHERE });
    await expireNode(db, slow, other);
    await other.left(id, "suspended");
    assert.deepEqual((await tasksOf(db)).map(({ state, attempt }) => [state, attempt]), [
      ["ready", 2],
    ]);
    gate.resolve("kept");
    await until(async () => (await tasksOf(db)).length === 0);
    await other.engine.catchUp();
    assert.deepEqual(resultOf(await other.left(id, "ended")), { value: "kept" });
  });

  test("F32: an attempt that another has followed writes nothing", async () => {
    await using db = await database.fresh();
    const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const began = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { workflow, pinned } = calls(async (_, activity) => {
      await activity.token();
      began[activity.attempt - 1]!.resolve();
      return await gates[activity.attempt - 1]!.promise;
    }, AT_ONCE);
    await using zombie = await TestNode.open(db, [workflow], { pinned });
    const id = await zombie.start("calls", 1);
    await began[0]!.promise;
    await using other = await TestNode.open(db, [workflow], { pinned });
    await expireNode(db, zombie, other);
    await began[1]!.promise;
    gates[0]!.resolve("first");
    await zombie.engine.drain(1_000);
    gates[1]!.resolve("second");
    assert.deepEqual(resultOf(await other.left(id, "ended")), { value: "second" });
  });

  test("F34: a run that ends removes its tasks, and their attempts are aborted", async () => {
    await using db = await database.fresh();
    const began = Promise.withResolvers<void>();
    const told = Promise.withResolvers<unknown>();
    const act = defineActivity({ name: "act" }, async (_: number, activity) => {
      activity.signal.addEventListener("abort", () => told.resolve(activity.signal.reason));
      await activity.token();
      began.resolve();
      await told.promise;
    });
    const workflow = defineWorkflow({ name: "races" }, async (ctx) => {
      await Promise.race([ctx.activity(act, 1), ctx.waitForSignal("stop")]);
      return "stopped";
    });
    await using node = await TestNode.open(db, [workflow], { pinned: { [CODE]: act } });
    const id = await node.start("races");
    await began.promise;
    await node.signal(id, "stop");
    assert.equal(resultOf(await node.left(id, "ended")), "stopped");
    assert(await told.promise instanceof DOMException);
    assert.deepEqual(await tasksOf(db), []);
  });

  test("F36: of two runs with one key, both get the result that was committed first", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    const both = Promise.withResolvers<void>();
    let begun = 0;
    const { workflow, pinned } = calls(async (n) => {
      if (++begun === 2) both.resolve();
      await both.promise;
      if (n === 2) await gate.promise;
      return n;
    }, { idempotencyKey: () => "one" });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const first = await node.start("calls", 1);
    const second = await node.start("calls", 2);
    assert.deepEqual(resultOf(await node.left(first, "ended")), { value: 1 });
    gate.resolve();
    assert.deepEqual(resultOf(await node.left(second, "ended")), { value: 1 });
    const third = await node.start("calls", 3);
    assert.deepEqual(resultOf(await node.left(third, "ended")), { value: 1 });
    assert.equal(begun, 2, "a committed result answers without an attempt");
  });

  test("a failure is committed under no key: the next call is tried", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((n) => {
      if (n === 1) throw new Error("down");
      return n;
    }, { idempotencyKey: () => "one", retry: { maxAttempts: 1 } });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const first = await node.start("calls", 1);
    assert.equal((resultOf(await node.left(first, "ended")) as { cause: string }).cause, "down");
    const second = await node.start("calls", 2);
    assert.deepEqual(resultOf(await node.left(second, "ended")), { value: 2 });
  });

  test("details of a heartbeat are handed to the next attempt", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls(async (_, activity) => {
      if (activity.attempt === 2) return activity.lastHeartbeat;
      await activity.heartbeat({ page: 1 });
      const [row] = await db.query<{ heartbeat: unknown }>(
        "select heartbeat::text as heartbeat from {schema}.tasks",
      );
      assert.deepEqual(decode(row!.heartbeat as string), { page: 1 }, "it is durable");
      await activity.heartbeat({ page: 2 });
      throw new Error("again");
    }, AT_ONCE);
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    assert.deepEqual(resultOf(await node.left(id, "ended")), { value: { page: 2 } });
  });

  test("details of more than 16 KiB are refused", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls(async (_, activity) => {
      await activity.heartbeat("x".repeat(16_384));
    }, { retry: { maxAttempts: 1 } });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const { cause } = resultOf(await node.left(id, "ended")) as { cause: string };
    assert.equal(cause, "INVALID_ARGUMENT");
  });

  test("a heartbeat of an attempt that lost its task throws, and its signal aborts", async () => {
    await using db = await database.fresh();
    const seen = Promise.withResolvers<unknown[]>();
    const { workflow, pinned } = calls(async (_, activity) => {
      if (activity.attempt === 2) return "second";
      await activity.token();
      await db.query("update {schema}.tasks set token = 1, state = 'ready', node = null");
      const error = await activity.heartbeat().catch((error) => error);
      seen.resolve([error.code, activity.signal.reason.code]);
    }, AT_ONCE);
    await using node = await TestNode.open(db, [workflow], { pinned });
    await node.start("calls", 1);
    assert.deepEqual(await seen.promise, ["ATTEMPT_LOST", "ATTEMPT_LOST"]);
  });

  test("an attempt that sends no heartbeat in time has failed", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((_, activity) => {
      if (activity.attempt === 2) return "second";
      return new Promise((resolve) => activity.signal.addEventListener("abort", resolve));
    }, { ...AT_ONCE, timeouts: { heartbeat: 10 } });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    assert.deepEqual(resultOf(await node.left(id, "ended")), { value: "second" });
  });

  test("an activity that no node begins in time fails, also if no node serves its queue", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls(() => 1, {
      queue: "nobody",
      timeouts: { scheduleToStart: 5 },
    });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const { cause, attempts } = resultOf(await node.left(id, "ended")) as Record<string, unknown>;
    assert.deepEqual([cause, attempts], ["TIMEOUT", []]);
  });

  test("an activity that takes too long with all its attempts gets no other", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls(() => {
      throw new Error("again");
    }, { retry: { initial: "1h", max: "1h" }, timeouts: { scheduleToClose: "1m" } });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const { attempts } = resultOf(await node.left(id, "ended")) as Record<string, unknown>;
    assert.deepEqual(attempts, ["1: again"]);
  });

  test("a cancelled run's waiting activity is taken back; the code sees the cancellation", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls(() => 1);
    await using node = await TestNode.open(db, [workflow], { pinned, ...ELSEWHERE });
    const id = await node.start("calls", 1);
    await node.left(id, "suspended");
    await node.store.runs.deliver(id, {
      kind: "cancel",
      name: "",
      payload: encode({ reason: "no need" }),
    });
    node.engine.receive({ kind: "due" });
    const result = resultOf(await node.left(id, "ended")) as { code: string };
    assert.equal(result.code, "CANCELLED");
    assert.deepEqual(await tasksOf(db), []);
  });

  test("an attempt elsewhere learns of a cancellation with its heartbeat", async () => {
    await using db = await database.fresh();
    const began = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const { workflow, pinned } = calls(async (_, activity) => {
      await activity.token();
      began.resolve();
      await go.promise;
      await activity.heartbeat();
      return `charged, ${activity.signal.reason.code}`;
    });
    await using asks = await TestNode.open(db, [workflow], { pinned, ...ELSEWHERE });
    const id = await asks.start("calls", 1);
    await asks.left(id, "suspended");
    await using executes = await TestNode.open(db, [workflow], {
      pinned,
      maxResidentRuns: 0,
    });
    await began.promise;
    await asks.store.runs.deliver(id, { kind: "cancel", name: "", payload: encode({}) });
    asks.engine.receive({ kind: "due" });
    await until(async () => (await tasksOf(db))[0]?.cancel_requested === true);
    go.resolve();
    await executes.engine.drain(1_000);
    asks.engine.receive({ kind: "due" });
    assert.deepEqual(resultOf(await asks.left(id, "ended")), { value: "charged, CANCELLED" });
  });

  test("QUEUE-1: what runs at once is bounded, per queue, and a slow queue keeps no other waiting", async () => {
    await using db = await database.fresh();
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const slow = defineActivity({ name: "slow", queue: "slow" }, async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
    });
    const fast = defineActivity({ name: "fast" }, () => "fast");
    const workflow = defineWorkflow({ name: "queues" }, async (ctx) => {
      const all = [1, 2, 3, 4, 5].map(() => ctx.activity(slow));
      await ctx.activity(fast);
      await ctx.run("open", () => gate.resolve());
      await Promise.all(all);
      return "done";
    });
    await using node = await TestNode.open(db, [workflow], {
      pinned: { "a#slow": slow, "a#fast": fast },
      queues: new Map([
        ["slow", { concurrency: 2, rate: null }],
        ["default", { concurrency: 10, rate: null }],
      ]),
    });
    const id = await node.start("queues");
    assert.equal(resultOf(await node.left(id, "ended")), "done");
    assert.equal(most, 2);
  });

  test("higher priorities go first", async () => {
    await using db = await database.fresh();
    const order: number[] = [];
    const act = defineActivity({ name: "act" }, (n: number) => order.push(n));
    const workflow = defineWorkflow({ name: "ranks" }, async (ctx) => {
      await Promise.all([0, 5, -3, 9].map((n) => ctx.activity(act, n, { priority: n })));
    });
    const pinned = { [CODE]: act };
    await using asks = await TestNode.open(db, [workflow], { pinned, ...ELSEWHERE });
    const id = await asks.start("ranks");
    await asks.left(id, "suspended");
    await using executes = await TestNode.open(db, [workflow], {
      pinned,
      activityConcurrency: 1,
    });
    await executes.left(id, "ended");
    assert.deepEqual(order, [9, 5, 0, -3]);
  });

  test("QUEUE-2, F43: a claimed task that can't begin here goes back, and costs no attempt", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((_, { attempt }) => attempt, AT_ONCE);
    await using asks = await TestNode.open(db, [workflow], { pinned, ...ELSEWHERE });
    const id = await asks.start("calls", 1);
    await asks.left(id, "suspended");
    const released = Promise.withResolvers<void>();
    using _point = armFailPoint("task.claimed", ({ tasks }) => {
      if (tasks === 1) released.resolve();
    });
    await using lacks = await TestNode.open(db, [], {});
    await released.promise;
    await until(async () => (await tasksOf(db))[0]?.state === "ready");
    await using has = await TestNode.open(db, [workflow], { pinned });
    await has.left(id, "ended");
    assert.equal(lacks.exits.length, 0);
    const row = await has.store.runs.get(id);
    assert.deepEqual(decode(row!.result!), { value: 1 });
  });

  test("an attempt is completed from outside, by its token, also when its node is gone", async () => {
    await using db = await database.fresh();
    const token = Promise.withResolvers<string>();
    const { workflow, pinned } = calls(async (_, activity) => {
      token.resolve(await activity.token());
      return activity.completeLater();
    });
    let id: string;
    {
      await using node = await TestNode.open(db, [workflow], { pinned });
      id = await node.start("calls", 1);
      await node.left(id, "suspended");
      assert.equal((await tasksOf(db))[0]?.state, "external");
    }
    await using other = await TestNode.open(db, [workflow], { pinned });
    await other.activities.complete(await token.promise, "from outside");
    assert.deepEqual(resultOf(await other.left(id, "ended")), { value: "from outside" });
    await assert.rejects(other.activities.complete(await token.promise, 1), {
      code: "TASK_NOT_FOUND",
    });
    await assert.rejects(other.activities.complete("nonsense", 1), {
      code: "TASK_NOT_FOUND",
    });
  });

  test("a failure from outside is tried again, as any other", async () => {
    await using db = await database.fresh();
    const tokens = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const { workflow, pinned } = calls(async (_, activity) => {
      tokens[activity.attempt - 1]!.resolve(await activity.token());
      return activity.completeLater();
    }, { retry: { maxAttempts: 2, initial: 0 } });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const { activities } = node;
    const first = await tokens[0]!.promise;
    await node.left(id, "suspended");
    assert.deepEqual(await activities.heartbeat(first, 7), { cancelRequested: false });
    await activities.fail(first, new Error("no"));
    const second = await tokens[1]!.promise;
    await assert.rejects(activities.fail(first, "again"), { code: "TASK_NOT_FOUND" });
    await until(async () => (await tasksOf(db))[0]?.state === "external");
    await activities.fail(second, new Error("never"));
    assert.deepEqual(resultOf(await node.left(id, "ended")), {
      code: "ACTIVITY_FAILED",
      cause: "never",
      attempts: ["1: no", "2: never"],
    });
  });

  test("a failure from outside keeps the earlier attempts, also if the task is cancelled meanwhile", async () => {
    await using db = await database.fresh();
    const tokens = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const { workflow, pinned } = calls(async (_, activity) => {
      tokens[activity.attempt - 1]!.resolve(await activity.token());
      return activity.completeLater();
    }, AT_ONCE);
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    const first = await tokens[0]!.promise;
    await node.left(id, "suspended");
    await node.activities.fail(first, new Error("no"));
    const second = await tokens[1]!.promise;
    await until(async () => (await tasksOf(db))[0]?.state === "external");
    const { store } = node;
    const { get } = store.tasks;
    store.tasks.get = async (fence) => {
      const task = await get.call(store.tasks, fence);
      await db.query("update {schema}.tasks set cancel_requested = true");
      return task;
    };
    await node.activities.fail(second, new Error("never"));
    assert.deepEqual(resultOf(await node.left(id, "ended")), {
      code: "ACTIVITY_FAILED",
      cause: "never",
      attempts: ["1: no", "2: never"],
    });
  });

  test("an attempt that is not completed in time has failed", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((_, activity) => activity.completeLater(), {
      retry: { maxAttempts: 1 },
      timeout: "1h",
    });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    await node.left(id, "suspended");
    await db.query(
      "update {schema}.tasks set expires_at = clock_timestamp() - interval '1 second'",
    );
    await node.engine.catchUp();
    const { cause } = resultOf(await node.left(id, "ended")) as { cause: string };
    assert.equal(cause, "TIMEOUT");
  });

  test("an attempt that is not completed ends when its time is over, not at a heartbeat", async () => {
    await using db = await database.fresh();
    const { workflow, pinned } = calls((_, activity) => activity.completeLater(), {
      retry: { maxAttempts: 1 },
      timeout: 20,
    });
    // No heartbeat comes to the rescue.
    await using node = await TestNode.open(db, [workflow], { pinned, leaseMs: 86_400_000 });
    const id = await node.start("calls", 1);
    const { cause } = resultOf(await node.left(id, "ended")) as { cause: string };
    assert.equal(cause, "TIMEOUT");
  });

  test("a token is refused once its attempt's time is over, though no node has noticed", async () => {
    await using db = await database.fresh();
    const token = Promise.withResolvers<string>();
    const { workflow, pinned } = calls(async (_, activity) => {
      token.resolve(await activity.token());
      return activity.completeLater();
    }, { timeout: "1h" });
    await using node = await TestNode.open(db, [workflow], { pinned });
    const id = await node.start("calls", 1);
    await node.left(id, "suspended");
    await node.engine.drain(0);
    await db.query(
      "update {schema}.tasks set expires_at = clock_timestamp() - interval '1 second'",
    );
    const { activities } = node;
    const late = { code: "TASK_NOT_FOUND" };
    await assert.rejects(activities.complete(await token.promise, 1), late);
    await assert.rejects(activities.fail(await token.promise, new Error("no")), late);
    await assert.rejects(activities.heartbeat(await token.promise), late);
    assert.equal((await tasksOf(db))[0]?.state, "external");
  });

  test("an activity that no module exports runs where its run is, and has no task", async () => {
    await using db = await database.fresh();
    const { workflow } = calls((_, { attempt }) => {
      if (attempt === 1) throw new Error("again");
      return attempt;
    }, AT_ONCE);
    await using node = await TestNode.open(db, [workflow]);
    const id = await node.start("calls", 1);
    assert.deepEqual(resultOf(await node.left(id, "ended")), { value: 2 });
    assert.deepEqual(await eventsOf(node, id), ["attempt.failed", "activity.completed"]);
  });

  test("a node that is closed in an attempt gives the task back, and the attempt does not count", async () => {
    await using db = await database.fresh();
    const began = Promise.withResolvers<void>();
    let tries = 0;
    const { workflow, pinned } = calls(async (_, activity) => {
      if (++tries === 2) return activity.attempt;
      await activity.token();
      began.resolve();
      await new Promise(() => {});
    }, AT_ONCE);
    const closes = await TestNode.open(db, [workflow], { pinned });
    const id = await closes.start("calls", 1);
    await began.promise;
    await closes.engine.close(0);
    await using other = await TestNode.open(db, [workflow], { pinned });
    assert.deepEqual(resultOf(await other.left(id, "ended")), { value: 1 });
  });

  test("one attempt that a closing node abandons counts all the same", async () => {
    await using db = await database.fresh();
    const began = Promise.withResolvers<void>();
    let tries = 0;
    const { workflow, pinned } = calls(() => {
      tries++;
      began.resolve();
      return new Promise(() => {});
    }, { retry: { maxAttempts: 1 } });
    const closes = await TestNode.open(db, [workflow], { pinned });
    const id = await closes.start("calls", 1);
    await began.promise;
    await closes.engine.close(0);
    await using other = await TestNode.open(db, [workflow], { pinned });
    const { cause } = resultOf(await other.left(id, "ended")) as { cause: string };
    assert.equal(cause, "ATTEMPT_INTERRUPTED");
    assert.equal(tries, 1);
  });
});
