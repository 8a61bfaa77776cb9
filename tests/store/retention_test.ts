/**
 * What the store promises about retention: nothing that lives goes, all that belongs to a run goes
 * with it, and every step is bounded.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FIRST_PLACE, type Pruned, type PruneScope } from "../../src/ports/retention.ts";
import { END_STATES } from "../../src/ports/rows.ts";
import type { PruneStepOptions } from "../../src/ports/retention.ts";
import { RETENTION_STATEMENTS } from "../../src/store/retention/statements.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { forEachDatabase, POSTGRES } from "../support/database.ts";
import {
  claimed,
  claimedFamily,
  claimOne,
  commitOne,
  COMPLETED,
  HASH,
  newEvent,
  newRun,
  newWorld,
  register,
  share,
  suspended,
  UNKNOWN_VERSION,
  type World,
} from "../support/store_rows.ts";

const DAY = 86_400_000;

/** Tables that hold something of a run, by the column that says of which. */
const BELONGINGS: readonly (readonly [string, string])[] = [
  ["runs", "id"],
  ["events", "run"],
  ["inbox", "run"],
  ["deliveries", "run"],
  ["generations", "run"],
  ["tasks", "run"],
];

/** All ended runs of a namespace. */
function endedRuns(more: Partial<PruneScope> = {}): PruneScope {
  return {
    namespace: "default",
    workflow: null,
    states: END_STATES,
    runsBefore: Date.now() + DAY,
    generationsBefore: null,
    ...more,
  };
}

/** Steps until there is nothing more. */
async function pruneAll(
  world: World,
  scope: PruneScope = endedRuns(),
  options: PruneStepOptions = {},
): Promise<Pruned & { readonly steps: number }> {
  const total = { runs: 0, generations: 0, events: 0, keys: 0, steps: 0 };
  for (let from = FIRST_PLACE;;) {
    const step = await world.store.retention.step(scope, from, options);
    assert(step !== null, "no other step is under way");
    total.steps++;
    for (const key of ["runs", "generations", "events", "keys"] as const) total[key] += step[key];
    if (step.next === null) return total;
    from = step.next;
  }
}

/** A run that has ended with so many events. */
async function ended(world: World, runId: string, events = 1): Promise<number> {
  const run = await claimed(world.store, runId);
  const written = Array.from({ length: events }, (_, n) => newEvent(`e${n}`));
  const entry = share(run, 0, { events: written, transition: COMPLETED });
  assert.equal(await commitOne(world.store, entry), "written");
  return run.id;
}

/** Many runs that have ended, a second apart, with events and generations, written at once. */
async function manyEnded(
  world: World,
  { runs, events = 0, generations = 0 }: { runs: number; events?: number; generations?: number },
): Promise<void> {
  await world.db.query(
    `with made as (
      insert into {schema}.runs (
        run_id, workflow, specifier_id, seed, input, state, result, created_at, started_at,
        ended_at, next_seq, first_seq, generation
      )
      select 'm' || n, 'order', {schema}.specifier_id_of($1, 'file:///order.ts'), 's', '1', 'completed', '1',
        clock_timestamp() - interval '1 day' + n * interval '1 second', clock_timestamp(),
        clock_timestamp(), $2::integer * ($3::integer + 1), $2::integer * $3::integer, $3::integer
      from generate_series(1, $4::integer) as n
      returning id, specifier_id
    ),
    told as (
      insert into {schema}.events (run, seq, at, kind, name)
      select id, seq, clock_timestamp(), 'step.completed', 's'
      from made, generate_series(0, $2::integer * ($3::integer + 1) - 1) as seq
    )
    insert into {schema}.generations
    select id, g, g * $2::integer, (g + 1) * $2::integer, specifier_id, 's', '1', clock_timestamp(),
      clock_timestamp() - interval '1 day'
    from made, generate_series(0, $3::integer - 1) as g`,
    [HASH, events, generations, runs],
  );
}

async function ids(world: World): Promise<string[]> {
  const rows = await world.db.query<{ id: string }>(
    `select run_id as id from {schema}.runs order by run_id`,
  );
  return rows.map(({ id }) => id);
}

async function count(world: World, table: string): Promise<number> {
  const [row] = await world.db.query<{ n: number }>(
    `select count(*)::integer as n from {schema}.${table}`,
  );
  return row!.n;
}

