/**
 * What finding runs promises: types that count, pages without gaps, and nothing past the question.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestText } from "../../src/base/digest.ts";
import type { RunWhere } from "../../src/client/run/conditions.ts";
import { forEachDatabase, POSTGRES } from "../support/database.ts";
import { newRun, newWorld, register } from "../support/store_rows.ts";
import { queryStatement } from "../../src/store/runs/query_statements.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { readWhere } from "../../src/client/run/conditions.ts";
import type { RunPage } from "../../src/client/run/queries.ts";
import type { RunQuery } from "../../src/ports/run_query.ts";
import { reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene } from "../support/scene.ts";

/** Runs of odd attributes; each matches by its id in the table below. */
const RUNS: Readonly<Record<string, Record<string, unknown>>> = {
  a: { tier: "gold", total: 4, tags: ["x", "y"], since: "2026-01-01T00:00:00.000Z" },
  b: { tier: "Gold", total: 40.5, tags: ["x"], customer: { city: "Köln", age: 30 } },
  c: { tier: null, total: "4", tags: [], vip: true },
  d: { total: -1, codes: [1, 2], customer: { city: "Ulm", age: 4 } },
  e: {},
};

/** Which runs each question finds. */
const QUESTIONS: readonly (readonly [RunWhere, string])[] = [
  [{}, "abcde"],
  [{ attributes: { total: 4 } }, "a"],
  [{ attributes: { total: "4" } }, "c"],
  [{ attributes: { total: { eq: 40.5 } } }, "b"],
  [{ attributes: { total: { ne: 4 } } }, "bcd"],
  [{ attributes: { total: { gte: 4 } } }, "ab"],
  [{ attributes: { total: { gt: -1, lt: 40 } } }, "a"],
  [{ attributes: { total: { lte: -1 } } }, "d"],
  [{ attributes: { total: { gte: "" } } }, "c"],
  [{ attributes: { total: { in: [4, "4", 5] } } }, "ac"],
  [{ attributes: { total: { in: [] } } }, ""],
  [{ attributes: { tier: null } }, "c"],
  [{ attributes: { tier: "gold" } }, "a"],
  [{ attributes: { tier: { lt: "a" } } }, "b"],
  [{ attributes: { vip: true } }, "c"],
  [{ attributes: { vip: false } }, ""],
  [{ attributes: { tags: { has: "x" } } }, "ab"],
  [{ attributes: { tags: ["x"] } }, "b"],
  [{ attributes: { tags: [] } }, "c"],
  [{ attributes: { tags: { ne: ["x"] } } }, "ac"],
  [{ attributes: { codes: { has: 2 } } }, "d"],
  [{ attributes: { codes: { has: "2" } } }, ""],
  [{ attributes: { "customer.city": "Köln" } }, "b"],
  [{ attributes: { "customer.age": { gt: 4 } } }, "b"],
  [{ attributes: { "customer.age": { gte: 4 }, total: { lt: 0 } } }, "d"],
  [{ attributes: { customer: { eq: { age: 30, city: "Köln" } } } }, "b"],
  [{ attributes: { since: { lt: new Date("2026-01-02") } } }, "a"],
  [{ attributes: { "'; drop table runs; --": 1, total: 4 } }, ""],
  [{ id: "a" }, "a"],
  [{ id: { in: ["a", "c", "z"] } }, "ac"],
  [{ id: { gt: "b", lte: "d" } }, "cd"],
  [{ id: { ne: "a" } }, "bcde"],
  [{ id: { prefix: "a" } }, "a"],
  [{ id: { prefix: "a", in: ["b"] } }, ""],
  [{ id: { prefix: "ab" } }, ""],
  [{ parent: "a" }, ""],
  [{ parent: "no such run" }, ""],
  [{ workflow: "order" }, "abcde"],
  [{ workflow: { in: ["nothing", '"; --'] } }, ""],
  [{ state: "pending" }, "abcde"],
  [{ state: { in: ["completed", "failed"] } }, ""],
  [{ state: { in: [] } }, ""],
  [{ state: "live" }, "abcde"],
  [{ state: { eq: "live", ne: "pending" } }, ""],
  [{ state: { in: ["parked", "ended"] } }, ""],
  [{ state: { in: ["parked", "pending"] } }, "abcde"],
  [{ version: "a".repeat(64) }, "abcde"],
  [{ version: { in: ["a".repeat(64), "b".repeat(64)] }, id: { ne: "a" } }, "bcde"],
  [{ version: { ne: "a".repeat(64) } }, ""],
  [{ version: { gte: "a" } }, "abcde"],
  [{ or: [{ version: "b".repeat(64) }, { id: "c" }] }, "c"],
  [{ and: [{ or: [{ version: "b" }, { id: "c" }] }, { version: "a".repeat(64) }] }, "c"],
  [{ createdAt: { gt: new Date(0), lt: new Date("2100-01-01") } }, "abcde"],
  [{ createdAt: { in: [new Date(0)] } }, ""],
  [{ startedAt: { gt: new Date(0) } }, ""],
  [{ endedAt: { ne: new Date(0) } }, ""],
  [{ or: [{ id: "a" }, { attributes: { vip: true } }] }, "ac"],
  [{ and: [{ or: [{ id: "a" }, { id: "b" }] }, { attributes: { tags: { has: "y" } } }] }, "a"],
  [{ or: [{ id: "a", state: "completed" }, { id: "d" }] }, "d"],
];

