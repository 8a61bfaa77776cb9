/**
 * What every store promises about nodes, and about the runs of expired nodes.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  COMPLETED,
  expire,
  HASH,
  newEvent,
  newRun,
  newWorld,
  NODE,
  share,
} from "../../support/store_rows.ts";

const SECOND = { id: "node-2", name: "two", leaseMs: 60_000 };

export function nodes(database: DatabaseKind, test: RegisterTest): void {
  test("a node lives by its heartbeat, and past its lease until another node expires it", async () => {
    await using world = await newWorld(database);
    const { nodes } = world.store;
    assert.deepEqual(await nodes.alive(), [NODE]);
    const beat = await nodes.heartbeat(NODE, 60_000);
    assert.equal(beat.alive, true);
    assert.ok(Number.isSafeInteger(beat.now));
    await expire(world.db, NODE);
    assert.deepEqual(await nodes.alive(), []);
    assert.equal((await nodes.heartbeat(NODE, 60_000)).alive, true);
    assert.deepEqual(await nodes.alive(), [NODE]);
    assert.equal((await nodes.heartbeat("unknown", 60_000)).alive, false);
  });

  test("NODE-1: only a node whose lease has run out is expired, and only its runs are freed", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await store.nodes.open(SECOND);
    const kept = await claimed(store, "kept");
    const empty = await claimed(store, "empty", SECOND.id);
    const begun = await claimed(store, "begun", SECOND.id);
    await commitOne(store, share(begun, 0, { events: [newEvent("a")] }));
    assert.deepEqual(await store.nodes.expire(NODE, false), { nodes: 0, runs: 0 });
    await expire(db, SECOND.id);
    assert.deepEqual(await store.runs.claim({ node: NODE, limit: 9, excluded: [] }), []);
    assert.deepEqual(await store.nodes.expire(NODE, false), { nodes: 1, runs: 2 });
    assert.deepEqual(await store.nodes.expire(NODE, false), { nodes: 0, runs: 0 });
    assert.equal((await store.runs.get("empty"))?.state, "pending");
    assert.equal((await store.runs.get("begun"))?.state, "suspended");
    assert.equal((await store.nodes.heartbeat(SECOND.id, 60_000)).alive, false);
    const zombie = share(begun, 1, { events: [newEvent("z")] });
    assert.equal(await commitOne(store, zombie), "lost");
    const freed = await store.runs.claim({ node: NODE, limit: 9, excluded: [] });
    assert.deepEqual(freed.map(({ runId, claims }) => [runId, claims]).sort(), [
      ["begun", 1],
      ["empty", 2],
    ]);
    assert.equal(freed.find(({ runId }) => runId === "empty")?.startedAt, empty.startedAt);
    assert.equal(await commitOne(store, zombie), "lost");
    assert.equal(await commitOne(store, share(kept, 0, { events: [newEvent("k")] })), "written");
  });

  test("RUN-2: however a node took its runs, a heartbeat forgets those that left, and expiring it finds the rest", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await store.nodes.open(SECOND);
    const lease = { node: SECOND.id, token: 7 };
    const inserted = await store.runs.insert([newRun("inserted", { lease })]);
    const taken = await claimed(store, "claimed", SECOND.id);
    const left = await claimed(store, "left", SECOND.id);
    const moved = await claimed(store, "moved", SECOND.id);
    await store.runs.insert([newRun("seized")]);
    const seized = await store.runs.seize("seized", { node: SECOND.id, token: 8 });
    await commitOne(store, share(left, 0, { transition: COMPLETED }));
    const named = async () =>
      (await db.query<{ runs: string }>("select runs::text from {schema}.leases order by id"))
        .map(({ runs }) => runs);
    assert.equal((await named()).length, 5);
    await store.nodes.heartbeat(SECOND.id, 60_000);
    const kept = [inserted[0]!.id, taken.id, moved.id, seized!.id];
    assert.deepEqual(
      (await named()).map((runs) => runs.slice(1, -1).split(",").map(Number).toSorted()),
      [kept.toSorted()],
    );
    await commitOne(store, share(moved, 0, { transition: { to: "released", afterMs: 0 } }));
    await claimOne(store, NODE);
    await expire(db, SECOND.id);
    assert.deepEqual(await store.nodes.expire(NODE, false), { nodes: 1, runs: 3 });
    assert.equal((await store.runs.get("moved"))?.node, NODE);
    await store.nodes.heartbeat(NODE, 60_000);
    assert.deepEqual(await named(), [`{${moved.id}}`]);
  });

  test("a node never expires itself", async () => {
    await using world = await newWorld(database);
    await expire(world.db, NODE);
    assert.deepEqual(await world.store.nodes.expire(NODE, false), { nodes: 0, runs: 0 });
    assert.deepEqual(await world.store.nodes.expire(NODE, true), { nodes: 0, runs: 0 });
    assert.equal((await world.store.nodes.heartbeat(NODE, 60_000)).alive, true);
  });

  test("a node that is alone expires all others at once", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.nodes.open(SECOND);
    await claimed(store, "r", SECOND.id);
    assert.deepEqual(await store.nodes.expire(NODE, true), { nodes: 1, runs: 1 });
    assert.equal((await claimOne(store)).runId, "r");
  });

  test("a node that closes frees its runs without a claim counted against them", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.nodes.open(SECOND);
    await claimed(store, "r", SECOND.id);
    await store.versions.loading(SECOND.id, HASH);
    await store.nodes.close(SECOND.id);
    await store.nodes.close(SECOND.id);
    assert.deepEqual(await store.nodes.alive(), [NODE]);
    assert.equal((await claimOne(store)).claims, 1);
    assert.equal((await store.versions.get(HASH))?.loadCrashes, 0);
  });

  test("a version that a node died loading counts a crash, one that it had loaded does not", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const dieLoading = async (id: string, finish: boolean) => {
      await store.nodes.open({ id, name: id, leaseMs: 60_000 });
      const { crashes } = await store.versions.loading(id, HASH);
      if (finish) await store.versions.loaded(id, HASH, null);
      await expire(db, id);
      await store.nodes.expire(NODE, false);
      return crashes;
    };
    assert.equal(await dieLoading("a", false), 0);
    assert.equal(await dieLoading("b", true), 1);
    assert.equal(await dieLoading("c", false), 1);
    assert.equal((await store.versions.get(HASH))?.loadCrashes, 2);
    await store.versions.clearFailures(HASH);
    assert.deepEqual(await store.versions.loading(NODE, HASH), { crashes: 0 });
  });

  test("troubles with a version are reported while their node lives", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const reason = {
      code: "permission",
      message: "No --allow-net",
      details: { host: "a.example" },
    };
    await store.nodes.open(SECOND);
    await store.versions.loading(SECOND.id, HASH);
    await store.versions.loaded(SECOND.id, HASH, reason);
    await store.versions.loaded("expired", HASH, reason);
    const failure = { node: SECOND.id, hash: HASH, reason };
    assert.deepEqual(await store.versions.failures(), [failure]);
    assert.deepEqual(await store.versions.failures(HASH), [failure]);
    assert.deepEqual(await store.versions.failures("other"), []);
    await expire(db, SECOND.id);
    assert.deepEqual(await store.versions.failures(), []);
    await store.nodes.heartbeat(SECOND.id, 60_000);
    await store.versions.loaded(SECOND.id, HASH, null);
    assert.deepEqual(await store.versions.failures(), []);
  });

  test("a hundred runs of expired nodes are shared by the live ones, each once", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await store.nodes.open(SECOND);
    await store.runs.insert(Array.from({ length: 100 }, (_, index) => newRun(`r${index}`)));
    await store.runs.claim({ node: SECOND.id, limit: 100, excluded: [] });
    await expire(db, SECOND.id);
    const others = await Promise.all([db.open(), db.open()]);
    const expired = await Promise.all(
      [store, ...others].map((each) => each.nodes.expire(NODE, false)),
    );
    assert.equal(expired.reduce((sum, { runs }) => sum + runs, 0), 100);
    assert.equal(expired.reduce((sum, { nodes }) => sum + nodes, 0), 1);
  });
}
