/**
 * What every store promises about forks.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  COMPLETED,
  newEvent,
  newFork,
  newRun,
  newWorld,
  NODE,
  share,
  suspended,
  type World,
} from "../../support/store_rows.ts";

const SIGNAL = { kind: "signal", name: "s" } as const;

/** A run with three events and two unread signals. */
async function original(world: World): Promise<number> {
  const run = await claimed(world.store, "o");
  const received = { ...newEvent("s"), kind: "signal.received", payload: '"first"' };
  const events = [newEvent("a"), newEvent("b"), received];
  await world.store.runs.setAttributes("o", { set: '{"color":"red"}', remove: [] });
  await commitOne(world.store, share(run, 0, { events, transition: suspended(0) }));
  for (const payload of ['"second"', '"third"']) {
    await world.store.runs.deliver("o", { ...SIGNAL, payload });
  }
  return run.id;
}

export function forks(database: DatabaseKind, test: RegisterTest): void {
  test("FORK-1: a fork has its events, numbered anew, and is due; the original is as it was", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const id = await original(world);
    const before = await store.runs.get("o");
    const history = await store.runs.history("o", 0, 10);
    const forked = await store.forks.fork(newFork(id, "f", 2, { dropped: [0], delivered: 1 }));
    assert(forked.status === "forked" && forked.created);
    const row = (await store.runs.get("f"))!;
    assert.deepEqual(
      [row.state, row.events, row.input, row.seed, row.generation, row.attempt, row.deadline],
      ["suspended", 1, "2", "seed of f", 0, 1, null],
    );
    assert.deepEqual([row.parent, row.attributes], [null, { color: "red" }]);
    assert.deepEqual(await store.runs.history("f", 0, 10), [{ ...history[1]!, seq: 0 }]);
    assert.deepEqual(await store.runs.get("o"), before);
    assert.deepEqual(await store.runs.history("o", 0, 10), history);
    assert.deepEqual(await store.runs.untaken(forked.id), new Map());
    await world.store.runs.end("o", "terminated", "{}", { onlyStuck: false });
    assert.equal((await claimOne(store)).origin, row.origin);
  });

  test("a fork takes over events that were chosen, before and after the point", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const id = await original(world);
    await store.forks.fork(newFork(id, "f", 2, { dropped: [0], extra: [2] }));
    const names = (await store.runs.history("f", 0, 10)).map(({ seq, name }) => [seq, name]);
    assert.deepEqual(names, [[0, "b"], [1, "s"]]);
  });

  test("a fork at the beginning is pending; with a timeout it has a deadline", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const id = await original(world);
    await store.forks.fork(newFork(id, "f", 0, { policy: '{"timeout":60000}' }));
    const row = (await store.runs.get("f"))!;
    assert.deepEqual([row.state, row.events, row.startedAt], ["pending", 0, null]);
    assert.equal(row.deadline, row.createdAt + 60_000);
  });

  test("signals after the point are carried over in the order in which they came", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const id = await original(world);
    const forked = await store.forks.fork(newFork(id, "f", 2, { carry: true }));
    assert(forked.status === "forked");
    const [loaded] = await store.journal.load([{ id: forked.id, from: 0 }]);
    assert.deepEqual(loaded!.inbox.map(({ payload }) => payload), [
      '"first"',
      '"second"',
      '"third"',
    ]);
    assert.equal((await store.runs.untaken(id)).get("s"), 2, "the original keeps its own");
  });

  test("FORK-3: a repeated fork is the same one; another run with its id is not", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const id = await original(world);
    const fork = newFork(id, "f", 2);
    const outcomes = await Promise.all([1, 2, 3].map(() => store.forks.fork({ ...fork })));
    const created = outcomes.map((outcome) => outcome.status === "forked" && outcome.created);
    assert.deepEqual(created.sort(), [false, false, true]);
    const taken = { status: "taken", workflow: "order", state: "suspended" };
    assert.deepEqual(await store.forks.fork(newFork(id, "o", 2)), taken);
    assert.deepEqual(await store.forks.fork(newFork(id, "f", 1)), taken);
    assert.deepEqual(await store.forks.fork({ ...fork, input: "3" }), taken);
  });

  test("an original that has changed is not forked: another generation, fewer events, none", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const id = await original(world);
    for (
      const fork of [
        newFork(id, "f", 2, { generation: 1 }),
        newFork(id, "f", 4),
        newFork(id + 100, "f", 0),
        newFork(id, "f", 0, { namespace: "b" }),
        newFork(id, "f", 0, { adopted: ["none"] }),
      ]
    ) {
      assert.deepEqual(await store.forks.fork(fork), { status: "changed" });
    }
    assert.equal(await store.runs.get("f"), null);
  });

  test("FORK-2: the end of an adopted child reaches the fork once, whenever it came", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const parent = await claimed(store, "o");
    const child = { ...newRun("child"), parent: parent.id, close: "abandon" as const };
    assert.deepEqual(await store.lineage.startChildren([child], 50), ["started"]);
    const adopting = { adopted: ["child"] };
    const keys: number[] = [];
    const fork = async (runId: string) => {
      const forked = await store.forks.fork(newFork(parent.id, runId, 0, adopting));
      assert(forked.status === "forked");
      keys.push(forked.id);
    };
    const asked = (id: number) => store.lineage.startChildren([{ ...child, parent: id }], 50);
    await fork("early");
    assert.deepEqual(await asked(keys[0]!), ["started"], "the fork waits for it");
    const run = (await store.runs.claim({ node: NODE, limit: 9, excluded: [] }))
      .find(({ runId }) => runId === "child")!;
    await commitOne(store, share(run, 0, { transition: COMPLETED }));
    await fork("unsettled");
    assert.deepEqual(await asked(keys[1]!), ["started"], "its end is still to come");
    await store.lineage.settleEnded(10);
    await fork("late");
    await store.lineage.settleEnded(10);
    for (const id of [parent.id, ...keys]) {
      const [loaded] = await store.journal.load([{ id, from: 0 }]);
      assert.deepEqual(loaded!.inbox.map(({ kind, name }) => [kind, name]), [["child", "child"]]);
    }
    const [stranger] = await store.runs.insert([newRun("stranger")]);
    assert.deepEqual(await asked(stranger!.id), ["taken"]);
  });
}