forEachDatabase("finding runs", (database, test) => {
  test("each question finds its runs and no others", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    const entries = Object.entries(RUNS);
    await runs.insert(
      entries.map(([runId, attributes]) =>
        newRun(runId, { attributes: JSON.stringify(attributes) })
      ),
    );
    await runs.in("other").insert([newRun("a", { attributes: '{"total":4}' })]);
    for (const [where, wanted] of QUESTIONS) {
      const condition = readWhere(where);
      const found = await runs.query({
        where: condition,
        by: "createdAt",
        descending: false,
        after: null,
        limit: 100,
      });
      const ids = found.map(({ runId }) => runId).sort().join("");
      assert.equal(ids, wanted, JSON.stringify(where));
      assert.equal(await runs.count(condition), wanted.length, JSON.stringify(where));
      assert.equal(await runs.count(condition, 2), Math.min(2, wanted.length));
    }
  });

  test("a prefix of an id finds the ids that begin with it, whatever its characters", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    const ids = [
      "a",
      "a%",
      "a%b",
      "a_",
      "ab",
      "a\ud7ff",
      "a\ud7ffb",
      "a\ue000",
      "a\u{10ffff}z",
      "b",
    ];
    await runs.insert(ids.map((id) => newRun(id)));
    for (const prefix of ["a", "a%", "a_", "a\ud7ff", "a\u{10ffff}", "\u{10ffff}", "b"]) {
      const where = readWhere({ id: { prefix } });
      const page = { where, by: "createdAt", descending: false, after: null, limit: 100 } as const;
      const found = (await runs.query(page)).map(({ runId }) => runId).sort();
      assert.deepEqual(found, ids.filter((id) => id.startsWith(prefix)).sort(), prefix);
    }
  });

  test("pages follow each other without gaps, in each order, also among equal and missing times", async () => {
    await using at = await scene(database);
    const items = Array.from({ length: 23 }, (_, index) => ({ input: index, runId: `r${index}` }));
    await at.node.startMany("echo", items, { startAt: new Date(Date.now() + 3_600_000) });
    await at.db.query(
      `update {schema}.runs set started_at = created_at + (id % 5) * interval '1 second'
       where id % 3 <> 0`,
    );
    for (const by of ["createdAt", "startedAt", "endedAt"] as const) {
      for (const direction of ["asc", "desc"] as const) {
        const seen: string[] = [];
        const times: number[] = [];
        let cursor: string | null = null;
        do {
          const page = await at.node.runs.query({
            orderBy: { by, direction },
            limit: 4,
            where: { workflow: "echo" },
            ...(cursor === null ? {} : { cursor }),
          });
          seen.push(...page.runs.map(({ id }) => id));
          times.push(...page.runs.map((run) => run[by]?.getTime() ?? Infinity));
          cursor = page.cursor;
        } while (cursor !== null);
        assert.deepEqual(new Set(seen).size, 23, `${by} ${direction}`);
        assert.equal(seen.length, 23);
        const known = times.filter((time) => time !== Infinity);
        const sorted = [...known].sort((a, b) => direction === "asc" ? a - b : b - a);
        assert.deepEqual(known, sorted);
        assert.deepEqual(times.slice(0, known.length), known, "those without a time come last");
      }
    }
  });

  test("a cursor is good for its own question alone, and is not to be made up", async () => {
    await using at = await scene(database);
    await at.node.startMany("echo", [{ input: 1 }, { input: 2 }, { input: 3 }]);
    const { cursor } = await at.node.runs.query({ limit: 1 });
    assert(cursor !== null && cursor.length < 200);
    await at.node.runs.query({ limit: 2, cursor });
    const forged = btoa(JSON.stringify([0, 1, "0.0"]));
    for (
      const [options, found] of [
        [{ cursor: `${cursor}x` }, "cursor"],
        [{ cursor: "" }, 'cursor of runs.query(): found ""'],
        [{ cursor: forged }, forged],
        [{ cursor: "x".repeat(300) }, "300 characters"],
        [{ cursor: "null" }, "cursor"],
        [{ cursor: 7 as never }, "7"],
        [{ cursor, where: { state: "failed" } }, "same query"],
        [{ cursor, orderBy: { by: "createdAt", direction: "asc" } }, "same query"],
        [{ cursor, namespace: "b" }, "same query"],
      ] as const
    ) {
      await refused(at.node.runs.query(options), "INVALID_CURSOR", found);
    }
  });

  test("a cursor that names a place where no row can be is refused before the database sees it", async () => {
    await using at = await scene(database);
    await at.node.startMany("echo", [{ input: 1 }, { input: 2 }]);
    const { cursor } = await at.node.runs.query({ limit: 1 });
    const tie = JSON.stringify(["default", "createdAt", "desc", readWhere(undefined)]);
    const write = (time: number | null, id: number) =>
      btoa(JSON.stringify([time, id, digestText(`${tie}\n${JSON.stringify([time, id])}`)]))
        .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    const [time, id] = JSON.parse(
      atob(cursor!.replaceAll("-", "+").replaceAll("_", "/")),
    ) as [number, number, string];
    assert.equal(write(time, id), cursor, "this test makes cursors as the client does");
    for (
      const key of [
        [-1, id],
        [-8.64e15, id],
        [Number.MIN_SAFE_INTEGER, id],
        [Number.MAX_SAFE_INTEGER, id],
        [time, 0],
        [time, -1],
        [null, Number.MIN_SAFE_INTEGER],
      ] as const
    ) {
      await refused(
        at.node.runs.query({ cursor: write(key[0], key[1]) }),
        "INVALID_CURSOR",
        "cursor",
      );
    }
    for (
      const key of [[0, 1], [8.64e15, 1], [time, Number.MAX_SAFE_INTEGER], [null, 1]] as const
    ) {
      await at.node.runs.query({ cursor: write(key[0], key[1]) });
    }
  });

  test("pages of a version follow each other without gaps, whatever the specifiers of its runs", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    const specifiers = ["file:///order.ts", "app:order.ts", "app:other.ts"];
    const ids = Array.from({ length: 11 }, (_, index) => `r${index}`);
    for (const [index, id] of ids.entries()) {
      await runs.insert([newRun(id, { specifier: specifiers[index % 3]! })]);
    }
    const where = readWhere({ version: "a".repeat(64), id: { ne: "r4" } });
    for (const descending of [true, false]) {
      const seen: string[] = [];
      let after: RunQuery["after"] = null;
      do {
        const page = await runs.query({ where, by: "createdAt", descending, after, limit: 3 });
        seen.push(...page.map(({ runId }) => runId));
        const last = page.at(-1);
        after = page.length < 3 || last === undefined ? null : { at: last.createdAt, id: last.id };
      } while (after !== null);
      const wanted = ids.filter((id) => id !== "r4");
      assert.deepEqual(seen, descending ? wanted.toReversed() : wanted);
    }
  });

  test("troubles() lists the parked and the failed runs, the latest trouble first, page by page", async () => {
    await using at = await scene(database);
    const ids = Array.from({ length: 9 }, (_, index) => `r${index}`);
    const items = ids.map((runId) => ({ input: runId, runId }));
    await at.node.startMany("echo", items, { startAt: new Date(Date.now() + 3_600_000) });
    await at.db.query(
      `update {schema}.runs set state = 'failed', error = '{"$error":{"name":"Error","message":"no"}}',
         wake_at = null, ended_at = created_at + id * interval '1 minute'
       where run_id in ('r1', 'r3', 'r5')`,
    );
    await at.db.query(
      `update {schema}.runs set state = 'stuck_poisoned', stuck_reason = '{"code":"c","message":"m"}',
         wake_at = null, since = created_at + id * interval '1 minute'
       where run_id in ('r2', 'r8')`,
    );
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: RunPage = await at.node.runs.troubles({
        limit: 2,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.runs.map(({ id }) => id));
      for (const { troubleAt } of page.runs) assert.ok(troubleAt !== null);
      cursor = page.cursor;
    } while (cursor !== null);
    assert.deepEqual(seen, ["r8", "r5", "r3", "r2", "r1"]);
    const failed = await at.node.runs.troubles({ where: { state: "failed" }, limit: 1 });
    assert.deepEqual(failed.runs.map(({ id }) => id), ["r5"]);
    await refused(at.node.runs.troubles({ cursor: failed.cursor! }), "INVALID_CURSOR", "cursor");
    assert.equal(await at.node.runs.count({ where: { state: "parked" } }), 2);
    assert.equal(await at.node.runs.count({ where: { state: { in: ["parked", "failed"] } } }), 5);
    assert.equal(await at.node.runs.count({ where: { state: "live" }, limit: 4 }), 4);
    assert.equal(await at.node.runs.count({ where: { state: "live" } }), 6);
  });

  test("payloads come where they are asked for", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", new Map([["a", 1n]]), { attributes: { a: 1 } });
    await resultOf(run);
    const where = { id: run.id };
    const [bare] = (await at.node.runs.query({ where })).runs;
    assert.equal(bare!.payloads, undefined);
    assert.deepEqual(bare!.attributes, { a: 1 });
    const [full] = (await at.node.runs.query({ where, payloads: true })).runs;
    assert.deepEqual(full!.payloads, {
      input: new Map([["a", 1n]]),
      result: new Map([["a", 1n]]),
      error: undefined,
    });
  });

  test("a run in a page says what it waits for, and since when", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" });
    await reached(run, "suspended");
    const { runs: [found] } = await at.node.runs.query({ where: { id: run.id } });
    const { waits, since, until } = await run.status();
    assert.deepEqual(waits.map(({ kind, name }) => [kind, name]), [["signal", "go"]]);
    assert.deepEqual([found!.waits, found!.since, found!.until], [waits, since, until]);
    assert(since !== null && until === null);
  });

  test("attributes that are set at the same time all survive", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" }, { attributes: { keep: 1, drop: 2 } });
    await reached(run, "suspended");
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => run.attributes.set({ [`n${index}`]: index })),
    );
    await run.attributes.set({ drop: undefined, at: new Date(0), deep: { a: { b: [1, 2] } } });
    const { attributes } = await run.status();
    assert.equal(Object.keys(attributes).length, 23);
    assert.equal(attributes["drop"], undefined);
    assert.equal(attributes["keep"], 1);
    assert.equal(attributes["at"], "1970-01-01T00:00:00.000Z");
    assert.deepEqual(attributes["deep"], { a: { b: [1, 2] } });
    await run.signal("go");
    await resultOf(run);
    await run.attributes.set({ after: "the end" });
    assert.equal((await run.status()).attributes["after"], "the end");
    await refused(at.node.run("nobody").attributes.set({ a: 1 }), "RUN_NOT_FOUND");
  });

  test("whatever is wrong with a question is named", async () => {
    await using at = await scene(database);
    await badQuestions(at);
  });
});

