/**
 * What every store promises about its schema and its notices.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../../src/continuum.ts";
import type { Notice } from "../../../src/ports/store.ts";
import { migrate } from "../../../src/store/schema/migrate.ts";
import { MIGRATIONS } from "../../../src/store/schema/migrations.gen.ts";
import { SchemaName } from "../../../src/store/schema/name.ts";
import { openStore } from "../../../src/store/open.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import { claimed, newWorld } from "../../support/store_rows.ts";

export function schema(database: DatabaseKind, test: RegisterTest): void {
  test("a schema may be migrated again and again", async () => {
    await using db = await database.empty();
    const store = await db.open();
    await store.migrate();
    await store.migrate();
    const rows = await db.query<{ version: number; checksum: string }>(
      "select version, checksum from {schema}.schema_versions order by version",
    );
    assert.deepEqual(
      rows,
      MIGRATIONS.map(({ version, checksum }) => ({ version, checksum })),
    );
  });

  test("twenty stores may migrate one schema at once", async () => {
    await using db = await database.empty();
    const options = { database: db.database, schema: db.schema };
    const stores = await Promise.all(Array.from({ length: 20 }, () => openStore(options)));
    try {
      await Promise.all(stores.map((store) => store.migrate()));
    } finally {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
    }
    const [row] = await db.query<{ n: number }>(
      "select count(*)::integer as n from {schema}.schema_versions",
    );
    assert.equal(row?.n, MIGRATIONS.length);
  });

  test("an older engine refuses a newer schema, and says so", async () => {
    await using db = await database.empty();
    const store = await db.open();
    await db.query(
      "insert into {schema}.schema_versions (version, name, checksum) values (99, 'future', '')",
    );
    await assert.rejects(store.migrate(), {
      code: "SCHEMA_TOO_NEW",
      details: { schema: db.schema, found: 99, wanted: MIGRATIONS.length },
    });
  });

  test("a migration that was applied with other contents is found", async () => {
    await using db = await database.empty();
    const store = await db.open();
    await db.query("update {schema}.schema_versions set checksum = 'x' where version = 1");
    await assert.rejects(store.migrate(), { code: "MIGRATION_CHANGED" });
  });

  test("a client creates what an empty database lacks, and changes no older schema", async () => {
    await using db = await database.empty();
    const options = { database: db.database, schema: db.schema };
    await assert.rejects(Continuum.connect({ ...options, migrate: "check" }), {
      code: "SCHEMA_TOO_OLD",
      details: { schema: db.schema, found: 0, wanted: MIGRATIONS.length },
    });
    await assert.rejects(db.query("select from {schema}.schema_versions"), "nothing is created");
    await (await Continuum.connect(options)).close();
    await (await Continuum.connect({ ...options, migrate: "check" })).close();
    const newest = MIGRATIONS.length;
    await db.query(`delete from {schema}.schema_versions where version = ${newest}`);
    for (const migrate of ["create", "check"] as const) {
      await assert.rejects(Continuum.connect({ ...options, migrate }), {
        code: "SCHEMA_TOO_OLD",
        details: { schema: db.schema, found: newest - 1, wanted: newest },
      });
    }
    await assert.rejects(Continuum.open({ ...options, migrate: "check" }), {
      code: "SCHEMA_TOO_OLD",
    });
  });

  test("a migration that fails leaves the schema as it was", async () => {
    await using db = await database.empty();
    await db.open();
    const driver = await db.database.open();
    try {
      const bad = { version: MIGRATIONS.length + 1, name: "bad", checksum: "x" };
      const sql = "create table {schema}.half (a integer); select 1 / 0;";
      const name = new SchemaName(db.schema);
      await assert.rejects(migrate(driver, name, "apply", true, [...MIGRATIONS, { ...bad, sql }]), {
        code: "22012",
      });
      await migrate(driver, name);
    } finally {
      await driver.close();
    }
    await assert.rejects(
      db.query("select from {schema}.half"),
      (error: { code?: string; cause?: { code?: string } }) =>
        (error.cause?.code ?? error.code) === "42P01",
    );
  });

  test("rows that no state allows are refused", async () => {
    await using world = await newWorld(database);
    await claimed(world.store, "r");
    for (
      const nonsense of [
        "state = 'asleep'",
        "node = null",
        "token = null",
        "state = 'suspended'",
        "state = 'pending', node = null, token = null",
        "wake_at = clock_timestamp()",
        "ended_at = clock_timestamp()",
        "result = '1'",
        "error = '1'",
        "stuck_reason = '{}'",
        "waits = '[]'",
        "state = 'completed', node = null, token = null, ended_at = clock_timestamp()",
        "state = 'failed', node = null, token = null, ended_at = clock_timestamp()",
        "state = 'failed', node = null, token = null, error = '1'",
        "state = 'stuck_poisoned', node = null, token = null",
        "started_at = null",
        "next_seq = -1",
        "specifier_id = -1",
      ]
    ) {
      await assert.rejects(
        world.db.query(`update {schema}.runs set ${nonsense}`),
        { code: /^23(503|514)$/ },
        nonsense,
      );
    }
  });

  test("hints reach other stores on the schema, once each, and never their sender", async () => {
    await using db = await database.empty();
    await using elsewhere = await database.empty();
    const [sender, hearer, stranger] = [
      await db.open(),
      await db.open(),
      await elsewhere.open(),
    ];
    const heard: Notice[] = [];
    const last = Promise.withResolvers<void>();
    const wrong = () => assert.fail("No other store receives it, and nothing was missed");
    await using _own = await sender.notices.subscribe(wrong, wrong);
    await using _other = await stranger.notices.subscribe(wrong, wrong);
    await using _subscription = await hearer.notices.subscribe((notice) => {
      heard.push(notice);
      if (notice.kind === "ended" && notice.runId === "last") last.resolve();
    }, wrong);
    const many = Array.from({ length: 500 }, (_, run) => {
      return { kind: "message", node: "n", run } as const;
    });
    const odd = { kind: "ended", runId: "'\"\\\0😀" } as const;
    await sender.notices.publish([]);
    await sender.notices.publish([{ kind: "due" }, odd, { kind: "due" }, ...many]);
    await sender.notices.publish([{ kind: "ended", runId: "x".repeat(9_000) }]);
    const { channel } = new SchemaName(db.schema);
    for (const garbage of ["", "{", "[]", '["x",{"kind":"other"},{"kind":"message"},7,null]']) {
      await db.query("select pg_notify($1, $2)", [channel, garbage]);
    }
    await sender.notices.publish([{ kind: "ended", runId: "last" }]);
    await last.promise;
    assert.deepEqual(heard, [{ kind: "due" }, odd, ...many, { kind: "ended", runId: "last" }]);
  });
}
