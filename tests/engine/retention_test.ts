/**
 * What retention promises about nodes: small steps, long pauses, one at a time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import { DatabaseClock } from "../../src/engine/database_clock.ts";
import { Retention, type RetentionSettings } from "../../src/engine/duties/retention.ts";
import type { RetentionStore } from "../../src/ports/retention.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { VirtualClock } from "../../src/testing/clock.ts";
import { eventually, openIn } from "../support/runs.ts";
import { HASH, newWorld, type World } from "../support/store_rows.ts";
import { forEachDatabase, POSTGRES } from "../support/database.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

const ALL: RetentionSettings = {
  runsMs: 30 * DAY,
  generationsMs: 30 * DAY,
  resultsMs: 30 * DAY,
  namespaces: ["default"],
};

/** A world with something that removes, a clock that is moved by hand, and what was asked. */
async function sweeping(world: World, settings: RetentionSettings = ALL): Promise<{
  readonly retention: Retention;
  readonly asked: string[];
  /** Lets time pass, and resolves when what follows has happened. */
  readonly pass: (ms: number) => Promise<void>;
}> {
  const { store } = world;
  const clock = new VirtualClock(0);
  const databaseClock = new DatabaseClock(clock);
  databaseClock.note(await store.now());
  const asked: string[] = [];
  const noted: RetentionStore = {
    step: (scope, ...rest) => {
      asked.push(`step ${scope.namespace}`);
      return store.retention.step(scope, ...rest);
    },
    results: (namespace, ...rest) => {
      asked.push(`results ${namespace}`);
      return store.retention.results(namespace, ...rest);
    },
    remove: (namespace, runId) => store.retention.remove(namespace, runId),
    namespaces: () => {
      asked.push("namespaces");
      return store.retention.namespaces();
    },
  };
  const retention = new Retention(
    { store: { retention: noted }, clock, databaseClock, log: LOGTAPE.engine },
    settings,
  );
  const pass = async (ms: number) => {
    clock.moveTo(clock.monotonic() + ms);
    await retention.idle();
  };
  return { retention, asked, pass };
}

/** Runs that ended so many days ago. */
async function endedRuns(world: World, runs: number, days: number): Promise<void> {
  await world.db.query(
    `insert into {schema}.runs (
      run_id, workflow, specifier_id, seed, input, state, result, created_at, started_at, ended_at
    )
    select 'd' || $3::integer || '/' || n, 'order',
      {schema}.specifier_id_of($1, 'file:///order.ts'), 's', '1', 'completed', '1', at, at, at
    from generate_series(1, $2::integer) as n
    cross join (select clock_timestamp() - $3::integer * interval '1 day' as at) as old`,
    [HASH, runs, days],
  );
}

async function left(world: World): Promise<number> {
  return await world.store.runs.count(null);
}

