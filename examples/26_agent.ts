/**
 * An agent: a loop of a model and its tools, which survives restarts in the middle of a turn, pays
 * for no turn twice, and asks a person before it spends money. The model is scripted.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, type RunHandle } from "@continuum/continuum";
import agent from "./workflows/26_agent.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/26_agent.ts")],
});

/** What a page would show to the person who is asked. */
async function question(run: RunHandle): Promise<unknown> {
  while (true) {
    const { waits, custom } = await run.status();
    if (waits.some(({ name }) => name === "consent")) return custom;
  }
}

for (const consent of [true, false]) {
  const run = await continuum.start(agent, "Find me a room in Lisbon");
  console.log(await question(run));
  await run.signal("consent", consent);
  console.log(await run.result());
  const { effects } = await run.trace({ limit: 10 });
  console.log(effects.map(({ name }) => name).join(", "));
}

// Prints:
// { tool: "book", input: "Hotel Tejo", asks: true }
// Your room is booked
// think, search, think, consent, book, think
// { tool: "book", input: "Hotel Tejo", asks: true }
// No room, then
// think, search, think, consent, think
