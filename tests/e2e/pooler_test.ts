/**
 * Nodes behind a real PgBouncer in transaction mode.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres, type PostgresOptions } from "../../src/store/postgres/mod.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { makeFolder } from "../support/modules.ts";
import { Worker } from "../support/processes.ts";
import { BRISK, resultOf } from "../support/runs.ts";

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
    name: `POSTGRES-3: three nodes and a client work through a pooler of transactions ${what}`,
    ignore: !hasPgBouncer,
    fn: async () => {
      await using db = await emptyPostgres();
      await using folder = await makeFolder({ "order.ts": ORDER });
      await using pooler = await startPgBouncer(postgresUrl(), {
        pool_mode: "transaction",
        default_pool_size: "6",
        ...settings,
      });
      const open = async (isNode: boolean) => {
        const shared = {
          database: postgres(pooler.url, { listenUrl: postgresUrl(), ...options }),
          schema: db.schema,
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
      const rows = await db.query<{ n: number }>(
        "select count(*)::integer as n from {schema}.runs where state = 'completed'",
      );
      assert.equal(rows[0]?.n, runs.length);
    },
  });
}

/** Poolers in front of processes: settings, whether the server itself is named, and what may be logged. */
const SHARED: Readonly<Record<string, [Record<string, string>, boolean, RegExp?]>> = {
  "of transactions": [{ pool_mode: "transaction", default_pool_size: "6" }, true],
  "of transactions, whose server they are not told": [
    { pool_mode: "transaction", default_pool_size: "6" },
    false,
    /^Cannot listen for hints: the connection leads to a pooler/,
  ],
  "of sessions": [{ pool_mode: "session", default_pool_size: "60" }, false],
  "of sessions, half as many as they would use": [
    { pool_mode: "session", default_pool_size: "20" },
    false,
    /^Cannot (listen for hints now|begin transaction).* no session left; a node needs two/,
  ],
};

for (const [what, [settings, isServerNamed, expected]] of Object.entries(SHARED)) {
  Deno.test({
    name: `POSTGRES-3: four processes behind a pooler ${what} complete all runs, and log ${
      expected === undefined ? "no fault" : "only what is missing"
    }`,
    ignore: !hasPgBouncer,
    fn: async () => {
      await using db = await emptyPostgres();
      await using folder = await makeFolder({ "order.ts": ORDER });
      await using pooler = await startPgBouncer(postgresUrl(), settings);
      await using workers = new AsyncDisposableStack();
      const server = { url: pooler.url, ...(isServerNamed && { listenUrl: postgresUrl() }) };
      const workflows = [folder.url + "order.ts"];
      const options = { ...BRISK, server, schema: db.schema, workflows };
      const open = async () => workers.use(await Worker.start(options));
      const all = await Promise.all([open(), open(), open(), open()]);
      const numbers = Array.from({ length: 10 }, (_, n) => n);
      const results = await Promise.all(all.map(async (own, index) => {
        const found: unknown[] = [];
        for (const n of numbers) await own.do("start", "order", n, `${index} ${n}`);
        for (const n of numbers) await own.do("signal", `${index} ${n}`, "go", 1);
        for (const n of numbers) found.push(await own.do("result", `${index} ${n}`));
        return found;
      }));
      assert.deepEqual(results, all.map(() => numbers.map((n) => 4 * n + 1)));
      const [row] = await db.query<{ n: number }>(
        "select count(*)::integer as n from {schema}.runs where state = 'completed'",
      );
      assert.equal(row?.n, all.length * numbers.length);
      for (const worker of all) {
        const faults = await worker.do("faults") as string[];
        assert.deepEqual(faults.filter((fault) => expected?.test(fault) !== true), []);
        await worker.do("close");
      }
    },
  });
}

Deno.test({
  name: "COMMIT-3: a transaction outlives a session that has its statement from another client",
  ignore: !hasPgBouncer,
  fn: async () => {
    await using pooler = await startPgBouncer(postgresUrl(), {
      pool_mode: "transaction",
      default_pool_size: "1",
    });
    const [first, second] = [
      await postgres(pooler.url, { prepare: true }).open(),
      await postgres(pooler.url, { prepare: true }).open(),
    ];
    await first.query("select 7 as n");
    const rows = await second.transaction((session) => session.query("select 7 as n"));
    assert.deepEqual(rows.map((row) => ({ ...row as object })), [{ n: 7 }]);
    await first.close();
    await second.close();
  },
});

Deno.test({
  name:
    "LISTENER-2: without a way to the server nothing is listened to, and runs are found all the same",
  ignore: !hasPgBouncer,
  fn: async () => {
    await using db = await emptyPostgres();
    await using pooler = await startPgBouncer(postgresUrl(), { pool_mode: "transaction" });
    const driver = await postgres(pooler.url).open();
    const end = await driver.listen!("somewhere", () => {}, () => {});
    const listening = await db.query(
      "select from pg_stat_activity where query like 'listen%somewhere%'",
    );
    assert.deepEqual(listening, []);
    await end();
    await driver.close();
  },
});

Deno.test({
  name:
    "POSTGRES-2: behind a pooler with three sessions everything works, though it refuses no connection",
  ignore: !hasPgBouncer,
  fn: async () => {
    await using pooler = await startPgBouncer(postgresUrl(), {
      pool_mode: "session",
      default_pool_size: "3",
    });
    const driver = await postgres(pooler.url).open();
    const end = await driver.listen!("few", () => {}, () => {});
    const many = (ask: () => Promise<unknown>) => Promise.all(Array.from({ length: 9 }, ask));
    for (let round = 0; round < 3; round++) {
      await many(() => driver.impatient.query("select 1"));
      await many(() => driver.query("select 1"));
      await many(() =>
        driver.transaction((session) => session.query("select 1"), { isUsers: true })
      );
    }
    await end();
    await driver.close();
  },
});

Deno.test({
  name:
    "POSTGRES-3: the journal waits for no lock behind a pooler either, and leaves no session changed",
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
