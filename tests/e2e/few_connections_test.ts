/**
 * Nodes that share a server which has fewer connections than they would use.
 *
 * @module
 */

import assert from "node:assert/strict";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { Worker } from "../support/processes.ts";
import { BRISK } from "../support/runs.ts";

const ORDER = `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
export const double = defineActivity({ name: "double" }, (n: number) => 2 * n);
export default defineWorkflow({ name: "order" }, async (ctx, n: number) => {
  const sum = await ctx.transaction("one", async (tx) => {
    const [row] = await tx.query<{ n: number }>("select $1::integer as n", [n]);
    return row!.n;
  });
  await ctx.sleep(5);
  return sum + await ctx.activity(double, n);
});
`;

for (const limit of [5, 4]) {
  Deno.test(`POSTGRES-2: two processes that share ${limit} connections complete all runs, and say what is missing`, async () => {
    await using db = await emptyPostgres();
    await using folder = await makeFolder({ "order.ts": ORDER });
    const role = `few_${crypto.randomUUID().slice(0, 8)}`;
    await db.query(`create role ${role} login password 'secret' connection limit ${limit}`);
    try {
      await db.query(`create schema {schema} authorization ${role}`);
      const url = Object.assign(new URL(postgresUrl()), { username: role, password: "secret" });
      const workflows = [folder.url + "order.ts"];
      const options = { ...BRISK, database: url.href, schema: db.schema, workflows };
      await using workers = new AsyncDisposableStack();
      const open = async () => workers.use(await Worker.start(options));
      const all = await Promise.all([open(), open()]);
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      const results = await Promise.all(all.map(async (own, index) => {
        const found: unknown[] = [];
        for (const n of numbers) await own.do("start", "order", n, `${index} ${n}`);
        for (const n of numbers) found.push(await own.do("result", `${index} ${n}`));
        return found;
      }));
      assert.deepEqual(results, all.map(() => numbers.map((n) => 3 * n)));
      const [row] = await db.query<{ n: number }>(
        "select count(*)::integer as n from {schema}.runs where state = 'completed'",
      );
      assert.equal(row?.n, all.length * numbers.length);
      const expected = /^Cannot .* too many connections for role .* needs two connections/;
      for (const worker of all) {
        const faults = await worker.do("faults") as string[];
        assert.deepEqual(faults.filter((fault) => !expected.test(fault)), []);
        await worker.do("close");
      }
    } finally {
      await db.query("drop schema if exists {schema} cascade");
      await db.query(`drop role ${role}`);
    }
  });
}
