/**
 * The commands that act on schedules, versions and old runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CliWorld } from "../support/cli_world.ts";
import { resultOf } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const TICK = source("return input;", `{ name: "tick" }`);

const REASON = ["--reason", "no longer needed"];

Deno.test("a schedule is paused, resumed, triggered and deleted from the command line", async () => {
  await using world = await CliWorld.make({ "tick.ts": TICK });
  const node = await world.node("tick.ts");
  await node.schedules.create({ id: "s", workflow: "tick", every: "1h", input: 7 });
  const on = (action: string, ...more: string[]) =>
    world.run(["schedules", action, "s", "--json", ...more]);
  const paused = await on("pause");
  assert.equal(paused.code, 0, paused.error);
  const { id, workflow, state, next, run } = JSON.parse(paused.out);
  assert.deepEqual([id, workflow, state, next, run], ["s", "tick", "paused", null, null]);
  const triggered = await on("trigger");
  assert.equal(await resultOf(node.run(JSON.parse(triggered.out).run)), 7);
  const resumed = JSON.parse((await on("resume")).out);
  assert.equal(resumed.state, "active");
  assert.match(resumed.next, /^\d{4}-.*Z$/);
  assert.equal((await on("delete")).code, 2, "it needs a reason");
  assert.match((await on("delete", ...REASON)).error, /wanted --yes/);
  const refused = await world.here(["schedules", "delete", "s", ...REASON], {
    canAsk: true,
    readLine: () => Promise.resolve("y"),
  });
  assert.equal(refused.code, 5);
  assert.equal((await node.schedules.get("s")).state, "active");
  const deleted = await on("delete", ...REASON, "--yes");
  assert.deepEqual([deleted.code, JSON.parse(deleted.out).state], [0, "deleted"]);
  for (const action of ["pause", "resume", "trigger"]) {
    const { code, error } = await world.here(["schedules", action, "s"]);
    assert.equal(code, 4, error);
    assert.match(error, /SCHEDULE_NOT_FOUND[^]*schedules list/);
  }
  assert.equal((await world.here(["schedules", "delete", "s", ...REASON, "--yes"])).code, 4);
  await node.schedules.create({ id: "over", workflow: "tick", every: "1h" });
  await node.schedules.cancel("over");
  const over = await world.here(["schedules", "trigger", "over"]);
  assert.equal(over.code, 5, over.error);
});

Deno.test("a version is activated by the beginning of its hash, if one version begins so", async () => {
  const files: Record<string, string> = {};
  for (let label = 0; label < 17; label++) {
    files[`v${label}.ts`] = source("return input;", `{ name: "many", version: ${label} }`);
  }
  await using world = await CliWorld.make(files);
  const node = await world.node(...Object.keys(files));
  const { versions } = await node.versions.list({ workflow: "many" });
  const current = versions.find((version) => version.current)!;
  const other = versions.find((version) => !version.current)!;
  const prefix = other.hash.slice(0, 12);
  const activate = (...args: string[]) => world.here(["versions", "activate", ...args]);
  const dry = await activate("many", prefix, "--dry-run");
  assert.match(dry.out, new RegExp(`^starts of many take version ${prefix}, now [0-9a-f]{12}\n`));
  const isCurrent = async ({ hash }: { hash: string }) =>
    (await node.versions.list({ current: true })).versions.some((version) => version.hash === hash);
  assert.ok(await isCurrent(current), "a dry run changes nothing");
  const done = await world.run(["versions", "activate", "many", prefix, "--json"]);
  assert.deepEqual(
    [done.code, JSON.parse(done.out)],
    [0, { workflow: "many", version: other.hash, before: current.hash }],
  );
  assert.ok(await isCurrent(other));
  const byDigit = Map.groupBy(versions, ({ hash }) => hash[0]!);
  const [digit] = [...byDigit].find(([, found]) => found.length > 1)!;
  const ambiguous = await activate("many", digit);
  assert.equal(ambiguous.code, 2, ambiguous.error);
  assert.match(ambiguous.error, /with which several begin: /);
  assert.equal((await activate("many", "zzz")).code, 4);
  assert.equal((await activate("none", prefix)).code, 4);
});

Deno.test("prune prints its plan, and removes what the plan says only with --run, a reason and consent", async () => {
  await using world = await CliWorld.make({ "tick.ts": TICK });
  const node = await world.node("tick.ts");
  for (const runId of ["a", "b"]) await resultOf(await node.start("tick", 1, { runId }));
  const later = async () => {
    await resultOf(await node.start("tick", 1, { runId: "later" }));
    return "2";
  };
  const prune = (...args: string[]) => world.run(["prune", "--older-than", "0s", ...args]);
  const plan = await prune("--json");
  const { removed, runs } = JSON.parse(plan.out);
  assert.deepEqual([plan.code, removed, runs], [0, false, 2]);
  assert.equal((await prune("--run")).code, 2);
  assert.equal((await prune("--run", ...REASON)).code, 2, "no terminal to ask at");
  assert.equal((await world.here(["prune"])).code, 2);
  assert.equal((await world.here(["prune", "--older-than", "old"])).code, 2);
  assert.equal((await prune("--state", "running")).code, 2);
  const none = await prune("--workflow", "other", "--json");
  assert.equal(JSON.parse(none.out).runs, 0);
  assert.equal(await node.runs.count(), 2);
  const args = ["prune", "--older-than", "0s", "--run", ...REASON];
  const answered = await world.here(args, { canAsk: true, readLine: later });
  assert.equal(answered.code, 0, answered.error);
  assert.match(answered.out, /^removed 2 runs, /);
  assert.deepEqual((await node.runs.query()).runs.map(({ id }) => id), ["later"]);
  assert.equal((await prune("--run", ...REASON, "--yes")).code, 0);
  assert.equal(await node.runs.count(), 0);
});
