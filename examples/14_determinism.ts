/**
 * Determinism: what is the same on each replay, what is refused, and what the linter says.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import rates from "./workflows/14_determinism.ts";

const module = new URL(import.meta.resolve("./workflows/14_determinism.ts"));
await using continuum = await Continuum.open({ database: "memory:", workflows: [module.href] });

const good = await continuum.start(rates, "today");
console.log(await good.result(), (await good.status()).custom);

// Pinned code can't be mended in place, so the run is parked, not failed: it can be moved.
const parked = await continuum.start(rates, "2020-02-29");
let status = await parked.status();
while (status.stuck === null) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  status = await parked.status();
}
console.log(status.state, status.stuck.code);
console.log(status.stuck.message.replaceAll(/\S*\/(?=workflows\/)/g, ""));

// The linter has the same table of rules; in deno.json it is "lint": { "plugins": [...] }.
const config = await Deno.makeTempFile({ suffix: ".json" });
const plugin = import.meta.resolve("@continuum/continuum/lint");
await Deno.writeTextFile(config, JSON.stringify({ lint: { plugins: [plugin] } }));
const lint = new Deno.Command(Deno.execPath(), {
  args: ["lint", "--json", "--config", config, module.pathname],
});
const { stdout } = await lint.output();
for (const { code, message } of JSON.parse(new TextDecoder().decode(stdout)).diagnostics) {
  console.log(`${code}: ${message}`);
}
await Deno.remove(config);

// Prints:
// 1.1 { isTold: true, dice: 3 }
// stuck_nondeterminism NONDETERMINISTIC_CALL
// Cannot call fetch in workflow code at workflows/14_determinism.ts:12:26: a replay would not repeat its answer; use ctx.run or an activity
// continuum/no-clock: Date answers from the run's own values in workflow code, not from the machine's
// continuum/no-randomness: Math.random answers from the run's own values in workflow code, not from the machine's
// continuum/no-randomness: crypto.randomUUID answers from the run's own values in workflow code, not from the machine's
// continuum/no-clock: Date answers from the run's own values in workflow code, not from the machine's
// continuum/no-io: fetch is refused in workflow code: a replay could not repeat it