forEachDatabase("retention of a node", (database, test) => {
  test("expired runs are removed in small steps with pauses between them; younger ones stay", async () => {
    await using world = await newWorld(database);
    await endedRuns(world, 450, 31);
    await endedRuns(world, 5, 29);
    await world.db.query(
      `insert into {schema}.activity_results (namespace, name, key, result, stored_at)
       select 'default', 'charge', 'k' || n, '1', clock_timestamp() - n * interval '20 days'
       from generate_series(1, 3) as n`,
    );
    const { retention, pass } = await sweeping(world);
    retention.beat();
    await retention.idle();
    const results = await world.db.query("select key from {schema}.activity_results");
    assert.deepEqual(results, [{ key: "k1" }]);
    assert.equal(await left(world), 455, "one step at a time");
    const seen: number[] = [];
    for (let steps = 0; steps < 4; steps++) {
      await pass(100);
      seen.push(await left(world));
    }
    assert.deepEqual(seen, [255, 55, 5, 5]);
    await retention.pause();
  });

  test("nothing that is kept for ever is asked for", async () => {
    await using world = await newWorld(database);
    await endedRuns(world, 2, 1_000);
    const nothing = { runsMs: null, generationsMs: null, resultsMs: null };
    const none = await sweeping(world, { ...ALL, ...nothing });
    none.retention.beat();
    await none.retention.idle();
    assert.deepEqual(none.asked, []);
    const results = await sweeping(world, { ...ALL, ...nothing, resultsMs: DAY });
    results.retention.beat();
    await results.retention.idle();
    assert.deepEqual(results.asked, ["results default"]);
    const generations = await sweeping(world, { ...ALL, ...nothing, generationsMs: DAY });
    generations.retention.beat();
    await generations.retention.idle();
    assert.equal(await left(world), 2);
  });

  test("RETENTION-1: a database with nothing to remove is asked twice in ten minutes", async () => {
    await using world = await newWorld(database);
    await endedRuns(world, 3, 1);
    const { retention, asked, pass } = await sweeping(world);
    for (let beats = 0; beats < 60 * 9; beats++) {
      retention.beat();
      await pass(MINUTE / 9);
    }
    assert.equal(asked.length, 12, "in an hour, with a heartbeat each seven seconds");
    await retention.pause();
  });

  test("RETENTION-1: with many namespaces, a round continues where the last one stopped", async () => {
    await using world = await newWorld(database);
    const names = Array.from({ length: 7 }, (_, n) => `n${n}`);
    const { retention, asked, pass } = await sweeping(world, { ...ALL, namespaces: names });
    retention.beat();
    await retention.idle();
    const wanted = names.flatMap((name) => [`results ${name}`, `step ${name}`]);
    assert.deepEqual(asked, wanted.slice(0, 10));
    await pass(10 * MINUTE);
    retention.beat();
    await retention.idle();
    assert.deepEqual(asked, wanted);
    await pass(10 * MINUTE);
    retention.beat();
    await retention.idle();
    assert.deepEqual(asked.slice(14, 16), wanted.slice(0, 2), "and then begins anew");
    await retention.pause();
  });

  test("all namespaces are those that have runs; others are left alone where some are named", async () => {
    await using world = await newWorld(database);
    await endedRuns(world, 2, 31);
    await world.db.query(
      `update {schema}.runs set namespace = 'b' where run_id = 'd31/2'`,
    );
    const own = await sweeping(world);
    own.retention.beat();
    for (let steps = 0; steps < 3; steps++) await own.pass(100);
    const rows = await world.db.query("select namespace from {schema}.runs");
    assert.deepEqual(rows, [{ namespace: "b" }]);
    const all = await sweeping(world, { ...ALL, namespaces: "all" });
    all.retention.beat();
    for (let steps = 0; steps < 3; steps++) await all.pass(100);
    assert.deepEqual(all.asked, ["namespaces", "results b", "step b"]);
    assert.equal(await left(world), 0);
  });

  test("a node with that option removes at its heartbeats, and one without removes nothing", async () => {
    await using world = await newWorld(database);
    await endedRuns(world, 3, 31);
    await endedRuns(world, 2, 33);
    {
      await using _node = await openIn(world.db, { name: "without", lease: "300ms" });
      const lives = "select expires_at - started_at > interval '500 ms' as long " +
        "from {schema}.nodes where name = 'without'";
      await eventually(
        async () => (await world.db.query<{ long: boolean }>(lives))[0]?.long || undefined,
        () => "third heartbeat",
      );
    }
    assert.equal(await left(world), 5);
    const retention = { runs: "32d", generations: "1d", results: "1d" };
    await using _node = await openIn(world.db, { lease: "300ms", retention });
    await eventually(
      async () => await left(world) === 3 || undefined,
      () => "removal of the older runs",
    );
  });
});

Deno.test("retention of a node, on Postgres: while another removes, a node leaves it at that", async () => {
  await using world = await newWorld(POSTGRES);
  await endedRuns(world, 3, 31);
  const { channel } = new SchemaName(world.db.schema);
  const { promise: done, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const other = world.store.transact(async ({ query }) => {
    await query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`${channel}/retention`]);
    lock();
    await done;
  });
  await locked;
  const { retention, asked, pass } = await sweeping(world, { ...ALL, resultsMs: null });
  retention.beat();
  await retention.idle();
  await pass(MINUTE);
  retention.beat();
  await retention.idle();
  assert.deepEqual(asked, ["step default"]);
  assert.equal(await left(world), 3);
  release();
  await other;
  await pass(9 * MINUTE);
  retention.beat();
  await retention.idle();
  assert.equal(await left(world), 0, "the next round does it");
  await retention.pause();
});
