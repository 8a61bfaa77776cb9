/**
 * What a long transaction elsewhere costs, which keeps vacuum from removing old rows:
 *
 *     deno run -A bench/held_back.ts [runs]
 *
 * One server does the same work twice: alone, and while a transaction holds a snapshot from before. A
 * run has a step, a task and a sleep, so it is claimed twice. After each tenth of the runs, a line says
 * how long they took, what the claim of nothing costs, and how large the tables are.
 *
 * @module
 */

import { Continuum } from "../src/continuum.ts";
import { openStore } from "../src/store/open.ts";
import { postgres } from "../src/store/postgres/mod.ts";
import type { SqlDriver } from "../src/store/sql/driver.ts";
import { startPostgres } from "../tests/support/embedded_postgres.ts";
import { makeFolder } from "../tests/support/modules.ts";

const WORK = `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
export const act = defineActivity({ name: "act" }, (n: number) => n);
export default defineWorkflow({ name: "work" }, async (ctx, n: number) => {
  await ctx.run("step", () => n);
  await ctx.activity(act, n);
  await ctx.sleep(1);
  return n;
});
`;

const TABLES = ["runs", "leases", "events"];
const ALL = Number(Deno.args[0] ?? 20_000);
const PARTS = 10;
const CLAIMS = 200;

for (const isHeld of [false, true]) {
  print(`\n${isHeld ? "while a transaction holds a snapshot" : "alone"}`);
  print(
    `| runs | ms a run | server ms a run | server ms a claim of nothing | ${
      TABLES.join(" MB | ")
    } MB |`,
  );
  print(`| --- | --- | --- | --- | ${TABLES.map(() => "---").join(" | ")} |`);
  await using server = await startPostgres({
    settings: { fsync: "off", autovacuum_naptime: "5s", shared_buffers: "256MB" },
  });
  await using folder = await makeFolder({ "work.ts": WORK });
  const admin = await postgres(server.url).open();
  const held = await postgres(server.url).open();
  await using node = await Continuum.open({
    database: server.url,
    workflows: [folder.url + "work.ts"],
    linger: 0,
    maxResidentRuns: 200,
    queues: { default: { concurrency: 100 } },
  });
  const over = Promise.withResolvers<void>();
  const hold = isHeld
    ? held.transaction(async (session) => {
      await session.query("set transaction isolation level repeatable read");
      await session.query("select count(*) from continuum.runs");
      await over.promise;
    })
    : undefined;
  for (let part = 0; part < PARTS; part++) {
    const [began, cpu] = [performance.now(), await serverMs(admin)];
    const started = await node.startMany(
      "work",
      Array.from({ length: ALL / PARTS }, (_, n) => ({ input: n })),
    );
    await Promise.all(started.map((item) => "run" in item ? item.run.result() : undefined));
    const runMs = (performance.now() - began) / (ALL / PARTS);
    const runCpu = (await serverMs(admin) - cpu) / (ALL / PARTS);
    const sizes = await Promise.all(TABLES.map(async (table) => {
      const [row] = await admin.query<{ mb: number }>(
        `select pg_total_relation_size('continuum.${table}')::float8 / 1048576 as mb`,
      );
      return row!.mb.toFixed(1);
    }));
    const cells = [(part + 1) * ALL / PARTS, runMs.toFixed(2), runCpu.toFixed(2)];
    print(`| ${[...cells, (await claimMs(server.url, admin)).toFixed(2), ...sizes].join(" | ")} |`);
  }
  over.resolve();
  await hold;
  for (const driver of [admin, held]) await driver.close();
}

/** The processor time of all server processes so far, as Linux counts it. */
async function serverMs(admin: SqlDriver): Promise<number> {
  let ticks = 0;
  const [row] = await admin.query<{ data: string }>(
    "select current_setting('data_directory') as data",
  );
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const cwd = await Deno.readLink(`/proc/${name}/cwd`).catch(() => "");
    if (cwd !== row!.data) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * 10;
}

/** What a claim costs the server where nothing is due, in milliseconds of its processor. */
async function claimMs(database: string, admin: SqlDriver): Promise<number> {
  await using store = await openStore({ database });
  await store.nodes.open({ id: "looks", name: "looks", leaseMs: 60_000 });
  const before = await serverMs(admin);
  for (let n = 0; n < CLAIMS; n++) {
    await store.runs.claim({ node: "looks", limit: 10, excluded: [] });
    await store.runs.nextWake([]);
  }
  const cpu = await serverMs(admin) - before;
  await store.nodes.close("looks");
  return cpu / CLAIMS;
}

function print(line: string): void {
  // deno-lint-ignore no-console -- what a person reads
  console.log(line);
}
