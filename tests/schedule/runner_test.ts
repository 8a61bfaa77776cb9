/**
 * What a node does for schedules: starts what is due, and what waited for a run's end.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ScheduleSpec, ScheduleStore } from "../../src/ports/schedules.ts";
import { begin, type Overlap, type Rules } from "../../src/schedule/firing.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { TestNode } from "../support/node.ts";

const HOUR = 3_600_000;
const RULES: Rules = {
  timing: { kind: "every", everyMs: HOUR, anchor: 0 },
  overlap: "allow",
  catchUp: "last",
  catchUpWindowMs: null,
  jitterMs: 0,
  until: null,
  maxRuns: null,
};

const tick = defineWorkflow({ name: "tick" }, (ctx) => ctx.runId);
const wait = defineWorkflow({ name: "wait" }, async (ctx) => await ctx.waitForSignal("go"));

async function create(node: TestNode, workflow: string, rules: Partial<Rules> = {}): Promise<void> {
  const spec: ScheduleSpec = {
    ...{ namespace: "default", id: "s", workflow, pin: null, input: "null", attributes: "{}" },
    policy: null,
    rules: { ...RULES, ...rules },
  };
  const options = { paused: false, startable: true };
  await node.store.schedules.create((now) => ({
    spec,
    progress: begin("s", spec.rules, now, options),
  }));
}

/** Lets the next planned time be one that just came, and tells which it is. */
async function plannedNow(db: EmptyDatabase): Promise<string> {
  const [row] = await db.query<{ at: number }>(
    `update {schema}.schedules set
       planned_at = clock_timestamp() - interval '1 millisecond',
       fire_at = clock_timestamp() - interval '1 millisecond'
     returning floor(extract(epoch from planned_at) * 1000)::bigint as at`,
  );
  return `s>${new Date(Number(row!.at)).toISOString()}`;
}

/** Starts the schedule's run at a planned time that just came, and waits until it waits. */
async function startWaiting(db: EmptyDatabase, node: TestNode): Promise<string> {
  const runId = await plannedNow(db);
  node.engine.receive({ kind: "scheduled" });
  await node.left(runId, "suspended");
  return runId;
}

async function progress(node: TestNode) {
  return (await node.store.schedules.get({ namespace: "default", id: "s" }))!.progress;
}

