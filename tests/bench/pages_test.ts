/**
 * Pages of runs and versions where there are many of both: what they hold, and how many rows
 * are read for them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgresDatabases } from "../../bench/databases.ts";
import { pagesOf } from "../../bench/pages.ts";
import { KNOWN, populate, versionHash } from "../../bench/populate.ts";
import { Continuum } from "../../mod.ts";
import type { RunWhere } from "../../src/client/run/conditions.ts";
import type { QueryOptions } from "../../src/client/run/queries.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import { type Asked, Watch } from "./watched.ts";

const RUNS = 60_000;
const VERSIONS = 2_000;

/** The tables whose rows are counted: those that grow with the number of runs, or of acts. */
const READ: readonly string[] = ["runs", "generations", "operations"];

/**
 * So many rows of runs may be read for a page: of up to 51 specifiers 51 rows each, and a row of
 * each specifier that has any.
 */
const MOST = 51 * 51 + 1_000;

/** Pages that read more than that: what all of it stands for, and how many rows that may be. */
const MORE: Readonly<Record<string, number>> = {
  // Every run that has not ended may be read; 12 in 100 have not.
  live: RUNS * 0.15,
  suspended: RUNS * 0.15,
  version_live: RUNS * 0.15,
  live_by_state: RUNS * 0.15,
  count_live: RUNS * 0.15,
  count_version_live: RUNS * 0.15,
  version_where_used: RUNS * 0.15,
  live_elsewhere: RUNS * 0.15,
  live_nowhere: RUNS * 0.15,
  old_live: RUNS * 0.15,
  live_after: 2 * RUNS * 0.15,
  // So many ids are looked at to decide whether few begin with a text.
  prefix_of_all: 50_001 + MOST,
  // Of each of 50 versions that are listed up to 1,000 live runs are counted.
  versions_draining: RUNS * 0.15,
  versions_current: RUNS * 0.15,
  versions: RUNS * 0.15,
  versions_after: RUNS * 0.15,
  // Of each version the last run, one that lives, any, and any earlier generation; and runs that nodes hold.
  versions_gc: 5 * VERSIONS + RUNS / 500,
};

/** Nothing is lost if this server is. */
const FAST = { fsync: "off", full_page_writes: "off", max_wal_size: "8GB", autovacuum: "off" };

