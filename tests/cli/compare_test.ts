/**
 * `runs diff` and `runs reopen`: what they show, the consent, and the exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const order = (amount: string) =>
  source(
    `const quote = await ctx.run("quote", () => input * 10);
const amount = ${amount};
return await ctx.run("charge", () => amount);`,
    `{ name: "order" }`,
  );

const BROKEN = order("(quote as any).toFixd(2)");
const FIXED = order("quote.toFixed(2)");
const OTHER = FIXED.replace(`"quote"`, `"offer"`);

/** A busy machine may need long for a subprocess. */
const PATIENCE = ["--deadline", "10m"];

/** Run `bad` failed on broken code, run `good` completed on fixed code. */
async function scene() {
  const files = { "broken.ts": BROKEN, "fixed.ts": FIXED, "other.ts": OTHER };
  const world = await CliWorld.make(files);
  const node = await world.node(...Object.keys(files));
  const hashes: Record<string, string> = {};
  for (const { hash, specifiers: [name] } of (await node.versions.list()).versions) {
    hashes[name!.split("/").at(-1)!] = hash;
  }
  const [broken, fixed, other] = Object.keys(files).map((name) => hashes[name]!);
  await reached(await node.start("order", 7, { runId: "bad", version: broken! }), "failed");
  await resultOf(await node.start("order", 8, { runId: "good", version: fixed! }));
  return { world, node, broken: broken!, fixed: fixed!, other: other! };
}

Deno.test("two runs are compared: their values, where they diverge, and their code", async () => {
  const { world, broken, fixed } = await scene();
  await using _ = world;
  const diff = await world.run(["runs", "diff", "bad", "good", ...PATIENCE]);
  assert.equal(diff.code, 0, diff.error);
  const lines = diff.out.split("\n");
  assert.deepEqual(lines.filter((line) => /^(version|state|input|result|error)\t/.test(line)), [
    `version\t${broken}\t${fixed}`,
    "state\tfailed\tcompleted",
    "input\t7\t8",
    'result\t-\t"80.00"',
    "error\tTypeError: quote.toFixd is not a function\t-",
  ]);
  const at = lines.indexOf("event 0 has another value:");
  assert.deepEqual(lines.slice(at + 1, at + 5), [
    '  bad  step.completed "quote" 70',
    '    broken.ts:4:25  const quote = await ctx.run("quote", () => input * 10);',
    '  good  step.completed "quote" 80',
    '    fixed.ts:4:25  const quote = await ctx.run("quote", () => input * 10);',
  ]);
  assert.deepEqual(lines.slice(at + 5, at + 9), [
    "the histories diverge at event 1:",
    "  bad  has no further event",
    '  good  step.completed "charge" "80.00"',
    '    fixed.ts:6:18  return await ctx.run("charge", () => amount);',
  ]);
  assert.match(diff.out, /^\+const amount = quote\.toFixed\(2\);$/m);
  const same = await world.here(["runs", "diff", "good", "good", "--json"]);
  const { a, answers, diverges, code } = JSON.parse(same.out);
  assert.deepEqual([a.id, answers, diverges, code], ["good", null, null, null]);
  assert.equal((await world.here(["runs", "diff", "good", "none"])).code, 4);
});

Deno.test("a failed run is taken up again on fixed code, after a plan and consent", async () => {
  const { world, node, broken, fixed, other } = await scene();
  await using _ = world;
  const trust = ["--trust", `${world.folder.url}*`];
  const reopen = ["runs", "reopen", "bad", ...trust, "--to"];
  const dry = await world.run([...reopen, fixed.slice(0, 12), "--dry-run"]);
  assert.deepEqual([dry.code, dry.out], [
    0,
    `reopen bad on version ${fixed.slice(0, 12)}; it failed on ${broken.slice(0, 12)}\n`,
  ], dry.error);
  const again = await world.here([...reopen, broken]);
  assert.equal(again.code, 3);
  assert.match(again.out, /^bad stays failed[^]*\nwould fail again: TypeError: quote\.toFixd/);
  const drift = await world.here([...reopen, other, "--json"]);
  assert.equal(drift.code, 3);
  assert.match(JSON.parse(drift.out).drift.message, /"offer"/);
  assert.equal((await world.run([...reopen, fixed])).code, 2, "no one can be asked");
  const answer = { canAsk: true, readLine: () => Promise.resolve("yes") };
  assert.equal((await world.here([...reopen, fixed], answer)).code, 5);
  assert.equal((await node.run("bad").status()).state, "failed", "nothing was changed so far");
  const done = await world.run([...reopen, fixed.slice(0, 12), "--yes"]);
  assert.deepEqual([done.code, done.out], [0, "bad\n"], done.error);
  assert.equal(await resultOf(node.run("bad")), "70.00");
  const over = await world.here([...reopen, fixed, "--yes"]);
  assert.equal(over.code, 5);
  assert.match(over.error, /^RUN_STATE: [^\n]*completed/);
  assert.equal((await world.here(["runs", "reopen", "none", ...trust])).code, 4);
});
