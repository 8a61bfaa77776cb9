/**
 * Makes the golden bundles of a version of the format. They stay as they are once a release has
 * written that version: run this only for a new one.
 *
 * ```
 * deno run -A tests/golden/make.ts
 * ```
 *
 * @module
 */

import { Continuum } from "../../src/continuum.ts";
import { BUNDLE_VERSION } from "../../src/bundle/content.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import { makeFolder } from "../support/modules.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const ORDER = source(
  `const quote = await ctx.run("quote", () => price(input.items));
const charged = await ctx.activity("charge", { quote });
const shipped = await ctx.child("ship", { quote }, { id: "golden-ship" });
const review = await ctx.waitForSignal("review");
await ctx.sleep("1ms");
return { quote, charged, shipped, review, id: ctx.uuid() };`,
  `{ name: "order" }`,
  `import { price } from "./price.ts";`,
);
const PRICE = `export const price = (items: number): number => items * 10;\n`;
const SHIP = source(
  `return await ctx.run("pack", () => ({ at: new Date(0), big: 2n ** 70n }));`,
  `{ name: "ship" }`,
);
const ROUND = source(
  `await ctx.run("round", () => input);
return input < 2 ? ctx.continueAsNew(input + 1) : await ctx.waitForSignal("stop");`,
  `{ name: "round" }`,
);

const charge = defineActivity(
  { name: "charge" },
  ({ quote }: { quote: number }) => `paid ${quote}`,
);

await using folder = await makeFolder({
  "order.ts": ORDER,
  "order_next.ts": `// Moved to this version while it waits.\n${ORDER}`,
  "price.ts": PRICE,
  "ship.ts": SHIP,
  "round.ts": ROUND,
});
const at = (path: string) => folder.url + path;
await using node = await Continuum.open({
  database: "memory:",
  linger: 0,
  workflows: ["order.ts", "order_next.ts", "ship.ts", "round.ts"].map(at),
  activities: [charge],
});
const order = await node.start(at("order.ts"), { items: 2 }, { runId: "golden-order" });
let last: unknown;
await eventually(
  async () =>
    (last = await order.status()).waits.some(({ name }) => name === "review") || undefined,
  () => JSON.stringify(last),
);
const { upgraded } = await order.upgrade({ to: at("order_next.ts") });
if (!upgraded) throw new Error("The run was not moved");
await order.signal("review", "fine");
await resultOf(order);
const round = await node.start("round", 0, { runId: "golden-round" });
await reached(round, "suspended");
await round.signal("other", { unread: true });

for (const [name, redact] of [["", undefined], ["_timeline", "timeline"]] as const) {
  const file = await node.runs.export(["golden-order", "golden-round"], {
    children: true,
    ...(redact === undefined ? {} : { redact }),
  });
  const url = new URL(`v${BUNDLE_VERSION}${name}.bundle`, import.meta.url);
  await Deno.writeFile(url, file);
}
