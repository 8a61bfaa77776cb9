/**
 * The costs that do not depend on the machine: how many commits, rows and bytes a step takes, and
 * which indexes the statements of the hot path use.
 *
 * @module
 */

import assert from "node:assert/strict";
import { millionRows } from "../../bench/million.ts";
import bench, { HOOKS } from "../../bench/peers_workflow.ts";
import { type Place, postgresPlaces } from "../../bench/places.ts";
import { W1 } from "../../bench/throughput.ts";
import { Continuum } from "../../mod.ts";
import type { DatabaseAdapter, SqlSession, SqlValue } from "../../src/store/driver.ts";
import { postgres } from "../../src/store/postgres.ts";
import { startPostgres } from "../support/embedded_postgres.ts";

Deno.test("a step costs under 0.05 commits, one row, and a bounded share of the WAL", async () => {
  await using server = await startPostgres(); // the WAL that others write must not count
  await using places = await postgresPlaces(server.url);
  await using place = await places.fresh();
  const sizes = { many: 0, parked: 0, long: [], rows: 0, idleSeconds: 0 };
  const found = await W1.measure(place, sizes, 1) as { pg: Record<string, number> };
  const { xact_step, wal_bytes_step, ins_step, upd_step, hot_ratio } = found.pg;
  assert.ok(xact_step! < 0.05, `found ${xact_step} commits a step`);
  assert.ok(ins_step! <= 1.11, `found ${ins_step} rows inserted a step, wanted events and runs`);
  assert.ok(upd_step! <= 1.11, `found ${upd_step} rows updated a step, wanted one an event or end`);
  assert.ok(hot_ratio! >= 0.89, `found ${hot_ratio} of the updates of runs to be heap-only`);
  assert.ok(wal_bytes_step! < 480, `found ${wal_bytes_step} bytes of WAL a step`);
});

Deno.test("every statement of the hot path uses an index, with 100,000 runs in the table", async () => {
  await using server = await startPostgres();
  await using places = await postgresPlaces(server.url);
  await using place = await places.fresh();
  (globalThis as unknown as { [HOOKS]: unknown })[HOOKS] = { step() {}, park() {}, done() {} };
  const statements = new Map<string, readonly SqlValue[]>();
  const options = {
    database: watched(postgres(place.options.database as string), statements),
    schema: place.options.schema,
    workflows: [import.meta.resolve("../../bench/peers_workflow.ts")],
  };
  await (await Continuum.open(options)).close(); // what registering a version asks is not hot
  await millionRows(place, 100_000);
  await using client = await Continuum.connect(options);
  await using node = await Continuum.open({ ...options, linger: 1, lease: 300 });
  statements.clear();
  for (const starter of [node, client]) {
    const run = await starter.start(bench, { i: 0, n: 3, park: true });
    const other = client.run(run.id);
    while ((await other.status()).state !== "suspended");
    await other.signal("go", 1, { deliveryId: "once" });
    assert.deepEqual(await other.result(), { i: 0 });
  }
  const scans = await scansOf(place, statements);
  assert.ok(statements.size > 8, `found ${statements.size} statements`);
  assert.deepEqual(scans, []);
});

/** Notes each statement, with the values that it had last. */
function watched(
  database: DatabaseAdapter,
  statements: Map<string, readonly SqlValue[]>,
): DatabaseAdapter {
  const session = (inner: SqlSession): SqlSession => ({
    query(text, values = []) {
      statements.set(text, values);
      return inner.query(text, values);
    },
    script: (text) => inner.script(text),
  });
  return {
    description: database.description,
    async open() {
      const driver = await database.open();
      const { query } = session(driver);
      const impatient = session(driver.impatient);
      return new Proxy(driver, {
        get(target, key) {
          if (key === "query") return query;
          if (key === "impatient") return impatient;
          const value = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
}

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly Plan[];
}

/** Statements that read a whole table which grows with the number of runs. */
async function scansOf(
  place: Place,
  statements: ReadonlyMap<string, readonly SqlValue[]>,
): Promise<string[]> {
  const driver = await postgres(place.options.database as string).open();
  const found: string[] = [];
  for (const [text, values] of statements) {
    if (!/^\s*(with|select|update|insert|delete)\b/.test(text)) continue;
    const [row] = await driver.query<{ "QUERY PLAN": [{ Plan: Plan }] | string }>(
      `explain (format json) ${text}`,
      values,
    );
    const plan = row?.["QUERY PLAN"] ?? "[]";
    const [{ Plan: root }] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [
      { Plan: Plan },
    ];
    for (const node of nodesOf(root)) {
      if (node["Node Type"] === "Seq Scan" && node["Relation Name"] === "runs") {
        found.push(text.replace(/\s+/g, " ").trim().slice(0, 120));
      }
    }
  }
  await driver.close();
  return found;
}

function* nodesOf(plan: Plan): Iterable<Plan> {
  yield plan;
  for (const inner of plan.Plans ?? []) yield* nodesOf(inner);
}
