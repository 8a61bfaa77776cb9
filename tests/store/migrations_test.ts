/**
 * The migrations that the engine carries.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ANSWERS } from "../../src/replay/settle.ts";
import { type Migration, MIGRATIONS } from "../../src/store/schema/migrations.gen.ts";

for (
  const [what, tool] of [
    ["module holds the migrations", "gen_migrations.ts"],
    ["schema.sql holds the schema", "gen_schema.ts"],
  ]
) {
  Deno.test(`the generated ${what} as they stand`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `tools/${tool}`, "--check"],
      cwd: new URL("../../", import.meta.url),
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  });
}

/** The released migrations that are missing or stand otherwise than they were released. */
function changed(released: Record<string, string>, migrations = MIGRATIONS): string[] {
  const now = new Map(migrations.map((each) => [`${each.version} ${each.name}`, each.checksum]));
  return Object.keys(released).filter((key) => now.get(key) !== released[key]);
}

Deno.test("a released migration stays as it was released", async () => {
  const file = new URL("../../migrations/released.json", import.meta.url);
  assert.deepEqual(changed(JSON.parse(await Deno.readTextFile(file))), []);

  const [first, second] = MIGRATIONS as [Migration, Migration];
  const released = { "1 versions": first.checksum, [`2 ${second.name}`]: second.checksum };
  assert.deepEqual(changed(released), []);
  const edited = { ...second, checksum: "another" };
  assert.deepEqual(changed(released, [first, edited]), [`2 ${second.name}`]);
  assert.deepEqual(changed(released, [first]), [`2 ${second.name}`]);
});

Deno.test("the database knows every kind of event, and no other", () => {
  const sql = MIGRATIONS.map(({ sql }) => sql).join("");
  const first = /create type \{schema\}\.event_kind as enum \(([^)]*)\)/.exec(sql)![1]!;
  const later = sql.matchAll(/alter type \{schema\}\.event_kind add value ('[^']*')/g);
  const known = [first, ...[...later].map(([, kind]) => kind!)].join()
    .matchAll(/'([^']*)'/g).map(([, kind]) => kind!);
  assert.deepEqual([...known].sort(), Object.keys(ANSWERS).sort());
});