Deno.test("pages of runs and versions, where there are many of both", async (t) => {
  await using server = await startPostgres({ settings: FAST });
  await using databases = await postgresDatabases(server.url);
  await using db = await databases.fresh();
  const watch = new Watch(postgres(db.options.database as string));
  const { schema } = db.options;
  await using client = await Continuum.connect({ database: watch.database, schema });
  await populate(db, { runs: RUNS, versions: VERSIONS });
  const sql = db.server!.session();
  // Few runs are pending: some no node has held, and some were given back.
  await sql.unsafe(`
    update ${schema}.runs set
      state = 'pending', next_seq = 0, waits = null,
      wake_at = now() + (id % 7) * interval '10 seconds',
      started_at = case when id % 3 > 0 then started_at end
    where state = 'suspended' and id % 60 = 12`).simple();
  await sql.unsafe("set jit = off; set max_parallel_workers_per_gather = 0").simple();

  /** What the statements that were asked did. */
  async function executed(): Promise<Node[]> {
    const nodes: Node[] = [];
    for (const { text, values } of watch.asked.filter(isQuestion)) {
      const [row] = await sql.unsafe(
        `explain (analyze, timing off, format json) ${text}`,
        [...values],
      ) as unknown as [{ "QUERY PLAN": string | [Explained] }];
      const plan = row["QUERY PLAN"];
      const [{ Plan: root }] = typeof plan === "string" ? JSON.parse(plan) as [Explained] : plan;
      nodes.push(...nodesOf(root));
    }
    return nodes;
  }

  await t.step(
    "a page reads a bounded number of runs and entries, however many there are",
    async () => {
      const found: string[] = [];
      for (const [name, page] of Object.entries(pagesOf(client, VERSIONS))) {
        watch.asked.length = 0;
        await page();
        let read = 0;
        for (const node of await executed()) {
          if (READ.includes(node["Relation Name"] ?? "")) read += rowsOf(node);
        }
        const most = MORE[name] ?? MOST;
        if (read > most) found.push(`${name}: found ${read} rows read, wanted at most ${most}`);
      }
      assert.deepEqual(found, []);
    },
  );

  await t.step("health() looks only at versions whose runs are parked or given back", async () => {
    watch.asked.length = 0;
    await client.health();
    let [entered, paired] = [0, 0];
    for (const node of await executed()) {
      if (node["Relation Name"] === "runs") entered += node["Actual Loops"];
      paired += (node["Rows Removed by Join Filter"] ?? 0) * node["Actual Loops"];
    }
    assert.ok(entered < VERSIONS / 4, `the runs were asked ${entered} times`);
    assert.equal(paired, 0, "no task is paired with versions of other tasks");
  });

  await t.step("pages hold the runs that meet all conditions, in order, without gaps", async () => {
    const at = new Date(Date.now() - 100 * 86_400_000);
    const conditions = conditionsAt(at);
    const found: string[] = [];
    for (const [index, [first, firstSql]] of conditions.entries()) {
      for (const [second, secondSql] of conditions.slice(index + 1)) {
        const where = { and: [first, second] };
        const direction = index % 2 === 0 ? "desc" : "asc";
        const namespace = index % 3 === 0 ? "blue" : "default";
        const naive = await sql.unsafe(
          `select run_id from ${schema}.runs as run
          where namespace = '${namespace}' and ${firstSql} and ${secondSql}
          order by created_at ${direction}, id ${direction} limit 12`,
        ) as unknown as { run_id: string }[];
        const ids: string[] = [];
        let cursor: string | null | undefined;
        for (let page = 0; page < 3 && cursor !== null; page++) {
          const asked = { where, namespace, limit: 4, orderBy: { by: "createdAt", direction } };
          const after = cursor === undefined ? {} : { cursor };
          const answer = await client.runs.query({ ...asked, ...after } as QueryOptions);
          ids.push(...answer.runs.map(({ id }) => id));
          cursor = answer.cursor;
        }
        const counted = await client.runs.count({ where, namespace, limit: 12 });
        const wanted = naive.map(({ run_id }) => run_id);
        if (ids.join() !== wanted.join() || counted !== wanted.length) {
          found.push(`${JSON.stringify(where)}: ${ids} (${counted}), wanted ${wanted}`);
        }
      }
    }
    assert.deepEqual(found, []);
  });
  await sql.end();
});

/** Conditions, and the same in plain SQL. */
function conditionsAt(at: Date): readonly (readonly [RunWhere, string])[] {
  const ofVersion = `(
    select hash from continuum.workflow_specifiers as pin where pin.id = run.specifier_id
  )`;
  const isCurrent = `${ofVersion} in (select current_hash from continuum.workflows)`;
  const oldest = versionHash(1);
  const other = versionHash(VERSIONS - 3);
  return [
    [{ workflow: "w7" }, "workflow = 'w7'"],
    [{ workflow: { in: ["w1", "w8"] } }, "workflow in ('w1', 'w8')"],
    [{ state: "live" }, "ended_at is null"],
    [{ state: "suspended" }, "state = 'suspended'"],
    [{ state: "pending" }, "state = 'pending'"],
    [{ state: { in: ["pending", "running", "parked"] } }, "state ~ 'pending|running|stuck'"],
    [{ state: { in: ["running", "suspended"] } }, "state in ('running', 'suspended')"],
    [{ state: "running" }, "state = 'running'"],
    [{ state: { in: ["failed", "cancelled"] } }, "state in ('failed', 'cancelled')"],
    [{ version: { in: [oldest, other] } }, `${ofVersion} in ('${oldest}', '${other}')`],
    [{ version: { ne: oldest } }, `${ofVersion} <> '${oldest}'`],
    [{ current: true }, isCurrent],
    [{ current: false }, `not ${isCurrent}`],
    [{ createdAt: { lt: at } }, `created_at < '${at.toISOString()}'`],
    [{ createdAt: { gte: at } }, `created_at >= '${at.toISOString()}'`],
    [{ id: { prefix: "r-7" } }, "starts_with(run_id, 'r-7')"],
    [{ parent: KNOWN.parent }, "parent = 1"],
    [{ attributes: { tier: "iron" } }, "attributes->>'tier' = 'iron'"],
  ];
}

function isQuestion({ text }: Asked): boolean {
  return /^\s*(with|select)\b/.test(text);
}

interface Explained {
  readonly Plan: Node;
}

interface Node {
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly Plans?: readonly Node[];
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Postgres reports averages of all loops. */
function rowsOf(node: Node): number {
  const each = node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  return Math.round(each * node["Actual Loops"]);
}
