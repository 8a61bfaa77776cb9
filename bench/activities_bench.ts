/**
 * Activities through the task queue: runs of ten activities in sequence, in one process.
 *
 *     deno run -A bench/activities_bench.ts postgres://... [runs] [local|queued]
 *
 * `local`: they begin where their run is. `queued`: each goes through its queue, as a limit of the
 * rate makes it, which is never reached here.
 *
 * @module
 */

import { Continuum } from "../mod.ts";
import { postgres } from "../src/store/postgres.ts";
import workflow from "./activities_workflow.ts";

const [url = "", count = "500", mode = "local"] = Deno.args;
const runs = Number(count);
const adapter = postgres(url, { connections: 4 });
const driver = await adapter.open();
const schema = `bench_${crypto.randomUUID().slice(0, 8)}`;
const rateLimit = { limit: 1_000_000, per: 1_000 };
{
  await using continuum = await Continuum.open({
    database: adapter,
    schema,
    workflows: [import.meta.resolve("./activities_workflow.ts")],
    activityConcurrency: 500,
    ...(mode === "queued" ? { queues: { default: { rateLimit } } } : {}),
  });
  for (let round = 0; round < 6; round++) {
    const before = await counters();
    const start = performance.now();
    const handles = await Promise.all(
      Array.from({ length: runs }, () => continuum.start(workflow, 10)),
    );
    await Promise.all(handles.map((handle) => handle.result()));
    const seconds = (performance.now() - start) / 1000;
    const after = await counters();
    const activities = runs * 10;
    const each = (key: keyof typeof after) => (after[key] - before[key]) / activities;
    if (round === 0) continue; // warms up
    // deno-lint-ignore no-console -- what a benchmark is for
    console.log(JSON.stringify({
      mode,
      activities,
      perSecond: Math.round(activities / seconds),
      commits: Number(each("commits").toFixed(3)),
      rows: Number(each("rows").toFixed(2)),
      walBytes: Math.round(each("wal")),
    }));
  }
}
await driver.script(`drop schema "${schema}" cascade`);
await driver.close();

async function counters(): Promise<{ commits: number; rows: number; wal: number }> {
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // sessions report once a second
  const [row] = await driver.query<{ commits: number; rows: number; wal: number }>(
    `select xact_commit as commits, (tup_inserted + tup_updated + tup_deleted) as rows,
      (pg_current_wal_insert_lsn() - '0/0')::bigint as wal
    from pg_stat_database where datname = current_database()`,
  );
  return row!;
}
