/**
 * What every store promises about how versions are used.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Store } from "../../../src/ports/store.ts";
import type { VersionUsage } from "../../../src/ports/version_usage.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  COMPLETED,
  HASH,
  newRun,
  newWorld,
  NODE,
  register,
  share,
  suspended,
  UNKNOWN_VERSION,
} from "../../support/store_rows.ts";

/** The version that is current once it is registered. */
const NEW = "b".repeat(64);

/** The only version with a hash, as the store describes it. */
async function usageOf(store: Store, hash = HASH, most = 1_000): Promise<VersionUsage> {
  const [row, ...others] = await store.versions.page({ prefix: hash, limit: 2, most });
  assert.deepEqual(others, []);
  return row!;
}

const stateOf = async (store: Store, hash = HASH) => (await usageOf(store, hash)).state;

export function versionUsage(database: DatabaseKind, test: RegisterTest): void {
  test("a version is current, draining while a run of it lives, and then drained", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    assert.equal(await stateOf(store), "current");
    await register(store, NEW);
    assert.deepEqual([await stateOf(store), await stateOf(store, NEW)], ["unused", "current"]);
    await store.runs.insert([newRun("r", { specifier: "file:///other.ts" })]);
    assert.equal(await stateOf(store), "draining", "pending, also under another specifier");
    const run = await claimOne(store);
    assert.equal(await stateOf(store), "draining", "running");
    await commitOne(store, share(run, 0, { transition: suspended(0) }));
    assert.equal(await stateOf(store), "draining", "suspended");
    const { live, oldestLive, lastStart } = await usageOf(store);
    const row = await store.runs.get("r");
    assert.deepEqual([live, oldestLive, lastStart], [1, row!.createdAt, row!.createdAt]);
    await store.runs.end("r", "terminated", "{}", { onlyStuck: false });
    const after = await usageOf(store);
    assert.deepEqual(
      [after.state, after.live, after.oldestLive, after.lastStart],
      ["drained", 0, null, row!.createdAt],
    );
  });

  test("an earlier generation alone makes a version drained, not unused", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, NEW);
    const run = await claimed(store, "r");
    const { id, token, generation } = run;
    await store.lineage.continueAsNew({
      ...{ run: id, token, next: 0, generation, seed: "s", signals: [] },
      ...{ workflow: "order", hash: NEW, specifier: "file:///order.ts", input: "1" },
    });
    assert.deepEqual([await stateOf(store), await stateOf(store, NEW)], ["drained", "current"]);
    assert.equal((await usageOf(store, NEW)).live, 1);
  });

  test("live runs are counted up to the limit, whether they wait or a node executes them", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert(Array.from({ length: 7 }, (_, index) => newRun(`r${index}`)));
    const held = await store.runs.claim({ node: NODE, limit: 3, excluded: [] });
    assert.equal((await usageOf(store)).live, 7);
    assert.equal((await usageOf(store, HASH, 5)).live, 5);
    await commitOne(store, share(held[0]!, 0, { transition: COMPLETED }));
    await commitOne(store, share(held[1]!, 0, { transition: suspended(0) }));
    assert.equal((await usageOf(store)).live, 6, "a lease that lists an ended run counts nothing");
    await store.nodes.heartbeat(NODE, 60_000, [], held.slice(2));
    assert.equal((await usageOf(store)).live, 6);
  });

  test("a version is missing if it is needed and every live node says that it can't load it", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.nodes.open({ id: "node-2", name: "two", leaseMs: 60_000 });
    const reason = { code: "NOT_FOUND", message: "no" };
    await store.versions.loaded(NODE, HASH, reason);
    await store.runs.insert([newRun("r")]);
    let usage = await usageOf(store);
    assert.deepEqual([usage.state, usage.nodes], ["current", 2], "the other node may have it");
    assert.deepEqual(usage.refusals, [{ node: NODE, reason }]);
    await store.versions.loaded("node-2", HASH, reason);
    usage = await usageOf(store);
    assert.deepEqual([usage.state, usage.isCurrent], ["missing", true]);
    await store.versions.loaded("node-2", HASH, null);
    assert.equal(await stateOf(store), "current");
    const run = await claimOne(store);
    await commitOne(store, share(run, 0, { transition: UNKNOWN_VERSION }));
    assert.equal(await stateOf(store), "missing", "a run is parked for it");
    await store.runs.end("r", "terminated", "{}", { onlyStuck: true });
    assert.equal(await stateOf(store), "current", "nothing needs it");
  });

  test("a version that a schedule is pinned to drains until the schedule is over", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await register(store, NEW);
    await db.query(
      `insert into {schema}.schedules
         (namespace, schedule_id, workflow, hash, specifier, input, rules, state, fire_at)
       values ('default', 's', 'order', $1, '', '1', '{}', 'active', clock_timestamp())`,
      [HASH],
    );
    assert.deepEqual([await stateOf(store), (await usageOf(store)).schedules], ["draining", 1]);
    await db.query(`update {schema}.schedules set state = 'cancelled', fire_at = null`);
    assert.deepEqual([await stateOf(store), (await usageOf(store)).schedules], ["unused", 0]);
  });

  test("a page says the bytes that the archive holds of a version", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    const blobs = new Map([["0".repeat(64), "ab"], ["1".repeat(64), "cde"]].map(
      ([sha256, text]) => [sha256!, new TextEncoder().encode(text)],
    ));
    await versions.register({
      ...{ hash: NEW, workflow: "order", label: null, manifest: "m", specifier: "s", blobs },
    });
    const { archived, bytes, specifiers } = await usageOf(world.store, NEW);
    assert.deepEqual([archived, bytes, specifiers], [true, 5, ["s"]]);
  });

  test("pages of versions follow each other without gaps, filtered by state and workflow", async () => {
    await using world = await newWorld(database);
    const { store: { versions, runs } } = world;
    const hashes = Array.from({ length: 9 }, (_, index) => String(index).repeat(64));
    for (const [index, hash] of hashes.entries()) {
      await register(world.store, hash, index % 3 === 0 ? "pay" : "order");
    }
    await runs.insert([newRun("r", { hash: hashes[1]! }), newRun("s", { hash: hashes[4]! })]);
    const seen: string[] = [];
    let after: VersionUsage | undefined;
    do {
      const page = await versions.page({ limit: 4, most: 1, ...(after ? { after } : {}) });
      seen.push(...page.map(({ hash }) => hash));
      after = page.length < 4 ? undefined : page.at(-1);
    } while (after !== undefined);
    assert.deepEqual(seen, [...hashes.toReversed(), HASH]);
    const found = async (query: object) =>
      (await versions.page({ limit: 99, most: 1, ...query })).map(({ hash }) => hash[0]).join("");
    assert.equal(await found({ workflow: "pay" }), "630");
    assert.equal(await found({ states: ["current"] }), "86");
    assert.equal(await found({ isCurrent: true }), "86");
    assert.equal(await found({ isCurrent: false, workflow: "pay" }), "30");
    assert.equal(await found({ states: ["draining"] }), "41");
    assert.equal(await found({ states: ["draining", "current"], workflow: "order" }), "841");
    assert.equal(await found({ prefix: "77" }), "7");
    assert.equal(await found({ prefix: "%" }), "");
  });
}
