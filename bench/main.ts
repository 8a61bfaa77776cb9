/**
 * `deno task bench`: measures the engine on a real Postgres (the one that `DATABASE_URL` names, else
 * one that is started for this and removed afterwards) and on PGlite. Prints a JSON line for each
 * measurement, then medians with their targets.
 *
 *     deno task bench [W1 W2 ...] [--quick] [--reps=5] [--database=postgres|pglite]
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { startPostgres } from "../tests/support/embedded_postgres.ts";
import { pglitePlaces, type Places, postgresPlaces } from "./places.ts";
import { line, summary, table } from "./report.ts";
import { TARGETS } from "./targets.ts";
import { type Measurement, type Sizes, type Workload, WORKLOADS } from "./workloads.ts";

const FULL: Sizes = { parked: 2_000, long: [1_000, 10_000], rows: 1_000_000, idleSeconds: 30 };
const QUICK: Sizes = { parked: 500, long: [1_000, 4_000], rows: 100_000, idleSeconds: 10 };

interface Choice {
  readonly names: readonly string[];
  readonly kinds: readonly string[];
  readonly reps: number;
  readonly sizes: Sizes;
}

function choice(args: readonly string[]): Choice {
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
    kinds: option("database")?.split(",") ?? ["postgres", "pglite"],
    reps: Number(option("reps") ?? (quick ? 1 : 5)),
    sizes: quick ? QUICK : FULL,
  };
}

/** Repetitions go round the workloads, so that a disturbance does not meet all of one. */
async function measureAll(
  places: Places,
  { names, reps, sizes }: Choice,
): Promise<Record<string, unknown>[]> {
  const chosen = WORKLOADS.filter(({ name }) => names.length === 0 || names.includes(name));
  const found = new Map<string, Measurement[]>();
  for (let rep = 0; rep < reps; rep++) {
    for (const workload of chosen) {
      if (rep >= (workload.reps ?? reps)) continue;
      const about = { peer: "continuum", workload: workload.name, version: config.version };
      const measurement = {
        ...about,
        database: places.kind,
        rep,
        ...await once(places, workload, sizes),
      };
      if (rep > 0 && "skipped" in measurement) continue;
      line(measurement);
      found.set(workload.name, [...found.get(workload.name) ?? [], measurement]);
    }
  }
  return TARGETS.flatMap((target): Record<string, unknown>[] => {
    const measurements = found.get(target.workload) ?? [];
    const row = summary(target, places.kind, measurements);
    return row === null ? [] : [row];
  });
}

async function once(places: Places, workload: Workload, sizes: Sizes): Promise<Measurement> {
  if (workload.measure === undefined) return { skipped: workload.skipped };
  if (workload.server === true && places.kind !== "postgres") return { skipped: "needs a server" };
  await using place = await places.fresh();
  return await workload.measure(place, sizes);
}

async function main(): Promise<void> {
  const chosen = choice(Deno.args);
  const given = Deno.env.get("DATABASE_URL");
  const rows: Record<string, unknown>[] = [];
  if (chosen.kinds.includes("postgres")) {
    await using server = given === undefined ? await startPostgres() : undefined;
    await using places = await postgresPlaces(given ?? server?.url as string);
    line({
      database: places.kind,
      release: places.release,
      deno: Deno.version.deno,
      at: new Date(),
    });
    rows.push(...await measureAll(places, chosen));
  }
  if (chosen.kinds.includes("pglite")) {
    await using places = await pglitePlaces();
    line({
      database: places.kind,
      release: places.release,
      deno: Deno.version.deno,
      at: new Date(),
    });
    rows.push(...await measureAll(places, chosen));
  }
  table(rows);
}

await main();
