/**
 * What every store promises about trace contexts, which it keeps and never reads.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  newRun,
  newTask,
  newWorld,
  NODE,
  share,
  suspended,
} from "../../support/store_rows.ts";

export function traces(database: DatabaseKind, test: RegisterTest): void {
  test("a run's trace comes with its claim, stays through appends, and is replaced on request", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert([newRun("a", { trace: "start" })]);
    const first = await claimOne(store);
    assert.equal(first.trace, "start");
    assert.equal(first.startAt, null);
    assert.equal(first.dueAt, first.createdAt, "it was due when it was created");
    const event = { kind: "step.completed", position: 0, name: "s", digest: null, payload: "1" };
    assert.equal(await commitOne(store, share(first, 0, { events: [event] })), "written");
    const leaving = { transition: suspended(0, await store.now()), trace: "start\nstay" };
    assert.equal(await commitOne(store, share(first, 1, leaving)), "written");
    const second = await claimOne(store);
    assert.equal(second.trace, "start\nstay");
    await commitOne(store, share(second, 1, { transition: { to: "released", afterMs: 0 } }));
    assert.equal((await claimOne(store)).trace, "start\nstay");
  });

  test("a message has its sender's trace and time; without one it has none", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const signal = { name: "s", payload: "1" };
    await store.runs.insert([newRun("a", { trace: "start", signal })]);
    const run = await claimOne(store);
    const before = await store.now();
    const go = { kind: "signal", name: "go", payload: "1" } as const;
    await store.runs.deliver("a", { ...go, trace: "sender" });
    await Promise.all([
      store.runs.deliver("a", { ...go, trace: "other" }),
      store.runs.deliver("a", go),
    ]);
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    const [first, second, ...rest] = loaded!.inbox;
    assert.equal(first!.trace, "start");
    assert.equal(second!.trace, "sender");
    assert.deepEqual(new Set(rest.map(({ trace }) => trace)), new Set(["other", null]));
    assert.ok(second!.sentAt! >= Math.floor(before) && second!.sentAt! <= await store.now());
  });

  test("a task has its run's trace, and says whose it is", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "a");
    await store.tasks.announce([
      newTask(run, { trace: "stay" }),
      newTask(run, { position: 1 }),
    ]);
    const tasks = await store.tasks.claim({
      node: NODE,
      queue: "default",
      limit: 9,
      names: ["charge"],
      excluded: [],
      rate: null,
    });
    const found = tasks.toSorted((a, b) => a.position - b.position);
    assert.deepEqual(found.map(({ trace }) => trace), ["stay", null]);
    assert.deepEqual([found[0]!.workflow, found[0]!.namespace], ["order", "default"]);
  });

  test("runs that have not ended are counted by state, no further than wanted", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const counts = async (most: number) =>
      Object.fromEntries((await store.health.live(most)).map(({ state, runs }) => [state, runs]));
    assert.deepEqual(await counts(9), {});
    const rests = await claimed(store, "rests");
    await commitOne(
      store,
      share(rests, 0, {
        events: [{ kind: "step.completed", position: 0, name: "s", digest: null, payload: "1" }],
        transition: suspended(0),
      }),
    );
    const parked = await claimed(store, "parked");
    const reason = { code: "TEST", message: "for a test" };
    await commitOne(store, share(parked, 0, { transition: { to: "stuck_poisoned", reason } }));
    const ended = await claimed(store, "ended");
    await commitOne(
      store,
      share(ended, 0, {
        transition: { to: "completed", result: "1", error: null },
      }),
    );
    await claimed(store, "runs");
    await store.runs.insert(["a", "b", "c"].map((id) => newRun(id)));
    assert.deepEqual(await counts(9), { pending: 3, running: 1, stuck_poisoned: 1, suspended: 1 });
    assert.equal((await counts(2))["pending"], 2);
    const [given] = await store.runs.claim({ node: NODE, limit: 1, excluded: [] });
    assert.equal((await counts(9))["pending"], 2);
    await commitOne(store, share(given!, 0, { transition: { to: "released", afterMs: 60_000 } }));
    assert.equal((await counts(9))["pending"], 3, "also one that a node has given back");
    assert.equal((await counts(9))["suspended"], 1);
  });
}
