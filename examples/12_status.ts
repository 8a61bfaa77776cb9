/**
 * What is it doing? Status, source positions, search attributes, questions.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import claim from "./workflows/12_status.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/12_status.ts")],
});

const run = await continuum.start(claim, { customer: "Ada", amount: 900 }, { runId: "claim-1" });
await continuum.start(claim, { customer: "Bob", amount: 50 }, { runId: "claim-2" });
await continuum.start(claim, { customer: "Ada", amount: 70 }, { runId: "claim-3" });
for (const id of ["claim-1", "claim-2", "claim-3"]) {
  await continuum.run(id).reached("suspended");
}

const status = await run.status({ trace: true });
console.log(status.id, status.state, status.custom);
console.log(status.reason?.replace(/until .*/, "until ..."));
for (const { kind, name, site } of status.pending ?? []) {
  console.log(`  ${kind} ${name} at ${site?.file.split("/").at(-1)}, line ${site?.line}`);
}

const high = { attributes: { customer: "Ada", amount: { gte: 100 } } };
const where = { workflow: "claim", or: [high, { id: "claim-2" }] };
const { runs, cursor } = await continuum.runs.query({
  where,
  orderBy: { by: "createdAt", direction: "asc" },
});
for (const { id, attributes } of runs) console.log(id, attributes);
console.log("another page:", cursor !== null, "- in review:", await inStage("review"));

await run.signal("verdict", "paid");
await run.result();
await continuum.run("claim-2").attributes.set({ stage: "lost" }); // from outside, too
console.log("in review:", await inStage("review"), "- paid:", await inStage("paid"));

async function inStage(stage: string): Promise<number> {
  return await continuum.runs.count({ where: { attributes: { stage } } });
}

// Prints:
// claim-1 suspended { text: "An expert looks at it", percent: 20 }
// waits for signal "verdict" until ...
//   signal verdict at 12_status.ts, line 11
// claim-1 { stage: "review", amount: 900, customer: "Ada" }
// claim-2 { stage: "review", amount: 50, customer: "Bob" }
// another page: false - in review: 3
// in review: 1 - paid: 1
