/**
 * Statements with named parameters.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SchemaName } from "../../src/store/schema/name.ts";
import type { SqlSession, SqlValue } from "../../src/store/sql/driver.ts";
import {
  BIGINTS,
  BOOLEAN,
  BOOLEANS,
  BYTES,
  INTEGERS,
  nullable,
  NUMBER,
  TEXT,
  TEXTS,
  unnested,
  written,
} from "../../src/store/sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../../src/store/sql/statement.ts";
import { forEachDatabase } from "../support/database.ts";
import { projectFiles } from "../support/project.ts";

/** A session that notes what it executes. */
function noting(options: Partial<SqlSession> = {}) {
  const asked: { text: string; values: readonly SqlValue[] }[] = [];
  const session: SqlSession = {
    ...options,
    query<Row>(text: string, values: readonly SqlValue[] = []) {
      asked.push({ text, values });
      return Promise.resolve<Row[]>([]);
    },
    script: () => Promise.resolve(),
  };
  return { asked, session };
}

Deno.test("PARAMETER-3: a repeated name is one parameter; names have positions as they come", () => {
  const { text, names } = statement(
    { node: TEXT, limit: NUMBER },
    NO_ROWS,
    "select $limit::integer where a = $node and b = $node and c > $limit",
  );
  assert.equal(text, "select $1::integer where a = $2 and b = $2 and c > $1");
  assert.deepEqual(names, ["limit", "node"]);
});

Deno.test("PARAMETER-1: a name that only the text or only the declaration has is refused", () => {
  assert.throws(() => statement({ node: TEXT }, NO_ROWS, "select $node, $limit"), /\$limit/);
  assert.throws(() => statement({ node: TEXT, limit: NUMBER }, NO_ROWS, "select $node"), /\$limit/);
  assert.throws(() => statement({}, NO_ROWS, "select $toString"), /\$toString/);
});

Deno.test("a numbered parameter, a dollar quote and a string with escapes are refused", () => {
  for (const text of ["select $1", "select $$x$$", "select $a$x$a$", "select E'\\'$x'"]) {
    assert.throws(() => statement({}, NO_ROWS, text), /Cannot compile statement/, text);
  }
});

Deno.test("names in strings, identifiers and comments are not parameters", () => {
  const text = `select '$a', 'it''s $b', "$c", "a""$d", x$e -- $f's
    /* $g */ from t where x -> '$h' ?| array['$i'] and y = $1::jsonb`;
  const source = text.replace("$1", "$node");
  assert.equal(statement({ node: TEXT }, NO_ROWS, source).text, text);
});

Deno.test("casts, operators of JSON and a name beside other characters stay as they are", () => {
  const { text } = statement(
    { path: TEXTS, value: TEXT },
    NO_ROWS,
    "select a #>> $path::text[], b->>$value, c @> $value::text::jsonb, ($value), [$value]",
  );
  assert.equal(text, "select a #>> $1::text[], b->>$2, c @> $2::text::jsonb, ($2), [$2]");
});

Deno.test("a call binds values by name, in the order of the text", async () => {
  const { read } = new SchemaName(`we"ird $x`).prepare({
    read: statement(
      { id: NUMBER, name: nullable(TEXT), isOn: BOOLEAN, ids: BIGINTS, names: nullable(TEXTS) },
      rows<{ readonly id: number }>(),
      "select $ids, $isOn, $name, $id, $names from {schema}.t where id = $id",
    ),
  });
  const { asked, session } = noting();
  await read.query(session, { id: 7, name: null, isOn: true, ids: [1, 2], names: ["a", 'b"'] });
  await read.query(session, { id: 7, name: "n", isOn: false, ids: [], names: null });
  assert.deepEqual(asked, [
    {
      text: `select $1, $2, $3, $4, $5 from "we""ird $x".t where id = $4`,
      values: ["{1,2}", true, null, 7, '{"a","b\\""}'],
    },
    {
      text: `select $1, $2, $3, $4, $5 from "we""ird $x".t where id = $4`,
      values: ["{}", false, "n", 7, null],
    },
  ]);
});

Deno.test("PARAMETER-2: calls execute one text, the very same string", async () => {
  const read = statement({ id: NUMBER }, NO_ROWS, "select $id").prepare();
  const { asked, session } = noting();
  await read.query(session, { id: 1 });
  await read.query(session, { id: 2 });
  assert.equal(asked[0]?.text, read.text);
  assert.equal(asked[1]?.text, read.text);
  assert.deepEqual(read.bind({ id: 3 }), [3]);
});

