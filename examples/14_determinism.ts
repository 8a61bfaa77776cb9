/**
 * Determinism: what is the same on each replay, what is refused, and how such a run gets on.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import rates from "./workflows/14_determinism.ts";

const mended = import.meta.resolve("./workflows/14_determinism_mended.ts");
await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/14_determinism.ts"), mended],
});

const good = await continuum.start(rates, "today");
console.log(await good.result(), (await good.status()).custom);

// Pinned code can't be mended in place, so the run is parked, not failed: it can be moved.
const parked = await continuum.start(rates, "2020-02-29");
const { state, stuck } = await parked.reached("stuck_nondeterminism");
console.log(state, stuck?.code);
console.log(stuck?.message.replaceAll(/\S*\/(?=workflows\/)/g, ""));

// To code that asks in a step: its history is replayed there first.
const { upgraded } = await parked.upgrade({ to: mended });
console.log("moved to mended code:", upgraded, "->", await parked.result());

// Prints:
// 1.1 { isTold: true, dice: 3 }
// stuck_nondeterminism NONDETERMINISTIC_CALL
// Cannot call fetch in workflow code at workflows/14_determinism.ts:12:26: a replay would not repeat its answer; use ctx.run or an activity
// moved to mended code: true -> 1.2
