/**
 * The migrations that the engine carries.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ANSWERS } from "../../src/replay/settle.ts";
import { MIGRATIONS } from "../../src/store/migrations.gen.ts";

Deno.test("the generated module holds the migrations as they stand", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-R", "tools/gen_migrations.ts", "--check"],
    cwd: new URL("../../", import.meta.url),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("the database knows every kind of event, and no other", () => {
  const sql = MIGRATIONS.map(({ sql }) => sql).join("");
  const first = /create type \{schema\}\.event_kind as enum \(([^)]*)\)/.exec(sql)![1]!;
  const later = sql.matchAll(/alter type \{schema\}\.event_kind add value ('[^']*')/g);
  const known = [first, ...[...later].map(([, kind]) => kind!)].join()
    .matchAll(/'([^']*)'/g).map(([, kind]) => kind!);
  assert.deepEqual([...known].sort(), Object.keys(ANSWERS).sort());
});