Deno.test("where all parameters are text, those that are cast are cast to text first", async () => {
  const { read } = new SchemaName("s").prepare({
    read: statement(
      { ids: BIGINTS, name: TEXT },
      NO_ROWS,
      "select $ids::bigint[], '$ids::x', name = $name from {schema}.t",
    ),
  });
  const { asked, session } = noting({ parametersAreText: true });
  await read.query(session, { ids: [1], name: "n" });
  assert.equal(
    asked[0]?.text,
    `select $1::text::bigint[], '$ids::x', name = $2 from "s".t`,
  );
});

Deno.test("TypeScript refuses a missing, an extra and a wrongly typed parameter", () => {
  const read = statement({ id: NUMBER, names: TEXTS }, rows<{ id: number }>(), "select $id, $names")
    .prepare();
  const all = statement({}, NO_ROWS, "select 1").prepare();
  const { session } = noting();
  // Only the types of these calls are of interest.
  const calls = [
    // @ts-expect-error Parameter names is missing.
    () => read.query(session, { id: 1 }),
    // @ts-expect-error There is no parameter more.
    () => read.query(session, { id: 1, names: [], more: 1 }),
    // @ts-expect-error Parameter id is a number.
    () => read.query(session, { id: "1", names: [] }),
    // @ts-expect-error Parameter names can't be null.
    () => read.query(session, { id: 1, names: null }),
    // @ts-expect-error Parameter names is a list of texts.
    () => read.query(session, { id: 1, names: [1] }),
    // @ts-expect-error The parameters are missing.
    () => read.query(session),
    // @ts-expect-error There are no parameters.
    () => all.query(session, { id: 1 }),
    // @ts-expect-error Rows have no name.
    async () => (await read.query(session, { id: 1, names: [] }))[0]!.name,
  ];
  assert.equal(calls.length, 8);
});

Deno.test("lists of a row are one unnest, whose columns have the parameters' names", () => {
  const lists = { run: BIGINTS, maxAttempts: INTEGERS };
  assert.equal(
    unnested("given", lists),
    "unnest($run::bigint[], $maxAttempts::integer[]) as given (run, max_attempts)",
  );
  assert.equal(
    unnested("given", lists, "place"),
    "unnest($run::bigint[], $maxAttempts::integer[]) with ordinality as given " +
      "(run, max_attempts, place)",
  );
  const insert = statement(written(lists), NO_ROWS, `select from ${unnested("given", lists)}`);
  assert.deepEqual(insert.prepare().bind({ run: "{1}", maxAttempts: "{}" }), ["{1}", "{}"]);
});

Deno.test("no SQL text of the store has a numbered parameter", async () => {
  const files = (await projectFiles("src/store", ".ts")).filter((file) =>
    !file.endsWith(".gen.ts")
  );
  assert(files.length > 30, "the test reads the store");
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    assert.doesNotMatch(text, /\$\d/, file);
  }
});

forEachDatabase("A statement", (database, test) => {
  test("takes every kind of parameter", async () => {
    await using db = await database.fresh();
    const lists = { big: BIGINTS, text: TEXTS, flag: BOOLEANS, bytes: BYTES };
    const read = statement(
      { ...lists, id: NUMBER, none: nullable(TEXT) },
      rows<{ big: number; text: string | null; flag: boolean; bytes: Uint8Array; id: number }>(),
      `select given.*, $id::integer as id from ${
        unnested("given", lists)
      } where $none::text is null`,
    ).prepare();
    const values = {
      text: ["ü", null],
      flag: [true, false],
      bytes: [Uint8Array.of(1), Uint8Array.of()],
    };
    const found = await read.query(
      { query: (text, values) => db.query(text, values), script: () => Promise.resolve() },
      { ...values, big: [1, 2 ** 53 - 1], id: 3, none: null },
    );
    assert.deepEqual(found.map((row) => ({ ...row, bytes: [...row.bytes] })), [
      { big: 1, text: "ü", flag: true, bytes: [1], id: 3 },
      { big: 2 ** 53 - 1, text: null, flag: false, bytes: [], id: 3 },
    ]);
  });
});
