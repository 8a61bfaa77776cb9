/**
 * From the `database` option to a store.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openStore } from "../../src/store/open.ts";
import { postgresUrl } from "../support/database.ts";

Deno.test("an invalid URL is in the message, without what may be a password", async () => {
  for (
    const database of [
      "",
      "mysql://root:secret@localhost/db",
      "postgres://user:secret@host:port/db",
      "localhost:5432",
      "./folder",
      "memory:x",
      "pglite:",
      "pglite",
    ]
  ) {
    await assert.rejects(openStore({ database }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "DATABASE_OPTION", database);
      assert.match(error.message, /wanted postgres:/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

Deno.test("a schema name that Postgres would refuse or shorten is named", async () => {
  for (const schema of ["", "x".repeat(64), "pg_mine", "nul \0", "\ud800"]) {
    await assert.rejects(openStore({ database: "postgres://localhost/x", schema }), {
      code: "DATABASE_OPTION",
    });
  }
  for (const schema of ["x".repeat(63), "Größe", "$1", "{schema}", "a.b", "select"]) {
    await using _store = await openStore({ database: "postgres://localhost/x", schema });
  }
});

Deno.test("opening one kind of database never loads the other", async () => {
  const module = JSON.stringify(import.meta.resolve("../../src/store/open.ts"));
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    path,
    `import { openStore } from ${module};
     await using store = await openStore({ database: Deno.args[0] });
     await store.now();`,
  );
  try {
    const packages: Record<string, string> = {
      "memory:": "@electric-sql/pglite",
      [postgresUrl()]: "pg",
    };
    for (const [database, wanted] of Object.entries(packages)) {
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--log-level=debug", "--config", config, path, database],
      }).output();
      const log = new TextDecoder().decode(stderr);
      assert.ok(success, log);
      const loaded = new Set(
        log.matchAll(/Resolved package folder of (\S+)@/g).map(([, name]) => name),
      );
      for (const driver of Object.values(packages)) {
        assert.equal(loaded.has(driver), driver === wanted, `${driver} for ${database}`);
      }
    }
  } finally {
    await Deno.remove(path);
  }
});
