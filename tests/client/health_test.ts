/**
 * What `health()` says of runs that are parked, and of work that no node claims.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import type { HealthFinding } from "../../src/client/health/finding.ts";
import { Continuum } from "../../src/continuum.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { scene, source } from "../support/scene.ts";

const DRIFTS = source(`await fetch("https://example.com");`, `{ name: "drifts" }`);

/** Asks for an activity by name, and for one of its own version. */
const ASKS = source(
  `return input === "own"
     ? await ctx.activity(own, input)
     : await ctx.activity("render", input, { queue: "gpu" });`,
  `{ name: "asks" }`,
  `import { defineActivity } from "@continuum/continuum/workflow";
   const own = defineActivity({ name: "own", queue: "gpu" }, (input) => input);
   export { own };`,
);

async function severeOf(continuum: Continuum): Promise<HealthFinding[]> {
  const { status, findings } = await continuum.health();
  const severe = findings.filter((finding) => finding.severe);
  assert.equal(status, severe.length === 0 ? "ok" : "degraded");
  return severe;
}

/** All that waits has waited for two minutes. */
async function waitLong({ query }: EmptyDatabase): Promise<void> {
  await query(`update {schema}.tasks set available_at = available_at - interval '2 minutes'`);
  await query(
    `update {schema}.runs set wake_at = wake_at - interval '2 minutes' where wake_at is not null`,
  );
}

forEachDatabase("health()", (database, test) => {
  test("parked runs are a finding for each version and reason, until they are let out", async () => {
    await using at = await scene(database, { "drifts.ts": DRIFTS });
    assert.deepEqual(await severeOf(at.node), []);
    const runs = await Promise.all([1, 2].map(() => at.node.start("drifts")));
    for (const run of runs) await reached(run, "stuck_nondeterminism");
    const poisoned = await at.node.start("echo", { wait: "go" });
    const { version } = await reached(poisoned, "suspended");
    await at.db.query(
      `update {schema}.runs set state = 'stuck_poisoned', wake_at = null, waits = null,
         stuck_reason = '{"code":"POISONED","message":"for a test"}'
       where run_id = $1`,
      [poisoned.id],
    );
    const [drifted, died, ...others] = await severeOf(at.node);
    assert.deepEqual(others, []);
    const { workflow, runs: count, more, since } = drifted!.details;
    assert.deepEqual([drifted!.code, workflow, count, more], [
      ...["STUCK_NONDETERMINISM", "drifts", 2, false],
    ]);
    assert.match(
      drifted!.message,
      /^2 runs of workflow "drifts", version [0-9a-f]{12}, are parked/,
    );
    const statuses = await Promise.all(runs.map((run) => run.status()));
    const first = Math.min(...statuses.map((status) => status.since!.getTime()));
    assert.equal((since as Date).getTime(), first);
    assert.deepEqual([died!.code, died!.details["hash"]], ["STUCK_POISONED", version.hash]);
    assert.match(died!.message, /^1 run of workflow "echo", .*, is parked/);
    for (const run of runs) await run.cancel();
    await poisoned.retry();
    assert.deepEqual(await severeOf(at.node), []);
  });

  test("runs that no node claims for a minute are a finding", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    await at.node.close();
    const run = await client.start("echo", 1);
    assert.deepEqual(await severeOf(client), [], "it is due since a moment ago");
    await waitLong(at.db);
    const [overdue, ...others] = await severeOf(client);
    assert.deepEqual(others, []);
    const { version } = await run.status();
    assert.deepEqual([overdue!.code, overdue!.details["hash"], overdue!.details["runs"]], [
      ...["OVERDUE_RUNS", version.hash, 1],
    ]);
    await using _node = await openIn(at.db, { workflows: [at.folder.url + "echo.ts"] });
    assert.equal(await resultOf(run), 1);
    assert.deepEqual(await severeOf(client), []);
  });

  test("what no node can load is a finding, also while a node tries it again", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" });
    const { version } = await reached(run, "suspended");
    await at.node.close();
    const held = Promise.withResolvers<void>();
    const looked = Promise.withResolvers<void>();
    let claims = 0;
    using _armed = armFailPoint("claim.claimed", async ({ runs }) => {
      if (runs === 0 || ++claims !== 2) return;
      held.resolve();
      await looked.promise;
    });
    await using strange = await openIn(at.db, { workflows: [], probe: 1, lease: "300ms" });
    await strange.run(run.id).signal("go");
    await held.promise;
    const [status, severe] = await Promise.all([strange.run(run.id).status(), severeOf(strange)]);
    looked.resolve();
    assert.equal(status.state, "running");
    assert.notEqual(status.noNodeCanLoad, null);
    assert.deepEqual(severe.map(({ code, details }) => [code, details["hash"]]), [
      ["NO_NODE_CAN_LOAD", version.hash],
    ]);
  });

  test("activities that no node serves, knows or can load are findings", async () => {
    await using at = await scene(database, { "asks.ts": ASKS });
    const named = await at.node.start("asks", "named");
    const own = await at.node.start("asks", "own");
    for (const run of [named, own]) await reached(run, "suspended");
    assert.deepEqual(await severeOf(at.node), [], "they wait since a moment ago");
    await waitLong(at.db);
    const [unserved, ...others] = await severeOf(at.node);
    assert.deepEqual(others, []);
    assert.equal(unserved!.code, "UNSERVED_QUEUE");
    const { queue, activities, tasks } = unserved!.details;
    assert.deepEqual([queue, activities, tasks], ["gpu", ["own", "render"], 2]);

    // A node that serves the queue, and has neither the activity nor the workflow.
    const strange = await openIn(at.db, { queues: { gpu: {} } });
    const found = await eventually(async () => {
      const severe = await severeOf(at.node);
      return severe.length === 2 ? severe : undefined;
    }, () => "findings of both");
    const { version } = await own.status();
    assert.deepEqual(found.map(({ code }) => code), ["NO_NODE_CAN_LOAD", "UNKNOWN_ACTIVITY"]);
    assert.equal(found[0]!.details["hash"], version.hash);
    assert.deepEqual(found[1]!.details["activity"], "render");
    await strange.close();

    await using _able = await openIn(at.db, {
      workflows: [at.folder.url + "asks.ts"],
      queues: { gpu: {} },
      activities: [defineActivity({ name: "render" }, (input: string) => `${input} rendered`)],
    });
    assert.equal(await resultOf(named), "named rendered");
    assert.equal(await resultOf(own), "own");
    assert.deepEqual(await severeOf(at.node), []);
  });
});