async function badQuestions({ node }: Scene): Promise<void> {
  const deep = Array.from({ length: 12 }).reduce<object>((where) => ({ and: [where] }), {
    id: "a",
  });
  const questions: readonly (readonly [unknown, ...(string | RegExp)[]])[] = [
    [{ wehre: {} }, '"wehre"', "where, namespace"],
    [{ where: 7 }, "condition where", "found 7"],
    [{ where: { colour: "red" } }, '"colour"', "and, or, id, workflow"],
    [{ where: { id: 7 } }, "where.id", "found 7", "a text"],
    [{ where: { id: "a\0" } }, "where.id", "NUL"],
    [{ where: { id: { like: "a%" } } }, '"like"', "eq, ne"],
    [{ where: { id: { has: "a" } } }, '"has"', "eq, ne"],
    [{ where: { id: {} } }, "where.id", "at least one comparison"],
    [{ where: { id: { prefix: "" } } }, "where.id.prefix", "at least one character"],
    [{ where: { workflow: { prefix: "a" } } }, '"prefix"', "eq, ne"],
    [{ where: { attributes: { a: { prefix: "a" } } } }, '"prefix"', "has"],
    [{ where: { parent: { eq: "a" } } }, "where.parent", "a text"],
    [{ where: { state: "done" } }, '"done"', "pending, running"],
    [{ where: { state: { in: "failed" } } }, "where.state.in", "an array"],
    [{ where: { state: { ne: "live" } } }, "where.state.ne", "pending, running"],
    [{ where: { state: "toString" } }, "where.state", "live, parked, ended"],
    [{ where: { createdAt: "2026-01-01" } }, "createdAt", "a Date from 1970 to 9999"],
    [{ where: { createdAt: { gt: new Date(NaN) } } }, "createdAt.gt", "an invalid Date"],
    [{ where: { and: [] } }, "where.and", "at least one condition"],
    [{ where: { or: [{}] } }, "where.or[0]", "no condition"],
    [{ where: deep }, "10 levels"],
    [{ where: { or: Array(300).fill({ id: "a" }) } }, "found 201", "at most 200"],
    [{ where: { id: { in: Array(1_001).fill("a") } } }, "where.id.in", "1000 values"],
    [{ where: { attributes: 7 } }, "where.attributes", "found 7"],
    [{ where: { attributes: { "a..b": 1 } } }, '"a..b"', "a path"],
    [{ where: { attributes: { a: { gt: true } } } }, "attributes.a.gt", "found true"],
    [{ where: { attributes: { a: { has: null } } } }, "attributes.a.has", "null"],
    [{ where: { attributes: { a: { eq: () => {} } } } }, "attributes.a", "a function"],
    [{ where: { attributes: { a: { eq: Infinity } } } }, "attributes.a", "Infinity"],
    [{ where: { attributes: { a: { matches: "x" } } } }, '"matches"'],
    [{ limit: 0 }, "limit", "found 0", "1 to 1000"],
    [{ limit: 1.5 }, "limit", "1.5"],
    [{ limit: 1_001 }, "limit", "1001"],
    [{ orderBy: { by: "size" } }, "orderBy.by", '"size"'],
    [{ orderBy: { by: "createdAt", direction: "up" } }, "direction", '"up"'],
    [{ orderBy: "createdAt" }, "orderBy", "an object"],
    [{ payloads: "yes" }, "payloads", '"yes"'],
    [{ namespace: "" }, "namespace", '""'],
  ];
  for (const [options, ...words] of questions) {
    await refused(node.runs.query(options as never), "INVALID_ARGUMENT", ...words);
  }
  await refused(node.runs.count({ cursor: "" } as never), "INVALID_ARGUMENT", '"cursor"');
  await refused(node.runs.count({ limit: 0 }), "INVALID_ARGUMENT", "limit", "1 to 1000000");
  for (
    const [options, ...words] of [[{ limit: 0 }, "limit"], [{ orderBy: {} }, '"orderBy"']] as const
  ) {
    await refused(node.runs.troubles(options as never), "INVALID_ARGUMENT", ...words);
  }
}

