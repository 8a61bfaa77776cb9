/**
 * `deno task bench`: measures the engine on a real Postgres (the one that `DATABASE_URL` names,
 * else one that is started for this and removed afterwards), on PGlite, and in memory what needs no
 * database of its own. Prints a JSON line for each measurement, then medians with their targets.
 *
 *     deno task bench [W1 W2 ...] [--quick] [--reps=5] [--database=postgres,pglite,memory]
 *     deno task bench --explain [W1 ...]    plans and statements; see explain.ts
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { startPostgres } from "../tests/support/embedded_postgres.ts";
import { explain } from "./explain.ts";
import {
  type BenchDatabases,
  memoryDatabases,
  pgliteDatabases,
  postgresDatabases,
} from "./databases.ts";
import { line, summary, table } from "./report.ts";
import { TARGETS } from "./targets.ts";
import { WORKLOADS } from "./workloads.ts";
import type { Measurement, Sizes } from "./workload.ts";

const FULL: Sizes = {
  many: 10_000,
  parked: 2_000,
  long: [1_000, 10_000],
  rows: 1_000_000,
  idleSeconds: 60,
};
const QUICK: Sizes = {
  many: 2_000,
  parked: 500,
  long: [1_000, 4_000],
  rows: 100_000,
  idleSeconds: 20,
};

const KINDS = ["postgres", "pglite", "memory"];

interface Choice {
  readonly names: readonly string[];
  readonly kinds: readonly string[];
  readonly reps: number;
  readonly sizes: Sizes;
}

const OPTION = /^--(quick|explain|database=.+|reps=[1-9]\d*)$/;

function choice(args: readonly string[]): Choice {
  const unknown = args.find((arg) => arg.startsWith("--") && !OPTION.test(arg));
  if (unknown !== undefined) {
    const known = "--quick, --explain, --database=postgres,pglite,memory or --reps=5";
    throw new Error(`Cannot use ${unknown}: there is no such option, wanted ${known}`);
  }
  const option = (name: string) =>
    args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const quick = args.includes("--quick");
  const names = args.filter((arg) => !arg.startsWith("--"));
  for (const name of names) {
    if (WORKLOADS.some((workload) => workload.name === name)) continue;
    const known = WORKLOADS.map((workload) => workload.name).join(", ");
    throw new Error(`Cannot measure ${name}: there is no such workload, wanted one of ${known}`);
  }
  return {
    names,
    kinds: option("database")?.split(",") ?? KINDS,
    reps: Number(option("reps") ?? (quick ? 1 : 5)),
    sizes: quick ? QUICK : FULL,
  };
}

/** Repetitions go round the workloads, so that a disturbance does not meet all of one. */
async function measureAll(
  databases: BenchDatabases,
  { names, reps, sizes }: Choice,
): Promise<Record<string, unknown>[]> {
  const chosen = WORKLOADS.filter(({ name, on = ["postgres", "pglite"] }) =>
    on.includes(databases.kind) && (names.length === 0 || names.includes(name))
  );
  if (chosen.length === 0) return [];
  const { kind: database, release } = databases;
  line({ database, release, deno: Deno.version.deno, at: new Date() });
  const found = new Map<string, Measurement[]>();
  for (let rep = 0; rep < reps; rep++) {
    for (const { name, measure } of chosen) {
      const before = found.get(name) ?? [];
      if (before.length > rep) continue; // they were taken together
      await using db = await databases.fresh();
      const measured = [await measure(db, sizes, reps)].flat();
      for (const [i, measurement] of measured.entries()) {
        const about = { peer: "continuum", workload: name, version: config.version, database };
        line({ ...about, rep: rep + i, ...measurement });
      }
      found.set(name, [...before, ...measured]);
    }
  }
  return TARGETS.flatMap((target): Record<string, unknown>[] => {
    const row = summary(target, database, found.get(target.workload) ?? []);
    return row === null ? [] : [row];
  });
}

async function main(): Promise<void> {
  const chosen = choice(Deno.args);
  if (Deno.args.includes("--explain")) {
    const names = chosen.names.length === 0 ? ["W1", "SIGNAL", "ACTIVITIES"] : chosen.names;
    return await explain(WORKLOADS.filter(({ name }) => names.includes(name)), chosen.sizes);
  }
  const given = Deno.env.get("DATABASE_URL");
  const rows: Record<string, unknown>[] = [];
  for (const kind of chosen.kinds) {
    await using server = kind === "postgres" && given === undefined
      ? await startPostgres()
      : undefined;
    await using databases = kind === "postgres"
      ? await postgresDatabases(given ?? server?.url as string)
      : kind === "pglite"
      ? await pgliteDatabases()
      : memoryDatabases();
    rows.push(...await measureAll(databases, chosen));
  }
  table(rows);
}

await main();
