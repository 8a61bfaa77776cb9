/**
 * Statements at READ COMMITTED that wait for another transaction: what a statement read before it
 * waited may be untrue when it continues.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import type { Reopening } from "../../src/ports/store.ts";
import { FORK_STATEMENTS } from "../../src/store/fork_statements.ts";
import { CHANGE_STATEMENTS } from "../../src/store/runs/change_statements.ts";
import type { SqlSession } from "../../src/store/sql/driver.ts";
import { callerTransaction } from "../../src/store/sql/caller_transaction.ts";
import { RunInserts } from "../../src/store/runs/inserts.ts";
import { MESSAGE_STATEMENTS } from "../../src/store/runs/message_statements.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { ATTEMPT_STATEMENTS } from "../../src/store/tasks/attempt_statements.ts";
import { POSTGRES } from "../support/database.ts";
import { overtaken } from "../support/overtaken.ts";
import {
  claimed,
  claimedFamily,
  claimOne,
  commitOne,
  COMPLETED,
  HASH,
  newEvent,
  newFork,
  newRun,
  newTask,
  newWorld,
  NODE,
  share,
  UNKNOWN_VERSION,
  waiting,
  type World,
} from "../support/store_rows.ts";

Deno.test("an activity that ends while its run continues as new answers nothing in the next generation", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const { answer } = new SchemaName(db.schema).prepare(ATTEMPT_STATEMENTS);
  const { id: run, token } = await claimed(store, "r");
  await store.tasks.announce([newTask({ id: run, token } as never, { token: 7 })]);
  const at = await overtaken(
    db,
    (session) =>
      answer.query(session, {
        run: [run],
        position: [0],
        token: [7],
        kind: ["activity.completed"],
        payload: ["1"],
      }),
    () =>
      store.lineage.continueAsNew({
        ...{ run, token, next: 0, generation: 0, seed: "next", signals: [] },
        ...{ hash: HASH, specifier: "file:///order.ts", input: "{}" },
      }),
  );
  assert.notEqual(at, null, "the run has continued");
  const [loaded] = await store.journal.load([{ id: run, from: 0 }]);
  assert.equal(loaded?.generation, 1);
  assert.deepEqual([loaded?.inbox, loaded?.tasks], [[], []]);
});

Deno.test("a cancellation that waits for a start in the run's place reaches the run that took it", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.runs.insert([newRun("r")]);
  const inserts = new RunInserts(new SchemaName(db.schema));
  const delivery = await overtaken(
    db,
    (session) =>
      inserts.insertInto([{ ...newRun("r", { replaces: "any" }), namespace: "default" }], session),
    () => store.runs.deliver("r", { kind: "cancel", name: "", payload: "{}" }),
  );
  assert.equal(delivery.status, "delivered");
  const run = await claimOne(store);
  assert.equal(run.runId, "r");
  const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
  assert.deepEqual(loaded?.inbox.map(({ kind }) => kind), ["cancel"]);
});

Deno.test("LINEAGE-1: a child that a parent asks for again is not removed while it is", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const parent = await claimed(store, "parent");
  const child = (runId: string) => ({
    ...{ parent: parent.id, close: "abandon" as const, runId, workflow: "order", hash: HASH },
    ...{ specifier: "file:///order.ts", input: "{}", seed: runId },
  });
  await store.lineage.startChildren([child("a")], 50);
  const first = await claimOne(store);
  await commitOne(store, share(first, 0, { transition: COMPLETED }));
  await store.lineage.settleEnded(10);
  // The parent has consumed the child's end, and begun a new generation.
  await db.query("delete from {schema}.inbox");
  await db.query(
    "update {schema}.runs set started_at = clock_timestamp() + interval '1 second' where run_id = 'parent'",
  );
  const inserts = new RunInserts(new SchemaName(db.schema));
  const outcomes = await overtaken(
    db,
    (session) => inserts.insertInto([{ ...newRun("b"), namespace: "default" }], session),
    () => store.lineage.startChildren([child("a"), child("b")], 50),
    async () => {
      const all = {
        ...{ namespace: "default", workflow: null, runsBefore: Date.now() + 3_600_000 },
        ...{ states: ["completed" as const], generationsBefore: null },
      };
      await store.retention.step(all, { at: 0, id: 0 });
    },
  );
  const row = await store.runs.get("a");
  assert.deepEqual(outcomes, ["ended", "taken"]);
  assert.notEqual(row, null, "the child of which the parent waits is there");
  assert.equal((await store.lineage.settleEnded(10)).woken.length, 1, "the parent is notified");
});

Deno.test("JOURNAL-5: a run is parked over no message that its owner has not read", async () => {
  await using world = await newWorld(POSTGRES);
  const { store } = world;
  const run = await claimed(store, "r");
  await store.runs.deliver("r", { kind: "cancel", name: "", payload: "{}" });
  const parked = (wakeSeq: number) =>
    commitOne(store, share(run, 0, { transition: { ...UNKNOWN_VERSION, wakeSeq } }));
  assert.equal(await parked(0), "woken");
  assert.equal(await parked(1), "written");
});

Deno.test("a run that is cancelled while a caller holds it is due again, and not parked", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const run = await claimed(store, "r");
  await commitOne(store, share(run, 0, { transition: UNKNOWN_VERSION }));
  const lease = { node: NODE, token: 5 };
  const { reason } = UNKNOWN_VERSION;
  const back = { back: "stuck_unknown_version" as const, reason };
  const seized = await store.runs.seize("r", lease);
  assert.equal(await store.runs.settle(seized!.id, lease, back), true);
  assert.equal((await store.runs.get("r"))?.state, "stuck_unknown_version");
  await store.runs.seize("r", lease);
  const { deliver } = new SchemaName(db.schema).prepare(MESSAGE_STATEMENTS);
  const cancel = { runId: "r", namespace: "default", kind: "cancel", name: "", payload: "{}" };
  const settled = await overtaken(
    db,
    (session) =>
      deliver.query(session, { ...cancel, deliveryId: null, version: null, trace: null }),
    () => store.runs.settle(run.id, lease, back),
  );
  assert.equal(settled, true);
  assert.equal((await claimOne(store)).runId, "r");
});

Deno.test("INSERT-2: a start is repeated if the run that had its id is removed before it is read", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.runs.insert([newRun("r")]);
  const driver = await db.database.open();
  let queries = 0;
  const session: SqlSession = {
    query: async <Row>(...asked: Parameters<SqlSession["query"]>) => {
      if (++queries === 2) await db.query("delete from {schema}.runs");
      return await driver.query<Row>(...asked);
    },
    script: (text) => driver.script(text),
  };
  try {
    const inserts = new RunInserts(new SchemaName(db.schema));
    const [run] = await inserts.insertInto([{ ...newRun("r"), namespace: "default" }], session);
    assert.equal(run?.created, true);
    assert.equal((await store.runs.get("r"))?.id, run?.id);
  } finally {
    await driver.close();
  }
});

Deno.test("INSERT-4: a start ends no run if another start takes its key meanwhile", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.runs.insert([newRun("a"), newRun("b")]);
  const key = { key: "k", digest: "d" };
  const inserts = new RunInserts(new SchemaName(db.schema));
  const start = (runId: string, replaces?: "any") => ({
    ...newRun(runId, replaces === undefined ? { key } : { key, replaces }),
    namespace: "default",
  });
  for (const replaces of ["any", undefined] as const) {
    const other = replaces === undefined ? "c" : "a";
    const [late] = await overtaken(
      db,
      (session) => inserts.insertInto([start(other, replaces)], session),
      () => store.runs.insert([start("b", "any")]),
    );
    assert.deepEqual(late?.key, { runId: other, sameInput: true });
    assert.equal(late?.ended?.length ?? 0, 0, "no run was ended");
    assert.equal((await store.runs.get("b"))?.state, "pending", "the run keeps its id");
    await db.query("delete from {schema}.idempotency_keys");
  }
});

Deno.test("INSERT-4: a start in a caller's transaction ends no run for a key that is taken meanwhile", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.runs.insert([newRun("b"), newRun("d")]);
  const key = { key: "k", digest: "d" };
  const place = { namespace: "default" };
  const inserts = new RunInserts(new SchemaName(db.schema));
  const driver = await db.database.open();
  try {
    const [late, unkeyed] = await overtaken(
      db,
      (session) => inserts.insertInto([{ ...newRun("c", { key }), ...place }], session),
      () =>
        driver.transaction(async (session) => {
          const { xid } = await callerTransaction(session);
          return await inserts.insertWithin(
            [
              { ...newRun("b", { key, replaces: "any" }), ...place },
              { ...newRun("d", { replaces: "any" }), ...place },
            ],
            session,
            xid,
          );
        }),
    );
    assert.deepEqual(late?.key, { runId: "c", sameInput: true });
    assert.equal((await store.runs.get("b"))?.state, "pending");
    assert.equal(unkeyed?.created, true);
    assert.equal(unkeyed?.ended?.length, 1, "the other item has replaced its run");
  } finally {
    await driver.close();
  }
});

Deno.test("REMOVAL-1: a run that gives up its id while retention removes it takes its key along", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.runs.insert([newRun("r", { key: { key: "k", digest: "d" } })]);
  await commitOne(store, share(await claimOne(store), 0, { transition: COMPLETED }));
  // The removal has its snapshot by then, and has locked no row yet.
  await db.query(
    `create function {schema}.pause() returns trigger language plpgsql as $$ begin
       perform pg_advisory_xact_lock(hashtext('${db.schema}')); return null;
     end $$`,
  );
  await db.query(
    "create trigger paused before delete on {schema}.runs execute function {schema}.pause()",
  );
  const all = {
    ...{ namespace: "default", workflow: null, runsBefore: Date.now() + 3_600_000 },
    ...{ states: ["completed" as const], generationsBefore: null },
  };
  const remove = () => store.retention.step(all, { at: 0, id: 0 });
  const keys = () => db.query<{ id: string }>("select run_id as id from {schema}.idempotency_keys");
  const driver = await db.database.open();
  try {
    const { removed } = await driver.transaction(async (session) => {
      await session.query("select pg_advisory_xact_lock(hashtext($1))", [db.schema]);
      const removed = remove();
      while ((await db.query(PAUSED, [db.schema])).length === 0);
      await store.runs.insert([newRun("r", { replaces: "ended" })]);
      return { removed };
    });
    await removed;
    assert.match((await keys())[0]!.id, /^r>was\./);
    await remove();
    assert.deepEqual(await keys(), []);
    assert.equal((await store.runs.get("r"))?.state, "pending");
  } finally {
    await driver.close();
  }
});

Deno.test("REPAIR-1: a repair leaves what another transaction holds, and waits for nothing", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  for (const id of ["a", "b"]) {
    await commitOne(store, share(await claimed(store, id), 0, { transition: UNKNOWN_VERSION }));
  }
  const parked = await store.repairs.parked("stuck_unknown_version", 10);
  assert.deepEqual(parked.map(({ runId }) => runId), ["a", "b"]);
  const operator = { actor: "ana", isProven: false, reason: null };
  const driver = await db.database.open();
  try {
    const freed = await driver.transaction(async (session) => {
      const lock = `select from "${db.schema}".runs where run_id = 'a' for update`;
      await session.query(lock);
      return await store.repairs.unpark(parked, operator);
    });
    assert.deepEqual(freed, [parked[1]!.id]);
  } finally {
    await driver.close();
  }
  assert.deepEqual(await store.repairs.unpark(parked, operator), [parked[0]!.id]);
  assert.deepEqual(await store.repairs.unpark(parked, operator), []);
});

/** A child that has failed after one event, and its parent. */
async function failedChild({ store }: World): Promise<{ child: number; parent: number }> {
  const { parent, child } = await claimedFamily(store, "o");
  const failed = { to: "failed" as const, result: null, error: "{}" };
  await commitOne(store, share(child, 0, { events: [newEvent("a")], transition: failed }));
  return { child: child.id, parent: parent.id };
}

