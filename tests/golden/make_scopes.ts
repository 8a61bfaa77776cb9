/**
 * Makes the golden bundle of a run with scopes, headers, a forced cancellation and what it read of
 * its attributes. It stays as it is: run this only for a new version of the format.
 *
 * ```
 * deno run -A tests/golden/make_scopes.ts
 * ```
 *
 * @module
 */

import { Continuum } from "../../src/continuum.ts";
import { BUNDLE_VERSION } from "../../src/bundle/content.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { RunStatus } from "../../src/client/run/status.ts";
import { makeFolder } from "../support/modules.ts";
import { eventually, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const SCOPES = source(
  `const late = await ctx.scope(() => ctx.waitForSignal("never"), { timeout: "1ms" })
  .catch((error) => error.code);
const attributes = await ctx.attributes.get();
const undone = await ctx.saga((saga) => {
  saga.undo("undo", () => "undone");
  throw new Error("no stock");
}).catch((error) => error.message);
const safe = await ctx.scope(() => ctx.run("safe", () => input, { onCancel: "finish" }), { shielded: true });
const cleaned: string[] = [];
try {
  await ctx.waitForSignal("cancelled");
} catch (first) {
  cleaned.push((first as Error).message);
  await ctx.waitForSignal("hangs").catch((second) => cleaned.push(second.message));
}
return { late, attributes, undone, safe, cleaned, tenant: ctx.headers["tenant"] };`,
  `{ name: "scopes" }`,
);

await using folder = await makeFolder({ "scopes.ts": SCOPES });
await using node = await Continuum.open({
  database: "memory:",
  linger: 0,
  workflows: [folder.url + "scopes.ts"],
});
const run = await node.start("scopes", 7, {
  runId: "golden-scopes",
  headers: { tenant: "acme" },
  attributes: { customer: "c-1" },
});
await waits(run, "cancelled");
await run.cancel({ reason: "first" });
await waits(run, "hangs");
await run.cancel({ reason: "second", force: true });
await resultOf(run);
const file = await node.runs.export(["golden-scopes"]);
await Deno.writeFile(new URL(`v${BUNDLE_VERSION}_scopes.bundle`, import.meta.url), file);

async function waits(run: RunHandle, name: string): Promise<void> {
  let last: RunStatus | undefined;
  await eventually(async () => {
    last = await run.status();
    return last.waits.some((wait) => wait.name === name) || undefined;
  }, () => JSON.stringify(last));
}
