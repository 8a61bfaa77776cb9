/**
 * Nodes behind a real PgBouncer that hands out transactions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres, type PostgresOptions } from "../../src/store/postgres.ts";
import { postgresPlace, postgresUrl } from "../support/database.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { makeFolder } from "../version/fixture.ts";
import { BRISK, resultOf } from "./stage.ts";

const ORDER = `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
export const double = defineActivity({ name: "double" }, (n: number) => 2 * n);
export default defineWorkflow({ name: "order" }, async (ctx, n: number) => {
  let sum = await ctx.run("one", () => n);
  sum += await ctx.transaction("two", async (tx) => {
    const [row] = await tx.query<{ n: number }>("select $1::integer as n", [n]);
    return row!.n;
  });
  sum += await ctx.activity(double, n);
  sum += await ctx.waitForSignal<number>("go");
  await ctx.sleep(5);
  return sum;
});
`;

/** Settings that a store may meet: few sessions for many clients, and hostile defaults. */
const POOLERS: Readonly<Record<string, [Record<string, string>, PostgresOptions]>> = {
  "as it comes": [{}, {}],
  "told that statements may be prepared, which it can't": [{}, { prepare: true }],
  "that changes sessions each time": [{ server_round_robin: "1" }, {}],
};

for (const [what, [settings, options]] of Object.entries(POOLERS)) {
  Deno.test({
    name: `A3: three nodes and a client work through a pooler of transactions ${what}`,
    ignore: !hasPgBouncer,
    fn: async () => {
      await using place = await postgresPlace();
      await using folder = await makeFolder({ "order.ts": ORDER });
      await using pooler = await startPgBouncer(postgresUrl(), {
        pool_mode: "transaction",
        default_pool_size: "6",
        ...settings,
      });
      const open = async (isNode: boolean) => {
        const shared = {
          database: postgres(pooler.url, { listenUrl: postgresUrl(), ...options }),
          schema: place.schema,
        };
        return isNode
          ? await Continuum.open({ ...BRISK, ...shared, workflows: [folder.url + "order.ts"] })
          : await Continuum.connect(shared);
      };
      await using first = await open(true);
      await using second = await open(true);
      await using third = await open(true);
      await using client = await open(false);
      const all = [first, second, third, client];
      const runs = await Promise.all(
        Array.from(
          { length: 40 },
          (_, n) => all[n % all.length]!.start<number>("order", n, { runId: `r${n}` }),
        ),
      );
      await Promise.all(
        runs.map((run, n) => all[(n + 1) % all.length]!.run(run.id).signal("go", 1)),
      );
      const results = await Promise.all(runs.map((run) => resultOf(run)));
      assert.deepEqual(results, runs.map((_, n) => 4 * n + 1));
      const rows = await place.query<{ n: number }>(
        "select count(*)::integer as n from {schema}.runs where state = 'completed'",
      );
      assert.equal(rows[0]?.n, runs.length);
    },
  });
}

Deno.test({
  name: "H2: without a way to the server nothing is listened to, and runs are found all the same",
  ignore: !hasPgBouncer,
  fn: async () => {
    await using place = await postgresPlace();
    await using pooler = await startPgBouncer(postgresUrl(), { pool_mode: "transaction" });
    const driver = await postgres(pooler.url).open();
    const end = await driver.listen!("somewhere", () => {}, () => {});
    const listening = await place.query(
      "select from pg_stat_activity where query like 'listen%somewhere%'",
    );
    assert.deepEqual(listening, []);
    await end();
    await driver.close();
  },
});

Deno.test({
  name: "A3: the journal waits for no lock behind a pooler either, and leaves no session changed",
  ignore: !hasPgBouncer,
  fn: async () => {
    await using pooler = await startPgBouncer(postgresUrl(), {
      pool_mode: "transaction",
      default_pool_size: "1",
    });
    const driver = await postgres(pooler.url).open();
    const ask =
      "select current_setting('lock_timeout') as it, current_setting('search_path') as at";
    const before = await driver.transaction((session) => session.query(ask), { isUsers: true });
    const own = await driver.impatient.query<{ it: string }>(ask);
    const after = await driver.transaction((session) => session.query(ask), { isUsers: true });
    await driver.close();
    assert.equal(own[0]?.it, "50ms");
    assert.deepEqual(after, before);
  },
});
