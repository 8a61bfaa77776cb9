/**
 * The removal of old versions beside sessions that use them. Each order of events is forced: one
 * session's transaction is open while the other's statement runs, or waits for it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { CollectionScope } from "../../src/ports/collection.ts";
import type { Store } from "../../src/ports/store.ts";
import { RunInserts } from "../../src/store/runs/inserts.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import type { SqlSession } from "../../src/store/sql/driver.ts";
import { COLLECT_STATEMENTS } from "../../src/store/versions/collect_statements.ts";
import { REGISTERED, VERSION_STATEMENTS } from "../../src/store/versions/statements.ts";
import { type EmptyDatabase, POSTGRES } from "../support/database.ts";
import { overtaken } from "../support/overtaken.ts";
import { claimOne, commitOne, COMPLETED, HASH, newRun, share } from "../support/store_rows.ts";
import { newWorld, waiting, type World } from "../support/store_rows.ts";

const OLD = "b".repeat(64);
const SPECIFIER = "file:///old.ts";
const TEXT = "old code";
const SHA256 = createHash("sha256").update(TEXT).digest("hex");
const PIN = { hash: OLD, specifier: SPECIFIER };

/** Everything is old enough. */
const SCOPE: CollectionScope = { before: Date.now() + 86_400_000, keep: 0 };

const OLD_VERSION = {
  ...PIN,
  workflow: "order",
  label: null,
  manifest: `manifest\nmember ${SHA256} x`,
  blobs: new Map([[SHA256, new TextEncoder().encode(TEXT)]]),
};

/** A version that is not current, with bytes of which some are old. */
async function makeWorld(loses: "bytes" | "row" = "row"): Promise<World> {
  const world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.versions.register(OLD_VERSION);
  await store.versions.activate("order", HASH);
  await db.query("update {schema}.modules set stored_at = stored_at - interval '2 days'");
  if (loses === "bytes") {
    await store.runs.insert([newRun("ended", PIN)]);
    await commitOne(store, share(await claimOne(store), 0, { transition: COMPLETED }));
  }
  return world;
}

/** Inserts a run in a transaction. */
async function insert(db: EmptyDatabase, session: SqlSession): Promise<void> {
  const inserts = new RunInserts(new SchemaName(db.schema));
  await inserts.insertInto([{ ...newRun("new", PIN), namespace: "default" }], session);
}

/** What `remove` does, in a transaction of its own. */
async function remove(db: EmptyDatabase, session: SqlSession): Promise<void> {
  const sql = new SchemaName(db.schema).prepare(COLLECT_STATEMENTS);
  const hashes = [OLD];
  assert.equal((await sql.lockVersions.query(session, { hashes })).length, 1);
  assert.equal((await sql.lockSpecifiers.query(session, { hashes })).length, 1);
  assert.equal((await sql.remove.query(session, { ...SCOPE, hashes })).length, 1);
}

async function inTransaction<T>(
  db: EmptyDatabase,
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  const driver = await db.database.open();
  try {
    return await driver.transaction(work);
  } finally {
    await driver.close();
  }
}

const bytesOf = async (store: Store) => (await store.versions.blobs([SHA256])).size;

for (const loses of ["bytes", "row"] as const) {
  Deno.test(`a start whose transaction is open keeps a version that would lose its ${loses}`, async () => {
    await using world = await makeWorld(loses);
    const { db, store } = world;
    await inTransaction(db, async (session) => {
      await insert(db, session);
      assert.deepEqual(await store.collection.remove(SCOPE, [OLD]), []);
      await store.collection.sweep("", 100);
    });
    assert.equal((await store.versions.get(OLD))?.archived, true);
    assert.equal(await bytesOf(store), 1);
    assert.deepEqual(
      await store.collection.remove(SCOPE, [OLD]),
      [],
      "nor does it lose them later",
    );
  });

  Deno.test(`a start that comes while a version loses its ${loses} waits, and is refused`, async () => {
    await using world = await makeWorld(loses);
    const { db, store } = world;
    const refused = overtaken(
      db,
      (session) => remove(db, session),
      () =>
        assert.rejects(store.runs.insert([newRun("new", PIN)]), { code: "VERSION_NOT_REGISTERED" }),
    );
    await refused;
    assert.equal(await store.runs.get("new"), null);
    await store.versions.register(OLD_VERSION);
    const [run] = await store.runs.insert([newRun("new", PIN)]);
    assert.equal(run!.created, true, "registered again, it may be started");
    assert.equal(await bytesOf(store), 1);
  });
}

