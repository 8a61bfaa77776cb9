/**
 * Steps in place, and transactions that commit together with their event.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { pglite } from "@continuum/continuum/pglite";
import transfer from "./workflows/03_steps.ts";

const database = pglite(null); // or postgres("postgres://..."): the engine's own database
const tables = await database.open();
await tables.query("create table accounts (name text primary key, balance integer)");
await tables.query("insert into accounts values ('ada', 100), ('bob', 0)");

await using continuum = await Continuum.open({
  database,
  workflows: [import.meta.resolve("./workflows/03_steps.ts")],
});

const small = await continuum.start(transfer, { from: "ada", to: "bob", amount: 60 });
console.log(await small.result());

const large = await continuum.start(transfer, { from: "ada", to: "bob", amount: 60 });
try {
  await large.result();
} catch (error) {
  if (isContinuumError(error, "RUN_FAILED")) console.log("Failed:", (error.cause as Error).message);
}
const accounts = await tables.query<{ name: string; balance: number }>("table accounts order by 1");
for (const { name, balance } of accounts) console.log(`${name} has ${balance} EUR`);
await tables.close();

// Prints:
// { fee: 1, left: 39 }
// Failed: Not enough money
// ada has 39 EUR
// bob has 60 EUR
