/**
 * `versions patches`: what it prints, and its exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const order = (label: string, body: string) =>
  source(
    `${body}\nreturn await ctx.waitForSignal("go");`,
    `{ name: "order", version: "${label}" }`,
  );

const FILES = {
  "order_1.ts": order("1", ""),
  "order_2.ts": order("2", `const isNew = ctx.patched("tax");`),
};

Deno.test("versions patches lists each patch with its line, and the oldest run that needs it", async () => {
  await using world = await CliWorld.make(FILES);
  const node = await world.node(...Object.keys(FILES));
  const { versions } = await node.versions.list({ workflow: "order" });
  const { hash } = versions.find(({ label }) => label === "1")!;
  const old = await node.start("order", null, { runId: "o-1", version: hash });
  await reached(old, "suspended");

  const { code, out, error } = await world.run(["versions", "patches", "order"]);
  assert.equal(code, 0, error);
  const [name, branch, ...rest] = out.trimEnd().split("\t");
  assert.deepEqual([name, branch, ...rest.slice(0, 3)], ["tax", "stays", "0", "1", "0"]);
  assert.match(out, /o-1, 20\S+\to-1, 20\S+\torder_2\.ts:4:15 of [0-9a-f]{7}\n$/);
  assert.match(error, /^1 patch in 2 versions, for 1 live run in all namespaces\n$/);

  const part = await world.run(["versions", "patches", hash.slice(0, 6), "--json"]);
  assert.deepEqual([part.code, JSON.parse(part.out).patches], [0, []], part.error);

  await old.terminate();
  const chosen = ["--fields", "name,mayGo"];
  const after = await world.run(["versions", "patches", "order", ...chosen]);
  assert.deepEqual([after.code, after.out], [0, "tax\ttrue\n"], after.error);

  const unknown = await world.run(["versions", "patches", "nobody"]);
  assert.equal(unknown.code, 4, unknown.error);
  assert.match(unknown.error, /nobody/);
  for (const bad of [[], ["order", "--limit", "0"], ["order", "--limt", "1"]]) {
    const { code, error } = await world.run(["versions", "patches", ...bad]);
    assert.equal(code, 2, error);
  }
});