/** Makes it as if something had happened so long ago. */
async function age(world: World, runId: string, ms: number): Promise<void> {
  await world.db.query(
    `update {schema}.runs set
      created_at = created_at - $2::float8 * interval '1 millisecond',
      started_at = started_at - $2::float8 * interval '1 millisecond',
      ended_at = ended_at - $2::float8 * interval '1 millisecond'
     where run_id = $1`,
    [runId, ms],
  );
}

forEachDatabase("retention in the store", (database, test) => {
  test("all that belongs to a run goes with it, its idempotency key too, and nothing of others", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const key = (name: string) => ({ key: name, digest: "d" });
    const signal = { name: "s", payload: "1", deliveryId: "one" };
    for (const runId of ["goes", "stays"]) {
      await store.runs.insert([newRun(runId, { key: key(runId), signal })]);
      const run = await claimOne(store);
      await store.journal.commit([share(run, 0, { events: [newEvent("a"), newEvent("b")] })]);
      await db.query(
        `insert into {schema}.tasks (
          run, position, generation, attempt, priority, available_at, scheduled_at, state, queue,
          name
        ) values ($1, 9, 0, 1, 0, now(), now(), 'ready', 'q', 'n')`,
        [run.id],
      );
      await db.query(
        `insert into {schema}.generations
         select id, 0, 0, 1, specifier_id, 's', '1', now(), now() from {schema}.runs where id = $1`,
        [run.id],
      );
      await db.query(
        `update {schema}.runs set generation = 1, first_seq = 1 where id = $1`,
        [run.id],
      );
      if (runId === "goes") await store.runs.end(runId, "terminated", "{}", { onlyStuck: false });
    }
    // A task that was forgotten: as when a run's end and its tasks' were two statements.
    await db.query(
      `insert into {schema}.tasks (
        run, position, generation, attempt, priority, available_at, scheduled_at, state, queue, name
      ) select id, 10, 0, 1, 0, now(), now(), 'ready', 'q', 'n'
      from {schema}.runs where run_id = 'goes'`,
    );
    const [goes] = await store.runs.list({ states: ["terminated"], limit: 1 });
    const [stays] = await store.runs.list({ states: ["running"], limit: 1 });
    assert.deepEqual(await pruneAll(world), {
      runs: 1,
      generations: 1,
      events: 2,
      keys: 1,
      steps: 1,
    });
    for (const [table, column] of BELONGINGS) {
      const left = await db.query<{ id: number }>(
        `select distinct ${column} as id from {schema}.${table}`,
      );
      assert.deepEqual(left.map(({ id }) => id), [stays!.id], `${table}, without ${goes!.id}`);
    }
    const keys = await db.query("select run_id as id from {schema}.idempotency_keys");
    assert.deepEqual(keys, [{ id: "stays" }]);
  });

  test("one run is removed by its id, whatever its age, and nothing of others", async () => {
    await using world = await newWorld(database);
    const { retention, runs } = world.store;
    await ended(world, "goes", 3);
    await ended(world, "stays", 2);
    await runs.in("b").insert([newRun("goes")]);
    assert.deepEqual(await retention.remove("default", "goes"), {
      status: "removed",
      runs: 1,
      generations: 0,
      events: 3,
      keys: 0,
    });
    assert.deepEqual(await ids(world), ["goes", "stays"]);
    assert.equal(await count(world, "events"), 2);
    assert.deepEqual(await retention.remove("default", "goes"), { status: "not_found" });
    assert.deepEqual(await retention.remove("default", "\0"), { status: "not_found" });
    const alive = await retention.remove("b", "goes");
    assert.deepEqual(alive, { status: "live", state: "pending" });
  });

  test("REMOVAL-1: one run stays for its parent by the rules of a step", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const { parent, child } = await claimedFamily(store);
    await commitOne(store, share(child, 0, { transition: COMPLETED }));
    const { retention } = store;
    assert.deepEqual(await retention.remove("default", "child"), { status: "unsettled" });
    await store.lineage.settleEnded(10);
    const awaited = { status: "awaited", parent: "parent" };
    assert.deepEqual(await retention.remove("default", "child"), awaited);
    await commitOne(store, share(parent, 0, { transition: COMPLETED }));
    await store.lineage.settleEnded(10);
    assert.equal((await retention.remove("default", "child")).status, "removed");
    assert.deepEqual(await ids(world), ["parent"]);
  });

  test("REMOVAL-2: one large run loses its earlier generations first, and is counted whole", async () => {
    await using world = await newWorld(database);
    await manyEnded(world, { runs: 2, events: 4_000, generations: 6 });
    assert.deepEqual(await world.store.retention.remove("default", "m1"), {
      status: "removed",
      runs: 1,
      generations: 6,
      events: 28_000,
      keys: 0,
    });
    assert.deepEqual(await ids(world), ["m2"]);
    assert.equal(await count(world, "events"), 28_000);
    assert.equal(await count(world, "generations"), 6);
  });

  test("a run that lives or is parked stays, however old", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert([newRun("pending", { delayMs: DAY })]);
    await claimed(store, "running");
    const sleeps = await claimed(store, "suspended");
    await commitOne(store, share(sleeps, 0, { events: [newEvent("a")], transition: suspended(0) }));
    const stuck = await claimed(store, "stuck");
    await commitOne(store, share(stuck, 0, { transition: UNKNOWN_VERSION }));
    await ended(world, "ended");
    for (const runId of await ids(world)) await age(world, runId, 365 * DAY);
    const scope = endedRuns({ generationsBefore: Date.now() });
    assert.equal((await pruneAll(world, scope)).runs, 1);
    assert.deepEqual(await ids(world), ["pending", "running", "stuck", "suspended"]);
    assert.equal(await count(world, "events"), 1);
  });

  test("age, state, workflow and namespace must all be right", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, "b".repeat(64), "other");
    await ended(world, "old");
    await age(world, "old", 10 * DAY);
    await ended(world, "new");
    await store.runs.insert([newRun("failed")]);
    const failed = await claimOne(store);
    const failure = { to: "failed" as const, result: null, error: "{}" };
    await commitOne(store, share(failed, 0, { transition: failure }));
    await store.runs.insert([newRun("else", { workflow: "other", hash: "b".repeat(64) })]);
    await commitOne(store, share(await claimOne(store), 0, { transition: COMPLETED }));
    await store.runs.in("b").insert([newRun("foreign")]);
    await commitOne(store, share(await claimOne(store), 0, { transition: COMPLETED }));
    const all = ["else", "failed", "foreign", "new", "old"];
    assert.deepEqual(await ids(world), all);

    const now = await store.now();
    const gone = async (scope: PruneScope) => {
      const before = await ids(world);
      await pruneAll(world, scope);
      const after = await ids(world);
      return before.filter((id) => !after.includes(id));
    };
    assert.deepEqual(await gone(endedRuns({ runsBefore: now - 11 * DAY })), []);
    assert.deepEqual(await gone(endedRuns({ runsBefore: now - 9 * DAY })), ["old"]);
    assert.deepEqual(await gone(endedRuns({ states: ["cancelled", "failed"] })), ["failed"]);
    assert.deepEqual(await gone(endedRuns({ workflow: "other" })), ["else"]);
    assert.deepEqual(await gone(endedRuns({ namespace: "b" })), ["foreign"]);
    assert.deepEqual(await gone(endedRuns({ namespace: "c" })), []);
    assert.deepEqual(await gone(endedRuns()), ["new"]);
  });

  test("a run ends exactly at the cutoff: it goes; a millisecond later: it stays", async () => {
    await using world = await newWorld(database);
    await ended(world, "r");
    const endedAt = (await world.store.runs.get("r"))!.endedAt!;
    assert.equal((await pruneAll(world, endedRuns({ runsBefore: endedAt - 1 }))).runs, 0);
    assert.equal((await pruneAll(world, endedRuns({ runsBefore: endedAt }))).runs, 1);
  });

  test("REMOVAL-1: a run stays while its end is untold, and while its parent's generation may ask for it again", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const parent = await claimed(store, "parent");
    const child = { ...newRun("child"), parent: parent.id, close: "abandon" as const };
    assert.deepEqual(await store.lineage.startChildren([child], 50), ["started"]);
    const run = await claimOne(store);
    await commitOne(store, share(run, 0, { transition: COMPLETED }));

    assert.equal((await pruneAll(world)).runs, 0, "its parent does not know yet");
    await store.lineage.settleEnded(10);
    assert.equal((await pruneAll(world)).runs, 0, "a parent that died would start it once more");
    assert.deepEqual(await store.lineage.startChildren([child], 50), ["started"]);
    assert.deepEqual(await ids(world), ["child", "parent"], "and finds it");

    const continued = await store.lineage.continueAsNew({
      run: parent.id,
      token: parent.token,
      next: 0,
      generation: 0,
      hash: HASH,
      specifier: "file:///order.ts",
      input: "1",
      seed: "s",
      signals: [],
    });
    assert(continued !== null);
    await db.query(`update {schema}.runs set started_at = started_at + interval '1 millisecond'
      where run_id = 'parent'`); // the clock may not have moved
    assert.equal((await pruneAll(world)).runs, 1, "no parent can request it any more");
    assert.deepEqual(await ids(world), ["parent"]);
  });

  test("REMOVAL-1: with its parent ended, a child is removed; a parent is removed before children that live on", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const parent = await claimed(store, "parent");
    const child = (runId: string) =>
      ({ ...newRun(runId), parent: parent.id, close: "abandon" }) as const;
    await store.lineage.startChildren([child("a")], 50);
    const a = await claimOne(store);
    await commitOne(store, share(a, 0, { transition: COMPLETED }));
    await store.lineage.startChildren([child("b")], 50);
    const b = await claimOne(store);
    await store.lineage.settleEnded(10);
    await commitOne(store, share(parent, 0, { transition: COMPLETED }));
    assert.equal((await pruneAll(world)).runs, 1, "the parent has still to tell its children");
    assert.deepEqual(await ids(world), ["b", "parent"]);
    await store.lineage.settleEnded(10);
    assert.equal((await pruneAll(world)).runs, 1);
    assert.deepEqual(await ids(world), ["b"]);
    await commitOne(store, share(b, 0, { transition: COMPLETED }));
    assert.deepEqual((await store.lineage.settleEnded(10)).woken, [], "no run is left to notify");
    assert.equal((await pruneAll(world)).runs, 1);
  });

  test("a step takes bounded numbers of runs and events, and returns where to continue", async () => {
    await using world = await newWorld(database);
    await manyEnded(world, { runs: 450, events: 1 });
    const byNumber = await pruneAll(world);
    assert.deepEqual([byNumber.runs, byNumber.events, byNumber.steps], [450, 450, 3]);
    await manyEnded(world, { runs: 7, events: 4_000 });
    const byEvents = await pruneAll(world);
    assert.deepEqual([byEvents.runs, byEvents.events, byEvents.steps], [7, 28_000, 4]);
    assert.equal(await count(world, "events"), 0);
  });

  test("runs that live for long are passed over, a bounded number in a step", async () => {
    await using world = await newWorld(database);
    await world.db.query(
      `insert into {schema}.runs (
        run_id, workflow, specifier_id, seed, input, state, created_at, started_at
      )
      select 'w' || n, 'order', {schema}.specifier_id_of($1, 'file:///order.ts'), 's', '1', 'suspended', at,
        at
      from generate_series(1, 10500) as n
      cross join (select clock_timestamp() - interval '9 days' as at) as old`,
      [HASH],
    );
    await manyEnded(world, { runs: 3 });
    const { retention } = world.store;
    const first = await retention.step(endedRuns(), FIRST_PLACE);
    assert.equal(first?.runs, 0);
    const second = await retention.step(endedRuns(), first!.next!);
    assert.deepEqual([second?.runs, second?.next], [3, null]);
    assert.equal(await count(world, "runs"), 10_500);
  });

  test("generations of a run that lives on go some at a time, too", async () => {
    await using world = await newWorld(database);
    await manyEnded(world, { runs: 2, events: 4, generations: 700 });
    await world.db.query(
      `update {schema}.runs set state = 'suspended', ended_at = null, result = null`,
    );
    const scope = endedRuns({ runsBefore: null, generationsBefore: Date.now() });
    const all = await pruneAll(world, scope);
    assert.deepEqual([all.runs, all.generations, all.events], [0, 1_400, 5_600]);
    assert.equal(all.steps, 2);
    assert.equal(await count(world, "events"), 8, "those of the present generations");
  });

  test("a limit is kept, the oldest go first, and a dry run counts and removes nothing", async () => {
    await using world = await newWorld(database);
    await manyEnded(world, { runs: 9, events: 2, generations: 1 });
    const dry = await pruneAll(world, endedRuns(), { dryRun: true });
    assert.deepEqual(dry, { runs: 9, generations: 9, events: 36, keys: 0, steps: 1 });
    assert.equal(await count(world, "runs"), 9);
    const step = await world.store.retention.step(endedRuns(), FIRST_PLACE, { limit: 4 });
    assert.deepEqual([step?.runs, step?.generations, step?.events], [4, 4, 16]);
    assert.deepEqual(await ids(world), ["m5", "m6", "m7", "m8", "m9"]);
  });

  test("REMOVAL-2: a run too large for one step loses whole generations first, and its end last", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await manyEnded(world, { runs: 1, events: 3_000, generations: 6 });
    const first = await store.retention.step(endedRuns(), FIRST_PLACE);
    assert.deepEqual([first?.runs, first?.generations, first?.events], [0, 4, 12_000]);
    assert.deepEqual(first?.next, FIRST_PLACE, "it is looked at again");
    const left = await store.runs.generations("m1", 0, 10);
    assert.deepEqual(left.map(({ number, events }) => [number, events]), [
      [4, 3_000],
      [5, 3_000],
      [6, 3_000],
    ]);
    for (const { number } of left) {
      assert.equal((await store.runs.history("m1", 0, 10_000, number)).length, 3_000);
    }
    assert.equal(await count(world, "events"), 9_000, "of the others nothing is left");
    const rest = await pruneAll(world);
    assert.deepEqual([rest.runs, rest.generations, rest.events, rest.steps], [1, 2, 9_000, 1]);
    assert.equal(await count(world, "events"), 0);
  });

  test("earlier generations of a running run are removed by their own age, and the run continues", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "r");
    for (let generation = 0; generation < 3; generation++) {
      const first = generation * 2;
      const events = [newEvent("a"), newEvent("b")];
      await store.journal.commit([share(run, first, { events })]);
      const at = await store.lineage.continueAsNew({
        ...{ run: run.id, token: run.token, next: first + 2, generation, hash: HASH, input: "1" },
        ...{ specifier: "file:///order.ts", seed: "s", signals: [] },
      });
      assert(at !== null);
    }
    await db.query(
      `update {schema}.generations set ended_at = ended_at - interval '10 days'
       where generation < 2`,
    );
    const cutoff = await store.now() - DAY;
    const scope = endedRuns({ runsBefore: null, generationsBefore: cutoff });
    // The run was created before its generations were over.
    await db.query(`update {schema}.runs set created_at = created_at - interval '20 days'`);
    assert.deepEqual(await pruneAll(world, scope, { dryRun: true }), {
      ...{ runs: 0, generations: 2, events: 4, keys: 0, steps: 1 },
    });
    assert.deepEqual(await pruneAll(world, scope), {
      ...{ runs: 0, generations: 2, events: 4, keys: 0, steps: 1 },
    });
    const left = await store.runs.generations("r", 0, 10);
    assert.deepEqual(left.map(({ number }) => number), [2, 3]);
    assert.equal((await store.runs.history("r", 0, 10, 2)).length, 2);
    const entry = share(run, 6, { events: [newEvent("c")], transition: COMPLETED });
    assert.equal(await commitOne(store, entry), "written");
    assert.equal((await pruneAll(world, scope)).generations, 0);
    const all = await pruneAll(world);
    assert.deepEqual([all.runs, all.generations, all.events], [1, 1, 3]);
  });

  test("results of activities go by their own age, some at a time", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await db.query(
      `insert into {schema}.activity_results (namespace, name, key, result, stored_at)
       select case when n <= 2500 then 'default' else 'b' end, 'charge' || n % 2, 'k' || n, '1',
         clock_timestamp() - n * interval '1 minute'
       from generate_series(1, 2600) as n`,
    );
    const now = await store.now();
    const { retention } = store;
    const all = ["default", null, now] as const;
    assert.deepEqual(await retention.results(...all, { dryRun: true }), {
      ...{ results: 2_500, more: false },
    });
    assert.deepEqual(await retention.results("default", "charge1", now, { limit: 10 }), {
      ...{ results: 10, more: true },
    });
    const old = ["default", null, now - 2_000 * 60_000 + 30_000] as const;
    assert.deepEqual(await retention.results(...old), { results: 491, more: false });
    assert.deepEqual(await retention.results(...all), { results: 1_000, more: true });
    assert.deepEqual(await retention.results(...all), { results: 999, more: false });
    assert.equal(await count(world, "activity_results"), 100, "those of the other namespace");
  });

  test("namespaces are found, each once", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    assert.deepEqual(await store.retention.namespaces(), []);
    for (const namespace of ["b", "default", "a", "b", "Ä"]) {
      await store.runs.in(namespace).insert([newRun(crypto.randomUUID())]);
    }
    assert.deepEqual((await store.retention.namespaces()).sort(), ["a", "b", "default", "Ä"]);
  });
});

