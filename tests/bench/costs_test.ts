/**
 * The costs of a step and of an activity that do not depend on the machine: commits, rows, WAL and
 * round trips.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgresDatabases } from "../../bench/databases.ts";
import { ACTIVITIES, W1 } from "../../bench/throughput.ts";
import { WIRE } from "../../bench/wire.ts";
import "../support/primed_hooks.ts";
import { startPostgres } from "../support/embedded_postgres.ts";

/** No other process writes WAL, or reads rows that have been replaced. */
const ALONE = { settings: { autovacuum: "off" } };
const SIZES = { many: 0, parked: 0, long: [], rows: 0, idleSeconds: 0 };

Deno.test("a step costs under 0.05 commits, one row, and a bounded share of the WAL", async () => {
  await using server = await startPostgres(ALONE);
  await using databases = await postgresDatabases(server.url);
  await using db = await databases.fresh();
  const found = await W1.measure(db, SIZES, 1) as { pg: Record<string, number> };
  const { xact_step, wal_bytes_step, ins_step, upd_step, hot_ratio } = found.pg;
  assert.ok(xact_step! < 0.05, `found ${xact_step} commits a step`);
  assert.ok(ins_step! <= 1.11, `found ${ins_step} rows inserted a step, wanted events and runs`);
  assert.ok(upd_step! <= 1.11, `found ${upd_step} rows updated a step, wanted one an event or end`);
  assert.ok(hot_ratio! >= 0.99, `found ${hot_ratio} of the updates of runs to be heap-only`);
  assert.ok(wal_bytes_step! < 365, `found ${wal_bytes_step} bytes of WAL a step`);
});

Deno.test("500 steps of 50 runs at once take under 20 round trips", async () => {
  await using server = await startPostgres(ALONE);
  await using databases = await postgresDatabases(server.url);
  await using db = await databases.fresh();
  const found = await WIRE.measure(db, SIZES, 1) as Record<string, number>;
  const { round_trips_step, parses_step } = found;
  assert.ok(round_trips_step! < 0.04, `found ${round_trips_step} round trips a step`);
  assert.ok(parses_step! < 0.02, `found ${parses_step} parsed statements a step`);
});

Deno.test("an activity through its queue costs two rows, one beside its run as much as a step", async () => {
  await using server = await startPostgres(ALONE);
  await using databases = await postgresDatabases(server.url);
  await using db = await databases.fresh();
  const { queued, local } = await ACTIVITIES.measure(db, SIZES, 1) as Record<
    "queued" | "local",
    { pg: Record<string, number> }
  >;
  const bounds = [
    [queued.pg, { xact: 0.06, ins: 2.11, upd: 2.2, del: 1.01, wal_bytes: 1_600 }],
    [local.pg, { xact: 0.05, ins: 1.11, upd: 1.11, del: 0.01, wal_bytes: 460 }],
  ] as const;
  for (const [found, most] of bounds) {
    for (const [name, bound] of Object.entries(most)) {
      const value = found[`${name}_activity`]!;
      assert.ok(value <= bound, `found ${value} ${name} an activity, wanted at most ${bound}`);
    }
  }
});
