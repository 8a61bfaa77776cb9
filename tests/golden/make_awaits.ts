/**
 * Makes the golden bundle of runs that wait for another run. It stays as it is: run this only for a
 * new version of the format.
 *
 * ```
 * deno run -A tests/golden/make_awaits.ts
 * ```
 *
 * @module
 */

import { Continuum } from "../../src/continuum.ts";
import { BUNDLE_VERSION } from "../../src/bundle/content.ts";
import { makeFolder } from "../support/modules.ts";
import { source } from "../support/scene.ts";

const SHOP = source(
  `ctx.on("price", (price) => ctx.publish("price", price));
ctx.on("buy", (n) => { if (n > 9) throw new RangeError("too many"); return n * 2; });
await ctx.waitForSignal("end");
ctx.publish("state", { is: "closed" });
return ctx.parent?.id ?? null;`,
  `{ name: "shop" }`,
);
const BUYER = source(
  `const shop = ctx.handle(input);
const code = (error) => error.code;
const seen = [await shop.published("price"), await shop.ask("buy", 2)];
seen.push(await shop.ask("buy", 10).catch(code));
const child = await ctx.startChild("shop", null, { id: "golden-branch" });
await child.signal("end");
seen.push(await child.result());
seen.push(await shop.result(), await shop.published("never").catch(code));
return [...seen, await ctx.handle("none").result().catch(code)];`,
  `{ name: "buyer" }`,
);

await using folder = await makeFolder({ "shop.ts": SHOP, "buyer.ts": BUYER });
await using node = await Continuum.open({
  database: "memory:",
  linger: 0,
  workflows: [folder.url + "shop.ts", folder.url + "buyer.ts"],
});
const shop = await node.start("shop", null, { runId: "golden-shop" });
const buyer = await node.start("buyer", "golden-shop", { runId: "golden-buyer" });
await shop.ask("price", 3, { askId: "first price" });
await shop.ask("price", 4, { askId: "second price" });
await node.run("golden-branch").result({ timeout: "1m" }).catch(() => {});
await buyer.reached("suspended");
await shop.signal("end");
await buyer.result();
const file = await node.runs.export(["golden-shop", "golden-buyer", "golden-branch"]);
await Deno.writeFile(new URL(`v${BUNDLE_VERSION}_awaits.bundle`, import.meta.url), file);
