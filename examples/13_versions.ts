/**
 * Versions: runs stay on the code that they started on, beside newer code, and move after proof.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import first from "./workflows/13_versions_1.ts";
import second from "./workflows/13_versions_2.ts";

const modules = [1, 2, 3].map((n) => import.meta.resolve(`./workflows/13_versions_${n}.ts`));
await using continuum = await Continuum.open({ database: "memory:", workflows: modules });

const stays = await continuum.start(first, 100, { runId: "stays" });
const moves = await continuum.start(first, 100, { runId: "moves" });
const newer = await continuum.start(second, 100, { runId: "newer" });
const newest = await continuum.start("offer", 100, { runId: "newest" });
for (const run of [stays, moves, newer, newest]) await run.reached("suspended");

const { versions } = await continuum.versions.list({ workflow: "offer" });
const hashOf = (label: string) => versions.find((version) => version.label === label)!.hash;

// Its whole history is replayed on the target first; it is moved if every command matches.
const good = await moves.upgrade({ to: hashOf("2") });
console.log("to version 2:", good.upgraded);
const bad = await stays.upgrade({ to: hashOf("3") });
console.log("to version 3:", bad.upgraded);
console.log(`  event ${bad.drift?.seq}: ${bad.drift?.expected?.name} / ${bad.drift?.found?.name}`);

for (const run of [stays, moves, newer, newest]) {
  await run.signal("accepted");
  const result = await run.result();
  console.log(`${run.id} on version ${(await run.status()).version.label}: ${result}`);
}

// What a start by name takes is a decision, not an accident of deployment.
await continuum.versions.activate("offer", hashOf("1"));
const old = await continuum.start("offer", 100);
console.log("current again:", (await old.status()).version.label);

// Prints:
// to version 2: true
// to version 3: false
//   event 0: price / price in dollars
// stays on version 1: 100 EUR
// moves on version 2: 90 EUR and 20 % tax
// newer on version 2: 90 EUR and 20 % tax
// newest on version 3: 200 USD
// current again: 1
