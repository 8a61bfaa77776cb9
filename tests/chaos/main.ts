/**
 * `deno task chaos --minutes N --seed S`: rounds of chaos, each with the next seed, until the
 * minutes are over. It ends with code 1 if there was a finding, and says where all of it is.
 *
 * Each round has real worker processes over a Postgres of its own, callers that ask again, and
 * faults that its seed decides; then the checker looks at what stands in the tables.
 *
 * @module
 */

import { findingsOf, lineOf, Totals } from "./report.ts";
import { makeRound } from "./round.ts";

const DEFAULTS = { minutes: 10, seed: 1, workers: 4, rate: 6, round: 90, faultEvery: 1_000 };

const { minutes, seed, workers, rate, round, faultEvery } = readArgs(Deno.args);
const totals = new Totals();
let found = 0;
const began = performance.now();
for (let at = 0; performance.now() - began < minutes * 60_000; at++) {
  const left = minutes * 60 - (performance.now() - began) / 1_000;
  const outcome = await makeRound({
    seed: seed + at,
    seconds: Math.max(10, Math.min(round, Math.ceil(left))),
    workers,
    runsPerSecond: rate,
    faultEveryMs: faultEvery,
  });
  totals.add(outcome);
  print(lineOf(outcome));
  if (outcome.findings.length === 0) continue;
  found += outcome.findings.length;
  for (const line of findingsOf(outcome)) print(line);
  const path = await Deno.makeTempFile({ prefix: `chaos_${seed + at}_`, suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(outcome, plain, 1));
  print(`  all of it is in ${path}`);
}
print(totals.table());
for (const line of totals.logged(40)) print(line);
Deno.exit(found > 0 ? 1 : 0);

/** Reads `--minutes 10 --seed 1` and the others. */
function readArgs(args: readonly string[]): typeof DEFAULTS {
  const read: Record<string, number> = { ...DEFAULTS };
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at]!.replace(/^--/, "").replace(
      /-(\w)/g,
      (_, letter) => letter.toUpperCase(),
    );
    const value = Number(args[at + 1]);
    if (!(name in DEFAULTS) || !Number.isFinite(value)) {
      print(
        `Cannot read ${args[at]} ${args[at + 1] ?? ""}, wanted a number for one of: ${
          Object.keys(DEFAULTS).map((known) => `--${known.replace(/[A-Z]/g, "-$&").toLowerCase()}`)
            .join(" ")
        }`,
      );
      Deno.exit(2);
    }
    read[name] = value;
  }
  return read as typeof DEFAULTS;
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === "bigint" ? String(value) : value;
}

function print(line: string): void {
  // deno-lint-ignore no-console -- what a person reads
  console.log(line);
}
