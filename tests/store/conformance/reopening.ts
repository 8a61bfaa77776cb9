/**
 * What every store promises about runs that failed and are taken up again.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Reopening } from "../../../src/ports/store.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimedFamily,
  claimOne,
  commitOne,
  COMPLETED,
  HASH,
  newEvent,
  newFork,
  newWorld,
  share,
  type World,
} from "../../support/store_rows.ts";

const FAILED = { to: "failed" as const, result: null, error: "{}" };

function reopening(id: number, more: Partial<Reopening> = {}): Reopening {
  const pin = { hash: HASH, specifier: "file:///order.ts" };
  return { id, generation: 0, events: 1, pin, payload: "{}", awaited: [], locks: [], ...more };
}

/** A child that has failed after one event, and its parent. */
async function failedChild(world: World): Promise<{ child: number; parent: number }> {
  const { store } = world;
  const { parent, child } = await claimedFamily(store);
  await commitOne(store, share(child, 0, { events: [newEvent("a")], transition: FAILED }));
  return { child: child.id, parent: parent.id };
}

export function reopenings(database: DatabaseKind, test: RegisterTest): void {
  test("RUN-4: a failed run loses its end, and is due, with the event that says so", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await commitOne(store, share(run, 0, { events: [newEvent("a")], transition: FAILED }));
    assert.equal(await store.runs.reopen(reopening(run.id, { events: 2 })), false, "other history");
    assert.equal(await store.runs.reopen(reopening(run.id, { generation: 1 })), false);
    assert.equal(await store.runs.reopen(reopening(run.id)), true);
    assert.equal(await store.runs.reopen(reopening(run.id)), false, "once");
    const row = (await store.runs.get("r"))!;
    assert.deepEqual([row.state, row.error, row.endedAt, row.troubleAt], [
      "suspended",
      null,
      null,
      null,
    ]);
    const history = await store.runs.history("r", 0, 9);
    assert.deepEqual(history.map(({ seq, kind }) => [seq, kind]), [
      [0, "step.completed"],
      [1, "version.changed"],
    ]);
    const again = await claimOne(store);
    await commitOne(store, share(again, 2, { transition: COMPLETED }));
    assert.equal(await store.runs.reopen(reopening(run.id, { events: 2 })), false, "completed");
  });

  test("RUN-4: an end that the parent has received stays; one that it has not is removed", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const { child } = await failedChild(world);
    assert.equal(await store.runs.reopen(reopening(child)), true);
    const again = await claimOne(store);
    await commitOne(store, share(again, 2, { transition: FAILED }));
    assert.equal((await store.lineage.settleEnded(10)).woken.length, 1);
    assert.equal(await store.runs.reopen(reopening(child, { events: 2 })), false);
    assert.equal((await store.runs.get("child"))?.state, "failed");
  });

  test("a child of a parent that had ended before is reopened", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const { child, parent } = await failedChild(world);
    await world.db.query(
      `update {schema}.runs as child set ended_at = clock_timestamp() + interval '1 hour'
       where id = $1`,
      [child],
    );
    await store.runs.end("parent", "terminated", "{}", { onlyStuck: false });
    await store.lineage.settleEnded(10);
    assert.equal((await store.lineage.settleEnded(10)).woken.length, 0, String(parent));
    assert.equal(await store.runs.reopen(reopening(child)), true);
  });

  test("RUN-4: a reopened fork receives the end of an adopted child that it has lost, once", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const { parent, child } = await claimedFamily(store);
    const forked = await store.forks.fork(newFork(parent.id, "f", 0, { adopted: ["child"] }));
    assert(forked.status === "forked");
    const fork = await claimOne(store);
    await commitOne(store, share(fork, 0, { events: [newEvent("a")], transition: FAILED }));
    await commitOne(store, share(child, 0, { transition: COMPLETED }));
    await store.lineage.settleEnded(10);
    assert.equal(await store.runs.reopen(reopening(fork.id, { awaited: ["child"] })), true);
    await store.lineage.settleEnded(10);
    const loaded = await store.journal.load([{ id: fork.id, from: 0 }, { id: parent.id, from: 0 }]);
    assert.deepEqual(loaded.map(({ inbox }) => inbox.map(({ name }) => name)), [["child"], [
      "child",
    ]]);
  });

  test("RUN-4: the end of a child that was lost while its parent had failed is there when the parent is reopened", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const { parent, child } = await claimedFamily(store);
    const failure = { events: [newEvent("a")], transition: FAILED };
    await commitOne(store, share(parent, 0, failure));
    await commitOne(store, share(child, 0, { transition: COMPLETED }));
    await store.lineage.settleEnded(10);
    assert.equal(await store.runs.reopen(reopening(parent.id, { awaited: ["child"] })), true);
    const [loaded] = await store.journal.load([{ id: parent.id, from: 0 }]);
    assert.deepEqual(loaded!.inbox.map(({ kind, name }) => [kind, name]), [["child", "child"]]);
  });
}
