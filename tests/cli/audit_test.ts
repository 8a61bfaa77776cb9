/**
 * `audit`: what the commands of operators leave there, as processes of their own, and its exit codes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { reached, resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const ECHO = source(
  `if (input?.wait === undefined) return input;
   return [input, await ctx.waitForSignal(input.wait)];`,
  `{ name: "echo" }`,
);

/** Moves the cursor and writes a title, if it were printed as it is. */
const HOSTILE = "\u001b[2J\u001b]0;owned\u0007 '; drop table operations; --";

Deno.test("each command that acts leaves an entry with its name and reason, and audit finds it", async () => {
  await using world = await CliWorld.make({ "echo.ts": ECHO });
  const node = await world.node("echo.ts");
  for (const runId of ["a", "b", "c"]) {
    await reached(await node.start("echo", { wait: "go" }, { runId }), "suspended");
  }
  const who = ["--as", "ana", "--reason", "for a test"];
  const run = async (wanted: number, ...args: readonly string[]) => {
    const ended = await world.here([...args, ...who]);
    assert.equal(ended.code, wanted, `${args}: ${ended.error}`);
  };
  await run(0, "start", "echo", "1", "--id", "d");
  await run(5, "start", "echo", "1", "--id", "d");
  await run(0, "signal", "a", "go", "1");
  await resultOf(node.run("a"));
  await run(5, "signal", "a", "go", "1");
  await run(0, "cancel", "b");
  await run(5, "runs", "retry", "a");
  await run(0, "terminate", "c", "--yes");
  await run(0, "runs", "delete", "c", "--yes");
  await node.schedules.create({ id: "s", workflow: "echo", every: "1h" });
  for (const act of ["pause", "resume", "trigger"]) await run(0, "schedules", act, "s");
  await run(0, "schedules", "delete", "s", "--yes");
  await run(0, "prune", "--older-than", "90d", "--run", "--yes");
  await run(0, "terminate", "b", "--dry-run");
  const { code, out, error } = await world.run(["audit", "--jsonl"]);
  assert.equal(code, 0, error);
  const entries = out.trim().split("\n").map((line) => JSON.parse(line)).reverse();
  assert.deepEqual(
    entries.map(({ action, target, outcome }) => `${action} ${target} ${outcome}`),
    [
      "run.start d done",
      "run.start d RUN_EXISTS",
      "run.signal a done",
      "run.signal a RUN_ENDED",
      "run.cancel b done",
      "run.retry a RUN_STATE",
      "run.terminate c done",
      "run.delete c done",
      ...["pause", "resume", "trigger", "delete"].map((act) => `schedule.${act} s done`),
      "runs.prune default done",
    ],
  );
  assert(
    entries.every(({ as, proven, reason }) =>
      as === "ana" && proven === false && reason === "for a test"
    ),
  );
  const terminated = await world.run(["audit", "--run", "c", "--action", "run.terminate"]);
  const cells = terminated.out.split("\t");
  assert.deepEqual(cells.slice(1), [
    ...["ana (claimed)", "run.terminate", "c", "done", "state: suspended → terminated"],
    "for a test\n",
  ]);
});

Deno.test("audit has filters and pages, and refuses what is wrong", async () => {
  await using world = await CliWorld.make();
  const client = await world.client();
  for (const name of ["ana", "ben", "ana"]) {
    await client.asOperator({ name, proven: true, reason: HOSTILE }).acknowledge("finding");
  }
  const page = JSON.parse((await world.here(["audit", "--limit", "2", "--json"])).out);
  assert.deepEqual(page.operations.map(({ as }: { as: string }) => as), ["ana", "ben"]);
  const rest = await world.here(["audit", "--after", page.next, "--json", "--fields", "as,reason"]);
  assert.deepEqual(JSON.parse(rest.out), {
    operations: [{ as: "ana", reason: HOSTILE }],
    next: null,
  });
  const lines = async (...args: string[]) =>
    (await world.here(["audit", "--fields", "as", ...args])).out.trim().split("\n");
  assert.deepEqual(await lines("--as", "ben"), ["ben"]);
  assert.deepEqual(await lines("--action", "health", "--since", "1h"), ["ana", "ben", "ana"]);
  assert.deepEqual(await lines("--action", "run"), [""]);
  assert.deepEqual(await lines("--all"), ["ana", "ben", "ana"]);
  for (const shown of [["audit"], ["audit", "--target", "finding"]]) {
    const { out } = await world.here(shown, { isTerminal: true, columns: 300 });
    const escapes = out.split("\u001b").slice(1);
    assert(escapes.every((rest) => /^\[\d+m/.test(rest)), "there are styles, and nothing else");
    assert(!out.includes("\u0007"));
    assert.match(out, /drop table operations/);
  }
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["--action fly", /found "fly", wanted run, run\.start, run\.signal/],
    ["--limit 0", /--limit/],
    ["--limit 5 --all", /--all and --limit/],
    ["--run a --target a", /--run and --target/],
    ["--since yesterday", /--since/],
    ["--after nothing", /INVALID_CURSOR/],
    ["--who ana", /Unknown option/],
  ];
  for (const [args, says] of wrong) {
    const { code, error } = await world.here(["audit", ...args.split(" ")]);
    assert.equal(code, 2, args);
    assert.match(error, says);
  }
});

Deno.test("names and reasons are bounded, and an act that can't be recorded does not happen", async () => {
  await using world = await CliWorld.make({ "echo.ts": ECHO });
  const node = await world.node("echo.ts");
  await reached(await node.start("echo", { wait: "go" }, { runId: "a" }), "suspended");
  for (const [flag, length] of [["--reason", 1_001], ["--as", 201]] as const) {
    const { code, error } = await world.run(["cancel", "a", flag, "x".repeat(length)]);
    assert.equal(code, 2, error);
    assert.match(error, new RegExp(`Cannot use ${flag}: found a text of ${length} characters`));
  }
  await world.db.query("alter table {schema}.operations add constraint closed check (false)");
  const { code, error } = await world.run(["terminate", "a", "--reason", "x", "--yes"]);
  assert.equal(code, 1, error);
  assert.match(error, /closed/);
  assert.equal((await node.run("a").status()).state, "suspended");
});

Deno.test("prune --audit removes old entries, with a plan and consent", async () => {
  await using world = await CliWorld.make();
  const client = await world.client();
  for (const runId of ["a", "b"]) {
    await assert.rejects(client.asOperator({ name: "ana" }).run(runId).cancel());
  }
  await world.db.query("update {schema}.operations set at = at - interval '800 days'");
  const prune = (...args: string[]) =>
    world.run(["prune", "--audit", "--older-than", "730d", ...args]);
  const plan = await prune();
  assert.deepEqual([plan.code, plan.out], [0, "would remove 2 entries\n"], plan.error);
  assert.equal((await prune("--run")).code, 2, "without a reason");
  assert.equal((await prune("--state", "failed")).code, 2);
  const done = await prune("--run", "--reason", "retention", "--yes", "--as", "ben", "--json");
  assert.equal(done.code, 0, done.error);
  const { before: _, ...report } = JSON.parse(done.out);
  assert.deepEqual(report, { removed: true, operations: 2 });
  const left = await world.run(["audit", "--fields", "as,action,after.removed"]);
  assert.equal(left.out, "ben\toperations.prune\t2\n");
});
