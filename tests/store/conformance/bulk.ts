/**
 * What every store promises about changes of many runs, and their jobs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { BulkDeed, JobLease, RunMove } from "../../../src/ports/bulk.ts";
import type { RunRow } from "../../../src/ports/rows.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  HASH,
  newEvent,
  newRun,
  newWorld,
  NODE,
  register,
  share,
  suspended,
  UNKNOWN_VERSION,
} from "../../support/store_rows.ts";

const OTHER = "b".repeat(64);
const PIN = { hash: OTHER, specifier: "file:///order.ts" };
const LEASE: JobLease = { job: "j", token: 1, leaseMs: 60_000 };
const JOB = {
  id: "j",
  kind: "upgrade",
  namespace: "default",
  plan: '{"p":1}',
  progress: '{"n":0}',
  driver: "one",
} as const;

function moveOf(row: RunRow, more: Partial<RunMove> = {}): RunMove {
  const { id, generation, firstSeq, events } = row;
  const next = firstSeq + events;
  return {
    id,
    generation,
    next,
    open: [],
    payload: '{"from":"a"}',
    wakes: false,
    tasks: [],
    ...more,
  };
}

/** A run that sleeps after one event. */
async function asleep(store: Store, runId: string, wakeAt: number | null = null): Promise<RunRow> {
  const run = await claimed(store, runId);
  const transition = suspended(0, wakeAt);
  await commitOne(store, share(run, 0, { events: [newEvent("a")], transition }));
  return (await store.runs.get(runId))!;
}

