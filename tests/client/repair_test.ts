/**
 * What `health()` finds, what `planRepairs()` says would be done about it, and what `repair()` does.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { FindingCode, HealthFinding } from "../../src/client/health/finding.ts";
import type { RepairableCode, RepairPlan } from "../../src/client/health/repair_plan.ts";
import { Continuum } from "../../src/continuum.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

const WHO = { as: "ana", reason: "for a test" };

/** Fails until the test lets it succeed. */
const TRIES = source(
  `return await ctx.activity(charge, input);`,
  `{ name: "tries" }`,
  `import { defineActivity } from "@continuum/continuum/workflow";
   export const charge = defineActivity(
     { name: "charge", retry: { maxAttempts: 9, initial: "1h", max: "1h" } },
     (input: number, { attempt }) => {
       if (attempt < 5) throw new Error("down");
       return input;
     },
   );`,
);

async function found(continuum: Continuum, code: FindingCode): Promise<HealthFinding> {
  const { findings } = await continuum.health();
  const finding = findings.find((finding) => finding.code === code);
  assert(finding !== undefined, `${code} in ${findings.map(({ code }) => code)}`);
  return finding;
}

async function isFound(continuum: Continuum, code: FindingCode): Promise<boolean> {
  return (await continuum.health()).findings.some((finding) => finding.code === code);
}

/** Plans the repair of one finding, as a plan that was kept as JSON. */
async function planned(continuum: Continuum, code: RepairableCode): Promise<RepairPlan> {
  return JSON.parse(JSON.stringify(await continuum.planRepairs({ codes: [code] })));
}

/** What was recorded: action, target, actor and reason. */
async function recorded({ query }: EmptyDatabase): Promise<unknown[]> {
  const rows = await query<Record<string, unknown>>(
    "select action, target, actor, reason, outcome from {schema}.operations order by id",
  );
  return rows.map(({ action, target, actor, reason, outcome }) => [
    ...[action, target, actor, reason, outcome],
  ]);
}

/** A client that executes nothing, and whose database no node looks after. */
async function alone(at: Scene): Promise<Continuum> {
  const { database, schema } = at.db;
  await at.node.close();
  return await Continuum.connect({ database, schema });
}

function actions({ repairs }: RepairPlan): unknown[] {
  return repairs.map(({ code, action, targets, more }) => [
    ...[code, action, targets.map(({ id }) => id), more],
  ]);
}

