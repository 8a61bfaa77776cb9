/**
 * What most tests of a store begin with: a schema, a node, a version and runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NewFork } from "../../src/ports/forks.ts";
import { originText } from "../../src/replay/origins.ts";
import type { ClaimedRun, CommitEntry, NewEvent, NewRun } from "../../src/ports/rows.ts";
import type { NewTask } from "../../src/ports/tasks.ts";
import type { Store } from "../../src/ports/store.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import type { DatabaseKind, EmptyDatabase } from "./database.ts";

/** The version that tests' runs are on. */
export const HASH = "a".repeat(64);

/** The node that tests' runs are claimed by. */
export const NODE = "node-1";

/** A database with one open store, one live node and one version. */
export interface World extends AsyncDisposable {
  readonly db: EmptyDatabase;
  readonly store: Store;
}

export async function newWorld(database: Pick<DatabaseKind, "fresh">): Promise<World> {
  const db = await database.fresh();
  const store = await db.open();
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 60_000 });
  await register(store);
  return { db, store, [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() };
}

/** Registers a version without bytes. */
export async function register(store: Store, hash = HASH, workflow = "order"): Promise<void> {
  await store.versions.register({
    hash,
    workflow,
    label: "1",
    manifest: `manifest of ${hash}`,
    specifier: `file:///${workflow}.ts`,
    blobs: null,
  });
}

/** A start: each has a seed of its own, by which it is known again. */
export function newRun(runId: string, more: Partial<NewRun> = {}): NewRun {
  return {
    runId,
    workflow: "order",
    hash: HASH,
    specifier: "file:///order.ts",
    input: "{}",
    seed: crypto.randomUUID(),
    ...more,
  };
}

export function newEvent(name: string, payload: string | null = null): NewEvent {
  return { kind: "step.completed", position: 0, name, digest: null, payload };
}

/** Inserts a run and lets a node claim it. */
export async function claimed(store: Store, runId: string, node = NODE): Promise<ClaimedRun> {
  await store.runs.insert([newRun(runId)]);
  return await claimOne(store, node);
}

/** Inserts a run with a child, which its end abandons, and lets a node claim both. */
export async function claimedFamily(
  store: Store,
  runId = "parent",
): Promise<{ readonly parent: ClaimedRun; readonly child: ClaimedRun }> {
  const parent = await claimed(store, runId);
  const child = { ...newRun("child"), parent: parent.id, close: "abandon" as const };
  assert.deepEqual(await store.lineage.startChildren([child], 50), ["started"]);
  return { parent, child: await claimOne(store) };
}

/** Claims the one run that is due. */
export async function claimOne(store: Store, node = NODE): Promise<ClaimedRun> {
  const runs = await store.runs.claim({ node, limit: 2, excluded: [] });
  assert.equal(runs.length, 1, "one run is due");
  return runs[0]!;
}

/** A share of a run's history. */
export function share(
  run: ClaimedRun,
  first: number,
  more: Partial<CommitEntry> = {},
): CommitEntry {
  return { run: run.id, token: run.token, first, events: [], consumed: [], ...more };
}

/** A transition to suspended. */
export function suspended(wakeSeq: number, wakeAt: number | null = null) {
  return { to: "suspended" as const, wakeAt, waits: [], wakeSeq };
}

/** A transition to completed. */
export const COMPLETED = { to: "completed" as const, result: "1", error: null };

/** A fork of a run that takes over its first events. */
export function newFork(
  origin: number,
  runId: string,
  events: number,
  more: Partial<NewFork> = {},
): NewFork {
  return {
    origin,
    namespace: "default",
    generation: 0,
    runId,
    workflow: "order",
    hash: HASH,
    specifier: "file:///order.ts",
    input: "2",
    seed: `seed of ${runId}`,
    forkOf: originText({ runId: "o", generation: 0, events, starts: [] }),
    policy: null,
    events,
    dropped: [],
    extra: [],
    delivered: events,
    carry: false,
    adopted: [],
    locks: [],
    ...more,
  };
}

/** A transition to `stuck_unknown_version`. */
export const UNKNOWN_VERSION = {
  to: "stuck_unknown_version" as const,
  reason: { code: "lost", message: "No node has it", details: { sources: ["a"] } },
};

/** Commits one share and says what became of it. */
export async function commitOne(store: Store, entry: CommitEntry): Promise<string> {
  const [result] = await store.journal.commit([entry]);
  return result!.status;
}

/** Lets a node's lease run out. */
export async function expire(db: EmptyDatabase, node: string): Promise<void> {
  await db.query(
    "update {schema}.nodes set expires_at = clock_timestamp() - interval '1 second' where id = $1",
    [node],
  );
}

/** Makes a run due now, as if its time had come. */
export async function makeDue(db: EmptyDatabase, runId: string): Promise<void> {
  await db.query(
    `update {schema}.runs set wake_at = clock_timestamp() - interval '1 second'
     where run_id = $1 and state in ('pending', 'suspended')`,
    [runId],
  );
}

/** How many statements on a schema wait for another's transaction. */
export async function waiting(db: EmptyDatabase): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    `select count(*)::integer as n from pg_stat_activity
     where wait_event = 'transactionid' and query like '%' || $1 || '%'`,
    [db.schema],
  );
  return row!.n;
}

/** A task of a run; `more` overrides its defaults. */
export function newTask(run: ClaimedRun, more: Partial<NewTask> = {}): NewTask {
  return {
    run: run.id,
    position: 0,
    name: "charge",
    digest: "a.b",
    nth: 0,
    queue: "default",
    priority: 0,
    hash: null,
    definition: null,
    key: null,
    input: "1",
    policy: {},
    maxAttempts: 3,
    attempt: 1,
    failures: [],
    runToken: run.token,
    node: NODE,
    token: null,
    delayMs: 0,
    ageMs: 0,
    heartbeat: null,
    ...more,
  };
}

/** Lets a node hold a run that rests, or let go of it (`null`), as a claim and a suspension do. */
export async function hold(db: EmptyDatabase, runId: string, node: string | null): Promise<void> {
  if (node === null) {
    await db.query(
      "update {schema}.runs set state = 'suspended', node = null, token = null where run_id = $1",
      [runId],
    );
    return;
  }
  await db.query(
    `with held as (
      update {schema}.runs set state = 'running', node = $2, token = 1, waits = null, wake_at = null
      where run_id = $1 returning id
    )
    insert into {schema}.leases (node, runs) select $2, array_agg(id) from held`,
    [runId, node],
  );
}

/** Holds a lock on one run's row while `work` runs. */
export async function holding(
  db: EmptyDatabase,
  runId: string,
  work: () => Promise<void>,
): Promise<void> {
  const driver: SqlDriver = await db.database.open();
  const text = new SchemaName(db.schema).fill(
    "select from {schema}.runs where run_id = $1 for update",
  );
  try {
    await driver.transaction(async (session) => {
      await session.query(text, [runId]);
      await work();
    });
  } finally {
    await driver.close();
  }
}
