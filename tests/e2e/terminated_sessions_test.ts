/**
 * An administrator ends every session of the nodes, again and again.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { Worker } from "../support/processes.ts";
import { BRISK } from "../support/runs.ts";

const ORDER = `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
export const double = defineActivity({ name: "double", retry: { initial: 10 } }, (n: number) => 2 * n);
export default defineWorkflow({ name: "order" }, async (ctx, n: number) => {
  let sum = 0;
  for (let round = 0; round < 3; round++) {
    sum += await ctx.run("one", () => n);
    sum += await ctx.transaction("two", async (tx) => {
      await tx.query("insert into TABLE values ($1, $2)", [ctx.runId, round]);
      return n;
    }, { retry: { initial: 10, maxAttempts: 100 } });
    sum += await ctx.activity(double, n);
    await ctx.sleep(20);
  }
  return sum;
});
`;

Deno.test("however often all sessions are ended, two processes complete all runs, each write once", async () => {
  await using db = await emptyPostgres();
  const { schema } = db;
  await using folder = await makeFolder({
    "order.ts": ORDER.replace("TABLE", `${schema}_own.written`),
  });
  const role = `ended_${crypto.randomUUID().slice(0, 8)}`;
  await db.query(`create role ${role} login password 'secret'`);
  try {
    await db.query(`create schema {schema} authorization ${role}`);
    await db.query(`create schema ${schema}_own authorization ${role}`);
    await db.query(`create table ${schema}_own.written (run text, round integer)`);
    await db.query(`grant insert on ${schema}_own.written to ${role}`);
    const url = Object.assign(new URL(postgresUrl()), { username: role, password: "secret" });
    const workflows = [folder.url + "order.ts"];
    const options = { ...BRISK, database: url.href, schema, workflows };
    await using workers = new AsyncDisposableStack();
    const open = async () => workers.use(await Worker.start(options));
    const all = await Promise.all([open(), open()]);
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    let ended = 0;
    const endAll = async () => {
      const sessions = await db.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1",
        [role],
      );
      ended += sessions.length;
    };
    for (const n of numbers) { // each start meets one of them, while earlier runs continue
      const starts = all.map((own, index) => own.do("start", "order", n, `${index} ${n}`));
      await Promise.all([...starts, endAll()]);
    }
    const results = await Promise.all(all.map(async (own, index) => {
      const found: unknown[] = [];
      for (const n of numbers) found.push(await own.do("result", `${index} ${n}`));
      return found;
    }));
    assert.deepEqual(results, all.map(() => numbers.map((n) => 12 * n)));
    assert.ok(ended >= all.length * numbers.length, `${ended} sessions were ended`);
    const [row] = await db.query<{ rows: number; runs: number }>(
      `select (select count(*)::integer from ${schema}_own.written) as rows, count(*)::integer as runs
       from (select distinct run, round from ${schema}_own.written) as each`,
    );
    assert.deepEqual({ ...row }, { rows: 180, runs: 180 });
    await using client = await Continuum.connect({ database: postgresUrl(), schema });
    const { status, findings } = await client.health();
    assert.equal(status, "ok", JSON.stringify(findings));
    for (const worker of all) {
      const { residentRuns } = await worker.do("readiness") as { residentRuns: number };
      assert.equal(residentRuns, 0);
      for (const fault of await worker.do("faults") as string[]) {
        assert.match(fault, /DatabaseUnavailableError|gave them back|too late/);
      }
      await worker.do("close");
    }
  } finally {
    await db.query(`drop schema if exists ${schema}_own, {schema} cascade`);
    await db.query(`drop role ${role}`);
  }
});