function reopening(id: number, awaited: readonly string[] = []): Reopening {
  const pin = { hash: HASH, specifier: "file:///order.ts" };
  return { id, generation: 0, events: 1, pin, payload: "{}", awaited, locks: [] };
}

/** The ends of children that a run has received. */
async function received({ store }: World, run: number): Promise<string[]> {
  const [loaded] = await store.journal.load([{ id: run, from: 0 }]);
  return loaded!.inbox.map(({ kind, name }) => `${kind} ${name}`);
}

Deno.test("RUN-4: a reopening that waits for a notice to the parent finds that it was sent", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const { child, parent } = await failedChild(world);
  using _point = armFailPoint("end.notified", async () => {
    asked.push(store.runs.reopen(reopening(child)));
    while (await waiting(db) === 0);
  });
  const asked: Promise<boolean>[] = [];
  const { woken } = await store.lineage.settleEnded(10);
  assert.deepEqual(woken.map(({ id }) => id), [parent]);
  assert.deepEqual(await Promise.all(asked), [false]);
  assert.deepEqual(await received(world, parent), ["child child"]);
  assert.equal((await store.runs.get("child"))?.state, "failed");
});

Deno.test("RUN-4: a notice to the parent leaves out a child that is being reopened", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const { child, parent } = await failedChild(world);
  const { reopen } = new SchemaName(db.schema).prepare(CHANGE_STATEMENTS);
  const { pin, ...rest } = reopening(child);
  const driver = await db.database.open();
  try {
    const woken = await driver.transaction(async (session) => {
      assert.equal((await reopen.query(session, { ...rest, ...pin })).length, 1);
      return (await store.lineage.settleEnded(10)).woken;
    });
    assert.deepEqual(woken, []);
  } finally {
    await driver.close();
  }
  assert.deepEqual((await store.lineage.settleEnded(10)).woken, []);
  assert.deepEqual(await received(world, parent), []);
  assert.equal((await store.runs.get("child"))?.state, "suspended");
});

