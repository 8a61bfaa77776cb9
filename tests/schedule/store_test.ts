/**
 * What every store promises about schedules: each firing once, with its run, or not at all.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decideFiring, onFailure } from "../../src/engine/duties/schedule_runner.ts";
import type { ScheduleDecision, ScheduleRow, ScheduleSpec } from "../../src/ports/schedules.ts";
import type { Store } from "../../src/ports/store.ts";
import { begin, type Rules, stop } from "../../src/schedule/firing.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { hashOf, register } from "../support/node.ts";

const HOUR = 3_600_000;
const KEY = { namespace: "default", id: "s" };

function rules(more: Partial<Rules> = {}): Rules {
  return {
    timing: { kind: "every", everyMs: HOUR, anchor: 0 },
    overlap: "allow",
    catchUp: "last",
    catchUpWindowMs: null,
    jitterMs: 0,
    until: null,
    maxRuns: null,
    ...more,
  };
}

function spec(more: Partial<ScheduleSpec> = {}): ScheduleSpec {
  return {
    ...KEY,
    workflow: "tick",
    pin: null,
    input: `{"of":"s"}`,
    attributes: `{"kind":"tick"}`,
    policy: null,
    rules: rules(),
    ...more,
  };
}

async function create(store: Store, of: ScheduleSpec = spec()): Promise<boolean> {
  return await store.schedules.create((now) => ({
    spec: of,
    progress: begin(of.id, of.rules, now, { paused: false, startable: true }),
  }));
}

/** Lets hours pass for a schedule: its plan is moved back. */
async function pass(db: EmptyDatabase, hours: number, id = "s"): Promise<void> {
  await db.query(
    `update {schema}.schedules set planned_at = planned_at - $1::integer * interval '1 hour',
       fire_at = fire_at - $1::integer * interval '1 hour'
     where schedule_id = $2`,
    [hours, id],
  );
}

/** Lets the next planned time be one that just came, like no other before. */
async function plannedNow(db: EmptyDatabase): Promise<void> {
  await db.query(
    `update {schema}.schedules set planned_at = clock_timestamp() - interval '1 millisecond',
       fire_at = clock_timestamp() - interval '1 millisecond'`,
  );
}

async function fire(store: Store): Promise<string[]> {
  return [...(await store.schedules.fire(100, decideFiring, onFailure)).started].sort();
}

async function row(store: Store, id = "s"): Promise<ScheduleRow> {
  return (await store.schedules.get({ ...KEY, id }))!;
}

async function endRuns(db: EmptyDatabase): Promise<void> {
  await db.query(
    `update {schema}.runs set state = 'completed', result = '1', wake_at = null,
       ended_at = clock_timestamp() where ended_at is null`,
  );
}

