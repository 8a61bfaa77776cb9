/**
 * Ids, names, errors and payloads that would begin a line of their own on a terminal.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** Fails after a step, all with line breaks, or waits. */
const HOSTILE = source(
  `await ctx.run("step\\nforged", () => "value\\nforged");
   if (input !== "wait") throw new Error("message\\nforged\\r\\u2028forged");
   await ctx.waitForSignal("signal\\nforged");`,
  `{ name: "hostile" }`,
);

Deno.test("no id, name, error or payload begins a line, on a terminal and in a pipe", async () => {
  await using world = await CliWorld.make({ "hostile.ts": HOSTILE });
  const node = await world.node("hostile.ts");
  const [failed, waits] = ["failed\nforged\ttab", "waits\nforged\ttab"];
  await reached(await node.start("hostile", "x\nforged", { runId: failed }), "failed");
  await reached(await node.start("hostile", "wait", { runId: waits }), "suspended");
  const deadline = ["--deadline", "10m"];
  const lines = [
    ...[["runs", "show"], ["runs", "history"], ["runs", "tree"], ["result"], ["signal"]],
    ...[["runs", "trace", ...deadline], ["runs", "where", ...deadline]],
  ].flatMap((line) => [failed, waits].map((id) => [...line, id]));
  lines.push(["runs", "list", "--state", "any"], ["runs", "diff", failed, waits, ...deadline]);
  for (const line of lines) {
    const args = line[0] === "signal" ? [...line, "other\nforged"] : line;
    for (const terminal of [{}, { isTerminal: true, columns: 200 }]) {
      const { out, error } = await world.here(args, terminal);
      assert.doesNotMatch(out + error, /^(?: *forged|[^\n]*[\r\u2028])/m, JSON.stringify(line));
    }
  }
  const rows = (await world.here(["runs", "tree", failed])).out.trimEnd().split("\t");
  assert.deepEqual([rows.length, rows[2]], [7, "failed\\u000aforged\\u0009tab"]);
});

Deno.test("an error as JSON holds the id itself, as escapes of JSON", async () => {
  await using world = await CliWorld.make();
  const id = "none\u001b[2J\u202e\nforged";
  const { out, error } = await world.here(["runs", "show", id, "--json"]);
  assert.equal(JSON.parse(error).error.details.runId, id);
  // deno-lint-ignore no-control-regex -- what must not be printed
  assert.doesNotMatch(out + error, /[\u001b\u202e]|\n./);
});

Deno.test("a page in a pipe says on standard error how to get the next one", async () => {
  await using world = await CliWorld.make({
    "1.ts": source("return 1;", `{ name: "one" }`),
    "2.ts": source("return 2;", `{ name: "two" }`),
  });
  await world.node("1.ts", "2.ts");
  const first = await world.here(["versions", "list", "--limit", "1", "--fields", "workflow"]);
  const [, cursor] = /^next: the same options and --after (\S+)\n$/.exec(first.error)!;
  const rest = await world.here(["versions", "list", "--fields", "workflow", "--after", cursor!]);
  assert.deepEqual([first.out, rest.out, rest.error], ["two\n", "one\n", ""]);
});
