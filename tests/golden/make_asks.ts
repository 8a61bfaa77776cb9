/**
 * Makes the golden bundle of a run that answers asks. It stays as it is: run this only for a new
 * version of the format.
 *
 * ```
 * deno run -A tests/golden/make_asks.ts
 * ```
 *
 * @module
 */

import { Continuum } from "../../src/continuum.ts";
import { BUNDLE_VERSION } from "../../src/bundle/content.ts";
import { makeFolder } from "../support/modules.ts";
import { source } from "../support/scene.ts";

const ASKS = source(
  `let sum = input;
ctx.on("add", (n) => sum += n);
ctx.on("refuse", () => { throw new RangeError("too many"); });
ctx.on(["slow", "slower"], async ({ name }) => name + await ctx.run("step", () => sum));
ctx.on("large", () => "x".repeat(2_000));
ctx.on("open", () => ctx.sleep("30d"));
return await ctx.waitForSignal("end");`,
  `{ name: "asks" }`,
);

await using folder = await makeFolder({ "asks.ts": ASKS });
await using node = await Continuum.open({
  database: "memory:",
  linger: 0,
  limits: { payloadBytes: 1_024 },
  workflows: [folder.url + "asks.ts"],
});
const run = await node.start("asks", 7, {
  runId: "golden-asks",
  signal: { name: "add", payload: 1, askId: "started-with" },
});
await run.answer("started-with");
await run.ask("add", 2, { askId: "added" });
await run.ask("refuse", null, { askId: "refused" }).catch(() => {});
await run.ask("slower", null, { askId: "later" });
await run.ask("large", null, { askId: "large" }).catch(() => {});
await run.signal("open", { at: new Date(0) }, { askId: "open" });
await run.ask("add", 3, { askId: "last" });
await run.signal("unread", [1n], { askId: "unread" });
const file = await node.runs.export(["golden-asks"]);
await Deno.writeFile(new URL(`v${BUNDLE_VERSION}_asks.bundle`, import.meta.url), file);
