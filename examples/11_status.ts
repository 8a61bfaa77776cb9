/**
 * What is it doing? Status, attributes, history, and finding runs.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import approval from "./workflows/approval.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/approval.ts")],
  linger: 0,
});

for (const [n, amount] of [50, 500, 5_000].entries()) {
  await continuum.start(approval, amount, { runId: `a${n}`, attributes: { team: "north" } });
}
const run = continuum.run("a2");
let status = await run.status();
while (status.state !== "suspended") {
  await new Promise((resolve) => setTimeout(resolve, 10));
  status = await run.status();
}
console.log(status.custom);
console.log(status.attributes);

// Where in its own source it waits: the run is replayed for that, without effects.
const { pending } = await run.status({ trace: true });
console.log(pending?.map(({ kind, name, site }) => `${kind} ${name}, line ${site?.line}`));

await run.attributes.set({ owner: "Cleo" });
const where = {
  attributes: { team: "north", amount: { gte: 100 } },
  or: [{ state: "suspended" }, { state: "running" }],
} as const;
console.log(await continuum.runs.count({ where }));
const page = await continuum.runs.query({ where, orderBy: { by: "createdAt" }, limit: 1 });
console.log(page.runs.map(({ id, attributes }) => `${id} ${attributes["owner"]}`));
const rest = await continuum.runs.query({ where, limit: 1, cursor: page.cursor! });
console.log(rest.runs.map(({ id }) => id), rest.cursor);

await run.signal("approve", { by: "Cleo" });
await run.result();
console.log((await run.history({ limit: 3 })).map(({ kind }) => kind));

// Prints:
// 5000 EUR wait for somebody
// { team: "north", phase: "waiting", amount: 5000 }
// [ "signal approve, line 27" ]
// 2
// [ "a2 Cleo" ]
// [ "a1" ] null
// [ "attributes.set", "status.set", "signal.received" ]
