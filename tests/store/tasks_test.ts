/**
 * What a store promises about tasks, on every kind of database.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClaimedRun } from "../../src/ports/rows.ts";
import type { NewTask, TaskClaim } from "../../src/ports/tasks.ts";
import type { Store } from "../../src/ports/store.ts";
import { forEachDatabase } from "../support/database.ts";
import {
  claimed,
  claimOne,
  COMPLETED,
  expire,
  HASH,
  newRun,
  newTask,
  newWorld,
  NODE,
  share,
  suspended,
} from "../support/store_rows.ts";

function wanted(more: Partial<TaskClaim> = {}): TaskClaim {
  return {
    node: NODE,
    queue: "default",
    limit: 10,
    names: ["charge"],
    excluded: [],
    rate: null,
    ...more,
  };
}

async function announce(store: Store, ...tasks: NewTask[]): Promise<string[]> {
  return (await store.tasks.announce(tasks)).map(({ status }) => status);
}

forEachDatabase("tasks", (database, test) => {
  test("TASK-1: only who holds the run, on a live node, writes its tasks, once", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    assert.deepEqual(
      await announce(
        store,
        newTask(run),
        newTask(run, { position: 1, runToken: run.token + 1 }),
        newTask(run, { position: 2, node: "nobody" }),
      ),
      ["written", "lost", "lost"],
    );
    assert.deepEqual(await announce(store, newTask(run)), ["written"], "an answer may be lost");
    assert.deepEqual(await announce(store, newTask(run, { token: 7 })), ["lost"], "another's");
    const rows = await world.db.query("select position, token from {schema}.tasks");
    assert.deepEqual(rows, [{ position: 0, token: null }], "once");
  });

  test("TASK-2: an answer needs the attempt's token, and neither the run's lease nor its memory", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(store, newTask(run, { token: 5 }));
    await store.journal.commit([share(run, 0, { transition: suspended(0) })]);
    const answer = { run: run.id, position: 0, kind: "activity.completed", payload: "7" } as const;
    assert.deepEqual(await store.tasks.answer([{ ...answer, token: 6 }]), [{ status: "lost" }]);
    assert.deepEqual(await store.tasks.answer([{ ...answer, token: 5 }]), [
      { status: "written", node: null },
    ]);
    assert.deepEqual(await store.tasks.answer([{ ...answer, token: 5 }]), [{ status: "lost" }]);
    const again = await claimOne(store);
    const [loaded] = await store.journal.load([{ id: again.id, from: 0 }]);
    assert.deepEqual(
      loaded?.inbox.map(({ kind, name, position, payload }) => [kind, name, position, payload]),
      [
        ["activity.completed", "charge", 0, "7"],
      ],
    );
    assert.deepEqual(loaded?.tasks, []);
  });

  test("a child that is terminated with its parent takes its tasks along", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const parent = await claimed(store, "parent");
    const { workflow, hash, specifier, input, seed } = newRun("child");
    await store.lineage.startChildren([
      {
        ...{ workflow, hash, specifier, input, seed },
        parent: parent.id,
        close: "terminate",
        runId: "child",
      },
    ], 50);
    const child = await claimOne(store);
    assert.deepEqual(await announce(store, newTask(child, { name: "unknown activity" })), [
      "written",
    ]);
    await store.runs.end("parent", "terminated", "{}", { onlyStuck: false });
    await store.lineage.settleEnded(10);
    assert.equal((await store.runs.get("child"))?.state, "terminated");
    assert.deepEqual(await db.query("select * from {schema}.tasks"), []);
  });

  test("JOURNAL-5: a run is not suspended over an answer that it has not read", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(store, newTask(run, { token: 5 }));
    await store.tasks.answer([
      { run: run.id, position: 0, token: 5, kind: "activity.completed", payload: "7" },
    ]);
    const [result] = await store.journal.commit([share(run, 0, { transition: suspended(0) })]);
    assert.equal(result?.status, "woken");
  });

  test("claims go by queue, priority and age, and take what the node can execute", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(
      store,
      newTask(run, { position: 0 }),
      newTask(run, { position: 1, priority: 2 }),
      newTask(run, { position: 2, priority: 1, hash: HASH, definition: "a#b" }),
      newTask(run, { position: 3, priority: 3, name: "unknown" }),
      newTask(run, { position: 4, priority: 4, queue: "other" }),
      newTask(run, { position: 5, priority: 5, delayMs: 60_000 }),
    );
    const first = await store.tasks.claim(wanted({ limit: 1, excluded: [HASH] }));
    assert.deepEqual(first.map(({ position }) => position), [1]);
    assert.equal(first[0]?.runId, "r");
    const second = await store.tasks.claim(wanted({ excluded: [HASH] }));
    assert.deepEqual(second.map(({ position }) => position), [0]);
    const third = await store.tasks.claim(wanted());
    assert.deepEqual(third.map(({ position, definition }) => [position, definition]), [[2, "a#b"]]);
    assert.deepEqual(await store.tasks.claim(wanted({ node: "dead", queue: "other" })), []);
    assert((await store.tasks.next(["default"], await store.now()))! > await store.now());
  });

  test("TASK-3: the first committed result of a key is everybody's, in its namespace and name", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const keyed = (position: number) => newTask(run, { position, token: position + 1, key: "k" });
    await announce(store, keyed(0), keyed(1));
    const answer = (position: number) =>
      ({
        run: run.id,
        position,
        token: position + 1,
        kind: "activity.completed",
        payload: String(position),
      }) as const;
    await store.tasks.answer([answer(1)]);
    await store.tasks.answer([answer(0)]);
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.deepEqual(loaded?.inbox.map(({ position, payload }) => [position, payload]), [
      [1, "1"],
      [0, "1"],
    ]);
    assert.deepEqual(await store.tasks.announce([keyed(2)]), [{ status: "known", result: "1" }]);
    const other = newTask(run, { position: 3, key: "k", name: "ship" });
    assert.deepEqual(await announce(store, other), ["written"]);
  });

  test("TASK-3: two answers with one key in one statement commit one result", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(
      store,
      newTask(run, { position: 0, token: 1, key: "k" }),
      newTask(run, { position: 1, token: 2, key: "k" }),
    );
    await store.tasks.answer([1, 0].map((position) => ({
      run: run.id,
      position,
      token: position + 1,
      kind: "activity.completed",
      payload: String(position),
    })));
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.deepEqual(loaded?.inbox.map(({ payload }) => payload), ["0", "0"]);
  });

  test("TASK-4: expiring a node counts the attempt, keeps its token, and expires the last one", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "r");
    await announce(
      store,
      newTask(run, { position: 0, token: 1 }),
      newTask(run, { position: 1, token: 2, maxAttempts: 1 }),
    );
    await store.nodes.open({ id: "node-2", name: "two", leaseMs: 60_000 });
    await expire(db, NODE);
    await store.nodes.expire("node-2", false);
    const rows = await db.query<{ state: string; attempt: number; token: number }>(
      "select state, attempt, token from {schema}.tasks order by position",
    );
    assert.deepEqual(rows, [
      { state: "ready", attempt: 2, token: 1 },
      { state: "ready", attempt: 2, token: 2 },
    ]);
    const expired = await store.tasks.claimExpired("node-2", 10);
    assert.deepEqual(expired.map(({ position, attempt }) => [position, attempt]), [[1, 2]]);
    const beats = await store.tasks.beat([{ run: run.id, position: 0, token: 1, details: "1" }]);
    assert.deepEqual(
      beats,
      [],
      "an expired node's attempt is lost, though its answer would be taken",
    );
    const [answered] = await store.tasks.answer([
      { run: run.id, position: 0, token: 1, kind: "activity.completed", payload: "7" },
    ]);
    assert.equal(answered?.status, "written");
  });

  test("TASK-5: a rate is one for all nodes, and permits that are not used stay", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.nodes.open({ id: "node-2", name: "two", leaseMs: 60_000 });
    const run = await claimed(store, "r");
    await announce(store, ...Array.from({ length: 10 }, (_, n) => newTask(run, { position: n })));
    const rated = { rate: { limit: 4, perMs: 3_600_000 } };
    const counts = [];
    for (const [node, limit] of [[NODE, 1], ["node-2", 2], [NODE, 5], ["node-2", 5]] as const) {
      counts.push((await store.tasks.claim(wanted({ ...rated, node, limit }))).length);
    }
    assert.deepEqual(counts, [1, 2, 1, 0]);
    await world.db.query(
      "update {schema}.queue_rates set refilled_at = refilled_at - interval '30 minutes'",
    );
    assert.equal((await store.tasks.claim(wanted(rated))).length, 2);
  });

  test("TASK-5: nodes that claim at the same time take each task once, and no permit twice", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const other = await db.open();
    const run = await claimed(store, "r");
    await announce(store, ...Array.from({ length: 60 }, (_, n) => newTask(run, { position: n })));
    const rate = { limit: 20, perMs: 3_600_000 };
    const claims = await Promise.all(
      Array.from(
        { length: 16 },
        (_, n) => (n % 2 === 0 ? store : other).tasks.claim(wanted({ limit: 5, rate })),
      ),
    );
    const positions = claims.flat().map(({ position }) => position);
    assert.equal(new Set(positions).size, positions.length);
    assert(positions.length <= 20, `${positions.length} permits`);
    const rest = await store.tasks.claim(wanted({ limit: 60, rate }));
    assert.equal(positions.length + rest.length, 20);
  });

  test("answers of many runs from two nodes at once are all written", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const other = await db.open();
    const runs: ClaimedRun[] = [];
    for (let n = 0; n < 20; n++) runs.push(await claimed(store, `r${n}`));
    await announce(
      store,
      ...runs.flatMap((run) => [
        newTask(run, { position: 0, token: 1 }),
        newTask(run, { position: 1, token: 2 }),
      ]),
    );
    const answers = (position: number) =>
      runs.map((run) => ({
        run: run.id,
        position,
        token: position + 1,
        kind: "activity.completed",
        payload: "1",
      } as const));
    const write = async (by: Store, wanted: ReturnType<typeof answers>): Promise<void> => {
      const answered = await by.tasks.answer(wanted);
      const busy = wanted.filter((_, index) => answered[index]?.status === "busy");
      assert(answered.every(({ status }) => status !== "lost"));
      if (busy.length > 0) await write(by, busy);
    };
    await Promise.all([write(store, answers(0)), write(other, answers(1).reverse())]);
    const loaded = await store.journal.load(runs.map(({ id }) => ({ id, from: 0 })));
    assert(loaded.every(({ inbox, tasks }) => inbox.length === 2 && tasks.length === 0));
  });

  test("a cancelled task that its node gives back ends by expiry, whether its queue is served or not", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(store, newTask(run, { token: 5 }));
    assert.deepEqual(await store.tasks.cancel(run.id, run.token, [0]), []);
    await store.tasks.release({ run: run.id, position: 0, token: 5 });
    const [expired] = await store.tasks.claimExpired(NODE, 10);
    assert.equal(expired?.cancelRequested, true);
  });

  test("a retry waits its delay with a new attempt; what was cancelled gets none", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(store, newTask(run, { token: 1 }), newTask(run, { position: 1, token: 2 }));
    const failures = [{ attempt: 1, at: 1, error: '"no"' }];
    const more = { delayMs: 0, failures, heartbeat: "9" };
    assert.equal(await store.tasks.retry({ run: run.id, position: 0, token: 7, ...more }), "lost");
    assert.equal(
      await store.tasks.retry({ run: run.id, position: 0, token: 1, ...more }),
      "written",
    );
    const [task] = await store.tasks.claim(wanted());
    assert.deepEqual([task?.attempt, task?.failures, task?.heartbeat], [2, failures, "9"]);
    assert.notEqual(task?.token, 1);
    assert.deepEqual(await store.tasks.cancel(run.id, run.token, [0, 1]), []);
    const { token } = task!;
    assert.equal(
      await store.tasks.retry({ run: run.id, position: 0, token, ...more }),
      "cancelled",
    );
    assert.deepEqual(
      (await store.tasks.leases(NODE)).map(({ cancelRequested }) => cancelRequested),
      [
        true,
        true,
      ],
    );
  });

  test("a task that no node executes is taken back by its run, and by no other", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await announce(store, newTask(run));
    assert.deepEqual(await store.tasks.cancel(run.id, run.token + 1, [0]), []);
    assert.deepEqual(await store.tasks.cancel(run.id, run.token, [0]), [0]);
  });

  test("a run's end takes its tasks along, however it ends", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const first = await claimed(store, "first");
    await announce(store, newTask(first), newTask(first, { position: 1, token: 3 }));
    await store.journal.commit([share(first, 0, { transition: COMPLETED })]);
    const second = await claimed(store, "second");
    await announce(store, newTask(second));
    await store.runs.end("second", "terminated", "{}", { onlyStuck: false });
    assert.deepEqual(await db.query("select * from {schema}.tasks"), []);
    const [late] = await store.tasks.answer([
      { run: first.id, position: 1, token: 3, kind: "activity.completed", payload: "1" },
    ]);
    assert.equal(late?.status, "lost");
  });

  test("an attempt left to others lives by heartbeats, and expires without", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "r");
    await announce(store, newTask(run, { token: 1, policy: { heartbeat: 60_000 } }));
    const fence = { run: run.id, position: 0, token: 1 };
    const expiresAt = await store.tasks.defer(fence, 3_600_000);
    assert(expiresAt! > await store.now() + 30_000, "the shorter limit counts");
    assert.equal(await store.tasks.defer(fence, null), undefined);
    const soon = "update {schema}.tasks set expires_at = clock_timestamp() + interval '5 seconds'";
    await db.query(soon);
    assert.equal((await store.tasks.beat([{ ...fence, details: null }])).length, 1);
    assert((await store.tasks.next([], 0))! > await store.now() + 30_000);
    assert.deepEqual(await store.tasks.claimExpired(NODE, 10), []);
    await db.query(
      "update {schema}.tasks set expires_at = clock_timestamp() - interval '1 second'",
    );
    const [expired] = await store.tasks.claimExpired(NODE, 10);
    assert.equal(expired?.was, "external");
    assert.equal(await store.tasks.get(fence), null);
  });
});
