/**
 * The plans of what is asked often, with many runs in the table: `deno task plans` has 1,000,000.
 *
 * @module
 */

import assert from "node:assert/strict";
import { millionRows } from "../../bench/million.ts";
import bench, { HOOKS } from "../../bench/peers_workflow.ts";
import { type BenchDatabase, postgresDatabases } from "../../bench/databases.ts";
import { afterTurn } from "../../bench/fixtures.ts";
import { statementNames } from "../../bench/statement_names.ts";
import { Continuum, type OpenOptions } from "../../mod.ts";
import type { SqlValue } from "../../src/store/sql/driver.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import "../support/primed_hooks.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import everything from "./plans_workflow.ts";
import { Watch } from "./watched.ts";

const ROWS = Number(Deno.env.get("CONTINUUM_TEST_ROWS") ?? 100_000);

/** Statements that run often, or that a monitoring user runs. The test must have run each, or it shows nothing. */
const HOT = [
  "deliveries.deliverMany",
  "health.due",
  "health.expiredNodes",
  "health.expiredTasks",
  "health.failing",
  "health.lateSchedules",
  "health.stuck",
  "health.unnotifiedEnds",
  "health.waiting",
  "inserts.insert",
  "inserts.insertAll",
  "inserts.rename",
  "inserts.terminate",
  "journal.append",
  "journal.load",
  "journal.open",
  "lineage.startChildren",
  "nodes.expire",
  "nodes.free",
  "nodes.freeTasks",
  "nodes.heartbeat",
  "runs.answers",
  "runs.claim",
  "runs.deliver",
  "runs.get",
  "runs.nextWake",
  "runs.untaken",
  "runs.watch",
  "schedules.lockDue",
  "schedules.nextFire",
  "schedules.note",
  "schedules.progress",
  "schedules.read",
  "schedules.release",
  "tasks.announce",
  "tasks.answer",
  "tasks.claim",
  "tasks.claimExpired",
  "tasks.claimRated",
  "tasks.next",
  "tasks.waiting",
];

/** Tables that grow with the number of runs, but are small here: they must be indexed all the same. */
const GROWING = [
  "activity_results",
  "deliveries",
  "events",
  "idempotency_keys",
  "inbox",
  "schedule_runs",
  "tasks",
];

/** Nothing is lost if this server is. */
const FAST = { fsync: "off", full_page_writes: "off", max_wal_size: "8GB", autovacuum: "off" };

Deno.test("every statement that is asked often uses an index, with many runs", async () => {
  await using server = await startPostgres({ settings: FAST });
  await using databases = await postgresDatabases(server.url);
  await using db = await databases.fresh();
  const watch = new Watch(postgres(db.options.database as string));
  const options = {
    database: watch.database,
    schema: db.options.schema,
    workflows: [
      import.meta.resolve("../../bench/peers_workflow.ts"),
      import.meta.resolve("./plans_workflow.ts"),
    ],
  };
  await (await Continuum.open(options)).close(); // what registering a version asks is not hot
  await millionRows(db, ROWS);
  await query(
    db,
    `update continuum.runs set parent = id - 1, parent_close = 'cancel' where id % 20 = 0;
    analyze continuum.runs`,
  );
  watch.asked.length = 0;
  await askEverything(options, db);
  const nameOf = statementNames(options.schema);
  const asked = new Map(watch.asked.map(({ text, values }) => [text, values]));
  const names = new Set([...asked.keys()].map(nameOf));
  assert.deepEqual(HOT.filter((name) => !names.has(name)), [], "these were not asked");
  await using session = new Explainer(db);
  const found: string[] = [];
  for (const [text, values] of asked) {
    if (!/^\s*(with|select|update|insert|delete)\b/.test(text)) continue;
    const plans: Record<string, Plan> = {
      custom: await session.custom(text, values),
      generic: await session.generic(text),
    };
    for (const [kind, plan] of Object.entries(plans)) {
      for (const scan of scansOf(plan)) found.push(`${nameOf(text)}, ${kind} plan: ${scan}`);
    }
  }
  await session.forbidScans();
  for (const text of asked.keys()) {
    if (!/^\s*(with|select|update|insert|delete)\b/.test(text)) continue;
    for (const table of scanned(await session.generic(text))) {
      if (GROWING.includes(table)) found.push(`${nameOf(text)} knows no index of ${table}`);
    }
  }
  assert.deepEqual(found, []);
});

