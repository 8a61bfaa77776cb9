/**
 * The adapter for `jsr:@db/postgres`, on a stand-in for that package.
 *
 * @module
 */

import assert from "node:assert/strict";
import { withLiterals } from "../../src/store/db_postgres/literals.ts";
import { emptyPostgres } from "../support/database.ts";
import { deno } from "../support/processes.ts";
import { fromFileUrl } from "../support/project.ts";
import { DRIVER_PARTS } from "./conformance/all.ts";
import { Pool } from "../support/db_postgres_double.ts";
import { dbPostgresSuite } from "./db_postgres/suite.ts";

dbPostgresSuite(
  ({ size, password, ...options }) =>
    new Pool({ ...options, ...(password === undefined ? {} : { password }) }, size, true),
  (name, fn) => Deno.test(`@db/postgres: ${name}`, fn),
  DRIVER_PARTS,
);

Deno.test("the tests on the package itself fail where JSR can't be reached, and say so", async () => {
  const file = fromFileUrl(new URL("db_postgres/real.ts", import.meta.url));
  const { code, output } = await deno(
    ["test", "-A", "--no-check", "--no-lock", file],
    { env: { JSR_URL: "http://127.0.0.1:9/" } },
  );
  assert.notEqual(code, 0, output);
  assert.match(output, /Nothing was tested: cannot load jsr:@db\/postgres/);
});

Deno.test("LITERAL-1: a literal is read as a parameter is, however the server reads backslashes", async () => {
  await using db = await emptyPostgres();
  const driver = await db.database.open();
  const values = ["it's", "\\", "\\' or true --", "$1 ''", "é😀\n", "", null, 0.1, -7, 1e21, true];
  const text = `select ${values.map((_, index) => `$${index + 1}::text as v${index}`)}`;
  const bytes = Uint8Array.of(0, 39, 92, 255);
  try {
    await driver.transaction(async (session) => {
      for (const setting of ["on", "off"]) {
        await session.script(`set local standard_conforming_strings = ${setting}`);
        const [row] = await session.query<Record<string, unknown>>(withLiterals(text, values)!);
        const wanted = values.map((value) => value === null ? null : String(value));
        assert.deepEqual(Object.values(row!), wanted);
        const [back] = await session.query(withLiterals("select $1::bytea as bytes", [bytes])!);
        assert.deepEqual(back, { bytes });
      }
    });
  } finally {
    await driver.close();
  }
});

Deno.test("LITERAL-2: what is not certainly understood is sent with parameters", () => {
  for (
    const text of [
      "select E'\\'$1'",
      "select $$ $1 $$",
      "select $a$ $1 $a$",
      "/* /* */ $1 */ $1",
      "'\\' $1",
    ]
  ) {
    assert.equal(withLiterals(text, ["x"]), undefined, text);
  }
  assert.equal(withLiterals("select $1", ["a\0b"]), undefined);
  assert.equal(withLiterals("select $2", ["a"]), undefined);
  assert.equal(
    withLiterals(`select '$1', "$1", a$1, $1, $2 -- $1`, ["x", 2]),
    `select '$1', "$1", a$1, 'x', '2' -- $1`,
  );
});
