/**
 * `deno task bench --explain`: what the server does for a workload. Starts a Postgres with
 * `auto_explain` and `pg_stat_statements`, and prints the statements that take most of its time,
 * and the plan that each had most often.
 *
 * @module
 */

import { startPostgres } from "../tests/support/embedded_postgres.ts";
import { sleep } from "./measure.ts";
import { type BenchDatabase, postgresDatabases } from "./databases.ts";
import { table } from "./report.ts";
import { statementNames } from "./statement_names.ts";
import type { Sizes, Workload } from "./workload.ts";

const SETTINGS = {
  shared_preload_libraries: "pg_stat_statements,auto_explain",
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_timing": "off",
  "auto_explain.log_verbose": "on", // names the query as pg_stat_statements does
  "auto_explain.log_parameter_max_length": "0",
  "auto_explain.log_format": "json",
};

/** Statements under this share of the time are left out. */
const LEAST_SHARE = 0.01;

/** A node of a plan, as Postgres prints it. */
interface PlanNode {
  readonly "Node Type": string;
  readonly "Subplan Name"?: string;
  readonly "Relation Name"?: string;
  readonly "CTE Name"?: string;
  readonly "Index Name"?: string;
  readonly Operation?: string;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly "Query Text": string;
  readonly Plan: PlanNode;
}

/** What `pg_stat_statements` counts. */
interface Counted {
  readonly id: string;
  readonly calls: number;
  readonly rows: number;
  readonly blocks: number;
  readonly wal: number;
  readonly share: number;
}

/**
 * Executes workloads once each, and prints what the server did.
 *
 * @param workloads Which ones.
 * @param sizes How large they are.
 */
export async function explain(workloads: readonly Workload[], sizes: Sizes): Promise<void> {
  let log = "";
  await using server = await startPostgres({ settings: SETTINGS, onLog: (text) => log += text });
  await using databases = await postgresDatabases(server.url);
  for (const { name, measure } of workloads) {
    await using db = await databases.fresh();
    await ask(db, "create extension pg_stat_statements");
    log = "";
    await measure(db, sizes, 1);
    await sleep(500); // the log comes through a pipe
    say(`\n## ${name}\n`);
    const counted = await ask<Counted>(db, COUNTED);
    report(counted, plansIn(log), db.options.schema);
  }
}

const COUNTED = `
  select queryid::text as id, calls::integer, rows::integer,
    (shared_blks_hit + shared_blks_read)::float8 as blocks, wal_bytes::float8 as wal,
    total_exec_time / sum(total_exec_time) over () as share
  from pg_stat_statements
  where dbid = (select oid from pg_database where datname = current_database())
  order by total_exec_time desc`;

async function ask<Row>(db: BenchDatabase, text: string): Promise<Row[]> {
  const sql = db.server!.session();
  const rows = await sql.unsafe(text);
  await sql.end();
  return [...rows] as Row[];
}

/** A statement's text, and how often it had which plan. */
interface Plans {
  readonly text: string;
  readonly shapes: Map<string, number>;
}

/** By the query's identifier. */
function plansIn(log: string): Map<string, Plans> {
  const found = new Map<string, Plans>();
  for (const [, json] of log.matchAll(/ plan:\n((?:\t.*\n)+)/g)) {
    const id = /"Query Identifier": (-?\d+)/.exec(json!)?.[1] ?? ""; // too large for a number
    const explained = parsed(json!);
    if (explained === null) continue;
    const { "Query Text": text, Plan: plan } = explained;
    const plans = found.get(id) ?? { text, shapes: new Map() };
    const shape = linesOf(plan).join("\n");
    plans.shapes.set(shape, (plans.shapes.get(shape) ?? 0) + 1);
    found.set(id, plans);
  }
  return found;
}

/** `null`: torn by another process that wrote at the same time. */
function parsed(json: string): Explained | null {
  try {
    return JSON.parse(json) as Explained;
  } catch {
    return null;
  }
}

function report(
  counted: readonly Counted[],
  plans: ReadonlyMap<string, Plans>,
  schema: string,
): void {
  const nameOf = statementNames(schema);
  const hot = counted.filter(({ id, share }) => share >= LEAST_SHARE && plans.has(id));
  table(hot.map(({ id, calls, rows, blocks, wal, share }) => ({
    statement: nameOf(plans.get(id)!.text),
    calls,
    "rows/call": Number((rows / calls).toFixed(1)),
    "pages/call": Math.round(blocks / calls),
    "WAL bytes/call": Math.round(wal / calls),
    "share of time": `${(share * 100).toFixed(0)} %`,
    plans: plans.get(id)!.shapes.size,
  })));
  for (const { id } of hot) {
    const { text, shapes } = plans.get(id)!;
    const [shape] = [...shapes].sort(([, a], [, b]) => b - a);
    say(`\n${nameOf(text)}\n${shape![0]}`);
  }
}

/** A plan without its numbers, indented. */
function linesOf(node: PlanNode, depth = 1): string[] {
  const parts = [
    node["Subplan Name"] === undefined ? "" : `${node["Subplan Name"]}: `,
    node.Operation ?? node["Node Type"],
    node["Relation Name"] === undefined ? "" : ` ${node["Relation Name"]}`,
    node["CTE Name"] === undefined ? "" : ` ${node["CTE Name"]}`,
    node["Index Name"] === undefined ? "" : ` by ${node["Index Name"]}`,
  ];
  const inner = node.Plans ?? [];
  return ["  ".repeat(depth) + parts.join(""), ...inner.flatMap((one) => linesOf(one, depth + 1))];
}

function say(text: string): void {
  // deno-lint-ignore no-console -- what a benchmark is for
  console.log(text);
}
