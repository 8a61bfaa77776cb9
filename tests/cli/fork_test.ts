/**
 * `runs fork`: the plan, the consent, and the exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const order = (charge: string) =>
  source(
    `const amount = await ctx.run("quote", () => input * 10);
     return await ctx.run("charge", () => ${charge}, { retry: { maxAttempts: 1 } });`,
    `{ name: "order" }`,
  );

const BROKEN = order(`amount.toFixd(2)`);
const FIXED = order(`amount.toFixed(2)`);
const OTHER = FIXED.replace(`"quote"`, `"offer"`);

Deno.test("a failed run is forked from its failure on fixed code, after a plan and consent", async () => {
  await using world = await CliWorld.make({
    "broken.ts": BROKEN,
    "fixed.ts": FIXED,
    "other.ts": OTHER,
  });
  const node = await world.node("broken.ts", "fixed.ts", "other.ts");
  const hash = async (file: string) => {
    const { versions } = await node.versions.list({ workflow: "order" });
    return versions.find(({ specifiers: [name] }) => name!.endsWith(`/${file}`))!.hash;
  };
  const version = await hash("broken.ts");
  await reached(await node.start("order", 7, { runId: "o", version }), "failed");
  const trust = ["--trust", `${world.folder.url}*`];
  const fixed = ["--version", (await hash("fixed.ts")).slice(0, 12), ...trust];
  const fork = ["runs", "fork", "o", "--from-failure"];
  const dry = await world.run([...fork, ...fixed, "--dry-run"]);
  assert.equal(dry.code, 0, dry.error);
  assert.match(dry.out, /^fork \S+ of o after event 1 of 2, on version [0-9a-f]{12}; its own is /);
  assert.match(dry.out, /^happens again: step "charge" \(answered .*\)$/m);
  assert.equal((await world.run([...fork, ...fixed])).code, 2, "no one can be asked");
  const refused = await world.here([...fork, ...fixed], {
    canAsk: true,
    readLine: () => Promise.resolve("y"),
  });
  assert.equal(refused.code, 5);
  assert.equal(await node.runs.count(), 1, "nothing was started so far");
  const made = await world.run([...fork, ...fixed, "--id", "o-2", "--yes"]);
  assert.deepEqual([made.code, made.out], [0, "o-2\n"], made.error);
  assert.equal(await resultOf(node.run("o-2")), "70.00");
  const other = ["--version", await hash("other.ts"), ...trust, "--yes"];
  const drift = await world.here([...fork, ...other]);
  assert.equal(drift.code, 3, drift.error);
  assert.match(drift.out, /^does not replay: .*"offer"/m);
  assert.equal((await world.here([...fork, "--version", await hash("fixed.ts")])).code, 1);
  assert.equal((await world.here(["runs", "fork", "none", "--at", "0"])).code, 4);
  assert.equal((await world.here(["runs", "fork", "o"])).code, 2, "it needs a point");
  assert.equal((await world.here([...fork, ...trust, "--children", "keep"])).code, 2);
});