forEachDatabase("a node with schedules", (database, test) => {
  test("what is due when it opens starts at once, and is executed", async () => {
    await using db = await database.fresh();
    await using first = await TestNode.open(db, [tick]);
    await create(first, "tick");
    const runId = await plannedNow(db);
    await using second = await TestNode.open(db, [tick]);
    await Promise.race([first.left(runId, "ended"), second.left(runId, "ended")]);
    assert.equal((await first.store.runs.get(runId))?.state, "completed");
  });

  test("a hint makes it look, and what comes later it starts by itself", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [tick]);
    const at = await node.store.now() + 40;
    await create(node, "tick", { timing: { kind: "at", at } });
    node.engine.receive({ kind: "scheduled" });
    const runId = `s>${new Date(at).toISOString()}`;
    await node.left(runId, "ended");
    const { createdAt } = (await node.store.runs.get(runId))!;
    assert.ok(createdAt >= at, "not before its time");
    assert.equal((await progress(node)).state, "done");
  });

  test("a firing that waits starts when the run before it has ended", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [wait]);
    await create(node, "wait", { overlap: "buffer_one" });
    const first = await startWaiting(db, node);
    const second = await plannedNow(db);
    node.engine.receive({ kind: "scheduled" });
    await held(node);
    await node.signal(first, "go");
    await node.left(second, "suspended");
    assert.equal((await node.store.runs.get(first))?.state, "completed");
  });

  test("a run that ends while the runner looks is not waited for until a heartbeat", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [wait], { leaseMs: 86_400_000 });
    await create(node, "wait", { overlap: "buffer_one" });
    const first = await startWaiting(db, node);
    const schedules = node.store.schedules as { release: ScheduleStore["release"] };
    const release = schedules.release.bind(schedules);
    schedules.release = async () => {
      const blocked = await release();
      if (blocked.length === 0) return blocked;
      schedules.release = release;
      await node.signal(first, "go"); // what was read is old now
      await node.left(first, "ended");
      return blocked;
    };
    const second = await plannedNow(db);
    node.engine.receive({ kind: "scheduled" });
    await node.left(second, "suspended");
  });

  const stopping: readonly [Overlap, string][] = [
    ["cancel_other", "cancelled"],
    ["terminate_other", "terminated"],
  ];
  for (const [overlap, state] of stopping) {
    test(`with ${overlap} the run before is ${state}, then the next one starts`, async () => {
      await using db = await database.fresh();
      await using node = await TestNode.open(db, [wait]);
      await create(node, "wait", { overlap });
      const first = await startWaiting(db, node);
      const second = await startWaiting(db, node);
      const { error, state: found } = (await node.store.runs.get(first))!;
      assert.equal(found, state);
      assert.match(error!, new RegExp(second.slice(2).replaceAll(".", "\\.")), "it says for whom");
    });
  }

  test("what a node left standing in the way is stopped by the next one", async () => {
    await using db = await database.fresh();
    await using node = await TestNode.open(db, [wait]);
    await create(node, "wait", { overlap: "terminate_other" });
    const first = await startWaiting(db, node);
    // As if the node had died right after its decision.
    await db.query(
      `update {schema}.schedules set held_at = clock_timestamp(), planned_at = null, fire_at = null`,
    );
    const { held } = await progress(node);
    await using other = await TestNode.open(db, [wait]);
    const runId = `s>${new Date(held!).toISOString()}`;
    await Promise.race([node.left(runId, "suspended"), other.left(runId, "suspended")]);
    assert.equal((await node.store.runs.get(first))?.state, "terminated");
  });

  for (const hint of ["a hint of its end", "the next beat"]) {
    test(`a run that a firing waits for ended elsewhere: ${hint} lets it start`, async () => {
      await using db = await database.fresh();
      await using node = await TestNode.open(db, [wait]);
      await create(node, "wait", { overlap: "buffer_one" });
      const first = await startWaiting(db, node);
      const second = await plannedNow(db);
      node.engine.receive({ kind: "scheduled" });
      await held(node);
      await db.query(
        `update {schema}.runs set state = 'completed', result = '1', wake_at = null, waits = null,
           ended_at = clock_timestamp() where run_id = $1`,
        [first],
      );
      if (hint === "the next beat") {
        const beat = await node.store.nodes.heartbeat(node.engine.node, 60_000, []);
        assert.ok(beat.nextFire! <= beat.now);
        await node.engine.catchUp();
      } else {
        await until(() => {
          node.engine.receive({ kind: "ended", runId: first });
          return Promise.resolve(node.exits.some(({ run }) => run.runId === second));
        });
      }
      await node.left(second, "suspended");
    });
  }

  test("three nodes make every firing of twenty schedules happen once", async () => {
    await using db = await database.fresh();
    const nodes = await Promise.all([1, 2, 3].map(() => TestNode.open(db, [tick])));
    await using all = new AsyncDisposableStack();
    for (const node of nodes) all.use(node);
    const [{ store }] = nodes as [TestNode, ...TestNode[]];
    for (let i = 0; i < 20; i++) {
      const id = `s${i}`;
      const spec: ScheduleSpec = {
        ...{ namespace: "default", id, workflow: "tick", pin: null, input: "null" },
        attributes: "{}",
        policy: null,
        rules: { ...RULES, catchUp: "all" },
      };
      await store.schedules.create((now) => ({
        spec,
        progress: begin(id, spec.rules, now - 5 * HOUR, { paused: false, startable: true }),
      }));
    }
    for (const node of nodes) node.engine.receive({ kind: "scheduled" });
    const completed = { states: ["completed"], limit: 1_000 } as const;
    await until(async () => (await store.runs.list(completed)).length >= 100);
    assert.equal((await store.runs.list({ limit: 1_000 })).length, 100);
  });
});

/** Resolves when a firing waits. */
async function held(node: TestNode): Promise<void> {
  await until(async () => (await progress(node)).held !== null);
}

/** Asks again and again; others get their turn in between. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise((resolve) => setImmediate(resolve));
}