forEachDatabase("repair()", (database, test) => {
  test("lets parked runs continue, and leaves those that have changed since the plan", async () => {
    await using at = await scene(database);
    const runs = []; // one after the other: a plan lists them by the time of their start
    for (const runId of ["a", "b", "c"]) {
      runs.push(await at.node.start("echo", { wait: "go" }, { runId }));
    }
    for (const run of runs) await reached(run, "suspended");
    await using client = await alone(at);
    await at.db.query(
      `update {schema}.runs set state = 'stuck_poisoned', wake_at = null, waits = null,
         stuck_reason = '{"code":"POISONED","message":"for a test"}', claims_since_progress = 5`,
    );
    const finding = await found(client, "STUCK_POISONED");
    assert.deepEqual([finding.severe, finding.repair], [true, "retry"]);
    assert.deepEqual((await client.planRepairs()).repairs, [], "such runs are named by the caller");
    const plan = await planned(client, "STUCK_POISONED");
    assert.deepEqual(actions(plan), [["STUCK_POISONED", "retry", ["a", "b", "c"], false]]);
    assert.match(plan.repairs[0]!.message, /^Lets 3 parked runs continue/);
    assert.equal(
      (await client.run("a").status()).state,
      "stuck_poisoned",
      "a plan changes nothing",
    );

    await client.run("b").retry();
    await at.db.query("update {schema}.runs set since = since + interval '1s' where run_id = 'c'");
    const report = await client.repair(plan, WHO);
    assert.deepEqual([report.done, report.changed], [1, 2]);
    assert.deepEqual(report.targets.map(({ id, outcome }) => [id, outcome]), [
      ["a", "done"],
      ["b", "changed"],
      ["c", "changed"],
    ]);
    assert.deepEqual(
      await Promise.all(runs.map(async ({ id }) => (await client.run(id).status()).state)),
      ["pending", "pending", "stuck_poisoned"],
    );
    assert.deepEqual(await recorded(at.db), [
      ["repair.retry", "a", "ana", "for a test", "done"],
    ]);
    assert.equal((await client.repair(plan, WHO)).done, 0, "a second time it does nothing");

    await using _node = await openIn(at.db, { workflows: [at.folder.url + "echo.ts"] });
    await client.run("a").signal("go", "on");
    assert.deepEqual(await resultOf(client.run("a")), [{ wait: "go" }, "on"]);
  });

  test("lets runs continue whose code is available again, by default", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" }, { runId: "r" });
    await reached(run, "suspended");
    await using client = await alone(at);
    await at.db.query(
      `update {schema}.runs set state = 'stuck_unknown_version', wake_at = null, waits = null,
         stuck_reason = '{"code":"LOAD_CRASHED","message":"for a test"}'`,
    );
    await at.db.query("update {schema}.workflow_versions set load_crashes = 3");
    assert.equal((await found(client, "STUCK_VERSION")).repair, "retry");
    const plan = await client.planRepairs();
    assert.deepEqual(actions(plan), [["STUCK_VERSION", "retry", ["r"], false]]);
    assert.equal((await client.repair(plan, WHO)).done, 1);
    assert.deepEqual(
      await at.db.query("select max(load_crashes)::integer as n from {schema}.workflow_versions"),
      [{ n: 0 }],
    );
    assert.equal(await isFound(client, "STUCK_VERSION"), false);
  });

  test("frees what nodes hold that are not alive, and no node that is", async () => {
    await using at = await scene(database, { "tries.ts": TRIES });
    const run = await at.node.start("echo", { wait: "go" }, { runId: "r" });
    await reached(run, "suspended");
    await using client = await alone(at);
    await at.db.query(
      `insert into {schema}.nodes (id, name, expires_at) values
         ('dead', 'dead', clock_timestamp() - interval '1h'),
         ('slow', 'slow', clock_timestamp() - interval '1h')`,
    );
    await at.db.query(
      `insert into {schema}.leases (node, runs)
         select holder, array_agg(id)
         from {schema}.runs, unnest('{dead,slow,gone}'::text[]) as holder
         group by holder`,
    );
    await at.db.query(
      `update {schema}.runs set state = 'running', node = 'dead', token = 7, wake_at = null,
         waits = null, since = null`,
    );
    const { details, message, repair } = await found(client, "EXPIRED_NODES");
    assert.deepEqual(details["nodes"], ["dead", "gone", "slow"]);
    assert.match(message, /^3 nodes that are not alive still hold runs or activities/);
    assert.equal(repair, "release");
    const plan = await planned(client, "EXPIRED_NODES");
    assert.deepEqual(actions(plan), [[
      "EXPIRED_NODES",
      "release",
      ["dead", "gone", "slow"],
      false,
    ]]);

    await at.db.query(
      "update {schema}.nodes set expires_at = clock_timestamp() + interval '1h' where id = 'slow'",
    );
    const report = await client.repair(plan, WHO);
    assert.deepEqual(report.targets.map(({ outcome }) => outcome), ["done", "done", "changed"]);
    assert.equal((await client.run("r").status()).state, "pending");
    assert.deepEqual(
      await at.db.query("select id from {schema}.nodes"),
      [{ id: "slow" }],
    );
    assert.deepEqual(await recorded(at.db), [
      ["repair.release", "dead", "ana", "for a test", "done"],
      ["repair.release", "gone", "ana", "for a test", "done"],
    ]);
    assert.equal(await isFound(client, "EXPIRED_NODES"), false);
  });

  test("notifies the parents of ended runs", async () => {
    const parent = source(
      `return await ctx.child("echo", { wait: "go" }, { id: "child" });`,
      `{ name: "parent" }`,
    );
    await using at = await scene(database, { "parent.ts": parent }, { linger: 0 });
    const run = await at.node.start("parent", null, { runId: "parent" });
    await reached(run, "suspended");
    await reached(at.node.run("child"), "suspended");
    await using client = await alone(at);
    // A process that ended the child, and died before it notified the parent.
    await at.db.query(
      `update {schema}.runs set state = 'terminated', error = '{}', wake_at = null, waits = null,
         ended_at = clock_timestamp() - interval '1h', must_notify = true where run_id = 'child'`,
    );
    const { details, repair } = await found(client, "UNNOTIFIED_ENDS");
    assert.deepEqual([details["runs"], details["more"], repair], [1, false, "notify"]);
    const plan = await planned(client, "UNNOTIFIED_ENDS");
    assert.deepEqual(actions(plan), [["UNNOTIFIED_ENDS", "notify", ["child"], false]]);
    assert.deepEqual((await client.repair(plan, WHO)).done, 1);
    assert.deepEqual(await recorded(at.db), [
      ["repair.notify", "child", "ana", "for a test", "done"],
    ]);
    const messages = await at.db.query(
      `select message.kind from {schema}.inbox as message join {schema}.runs as run
         on run.id = message.run where run.run_id = 'parent'`,
    );
    assert.deepEqual(messages, [{ kind: "child" }]);
    assert.equal(await isFound(client, "UNNOTIFIED_ENDS"), false);
    assert.equal((await client.repair(plan, WHO)).changed, 1);
  });

  test("makes the next attempt of a failing activity due now", async () => {
    await using at = await scene(database, { "tries.ts": TRIES });
    const run = await at.node.start("tries", 7, { runId: "r" });
    const attempt = async () => {
      const [task] = await at.db.query<{ attempt: number }>(
        "select attempt from {schema}.tasks where state = 'ready'",
      );
      return task?.attempt;
    };
    const next = (n: number) =>
      eventually(async () => await attempt() === n || undefined, () => `attempt ${n}`);
    await next(2);
    await at.db.query("update {schema}.tasks set attempt = 4");
    assert.equal((await found(at.node, "FAILING_ACTIVITY")).repair, "retry_now");
    const plan = await planned(at.node, "FAILING_ACTIVITY");
    assert.deepEqual(actions(plan), [["FAILING_ACTIVITY", "retry_now", ["r"], false]]);
    assert.equal((await at.node.repair(plan, WHO)).done, 1);
    await next(5);
    assert.equal((await at.node.repair(plan, WHO)).changed, 1, "another attempt has come since");
    assert.deepEqual(await recorded(at.db), [
      ["repair.retry_now", "r", "ana", "for a test", "done"],
    ]);
    assert.equal((await at.node.repair(await at.node.planRepairs(), WHO)).done, 1);
    assert.equal(await resultOf(run), 7);
  });

  test("lets a stuck schedule fire again, unless it is stuck for another reason by now", async () => {
    await using at = await scene(database);
    for (const id of ["first", "second"]) {
      await at.node.schedules.create({ id, workflow: "echo", every: "1d" });
    }
    await at.db.query(
      `update {schema}.schedules set state = 'stuck', fire_at = null, trouble_code = 'FIRING_FAILED',
         trouble = '{"code":"FIRING_FAILED","message":"for a test"}'`,
    );
    assert.equal((await found(at.node, "STUCK_SCHEDULE")).repair, "resume");
    const plan = await planned(at.node, "STUCK_SCHEDULE");
    assert.deepEqual(actions(plan), [["STUCK_SCHEDULE", "resume", ["first", "second"], false]]);
    await at.db.query(
      `update {schema}.schedules set trouble = '{"code":"FIRING_FAILED","message":"another"}'
       where schedule_id = 'second'`,
    );
    const report = await at.node.repair(plan, WHO);
    assert.deepEqual(report.targets.map(({ outcome }) => outcome), ["done", "changed"]);
    assert.equal((await at.node.schedules.get("first")).state, "active");
    assert.equal((await at.node.schedules.get("second")).state, "stuck");
    assert.deepEqual(await recorded(at.db), [
      ["repair.resume", "first", "ana", "for a test", "done"],
    ]);
  });

  test("refuses what is no plan, and codes that can't be repaired", async () => {
    await using at = await scene(database);
    const { node } = at;
    await refused(
      node.planRepairs({ codes: ["OVERDUE_RUNS"] as never }),
      "INVALID_ARGUMENT",
      "codes",
    );
    await refused(node.planRepairs({ codes: "all" as never }), "INVALID_ARGUMENT", "codes");
    const good = { id: "r", namespace: "default", seen: { run: 1 } };
    const plan = (target: unknown, action = "notify") => ({
      at: "",
      repairs: [{ code: "UNNOTIFIED_ENDS", action, message: "", targets: [target], more: false }],
    });
    assert.equal((await node.repair(plan(good) as never)).changed, 1);
    const wrong = [
      null,
      {},
      { repairs: [null] },
      plan(good, "retry"),
      plan({ ...good, namespace: null }),
      plan({ ...good, seen: { run: "1" } }),
      plan({ ...good, seen: {} }),
      plan({ ...good, id: 1 }),
    ];
    for (const each of wrong) await refused(node.repair(each as never), "INVALID_ARGUMENT", "plan");
    await refused(node.repair(plan(good) as never, { as: 1 as never }), "INVALID_ARGUMENT", "as");
    await refused(node.acknowledge(""), "INVALID_ARGUMENT", "fingerprint");
    await refused(node.health({ strict: 1 as never }), "INVALID_ARGUMENT", "strict");
  });
});