forEachDatabase("schedules in a store", (database, test) => {
  test("a schedule is kept as it was given, and its id is taken once a namespace", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    const full = spec({
      input: `{"text":"it's \\"quoted\\", {braced}"}`,
      pin: { hash: hashOf("tick"), specifier: "test:tick" },
      rules: rules({ jitterMs: 5, until: Date.now() + 9 * HOUR, maxRuns: 3, catchUpWindowMs: 7 }),
    });
    assert.equal(await create(store, full), true);
    assert.equal(await create(store, full), false);
    assert.equal(await create(store, { ...full, namespace: "other" }), true);
    const found = await row(store);
    const { key: _, progress, createdAt, busy, runs, version, ...kept } = found;
    assert.deepEqual({ ...kept, attributes: JSON.parse(kept.attributes) }, {
      ...full,
      attributes: { kind: "tick" },
    });
    assert.deepEqual([busy, runs, version], [false, [], { ...full.pin, checksInput: false }]);
    assert.ok(Number.isSafeInteger(createdAt) && progress.planned! > createdAt);
    assert.equal(await store.schedules.get({ ...KEY, id: "none" }), null);
    assert.equal(await store.schedules.get({ ...KEY, id: "nul\0" }), null);
  });

  test("a due schedule starts its run and moves on, in one transaction", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    await create(store);
    assert.deepEqual(await fire(store), []);
    await pass(db, 1);
    const planned = (await row(store)).progress.planned!;
    const runId = `s>${new Date(planned).toISOString()}`;
    assert.deepEqual(await fire(store), [runId]);
    assert.deepEqual(await fire(store), []);
    const run = (await store.runs.get(runId))!;
    assert.deepEqual([run.state, run.workflow, run.hash, run.input], [
      "pending",
      "tick",
      hashOf("tick"),
      `{"of":"s"}`,
    ]);
    assert.deepEqual(run.attributes, { kind: "tick" });
    const after = await row(store);
    assert.equal(after.busy, true);
    assert.deepEqual(after.runs, [{
      runId,
      planned,
      firedAt: after.runs[0]!.firedAt,
      manual: false,
      state: "pending",
    }]);
    assert.ok(after.runs[0]!.firedAt >= planned);
    assert.equal(after.progress.started, 1);
    assert.equal(after.progress.planned, planned + HOUR);
  });

  test("many stores that fire at once fire everything once", async () => {
    await using db = await database.fresh();
    const stores = await Promise.all([db.open(), db.open(), db.open()]);
    const [store] = stores;
    await register(store, "tick");
    const all = rules({ catchUp: "all" });
    for (let i = 0; i < 20; i++) await create(store, spec({ id: `s${i}`, rules: all }));
    await db.query(
      `update {schema}.schedules set planned_at = planned_at - interval '9 hours',
         fire_at = fire_at - interval '9 hours'`,
    );
    const started: string[] = [];
    for (let look = 0; look < 4; look++) {
      const batches = await Promise.all(
        stores.flatMap((store) =>
          [1, 3, 100].map((limit) => store.schedules.fire(limit, decideFiring, onFailure))
        ),
      );
      started.push(...batches.flatMap((batch) => batch.started));
    }
    const [{ count }] = await db.query<{ count: number }>(
      "select count(*)::integer as count from {schema}.runs",
    ) as [{ count: number }];
    assert.equal(started.length, new Set(started).size, "no run is started twice");
    assert.equal(started.length, 20 * 9, "none is lost");
    assert.equal(count, 20 * 9);
  });

  test("F98: a run that is there already is the firing's run", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    await create(store);
    await pass(db, 1);
    const runId = `s>${new Date((await row(store)).progress.planned!).toISOString()}`;
    const given = { runId, workflow: "tick", hash: hashOf("tick"), specifier: "test:tick" };
    await store.runs.insert([{ ...given, input: "null", seed: "seed" }]);
    assert.deepEqual(await fire(store), [runId]);
    const { runs, progress } = await row(store);
    assert.deepEqual([runs.length, runs[0]!.state, progress.started], [1, "pending", 1]);
  });

  test("SCHEDULE-2: a firing sees the run that another one has just started", async () => {
    await using db = await database.fresh();
    const [store, other] = [await db.open(), await db.open()];
    await register(store, "tick");
    await create(store, spec({ rules: rules({ overlap: "skip", catchUp: "all" }) }));
    await pass(db, 30);
    await Promise.all([store, other, store, other].map(fire));
    const { progress, runs } = await row(store);
    assert.deepEqual([runs.length, progress.started, progress.skipped], [1, 1, 29]);
  });

  test("SCHEDULE-3: a firing that the database refuses is postponed alone, and others continue", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    await db.query("alter table {schema}.runs add check (run_id not like 'bad>%')");
    for (const id of ["bad", "good1", "good2"]) await create(store, spec({ id }));
    for (const id of ["bad", "good1", "good2"]) await pass(db, 1, id);
    assert.deepEqual((await fire(store)).map((id) => id.split(">")[0]), ["good1", "good2"]);
    let { progress } = await row(store, "bad");
    assert.deepEqual([progress.state, progress.failures, progress.started], ["active", 1, 0]);
    assert.ok(progress.fireAt! > progress.planned! + 1_000, "later than planned, the plan is kept");
    const { planned } = progress;
    for (let attempt = 2; attempt <= 12; attempt++) {
      await db.query("update {schema}.schedules set fire_at = planned_at where failures > 0");
      assert.deepEqual(await fire(store), []);
    }
    ({ progress } = await row(store, "bad"));
    assert.deepEqual([progress.state, progress.planned], ["stuck", planned]);
    assert.match(progress.trouble!.message, /^Cannot fire, after 12 attempts: /);
    const [stuck] = await store.schedules.stuck();
    assert.equal(stuck?.id, "bad");
  });

  test("a decision that throws is put off by itself too", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    for (const id of ["bad", "good"]) await create(store, spec({ id }));
    for (const id of ["bad", "good"]) await pass(db, 1, id);
    const { started } = await store.schedules.fire(100, (row, now) => {
      if (row.id === "bad") throw new RangeError("no such zone here");
      return decideFiring(row, now);
    }, onFailure);
    assert.equal(started.length, 1);
    assert.equal((await row(store, "bad")).progress.failures, 1);
  });

  test("a workflow without a version parks the schedule until one is registered", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await create(store);
    await pass(db, 1);
    assert.deepEqual(await fire(store), []);
    const { progress } = await row(store);
    assert.deepEqual([progress.state, progress.trouble?.code], ["stuck", "VERSION_NOT_FOUND"]);
    assert.equal(await store.schedules.nextFire(), null);
    await store.schedules.release();
    assert.equal((await row(store)).progress.state, "stuck");
    await register(store, "tick");
    await store.schedules.release();
    assert.equal((await fire(store)).length, 1);
    assert.equal((await row(store)).progress.state, "active");
  });

  test("without a pin the current version starts, with one the pinned", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    const pin = { hash: hashOf("tick"), specifier: "test:tick" };
    await create(store, spec({ id: "pinned", pin }));
    await create(store, spec({ id: "loose" }));
    const second = { hash: "2".repeat(64), workflow: "tick", label: null, manifest: "2" };
    await store.versions.register({ ...second, specifier: "test:tick2", blobs: null });
    for (const id of ["pinned", "loose"]) await pass(db, 1, id);
    const runs = await Promise.all((await fire(store)).map((id) => store.runs.get(id)));
    assert.deepEqual(runs.map((run) => [run!.hash, run!.specifier]), [
      [second.hash, "test:tick2"],
      [pin.hash, pin.specifier],
    ]);
    assert.deepEqual(await store.schedules.pinned(), [pin.hash]);
    await store.schedules.change({ ...KEY, id: "pinned" }, ({ progress }) => ({
      progress: stop(progress, "cancelled"),
      starts: [],
    }));
    assert.deepEqual(await store.schedules.pinned(), [], "a cancelled one needs nothing");
  });

  test("a version that a schedule is pinned to can't be taken from under it", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    await create(store, spec({ pin: { hash: hashOf("tick"), specifier: "test:tick" } }));
    await db.query("delete from {schema}.workflows");
    await assert.rejects(db.query("delete from {schema}.workflow_versions"), { code: "23503" });
  });

  test("a held firing is due when the run before it has ended", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    await create(store, spec({ rules: rules({ overlap: "buffer_one" }) }));
    await pass(db, 2);
    const [first] = await fire(store);
    await plannedNow(db);
    assert.deepEqual(await fire(store), []);
    const { held } = (await row(store)).progress;
    assert.deepEqual(await store.schedules.release(), [{
      overlap: "buffer_one",
      held,
      namespace: "default",
      runIds: [first],
    }]);
    assert.deepEqual(await fire(store), []);
    await endRuns(db);
    assert.deepEqual(await store.schedules.release(), []);
    assert.deepEqual(await fire(store), [`s>${new Date(held!).toISOString()}`]);
    assert.equal((await row(store)).progress.held, null);
  });

  test("changes of one schedule follow each other, and one that throws writes nothing", async () => {
    await using db = await database.fresh();
    const [store, other] = [await db.open(), await db.open()];
    await register(store, "tick");
    await create(store);
    const count = ({ progress }: ScheduleRow, now: number): ScheduleDecision => ({
      progress: { ...progress, triggered: progress.triggered + 1 },
      starts: [now + progress.triggered],
      manual: true,
    });
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? store : other).schedules.change(KEY, count)),
    );
    assert.equal(new Set(all.flat()).size, 10);
    assert.equal((await row(store)).progress.triggered, 10);
    await assert.rejects(
      store.schedules.change(KEY, () => {
        throw new RangeError("no");
      }),
      RangeError,
    );
    assert.equal(await store.schedules.change({ ...KEY, id: "none" }, count), null);
  });

  test("of ended runs the latest fifty are remembered, of others all", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    await create(store, spec({ rules: rules({ catchUp: "all" }) }));
    await pass(db, 80);
    assert.equal((await fire(store)).length, 80);
    const kept = async () =>
      (await db.query<{ n: number }>(
        "select count(*)::integer as n from {schema}.schedule_runs",
      ))[0]!.n;
    assert.equal(await kept(), 80);
    await endRuns(db);
    await plannedNow(db);
    await fire(store);
    assert.equal(await kept(), 50);
    const { runs } = await row(store);
    assert.equal(runs.length, 10);
    assert.equal(runs[0]!.state, "pending");
    assert.ok(runs.every(({ planned }, i) => i === 0 || planned < runs[i - 1]!.planned));
  });

  test("lists page by id, within a namespace", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await register(store, "tick");
    for (const id of ["b", "C", "a", "ä"]) await create(store, spec({ id }));
    await create(store, spec({ id: "x", namespace: "other" }));
    await create(store, spec({ id: "w", workflow: "other" }));
    const ids = async (filter: object) =>
      (await store.schedules.list({ namespace: "default", limit: 10, ...filter })).map(({ id }) =>
        id
      );
    assert.deepEqual(await ids({}), ["C", "a", "b", "w", "ä"]);
    assert.deepEqual(await ids({ limit: 2 }), ["C", "a"]);
    assert.deepEqual(await ids({ after: "a", limit: 2 }), ["b", "w"]);
    assert.deepEqual(await ids({ workflow: "other" }), ["w"]);
    assert.deepEqual(await ids({ states: ["stuck"] }), []);
    assert.deepEqual(await ids({ namespace: "other" }), ["x"]);
  });

  test("looking for what is due reads the index of what is due", async () => {
    await using db = await database.fresh();
    const store = await db.open();
    await create(store);
    const plan = await db.query<Record<string, string>>(
      `explain (costs off) select fire_at from {schema}.schedules
       where fire_at is not null order by fire_at limit 1`,
    );
    assert.match(JSON.stringify(plan), /schedules_due/);
  });
});