Deno.test("retention in the store, on Postgres: a locked run is left for later, and nothing waits", async () => {
  await using world = await newWorld(POSTGRES);
  await ended(world, "free");
  await ended(world, "held");
  const { promise: done, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const held = world.store.transact(async ({ query }) => {
    await query(
      new SchemaName(world.db.schema).fill(
        "select id from {schema}.runs where run_id = 'held' for update",
      ),
    );
    lock();
    await done;
  });
  await locked;
  assert.equal((await pruneAll(world)).runs, 1);
  release();
  await held;
  assert.deepEqual(await ids(world), ["held"]);
  assert.equal((await pruneAll(world)).runs, 1);
});

Deno.test("retention in the store, on Postgres: REMOVAL-3: one removes at a time where that is wanted", async () => {
  await using world = await newWorld(POSTGRES);
  await ended(world, "r");
  const { channel } = new SchemaName(world.db.schema);
  const { promise: done, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const other = world.store.transact(async ({ query }) => {
    await query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`${channel}/retention`]);
    lock();
    await done;
  });
  await locked;
  const { retention } = world.store;
  const alone = { alone: true };
  assert.equal(await retention.step(endedRuns(), FIRST_PLACE, alone), null);
  assert.equal(await retention.results("default", null, Date.now(), alone), null);
  assert.deepEqual(await ids(world), ["r"]);
  release();
  await other;
  assert.equal((await retention.step(endedRuns(), FIRST_PLACE, alone))?.runs, 1);
});