Deno.test("questions on attributes, ids and children, and pages of a namespace read an index", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const other = "b".repeat(64);
  await register(store, other);
  for (let part = 0; part < 5; part++) {
    await store.runs.insert(
      Array.from({ length: 1_000 }, (_, index) =>
        newRun(`r${part}-${index}`, {
          hash: part === 0 ? other : "a".repeat(64),
          attributes: JSON.stringify({ order: `${part}-${index}`, kind: "k" }),
        })),
    );
  }
  // If nearly all that have a parent have the same, a planner expects as many of each other parent.
  for (
    const [part, refers] of ["parent_close = 'cancel', parent", "fork_of = '{}', origin"].entries()
  ) {
    await db.query(
      `update {schema}.runs set ${refers} = (select id from {schema}.runs where run_id = 'r0-0')
      where run_id like 'r${part + 1}-%'`,
    );
  }
  await db.query("analyze {schema}.runs");
  const schema = new SchemaName(db.schema);
  for (
    const [where, index, namespace = "default"] of [
      [{ attributes: { order: "3-7" } }, "runs_by_attributes"],
      [{ and: [{ attributes: { order: { in: ["3-7", "4-8"] } } }] }, "runs_by_attributes"],
      [{ id: { prefix: "r3-77" } }, "runs_run_id"],
      [{ parent: "r3-7" }, "runs_by_parent"],
      [{ and: [{ workflow: "order" }, { parent: "r3-7" }] }, "runs_by_parent"],
      [{ forksOf: "r3-7" }, "runs_by_origin"],
      [{ version: other }, "runs_by_specifier"],
      [{ state: "parked" }, "runs_in_trouble"],
      [undefined, "runs_by_creation"],
      [undefined, "runs_by_namespace", "another"],
    ] as const
  ) {
    const query = { by: "createdAt", descending: true, after: null, limit: 10 } as const;
    const { text, values } = queryStatement({ ...query, where: readWhere(where) }, namespace);
    const rows = await db.query<{ "QUERY PLAN": string }>(
      `explain ${schema.fill(text)}`,
      values,
    );
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    assert.match(plan, new RegExp(index), plan);
  }
});