/** One node that executes runs and leaves activities to another, which a client makes work. */
async function askEverything(options: OpenOptions, db: BenchDatabase): Promise<void> {
  const parked = new Set<number>();
  const { promise: bothParked, resolve } = Promise.withResolvers<void>();
  const park = (i: number) => void (parked.add(i).size === 2 && afterTurn(resolve));
  (globalThis as unknown as { [HOOKS]: unknown })[HOOKS] = { step() {}, done() {}, park };
  await query(
    db,
    `insert into continuum.nodes (id, name, expires_at) values ('dead', 'dead', now())`,
  );
  const limit = { limit: 1, per: "100ms" };
  await using client = await Continuum.connect(options);
  await using node = await Continuum.open({
    ...options,
    linger: 1,
    lease: 300, // milliseconds: heartbeats come soon
    queues: { default: { concurrency: 0 }, rated: { concurrency: 0 } },
  });
  const queues = { rated: { rateLimit: limit } };
  await using _worker = await Continuum.open({ ...options, lease: 300, linger: 1, queues });
  const runs = await Promise.all([1, 2, 3].map((n) => node.start(everything, n)));
  for (const run of runs) {
    for (let times = 0; times < 2; times++) await run.ask("asked", null, { askId: "once" });
    await run.signal("go", null, { deliveryId: "once" });
    await run.result();
  }
  const waiting = await Promise.all(
    [0, 1].map((i) => client.start(bench, { i, n: 1, park: true }, { idempotencyKey: `${i}` })),
  );
  await bothParked;
  await node.run(waiting[0]!.id).upgrade({ dryRun: true });
  await Promise.all(waiting.map((run) => run.signal("go")));
  await Promise.all(waiting.map((run) => run.result()));
  const input = { i: 8, n: 1, park: false };
  for (const ifExists of ["error", "terminate", "replaceEnded"] as const) {
    const run = await client.start(bench, input, { runId: "again", ifExists });
    await run.result();
    await run.status();
  }
  await client.schedules.create({
    id: "once",
    workflow: "bench",
    input: { i: 9, n: 1, park: false },
    at: new Date(0),
  });
  while ((await client.schedules.get("once")).last === null);
  await client.health();
}

async function query(db: BenchDatabase, text: string): Promise<void> {
  const sql = db.server!.session();
  await sql.unsafe(text).simple();
  await sql.end();
}

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly Plans?: readonly Plan[];
}

/** Asks for plans, of the statement with its values and of the statement for any values. */
class Explainer implements AsyncDisposable {
  readonly #sql: ReturnType<NonNullable<BenchDatabase["server"]>["session"]>;

  constructor(db: BenchDatabase) {
    this.#sql = db.server!.session();
  }

  async custom(text: string, values: readonly SqlValue[]): Promise<Plan> {
    return planIn(await this.#sql.unsafe(`explain (format json) ${text}`, [...values]));
  }

  async generic(text: string): Promise<Plan> {
    return planIn(await this.#sql.unsafe(`explain (generic_plan, format json) ${text}`).simple());
  }

  /** From now on a table is read whole only where no index could be used. */
  async forbidScans(): Promise<void> {
    await this.#sql.unsafe("set enable_seqscan = off");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sql.end();
  }
}

function planIn(rows: unknown): Plan {
  const [row] = rows as [{ "QUERY PLAN": string | [{ Plan: Plan }] }];
  const plan = row["QUERY PLAN"];
  const [{ Plan: root }] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [{ Plan: Plan }];
  return root;
}

/** Partial indexes: few of the runs stand in them, or they are read from their end. */
const PARTIAL = [
  "runs_due",
  "runs_to_start",
  "runs_stuck",
  "runs_to_notify",
  "runs_without_version",
];

/** Where a plan reads all runs. */
function* scansOf(plan: Plan): Iterable<string> {
  const { "Node Type": type, "Relation Name": relation, "Index Name": index } = plan;
  if (type.endsWith("Seq Scan") && relation === "runs") yield type;
  const isPartial = index !== undefined && PARTIAL.includes(index);
  if (index?.startsWith("runs_") && !isPartial && plan["Index Cond"] === undefined) {
    yield `${type} of all of ${index}`;
  }
  for (const inner of plan.Plans ?? []) yield* scansOf(inner);
}

/** Tables that a plan reads whole. */
function* scanned(plan: Plan): Iterable<string> {
  if (plan["Node Type"].endsWith("Seq Scan")) yield plan["Relation Name"]!;
  for (const inner of plan.Plans ?? []) yield* scanned(inner);
}