Deno.test("RUN-4: a reopened run receives the end of a child that is being lost meanwhile", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const { parent, child } = await claimedFamily(store, "o");
  const failed = { to: "failed" as const, result: null, error: "{}" };
  await commitOne(store, share(parent, 0, { events: [newEvent("a")], transition: failed }));
  await commitOne(store, share(child, 0, { transition: COMPLETED }));
  let reopened: Promise<boolean> | undefined;
  using _point = armFailPoint("end.notified", async () => {
    let isOver = false;
    reopened = store.runs.reopen(reopening(parent.id, ["child"])).finally(() => isOver = true);
    while (!isOver && await waiting(db) === 0);
  });
  await store.lineage.settleEnded(10);
  assert.equal(await reopened, true);
  await store.lineage.settleEnded(10);
  assert.deepEqual(await received(world, parent.id), ["child child"]);
});

Deno.test("RUN-4: a reopening that waits for a fork finds that the fork has received the end", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const { child, parent } = await failedChild(world);
  // The parent had ended before, so it is not notified.
  await db.query(
    "update {schema}.runs set ended_at = clock_timestamp() + interval '1 hour' where id = $1",
    [child],
  );
  await store.runs.end("o", "terminated", "{}", { onlyStuck: false });
  await store.lineage.settleEnded(10);
  const { fork } = new SchemaName(db.schema).prepare(FORK_STATEMENTS);
  const given = newFork(parent, "f", 0, { adopted: ["child"] });
  const reopened = await overtaken(
    db,
    (session) => fork.query(session, { ...given, kept: 0, delivered: null }),
    () => store.runs.reopen(reopening(child)),
  );
  assert.equal(reopened, false);
  const f = await store.runs.get("f");
  assert.deepEqual(await received(world, f!.id), ["child child"]);
});

Deno.test("FORK-2: a fork that waits for a reopening receives the end that the child has then", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const { child, parent } = await failedChild(world);
  const { reopen } = new SchemaName(db.schema).prepare(CHANGE_STATEMENTS);
  const { pin, ...rest } = reopening(child);
  const forked = await overtaken(
    db,
    (session) => reopen.query(session, { ...rest, ...pin }),
    () => store.forks.fork(newFork(parent, "f", 0, { adopted: ["child"] })),
  );
  assert(forked.status === "forked");
  assert.deepEqual(await received(world, forked.id), []);
  await store.runs.end("child", "terminated", "{}", { onlyStuck: false });
  assert.equal((await store.lineage.settleEnded(10)).woken.length, 2);
  assert.deepEqual(await received(world, forked.id), ["child child"]);
});

/** Finds a statement that waits for the lock of its schema's name. */
const PAUSED = `select from pg_locks
  where locktype = 'advisory' and not granted and objid = hashtext($1)::bigint & 4294967295`;