Deno.test("retention in the store, on Postgres: of many at once, each run is removed by one", async () => {
  await using world = await newWorld(POSTGRES);
  await manyEnded(world, { runs: 1_000, events: 2 });
  const totals = await Promise.all(Array.from({ length: 4 }, () => pruneAll(world)));
  assert.equal(totals.reduce((sum, { runs }) => sum + runs, 0), 1_000);
  assert.deepEqual([await count(world, "runs"), await count(world, "events")], [0, 0]);
});

Deno.test("retention in the store, on Postgres: everything is found by an index, in its order", async () => {
  await using world = await newWorld(POSTGRES);
  const { db } = world;
  await manyEnded(world, { runs: 20_000, events: 1, generations: 3 });
  await db.query(
    `insert into {schema}.idempotency_keys (namespace, workflow, key, run_id, input_digest)
     select 'default', 'order', 'k' || n, 'm' || n, 'd' from generate_series(1, 20000) as n`,
  );
  await db.query(
    `insert into {schema}.tasks (
      run, position, generation, attempt, priority, available_at, scheduled_at, state, queue, name
    ) select id, 0, 0, 1, 0, now(), now(), 'ready', 'q', 'n' from {schema}.runs`,
  );
  await db.query(
    `insert into {schema}.activity_results (namespace, name, key, result)
     select 'default', 'charge', 'k' || n, '1' from generate_series(1, 20000) as n`,
  );
  const tables = BELONGINGS.map(([table]) => table);
  for (const table of [...tables, "idempotency_keys", "activity_results"]) {
    await db.query(`analyze {schema}.${table}`);
  }
  const sql = new SchemaName(db.schema).prepare(RETENTION_STATEMENTS);
  const before = Date.now();
  const namespace = "default";
  const ids = Array.from({ length: 200 }, (_, n) => n + 1);
  const plan = {
    ...{ namespace, workflow: null, runsBefore: before, states: ["completed"] },
    ...{ generationsBefore: before, fromAt: before - 9 * DAY, fromId: 0 },
    ...{ mostSeen: 10_000, limit: 200 },
  };
  const shed = { ids, before, mostGenerations: 1_000, mostEvents: 10_000, lock: null };
  const results = { namespace, name: null, before, limit: 1_000, lock: null };
  const calls = {
    planDefault: sql.planDefault.bind(plan),
    remove: sql.remove.bind({ ids, namespace, lock: null }),
    shed: sql.shed.bind(shed),
    results: sql.results.bind(results),
  };
  for (const name of ["planDefault", "remove", "shed", "results"] as const) {
    const plan = (await db.query<{ "QUERY PLAN": string }>(
      `explain (costs off) ${sql[name].text}`,
      calls[name],
    )).map((row) => row["QUERY PLAN"]).join("\n");
    assert(!/Seq Scan/.test(plan), `${name}\n${plan}`);
    if (name === "planDefault") assert(!/Sort/.test(plan) && /runs_by_creation/.test(plan), plan);
  }
});
