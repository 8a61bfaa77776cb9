/**
 * What every store promises about signs of trouble.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { StuckState } from "../../../src/ports/rows.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  HASH,
  newRun,
  newTask,
  newWorld,
  NODE,
  register,
  share,
} from "../../support/store_rows.ts";

const OTHER = "b".repeat(64);
const MINUTE = 60_000;

async function park(store: Store, runId: string, state: StuckState): Promise<void> {
  const reason = { code: "TEST", message: "for a test" };
  await commitOne(
    store,
    share(await claimed(store, runId), 0, { transition: { to: state, reason } }),
  );
}

export function health(database: DatabaseKind, test: RegisterTest): void {
  test("parked runs are counted by version and state, no further than wanted", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    assert.deepEqual(await store.health.stuck(9), []);
    await park(store, "a", "stuck_poisoned");
    await park(store, "b", "stuck_nondeterminism");
    await park(store, "c", "stuck_poisoned");
    await register(store, OTHER, "parcel");
    const parcel = { workflow: "parcel", hash: OTHER, specifier: "file:///parcel.ts" };
    await store.runs.insert([newRun("d", { ...parcel, namespace: "theirs" })]);
    const reason = { code: "TEST", message: "for a test" };
    const to = "stuck_unknown_version";
    await commitOne(store, share(await claimOne(store), 0, { transition: { to, reason } }));
    await claimed(store, "runs");
    await db.query(
      `update {schema}.runs set since = to_timestamp(7) where run_id = 'c'`,
    );
    const found = await store.health.stuck(9);
    assert.deepEqual(
      found.map(({ hash, workflow, label, state, runs, more }) => [
        ...[hash, workflow, label, state, runs, more],
      ]),
      [
        [HASH, "order", "1", "stuck_nondeterminism", 1, false],
        [HASH, "order", "1", "stuck_poisoned", 2, false],
        [OTHER, "parcel", "1", "stuck_unknown_version", 1, false],
      ],
    );
    assert.equal(found[1]!.since, 7_000);
    const some = await store.health.stuck(2);
    assert.equal(some.filter(({ hash }) => hash === HASH).every(({ more }) => more), true);
    assert.equal(some.reduce((sum, { runs }) => sum + runs, 0), 3);
    await store.runs.unpark("b");
    assert.deepEqual((await store.health.stuck(9)).map(({ runs }) => runs), [2, 1]);
  });

  test("due runs are counted by version, with those that have been so for too long", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await store.runs.insert(["a", "b", "c", "d"].map((id) => newRun(id)));
    await db.query(
      `update {schema}.runs set wake_at = clock_timestamp() + case run_id
         when 'a' then interval '-2 hours' when 'b' then interval '-2 minutes'
         when 'c' then interval '0' else interval '1 hour' end`,
    );
    const [due, ...others] = await store.health.due(9, MINUTE);
    assert.deepEqual(others, []);
    const { hash, runs, late, more, since } = due!;
    assert.deepEqual([hash, runs, late, more], [HASH, 3, 2, false]);
    assert.equal(Math.round((await store.now() - since) / MINUTE), 120);
    const [first] = await store.health.due(1, MINUTE);
    assert.deepEqual([first!.runs, first!.late, first!.more], [1, 1, true]);
    assert.deepEqual((await store.health.due(9, 24 * 60 * MINUTE))[0]!.late, 0);
  });

  test("waiting tasks are counted by queue, activity and version", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "a");
    const names = [["a", "x"], ["b", "x"], ["b", "x"], ["b", "y"], ["c", "x"]] as const;
    await store.tasks.announce(
      names.map(([queue, name], position) =>
        newTask(run, { position, name, queue, input: null, maxAttempts: 1 })
      ),
    );
    assert.deepEqual(await store.health.waiting(9, MINUTE), []);
    await db.query(
      `update {schema}.tasks set available_at = available_at - interval '1 hour',
         hash = case when position = 2 then '${HASH}' end,
         definition = case when position = 2 then 'somewhere' end
       where queue <> 'c'`,
    );
    const found = await store.health.waiting(9, MINUTE);
    assert.deepEqual(found.map(({ queue, name, hash, tasks }) => [queue, name, hash, tasks]), [
      ["a", "x", null, 1],
      ["b", "x", HASH, 1],
      ["b", "x", null, 1],
      ["b", "y", null, 1],
    ]);
    assert.deepEqual((await store.health.waiting(1, MINUTE)).map(({ queue }) => queue), ["a", "b"]);
  });

  test("runs and tasks that a node tries again are wanted, until it can load their version", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "a");
    await store.nodes.open({ id: "other", name: "two", leaseMs: MINUTE });
    await claimed(store, "held by another", "other");
    const pinned = { name: "x", queue: "q", hash: HASH, definition: "x" };
    await store.tasks.announce([newTask(run, { ...pinned, input: null, maxAttempts: 1 })]);
    await db.query(
      `update {schema}.tasks set available_at = available_at - interval '1 hour'`,
    );
    const wanted = { node: NODE, queue: "q", limit: 1, names: [], excluded: [], rate: null };
    assert.equal((await store.tasks.claim(wanted)).length, 1);
    assert.deepEqual([await store.health.due(9, MINUTE), await store.health.waiting(9, MINUTE)], [
      [],
      [],
    ]);
    await store.versions.loaded(NODE, HASH, { code: "TEST", message: "for a test" });
    const [due, ...otherDue] = await store.health.due(9, MINUTE);
    assert.deepEqual([due!.hash, due!.runs, due!.late, otherDue], [HASH, 1, 0, []]);
    assert(Math.abs(await store.now() - due!.since) < MINUTE);
    const [waiting, ...otherWaiting] = await store.health.waiting(9, MINUTE);
    assert.deepEqual([waiting!.queue, waiting!.name, waiting!.hash, waiting!.tasks], [
      ...["q", "x", HASH, 1],
    ]);
    assert.deepEqual(otherWaiting, []);
    await store.versions.loaded(NODE, HASH, null);
    assert.deepEqual([await store.health.due(9, MINUTE), await store.health.waiting(9, MINUTE)], [
      [],
      [],
    ]);
  });

  test("nodes say what they serve, for as long as they are alive", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const serves = { queues: ["default", "gpu"], activities: ["charge"] };
    await store.nodes.open({ id: "node-2", name: "two", leaseMs: MINUTE, serves });
    assert.deepEqual(await store.health.nodes(), [
      { id: NODE, serves: null },
      { id: "node-2", serves },
    ]);
    await store.nodes.close("node-2");
    assert.deepEqual(await store.health.nodes(), [{ id: NODE, serves: null }]);
  });

  test("the fleet says what each live node serves, executes and can't load", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "a");
    await store.tasks.announce([newTask(run)]);
    const wanted = { node: NODE, queue: "default", limit: 1, names: ["charge"], excluded: [] };
    assert.equal((await store.tasks.claim({ ...wanted, rate: null })).length, 1);
    const serves = { queues: ["gpu"], activities: ["charge"] };
    await store.nodes.open({ id: "node-2", name: "two", leaseMs: MINUTE, serves });
    await store.versions.loaded("node-2", HASH, { code: "TEST", message: "for a test" });
    await store.nodes.open({ id: "gone", name: "three", leaseMs: MINUTE });
    await db.query(
      "update {schema}.nodes set expires_at = started_at - interval '1 second' where id = 'gone'",
    );
    await store.nodes.heartbeat(NODE, MINUTE, [], [], [HASH]);
    await store.nodes.heartbeat(NODE, MINUTE); // they are the same
    const fleet = await store.health.fleet();
    assert.deepEqual(
      fleet.map(({ startedAt: _, expiresAt: __, name: ___, ...node }) => node),
      [
        { id: NODE, serves: null, tasks: 1, loaded: [HASH], cannotLoad: [] },
        { id: "node-2", serves, tasks: 0, loaded: null, cannotLoad: [HASH] },
      ],
    );
    assert(fleet.every(({ startedAt, expiresAt }) => startedAt < expiresAt));
  });

  test("queues are counted: tasks that wait, that wait for a time, and that nodes execute", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "a");
    assert.deepEqual(await store.health.queues(9), []);
    const tasks = ["busy", "busy", "mixed", "mixed", "mixed"].map((queue, position) =>
      newTask(run, { position, queue, delayMs: position === 4 ? MINUTE : 0 })
    );
    await store.tasks.announce(tasks);
    const wanted = { node: NODE, queue: "busy", limit: 2, names: ["charge"], excluded: [] };
    assert.equal((await store.tasks.claim({ ...wanted, rate: null })).length, 2);
    const [busy, mixed, ...others] = await store.health.queues(9);
    assert.deepEqual(others, []);
    assert.deepEqual(busy, { name: "busy", ready: 0, delayed: 0, oldest: null, executing: 2 });
    assert.deepEqual({ ...mixed, oldest: 0 }, {
      ...{ name: "mixed", ready: 3, delayed: 1, oldest: 0, executing: 0 },
    });
    assert(Math.abs(await store.now() - mixed!.oldest!) < MINUTE);
    assert.equal((await store.health.queues(2))[1]!.ready, 2);
  });
}
