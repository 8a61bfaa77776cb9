/**
 * A process dies while it forks a run or reopens one: nothing is half done, and doing it again is
 * safe.
 *
 * @module
 */

import assert from "node:assert/strict";
import { POSTGRES, postgresUrl } from "../support/database.ts";
import { Worker } from "../support/processes.ts";
import { reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

/** Waits between two steps; the second one fails in version 1. */
const ORDER = source(
  `const first = await ctx.run("first", () => 1);
   const go = await ctx.waitForSignal("go");
   if (FAILS) throw new TypeError("wrong");
   return [first, go, await ctx.run("last", () => 2)];`,
  `{ name: "order" }`,
  "const FAILS = true;",
);
const FIXED = ORDER.replace("FAILS = true", "FAILS = false");

/** A process that stays at a point, and is killed there. */
async function diesAt(
  at: Scene,
  point: "fork.replayed" | "fork.written" | "reopen.replayed" | "reopen.written",
  ...command: unknown[]
): Promise<void> {
  const { db: { schema }, folder } = at;
  await using doomed = await Worker.start(
    { database: postgresUrl(), schema, workflows: [folder.url + "2.ts"], lease: 600 },
  );
  await doomed.do("stopAt", point);
  await doomed.tell(...command);
  await doomed.stopped();
  assert.equal((await doomed.kill()).signal, "SIGKILL");
}

async function begun(): Promise<Scene> {
  return await scene(POSTGRES, { "1.ts": ORDER, "2.ts": FIXED });
}

Deno.test("a process that dies before it writes a fork leaves nothing of it, and the fork can be made", async () => {
  await using at = await begun();
  const run = await at.node.start(`${at.folder.url}2.ts`, null, { runId: "o" });
  await reached(run, "suspended");
  const options = { at: 1, id: "f" };
  await diesAt(at, "fork.replayed", "fork", "o", options);
  await refused(at.node.run("f").status(), "RUN_NOT_FOUND");
  assert.equal((await run.fork(options)).forked, true);
  assert.equal((await run.history()).length, 1);
  await at.node.run("f").signal("go", "fork");
  await run.signal("go", "run");
  assert.deepEqual(await resultOf(at.node.run("f")), [1, "fork", 2]);
  assert.deepEqual(await resultOf(run), [1, "run", 2]);
});

Deno.test("a process that dies after it wrote a fork leaves a whole one, and forking again is the same fork", async () => {
  await using at = await begun();
  const run = await at.node.start(`${at.folder.url}2.ts`, null, { runId: "o" });
  await reached(run, "suspended");
  const options = { at: 1, id: "f" };
  await diesAt(at, "fork.written", "fork", "o", options);
  const fork = at.node.run("f");
  assert.deepEqual((await fork.history()).map(({ kind }) => kind), ["step.completed"]);
  const again = await run.fork(options);
  assert.deepEqual([again.forked, again.id], [true, "f"]);
  assert.equal(await at.node.runs.count({ where: { forksOf: "o" } }), 1);
  await fork.signal("go", "fork");
  assert.deepEqual(await resultOf(fork), [1, "fork", 2]);
  assert.equal((await run.status()).state, "suspended");
});

Deno.test("a process that dies before it reopens a run leaves it failed, and it can be reopened", async () => {
  await using at = await begun();
  const run = await failed(at);
  const to = `${at.folder.url}2.ts`;
  await diesAt(at, "reopen.replayed", "reopen", "o", { to });
  const { state, events } = await run.status();
  assert.deepEqual([state, events], ["failed", 2]);
  assert.equal((await run.reopen({ to })).reopened, true);
  assert.deepEqual(await resultOf(run), [1, "go", 2]);
});

Deno.test("a process that dies after it reopened a run leaves it to a node, and it is not reopened twice", async () => {
  await using at = await begun();
  const run = await failed(at);
  const to = `${at.folder.url}2.ts`;
  await diesAt(at, "reopen.written", "reopen", "o", { to });
  assert.deepEqual(await resultOf(run), [1, "go", 2]);
  await refused(run.reopen({ to }), "RUN_STATE", "completed");
  const kinds = (await run.history()).map(({ kind }) => kind);
  assert.deepEqual(kinds, [
    "step.completed",
    "signal.received",
    "version.changed",
    "step.completed",
  ]);
});

/** The order after its failure, of which its caller knows. */
async function failed(at: Scene) {
  const run = await at.node.start(`${at.folder.url}1.ts`, null, { runId: "o" });
  await run.signal("go", "go");
  await assert.rejects(resultOf(run), /wrong/);
  return run;
}