export function bulk(database: DatabaseKind, test: RegisterTest): void {
  test("BULK-1: a run that sleeps is moved, and sleeps on until its time", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER);
    const at = Math.floor(await store.now()) + 3_600_000;
    const row = await asleep(store, "r", at);
    assert.deepEqual(await store.bulk.move(PIN, [moveOf(row)]), [{ id: row.id, wakeAt: at }]);
    const moved = (await store.runs.get("r"))!;
    assert.deepEqual(
      [moved.hash, moved.state, moved.wakeAt, moved.events, moved.node],
      [OTHER, "suspended", at, 2, null],
    );
    const [, event] = await store.runs.history("r", 0, 10);
    assert.deepEqual([event?.kind, event?.payload], ["version.changed", '{"from":"a"}']);
  });

  test("BULK-1: a run that changed, is held or has ended is not moved", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER);
    const [longer, generation, free] = [
      await asleep(store, "longer"),
      await asleep(store, "generation"),
      await asleep(store, "free"),
    ];
    const ended = await asleep(store, "ended");
    await store.runs.end("ended", "terminated", "{}", { onlyStuck: false });
    const held = await claimed(store, "held");
    const moved = await store.bulk.move(PIN, [
      moveOf(longer, { next: 0 }),
      moveOf(generation, { generation: 1 }),
      moveOf(free),
      moveOf(ended),
      moveOf((await store.runs.get("held"))!),
    ]);
    assert.deepEqual(moved, [{ id: free.id, wakeAt: null }]);
    assert.equal(await commitOne(store, share(held, 0, { events: [newEvent("a")] })), "written");
  });

  test("a run that is parked or to be woken is due; one that has not begun keeps its time", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER);
    const woken = await asleep(store, "woken");
    const run = await claimed(store, "parked");
    await commitOne(store, share(run, 0, { transition: UNKNOWN_VERSION }));
    const parked = (await store.runs.get("parked"))!;
    const at = Math.floor(await store.now()) + 3_600_000;
    await store.runs.insert([newRun("later", { startAt: at })]);
    const later = (await store.runs.get("later"))!;
    await store.bulk.move(PIN, [
      moveOf(woken, { wakes: true }),
      moveOf(parked),
      moveOf(later, { wakes: true }),
    ]);
    const claims = await store.runs.claim({ node: "node-1", limit: 10, excluded: [] });
    assert.deepEqual(claims.map(({ runId }) => runId).sort(), ["parked", "woken"]);
    const row = await store.runs.get("later");
    assert.deepEqual([row?.state, row?.wakeAt, row?.hash], ["suspended", at, OTHER]);
  });

  test("BULK-3: runs and the progress of their job are written together, by its driver only", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER);
    const [first, second] = [await asleep(store, "first"), await asleep(store, "second")];
    await store.bulk.create(JOB, LEASE);
    const progress = (moved: ReadonlySet<number>) => JSON.stringify({ n: moved.size });
    const moved = await store.bulk.move(PIN, [moveOf(first)], { lease: LEASE, progress });
    assert.equal(moved.length, 1);
    const lease = { ...LEASE, token: 2 };
    assert.equal(await store.bulk.move(PIN, [moveOf(second)], { lease, progress }), "lost");
    assert.notEqual((await store.runs.get("second"))?.hash, OTHER);
    const job = await store.bulk.take("upgrade", "two", lease);
    assert.deepEqual([job?.id, job?.driver, job?.progress], ["j", "one", '{"n":1}']);
  });

  test("an act reaches each live run once, and no other", async () => {
    await using world = await newWorld(database);
    const { db, store } = world;
    const rows = new Map<string, RunRow>();
    await asleep(store, "asleep");
    await asleep(store, "ended");
    await store.runs.end("ended", "terminated", "{}", { onlyStuck: false });
    const held = await claimed(store, "held");
    const parked = await claimed(store, "parked");
    await commitOne(store, share(parked, 0, { transition: UNKNOWN_VERSION }));
    for (const id of ["pending", "later", "other"]) {
      await store.runs.insert([newRun(id, id === "later" ? { delayMs: 60_000 } : {})]);
    }
    for (const row of await store.runs.list({ limit: 10 })) rows.set(row.runId, row);
    const names = new Map([...rows.values()].map(({ id, runId }) => [id, runId]));
    const ids = [...names.keys()];
    await store.bulk.create({ ...JOB, kind: "terminate" }, LEASE);
    let progress: readonly string[] = [];
    const job = {
      lease: LEASE,
      progress: (acted: ReadonlySet<number>) => {
        progress = [...acted].map((id) => names.get(id)!).sort();
        return "{}";
      },
    };
    const act = async (deed: BulkDeed, of = ids) => {
      const acted = await store.bulk.act([{ deed, ids: of }], job, "default");
      assert(acted !== "lost");
      assert.deepEqual(acted.map(({ id }) => names.get(id)).sort(), progress);
      return acted.map(({ id, node, ended }) => [names.get(id), node, ended]).sort();
    };
    const live = ["asleep", "held", "later", "other", "parked", "pending"];
    const of = (runs: readonly string[], ended: readonly string[] = []) =>
      runs.map((id) => [id, id === "held" ? NODE : null, ended.includes(id)]);
    const signal = { kind: "signal", version: HASH, name: "s", payload: "1" } as const;
    assert.deepEqual(await act({ ...signal, deliveryId: "j" }), of(live));
    assert.deepEqual(await act({ ...signal, deliveryId: "j" }), of(live), "once");
    assert.deepEqual(await act({ ...signal, version: OTHER, deliveryId: "k" }), []);
    const [{ n }] = await db.query<{ n: number }>(
      "select count(*)::integer as n from {schema}.inbox where kind = 'signal'",
    ) as [{ n: number }];
    assert.equal(n, live.length);
    const states = async () =>
      Object.fromEntries(
        (await store.runs.list({ limit: 10 })).map(({ runId, state }) => [runId, state]),
      );
    assert.deepEqual(await act({ kind: "pause", request: "{}" }), of(live));
    assert.deepEqual(await act({ kind: "pause", request: "{}" }), [], "they are paused already");
    assert.deepEqual(await states(), {
      asleep: "paused",
      ended: "terminated",
      held: "running",
      later: "paused",
      other: "paused",
      parked: "stuck_unknown_version",
      pending: "paused",
    });
    assert.deepEqual(await act({ kind: "resume" }), of(live));
    assert.deepEqual(await act({ kind: "resume" }), []);
    assert.deepEqual([(await states()).asleep, (await states()).later], ["suspended", "pending"]);
    assert((await store.runs.get("later"))!.wakeAt! > await store.now(), "it keeps its time");
    const other = rows.get("other")!.id;
    const cancel = { kind: "cancel", request: "{}", error: "{}" } as const;
    const others = ids.filter((id) => id !== other);
    assert.deepEqual(
      await act(cancel, others),
      of(live.filter((id) => id !== "other"), ["parked"]),
    );
    assert.equal((await store.runs.get("parked"))?.state, "cancelled");
    const left = live.filter((id) => id !== "parked");
    assert.deepEqual(
      await act({ kind: "terminate", error: "{}" }, [other]),
      of(["other"], ["other"]),
    );
    const rest = left.filter((id) => id !== "other");
    assert.deepEqual(await act({ kind: "terminate", error: "{}" }), of(rest, rest));
    assert.equal(await commitOne(store, share(held, 0, { events: [newEvent("a")] })), "ended");
    const lease = { ...LEASE, token: 2 };
    assert.equal(await store.bulk.act([], { ...job, lease }, "default"), "lost");
    assert.equal(await store.bulk.kindOf("j"), "terminate");
    assert.equal(await store.bulk.kindOf("none"), null);
    assert.equal(await store.bulk.take("upgrade", "two", LEASE), null, "it is no upgrade");
  });

  test("a job is taken when its driver let go of it or its lease is over, and never after its end", async () => {
    await using world = await newWorld(database);
    const { db, store: { bulk } } = world;
    assert.equal(await bulk.take("upgrade", "two", LEASE), null);
    await bulk.create(JOB, LEASE);
    const second = { ...LEASE, token: 2 };
    assert.equal((await bulk.take("upgrade", "two", second))?.driver, "one");
    await bulk.release(second, true); // it does not hold the job
    await bulk.release(LEASE, false);
    assert.equal((await bulk.take("upgrade", "two", second))?.driver, null);
    assert.equal((await bulk.jobs("default", 10))[0]?.driver, "two");
    await db.query(
      "update {schema}.bulk_jobs set held_until = clock_timestamp() - '1 s'::interval",
    );
    const third = { ...LEASE, token: 3 };
    assert.equal((await bulk.take("upgrade", "three", third))?.driver, null);
    await bulk.release(third, true);
    const ended = await bulk.take("upgrade", "four", { ...LEASE, token: 4 });
    assert.notEqual(ended?.endedAt, null);
    assert.deepEqual(
      (await bulk.jobs("default", 10)).map(({ driver, endedAt }) => [driver, endedAt]),
      [[null, ended?.endedAt]],
    );
    assert.deepEqual(await bulk.jobs("other", 10), []);
  });

  test("a run that a node holds is pinned to another version if its history is as long as was proved", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER);
    const run = await claimed(store, "r");
    await commitOne(store, share(run, 0, { events: [newEvent("a")] }));
    const change = { pin: PIN, payload: '{"from":"a"}' };
    assert.equal(await store.runs.repin(run, NODE, 0, change), false);
    assert.equal(await store.runs.repin({ ...run, token: 1 }, NODE, 1, change), false);
    assert.equal(await store.runs.repin(run, NODE, 1, change), true);
    const row = (await store.runs.get("r"))!;
    assert.deepEqual([row.hash, row.state, row.node, row.events], [OTHER, "running", NODE, 2]);
    assert.equal(await commitOne(store, share(run, 2, { events: [newEvent("b")] })), "written");
  });

  test("continueAsNew changes the versioning of a run, and nothing else of its policy", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert([newRun("r", { policy: '{"timeout":60000}' })]);
    const run = await claimOne(store);
    const at = await store.lineage.continueAsNew({
      ...{ run: run.id, token: run.token, next: 0, generation: 0, seed: "s", signals: [] },
      ...{ hash: HASH, specifier: "file:///order.ts", input: "1", versioning: "auto" },
    });
    assert.notEqual(at, null);
    const row = await store.runs.get("r");
    assert.deepEqual(JSON.parse(row!.policy!), { timeout: 60_000, versioning: "auto" });
    assert.equal(row?.deadline, run.deadline);
  });
}