Deno.test("a version that is made current while it loses its bytes does not become it", async () => {
  await using world = await makeWorld();
  const { db, store } = world;
  await overtaken(
    db,
    (session) => remove(db, session),
    () => assert.rejects(store.versions.activate("order", OLD), { code: "VERSION_NOT_REGISTERED" }),
  );
  assert.equal(await store.versions.current("order"), HASH);
});

Deno.test("a version that another transaction makes current keeps everything", async () => {
  await using world = await makeWorld();
  const { db, store } = world;
  const sql = new SchemaName(db.schema).prepare(VERSION_STATEMENTS);
  await inTransaction(db, async (session) => {
    await sql.activate.query(session, { workflow: "order", hash: OLD });
    assert.deepEqual(await store.collection.remove(SCOPE, [OLD]), []);
  });
  assert.equal((await store.versions.get(OLD))?.archived, true);
});

Deno.test("CATALOG-4: a registration whose stored modules are removed meanwhile writes them again", async () => {
  await using world = await makeWorld();
  const { db, store } = world;
  await store.collection.remove(SCOPE, [OLD]);
  const sql = new SchemaName(db.schema).prepare(COLLECT_STATEMENTS);
  await overtaken(
    db,
    async (session) => {
      const [swept] = await sql.sweep.query(session, { after: "", limit: 100 });
      assert.equal(swept!.modules, 1);
    },
    () => store.versions.register(OLD_VERSION),
  );
  assert.equal((await store.versions.get(OLD))?.archived, true);
  assert.deepEqual(await store.versions.blobs([SHA256]), OLD_VERSION.blobs);
});

Deno.test("modules that a registration refers to meanwhile stay", async () => {
  await using world = await makeWorld();
  const { db, store } = world;
  await store.collection.remove(SCOPE, [OLD]);
  const sql = new SchemaName(db.schema).prepare(VERSION_STATEMENTS);
  await inTransaction(db, async (session) => {
    const { hash, workflow, label, manifest } = OLD_VERSION;
    const registered: Parameters<typeof sql.register.query>[1] = {
      ...{ hash, workflow, label, manifest, archived: true, contract: null },
    };
    assert.deepEqual(Object.keys(registered).sort(), Object.keys(REGISTERED).sort());
    await sql.register.query(session, registered);
    await sql.members.query(session, { hash, sha256: [SHA256] });
    const swept = await store.collection.sweep("", 100);
    assert.deepEqual(swept, { modules: 0, bytes: 0, next: null });
  });
  assert.equal(await bytesOf(store), 1);
});

Deno.test("of two collections at once, the second leaves alone what the first removes", async () => {
  await using world = await makeWorld();
  const { db, store } = world;
  await inTransaction(db, async (session) => {
    await remove(db, session);
    assert.deepEqual(await store.collection.remove(SCOPE, [OLD]), []);
    assert.equal(await waiting(db), 0, "no statement waits");
  });
  assert.equal(await store.versions.get(OLD), null);
  assert.deepEqual(await store.collection.remove(SCOPE, [OLD]), []);
});

Deno.test("a specifier that comes while a version loses its bytes opens no way around that", async () => {
  await using world = await makeWorld("bytes");
  const { db, store } = world;
  const other = { hash: OLD, specifier: "file:///other.ts" };
  await overtaken(
    db,
    (session) => remove(db, session),
    () =>
      assert.rejects(store.runs.insert([newRun("new", other)]), { code: "VERSION_NOT_REGISTERED" }),
  );
  await assert.rejects(store.runs.insert([newRun("new", other)]), {
    code: "VERSION_NOT_REGISTERED",
  });
});
