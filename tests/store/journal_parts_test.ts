/**
 * Histories that are too long for one answer, and rows that another transaction locks for long.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Journal } from "../../src/store/journal/append.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { forEachDatabase, POSTGRES } from "../support/database.ts";
import { Losses } from "../support/losses.ts";
import { claimed, newEvent, newWorld, share } from "../support/store_rows.ts";

forEachDatabase("a long history", (database, test) => {
  test("JOURNAL-4: is read in parts, to the letter, with the row as it is", async () => {
    await using world = await newWorld(database);
    const { db, store } = world;
    const run = await claimed(store, "r");
    const events = Array.from(
      { length: 50 },
      (_, n) => newEvent(`e${n}`, `"${"x".repeat(n * 7)}"`),
    );
    await store.journal.commit([share(run, 0, { events })]);
    const driver = await db.database.open();
    try {
      const whole = await store.journal.load([{ id: run.id, from: 3 }]);
      for (const bytes of [10, 100, 1_000]) {
        const parts = new Journal(driver, new SchemaName(db.schema), bytes);
        assert.deepEqual(await parts.load([{ id: run.id, from: 3 }]), whole);
        assert.deepEqual(await parts.load([{ id: run.id + 1, from: 0 }]), []);
      }
      assert.equal(whole[0]?.events.length, 47);
    } finally {
      await driver.close();
    }
  });
});

Deno.test("JOURNAL-2: while a row is locked, only flushes with its run skip it, on Postgres", async () => {
  await using world = await newWorld(POSTGRES);
  const { db, store } = world;
  const [held, free] = [await claimed(store, "held"), await claimed(store, "free")];
  const driver = await db.database.open();
  const keeper = await db.database.open();
  const losses = new Losses(() => "answered");
  const journal = new Journal(losses.wrap(driver, db.schema), new SchemaName(db.schema));
  losses.begin();
  let next = 0;
  const write = async (...runs: (typeof held)[]) => {
    losses.asked.clear();
    const events = [newEvent("e", "1")];
    const results = await journal.commit(
      runs.map((run) => share(run, run === free ? next : 0, { events })),
    );
    if (runs.includes(free)) next++;
    return [results.map(({ status }) => status), [...losses.asked.keys()]];
  };
  const skipping = ["journal.appendSkipping", "journal.fences"];
  try {
    await keeper.transaction(async (session) => {
      await session.query(`select 1 from "${db.schema}".runs where id = $1 for update`, [
        held.id,
      ]);
      const waited = [["busy", "written"], ["journal.append", ...skipping]];
      assert.deepEqual(await write(held, free), waited, "the first finds out");
      for (let n = 0; n < 3; n++) {
        assert.deepEqual(await write(free), [["written"], ["journal.append"]]);
        assert.deepEqual(await write(held, free), [["busy", "written"], skipping]);
      }
    });
    assert.deepEqual(await write(held), [["written"], ["journal.appendSkipping"]]);
    assert.deepEqual(await write(free), [["written"], ["journal.append"]]);
  } finally {
    await driver.close();
    await keeper.close();
  }
});

Deno.test("JOURNAL-2: a large share does not wait for its row either, and is written later, on Postgres", async () => {
  await using world = await newWorld(POSTGRES);
  const { db, store } = world;
  const run = await claimed(store, "r");
  const keeper = await db.database.open();
  const payload = JSON.stringify("x".repeat(2_000_000));
  const write = async () => {
    const [result] = await store.journal.commit([
      share(run, 0, { events: [newEvent("large", payload)] }),
    ]);
    return result?.status;
  };
  try {
    await keeper.transaction(async (session) => {
      await session.query(`select 1 from "${db.schema}".runs where id = $1 for update`, [
        run.id,
      ]);
      assert.deepEqual([await write(), await write()], ["busy", "busy"]);
    });
    assert.equal(await write(), "written");
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.equal(loaded?.events[0]?.payload, payload);
  } finally {
    await keeper.close();
  }
});