forEachDatabase("a report on health", (database, test) => {
  test("a finding that was acknowledged counts no longer, until its facts are others", async () => {
    await using at = await scene(database);
    for (const runId of ["a", "b"]) {
      await reached(
        await at.node.start("echo", { wait: "go" }, { runId }),
        "suspended",
      );
    }
    const park = (runId: string) =>
      at.db.query(
        `update {schema}.runs set state = 'stuck_nondeterminism', wake_at = null, waits = null,
           stuck_reason = '{"code":"DRIFT","message":"for a test"}' where run_id = $1`,
        [runId],
      );
    assert.equal((await at.node.health()).status, "ok");
    await park("a");
    const finding = await found(at.node, "STUCK_NONDETERMINISM");
    assert.deepEqual([finding.acknowledged, (await at.node.health()).status], [null, "degraded"]);
    await at.node.acknowledge(finding.fingerprint, WHO);
    const { at: now, status } = await at.node.health({ strict: true });
    assert.equal(status, "ok");
    const { acknowledged, fingerprint } = await found(at.node, "STUCK_NONDETERMINISM");
    assert.deepEqual([acknowledged?.by, acknowledged?.reason], ["ana", "for a test"]);
    assert(acknowledged!.at <= now);
    assert.equal(fingerprint, finding.fingerprint);
    await park("b");
    const other = await found(at.node, "STUCK_NONDETERMINISM");
    assert.deepEqual([other.acknowledged, (await at.node.health()).status], [null, "degraded"]);
  });

  test("a strict report is degraded by a finding that is not severe", async () => {
    await using at = await scene(database, { "tries.ts": TRIES });
    await at.node.start("tries", 7);
    await eventually(
      async () => (await at.db.query("select from {schema}.tasks")).length === 1 || undefined,
      () => "task",
    );
    assert.equal((await at.node.health({ strict: true })).status, "ok");
    await at.db.query("update {schema}.tasks set attempt = 4");
    assert.equal((await at.node.health()).status, "ok");
    assert.equal((await at.node.health({ strict: true })).status, "degraded");
  });

  test("activities whose time is over and schedules that are due are findings if no node is there", async () => {
    await using at = await scene(database, { "tries.ts": TRIES });
    await at.node.start("tries", 7);
    await at.node.schedules.create({ id: "daily", workflow: "echo", every: "1d" });
    await eventually(
      async () => (await at.db.query("select from {schema}.tasks")).length === 1 || undefined,
      () => "task",
    );
    await using client = await alone(at);
    for (const code of ["OVERDUE_ACTIVITIES", "OVERDUE_SCHEDULE"] as const) {
      assert.equal(await isFound(client, code), false);
    }
    await at.db.query("update {schema}.tasks set expires_at = clock_timestamp() - interval '1h'");
    await at.db.query("update {schema}.schedules set fire_at = clock_timestamp() - interval '1h'");
    const { details, repair } = await found(client, "OVERDUE_ACTIVITIES");
    assert.deepEqual([details["activity"], details["tasks"], repair], ["charge", 1, null]);
    assert.equal((await found(client, "OVERDUE_SCHEDULE")).details["id"], "daily");
    assert.equal((await client.health()).status, "degraded");
  });
});
