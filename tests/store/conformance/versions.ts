/**
 * What every store promises about versions and their bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { NewVersion } from "../../../src/ports/rows.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  HASH,
  newEvent,
  newWorld,
  NODE,
  share,
  UNKNOWN_VERSION,
} from "../../support/store_rows.ts";

const V2 = "b".repeat(64);

function blobsOf(...texts: string[]): Map<string, Uint8Array> {
  return new Map(texts.map((text) => [
    createHash("sha256").update(text).digest("hex"),
    new TextEncoder().encode(text),
  ]));
}

function version(more: Partial<NewVersion> = {}): NewVersion {
  return {
    hash: V2,
    workflow: "order",
    label: "2",
    manifest: "manifest 2",
    specifier: "https://a.example/order@2.ts",
    blobs: blobsOf("one", "two"),
    ...more,
  };
}

export function versions(database: DatabaseKind, test: RegisterTest): void {
  test("a version is registered once, with its members' bytes", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    const blobs = blobsOf("one", "", "\0\xff binary 😀");
    const given = version({ blobs });
    assert.deepEqual(await versions.register(given), { created: true, revived: 0 });
    assert.deepEqual(await versions.register(given), { created: false, revived: 0 });
    const row = await versions.get(V2);
    assert.ok(Number.isSafeInteger(row?.registeredAt));
    assert.deepEqual(row, {
      hash: V2,
      workflow: "order",
      label: "2",
      contract: null,
      manifest: "manifest 2",
      archived: true,
      collectedAt: null,
      specifiers: ["https://a.example/order@2.ts"],
      isOwnRight: true,
      loadCrashes: 0,
      registeredAt: row?.registeredAt,
    });
    assert.deepEqual(await versions.blobs([...blobs.keys(), "0".repeat(64)]), blobs);
    assert.equal(await versions.get("unknown"), null);
    const page = { limit: 9, most: 1 };
    const listed = await versions.page({ ...page, workflow: "order" });
    assert.deepEqual(listed.map(({ hash }) => hash), [V2, HASH]);
    assert.deepEqual(await versions.page({ ...page, workflow: "other" }), []);
    assert.equal((await versions.page(page)).length, 2);
  });

  test("a version registered without bytes becomes archived when they come", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    await versions.register(version({ blobs: null }));
    assert.equal((await versions.get(V2))?.archived, false);
    const again = await versions.register(version());
    assert.equal(again.created, false);
    assert.equal((await versions.get(V2))?.archived, true);
    await versions.register(version({ blobs: null }));
    assert.equal((await versions.get(V2))?.archived, true, "and stays so");
  });

  test("CATALOG-2: what was damaged in the database is put right by the next registration", async () => {
    await using world = await newWorld(database);
    const { store: { versions }, db } = world;
    const given = version();
    await versions.register(given);
    const [sha256] = [...given.blobs!.keys()];
    await db.query("update {schema}.modules set bytes = 'evil'::bytea where sha256 = $1", [
      sha256!,
    ]);
    await db.query("update {schema}.workflow_versions set manifest = 'evil' where hash = $1", [
      V2,
    ]);
    assert.equal((await versions.get(V2))?.manifest, "evil", "the store hands out what it has");
    assert.deepEqual(await versions.register(given), { created: false, revived: 0 });
    assert.deepEqual(await versions.blobs([...given.blobs!.keys()]), given.blobs);
    assert.equal((await versions.get(V2))?.manifest, "manifest 2");
  });

  test("CATALOG-3: a new version becomes current, one that comes up again does not", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    assert.equal(await versions.current("order"), HASH);
    await versions.register(version());
    assert.equal(await versions.current("order"), V2);
    await versions.register(version({ hash: HASH }));
    assert.equal(await versions.current("order"), V2);
    assert.equal(await versions.activate("order", HASH), true);
    assert.equal(await versions.current("order"), HASH);
    assert.equal(await versions.activate("order", "unknown"), false);
    assert.equal(await versions.activate("other", V2), false);
    assert.equal(await versions.current("other"), null);
    await versions.register(version());
    assert.equal(await versions.current("order"), HASH, "by hand stays by hand");
  });

  test("CATALOG-3: part of another version becomes current only where there is none", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    const own = version({ hash: HASH, specifier: "app:order.ts" });
    const part = version({ hash: V2, specifier: "app:order.ts", isPart: true });
    await versions.register(own);
    assert.equal((await versions.register(part)).created, true);
    assert.equal(await versions.current("order"), HASH);
    assert.equal((await versions.bySpecifier("app:order.ts"))?.hash, HASH);
    assert.deepEqual((await versions.get(V2))?.specifiers, ["app:order.ts"]);
    await versions.register({ ...part, hash: "f".repeat(64), workflow: "inner" });
    assert.equal(await versions.current("inner"), "f".repeat(64));
    // In its own right for the first time, then as a part again.
    await versions.register({ ...part, isPart: false });
    assert.equal(await versions.current("order"), V2);
    assert.equal((await versions.bySpecifier("app:order.ts"))?.hash, V2);
    await versions.register(own);
    await versions.register(part);
    assert.equal(await versions.current("order"), V2);
    assert.equal((await versions.bySpecifier("app:order.ts"))?.hash, HASH);
  });

  test("CATALOG-3: what a start brings becomes current nowhere, and yields its specifier", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    const own = version({ hash: HASH, specifier: "app:order.ts" });
    const started = version({ hash: V2, specifier: "app:order.ts", isStart: true });
    const fresh = { ...started, hash: "f".repeat(64), workflow: "fresh", specifier: "app:f.ts" };
    await versions.register(own);
    assert.equal((await versions.register(started)).created, true);
    assert.equal(await versions.current("order"), HASH);
    assert.equal((await versions.bySpecifier("app:order.ts"))?.hash, HASH);
    await versions.register(fresh);
    await versions.register(fresh);
    assert.equal((await versions.get(fresh.hash))?.isOwnRight, false);
    assert.equal(await versions.current("fresh"), null);
    assert.equal((await versions.bySpecifier("app:f.ts"))?.hash, fresh.hash);
    await versions.register({ ...fresh, isStart: false });
    assert.equal((await versions.get(fresh.hash))?.isOwnRight, true);
    assert.equal(await versions.current("fresh"), fresh.hash);
  });

  test("a specifier leads to the version last registered under it", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    const specifier = "file:///order.ts";
    assert.equal((await versions.bySpecifier(specifier))?.hash, HASH);
    await versions.register(version({ specifier }));
    assert.equal((await versions.bySpecifier(specifier))?.hash, V2);
    await versions.register(version({ hash: HASH, specifier, blobs: null }));
    assert.equal((await versions.bySpecifier(specifier))?.hash, HASH);
    assert.equal(await versions.bySpecifier("file:///none.ts"), null);
    await versions.register(version({ specifier: 'https://b.example/"q",{}' }));
    assert.deepEqual((await versions.get(V2))?.specifiers, ['https://b.example/"q",{}', specifier]);
  });

  test("twenty registrations at once are one, whatever the order of their members", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const other = await db.open();
    const texts = Array.from({ length: 30 }, (_, index) => `module ${index}`);
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => {
      const shuffled = [...texts.slice(index), ...texts.slice(0, index)];
      const hash = index % 4 === 0 ? "c".repeat(64) : V2;
      const each = index % 2 === 0 ? store : other;
      return each.versions.register(version({ hash, blobs: blobsOf(...shuffled) }));
    }));
    assert.equal(results.filter(({ created }) => created).length, 2);
    assert.equal((await store.versions.blobs([...blobsOf(...texts).keys()])).size, 30);
  });

  test("bytes go in and out by the megabyte", async () => {
    await using world = await newWorld(database);
    const { versions } = world.store;
    const texts = Array.from({ length: 12 }, (_, index) => `${index}`.repeat(1 << 20));
    const blobs = blobsOf(...texts);
    await versions.register(version({ blobs }));
    assert.deepEqual(await versions.blobs([...blobs.keys()]), blobs);
  });

  test("a registration lets out the runs that were parked for want of it, and no others", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const lost = await claimed(store, "lost");
    await commitOne(store, share(lost, 0, { transition: UNKNOWN_VERSION }));
    const drifted = await claimed(store, "drifted");
    await commitOne(
      store,
      share(drifted, 0, { transition: { ...UNKNOWN_VERSION, to: "stuck_nondeterminism" } }),
    );
    assert.deepEqual(await store.versions.stuck(), [HASH]);
    await store.versions.register(version());
    assert.deepEqual(await store.versions.stuck(), [HASH]);
    const again = await store.versions.register(version({ hash: HASH }));
    assert.deepEqual(again, { created: false, revived: 1 });
    assert.deepEqual(await store.versions.stuck(), []);
    const revived = await claimOne(store);
    assert.deepEqual([revived.runId, revived.claims], ["lost", 1]);
    await commitOne(
      store,
      share(revived, 0, {
        events: [newEvent("a")],
        transition: UNKNOWN_VERSION,
      }),
    );
    assert.equal(await store.versions.revive(V2), 0);
    assert.equal(await store.versions.revive(HASH), 1);
    assert.equal((await store.runs.get("lost"))?.state, "suspended");
    assert.equal((await store.runs.get("drifted"))?.state, "stuck_nondeterminism");
  });

  test("bytes that a version needs can't be taken from under it", async () => {
    await using world = await newWorld(database);
    await world.store.versions.register(version());
    await assert.rejects(world.db.query("delete from {schema}.modules"), { code: "23503" });
  });

  test("what names no version has no crashes", async () => {
    await using world = await newWorld(database);
    await assert.rejects(world.store.versions.loading(NODE, "unknown"), { code: "23503" });
  });
}
