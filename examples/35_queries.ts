/**
 * Queries: the code of a run answers about its state, from its history. Nothing is written.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import vote from "./workflows/35_queries.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/35_queries.ts")],
});

const run = await continuum.start(vote, ["tea", "coffee"]);
for (const option of ["tea", "coffee", "tea"]) await run.ask("vote", option);
console.log("tea:", await run.query("votes", "tea"), "first:", await run.query("first"));

try {
  await run.query("last");
} catch (error) {
  if (!isContinuumError(error, "UNKNOWN_QUERY")) throw error;
  console.log("there are", error.details.queries);
}

await run.signal("close");
console.log("result:", await run.result());
console.log("first, after the end:", await run.query("first"));

// Prints:
// tea: 2 first: tea
// there are [ "first", "votes" ]
// result: { tea: 2, coffee: 1 }
// first, after the end: tea
