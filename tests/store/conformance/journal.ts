/**
 * What every store promises about histories.
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
  makeDue,
  newEvent,
  newFork,
  newRun,
  newTask,
  newWorld,
  NODE,
  share,
  suspended,
  UNKNOWN_VERSION,
} from "../../support/store_rows.ts";

export function journal(database: DatabaseKind, test: RegisterTest): void {
  test("events of a share get consecutive places and one time, and read the same later", async () => {
    await using world = await newWorld(database);
    const { journal, runs } = world.store;
    const run = await claimed(world.store, "r");
    const [result] = await journal.commit([
      share(run, 0, { events: [newEvent("a", "1"), newEvent("b", '{"x": 1}')] }),
    ]);
    assert.equal(result?.status, "written");
    const at = result.status === "written" ? result.at : 0;
    assert.ok(Number.isSafeInteger(at) && Math.abs(at - await world.store.now()) < 60_000);
    const [loaded] = await journal.load([{ id: run.id, from: 0 }]);
    assert.deepEqual(loaded, {
      id: run.id,
      token: run.token,
      wakeSeq: 0,
      generation: 0,
      firstSeq: 0,
      nextSeq: 2,
      events: [
        { seq: 0, kind: "step.completed", position: 0, name: "a", digest: null, payload: "1", at },
        {
          seq: 1,
          kind: "step.completed",
          position: 0,
          name: "b",
          digest: null,
          payload: '{"x": 1}',
          at,
        },
      ],
      inbox: [],
      tasks: [],
    });
    assert.deepEqual(await runs.history("r", 0, 10), loaded.events);
    assert.deepEqual(await runs.history("r", 1, 1), [loaded.events[1]]);
    assert.deepEqual((await journal.load([{ id: run.id, from: 1 }]))[0]?.events, [
      loaded.events[1],
    ]);
  });

  test("a hundred runs' shares of several events each are written in one commit", async () => {
    await using world = await newWorld(database);
    const { journal, runs } = world.store;
    await runs.insert(Array.from({ length: 100 }, (_, index) => newRun(`r${index}`)));
    const all = await runs.claim({ node: NODE, limit: 100, excluded: [] });
    const events = [newEvent("a", "1"), newEvent("b"), newEvent("c", "3")];
    const results = await journal.commit(all.map((run) => share(run, 0, { events })));
    assert.deepEqual(new Set(results.map((result) => result.status)), new Set(["written"]));
    const loaded = await journal.load(all.map(({ id }) => ({ id, from: 0 })));
    assert.equal(loaded.length, 100);
    for (const { events } of loaded) {
      assert.deepEqual(events.map(({ seq, name }) => `${seq}${name}`), ["0a", "1b", "2c"]);
    }
  });

  test("a writer whose token is another one's writes nothing and has lost the run", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const zombie = await claimed(store, "r");
    const released = share(zombie, 0, { transition: { to: "released", afterMs: 0 } });
    assert.equal(await commitOne(store, released), "written");
    const unheld = await commitOne(store, share(zombie, 0, { events: [newEvent("z")] }));
    await makeDue(db, "r");
    const owner = await claimOne(store);
    assert.notEqual(owner.token, zombie.token);
    const held = await commitOne(store, share(zombie, 0, { events: [newEvent("z")] }));
    assert.deepEqual([unheld, held], ["lost", "lost"]);
    assert.equal(await commitOne(store, share(owner, 0, { events: [newEvent("o")] })), "written");
    assert.deepEqual((await store.runs.history("r", 0, 9)).map(({ name }) => name), ["o"]);
  });

  test("a writer that knows another length of the history is stale and keeps the run", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const entry = share(run, 0, { events: [newEvent("a")] });
    assert.equal(await commitOne(store, entry), "written");
    assert.equal(await commitOne(store, entry), "stale");
    assert.equal(await commitOne(store, share(run, 5, { events: [newEvent("b")] })), "stale");
    assert.equal(await commitOne(store, share(run, 1, { events: [newEvent("b")] })), "written");
  });

  test("shares of one commit are judged one by one, and answered in order", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert(["a", "b", "c", "d"].map((runId) => newRun(runId)));
    const all = await store.runs.claim({ node: NODE, limit: 4, excluded: [] });
    const [a, b, c, d] = all as [typeof all[0], typeof all[0], typeof all[0], typeof all[0]];
    await commitOne(store, share(b, 0, { transition: COMPLETED }));
    const events = [newEvent("x")];
    const results = await store.journal.commit([
      share({ ...a, token: a.token + 1 }, 0, { events }),
      share(b, 0, { events }),
      share(c, 0, { events }),
      share(d, 1, { events }),
      share({ ...d, id: 999_999 }, 0, { events }),
    ]);
    assert.deepEqual(results.map(({ status }) => status), [
      "lost",
      "ended",
      "written",
      "stale",
      "lost",
    ]);
  });

  test("a share that the database refuses takes no other down", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert(["a", "b", "c", "d", "e"].map((runId) => newRun(runId)));
    const all = await store.runs.claim({ node: NODE, limit: 5, excluded: [] });
    const results = await store.journal.commit(all.map((run, index) =>
      share(run, 0, {
        events: [newEvent(index === 1 ? "nul \0" : "x", index === 3 ? "{not json" : "1")],
        ...(index === 4 ? { transition: { to: "completed", result: null, error: null } } : {}),
      })
    ));
    assert.deepEqual(results.map(({ status }) => status), [
      "written",
      "refused",
      "written",
      "refused",
      "refused",
    ]);
    for (const [index, { id, token }] of all.entries()) {
      const [loaded] = await store.journal.load([{ id, from: 0 }]);
      assert.equal(loaded?.events.length, [1, 3, 4].includes(index) ? 0 : 1);
      assert.equal(loaded?.token, token, "a refused share leaves the lease");
    }
  });

  test("payloads come back to the letter", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const payloads = [
      '"\\u0000"',
      '"\\ud800 alone"',
      '"😀 é \\"quoted\\" {curly,} \\\\"',
      '{ "b":1,"a" : [1.0, 1e2],"b":2 }',
      '"NULL"',
      "null",
      '"line\\nfeed"',
      JSON.stringify("x".repeat(10 << 20)),
    ];
    const events = payloads.map((payload) => newEvent("p", payload));
    assert.equal(await commitOne(store, share(run, 0, { events })), "written");
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.deepEqual(loaded?.events.map(({ payload }) => payload), payloads);
  });

  test("large payloads and results come back to the letter, alone and beside others", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const large = (text: string) => JSON.stringify(`${text} "\\{}, `.repeat(100_000));
    const ended = { to: "completed", result: large("result"), error: null } as const;
    const events = () => [
      newEvent("a", "1"),
      newEvent("b", large("b")),
      newEvent("none"),
      newEvent("c", large("larger c")),
    ];
    const [whole, result, first, second] = [
      await claimed(store, "whole"),
      await claimed(store, "result"),
      await claimed(store, "first"),
      await claimed(store, "second"),
    ];
    assert.equal(
      await commitOne(store, share(whole, 0, { events: events(), transition: ended })),
      "written",
    );
    const little = [newEvent("d", "2")];
    assert.equal(
      await commitOne(store, share(result, 0, { events: little, transition: ended })),
      "written",
    );
    const both = [first, second].map((run) => share(run, 0, { events: events() }));
    assert.deepEqual((await store.journal.commit(both)).map(({ status }) => status), [
      "written",
      "written",
    ]);
    for (const { id } of [whole, first, second]) {
      const [loaded] = await store.journal.load([{ id, from: 0 }]);
      assert.deepEqual(
        loaded?.events.map(({ name, payload }) => [name, payload]),
        events().map(({ name, payload }) => [name, payload]),
      );
    }
    const [loaded] = await store.journal.load([{ id: result.id, from: 0 }]);
    assert.deepEqual(loaded?.events.map(({ payload }) => payload), ["2"]);
    for (const runId of ["whole", "result"]) {
      assert.equal((await store.runs.get(runId))?.result, ended.result);
    }
  });

  test("names with quotes, braces and emoji come back to the letter", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const names = ["", " ", "null", 'a"b', "a\\b", "{a,b}", "'; drop table runs --", "😀", "a\nb"];
    const events = names.map((name) => ({ ...newEvent(name), digest: name, position: null }));
    assert.equal(await commitOne(store, share(run, 0, { events })), "written");
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.deepEqual(loaded?.events.map(({ name }) => name), names);
    assert.deepEqual(loaded?.events.map(({ digest }) => digest), names);
  });

  test("what nothing is written for, is not written", async () => {
    await using world = await newWorld(database);
    assert.deepEqual(await world.store.journal.commit([]), []);
    assert.deepEqual(await world.store.journal.load([]), []);
    assert.deepEqual(await world.store.journal.load([{ id: 999_999, from: 0 }]), []);
  });

  test("a run that suspends records what it waits for and until when, and no node holds it", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const waits = [{ kind: "sleep", name: "nap", position: 3, until: 4_102_444_800_123 }];
    const transition = { ...suspended(0, 4_102_444_800_123), waits };
    const events = [newEvent("a")];
    assert.equal(await commitOne(store, share(run, 0, { events, transition })), "written");
    const row = await store.runs.get("r");
    assert.equal(row?.state, "suspended");
    assert.deepEqual(row?.waits, waits);
    assert.equal(row?.wakeAt, 4_102_444_800_123);
    assert.equal(row?.node, null);
    assert.equal(row?.since, (await store.runs.history("r", 0, 1))[0]?.at);
    assert.equal(await store.runs.nextWake([]), 4_102_444_800_123);
    assert.deepEqual(await store.runs.claim({ node: NODE, limit: 9, excluded: [] }), []);
  });

  test("JOURNAL-5: a message that came since the inbox was read keeps a run from suspending", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    await store.runs.deliver("r", { kind: "signal", name: "s", payload: '"hello"' });
    const early = share(run, 0, { events: [newEvent("wait")], transition: suspended(0) });
    assert.equal(await commitOne(store, early), "woken");
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.equal(loaded?.events.length, 0, "nothing of a missed share is written");
    assert.deepEqual(loaded?.inbox.map(({ name, payload }) => [name, payload]), [
      ["s", '"hello"'],
    ]);
    const late = share(run, 0, {
      events: [newEvent("signal", '"hello"')],
      consumed: loaded!.inbox.map(({ id }) => id),
      transition: suspended(loaded!.wakeSeq),
    });
    assert.equal(await commitOne(store, late), "written");
    assert.deepEqual((await store.journal.load([{ id: run.id, from: 0 }]))[0]?.inbox, []);
  });

  test("a message is consumed with its share or not at all, and only by its own run", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const mine = await claimed(store, "mine");
    const other = await claimed(store, "other");
    const sent = await store.runs.deliver("mine", { kind: "signal", name: "s", payload: null });
    assert.equal(sent.status, "delivered");
    const consumed = sent.status === "delivered" ? [sent.message] : [];
    assert.equal(await commitOne(store, share(mine, 7, { consumed })), "stale");
    assert.equal(await commitOne(store, share(other, 0, { consumed })), "written");
    assert.deepEqual(await store.runs.woken(NODE), [mine.id]);
    assert.equal(await commitOne(store, share(mine, 0, { consumed })), "written");
    assert.deepEqual(await store.runs.woken(NODE), []);
  });

  test("a claim that wrote nothing is counted; an append forgets the count", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    let run = await claimed(store, "r");
    assert.equal(run.claims, 1);
    for (const claims of [2, 3]) {
      await db.query(
        `update {schema}.runs set state = 'pending', node = null, token = null,
           wake_at = clock_timestamp() - interval '1 second'`,
      );
      run = await claimOne(store);
      assert.equal(run.claims, claims);
    }
    await commitOne(store, share(run, 0, { transition: { to: "released", afterMs: 0 } }));
    await makeDue(db, "r");
    run = await claimOne(store);
    assert.equal(run.claims, 3, "a release takes its own claim back");
    await commitOne(store, share(run, 0, { events: [newEvent("a")] }));
    await commitOne(store, share(run, 1, { transition: { to: "released", afterMs: 0 } }));
    await makeDue(db, "r");
    assert.equal((await claimOne(store)).claims, 1);
  });

  test("a released run is pending while it has no history, then suspended; due after its time", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const first = await claimed(store, "r");
    const later = { to: "released" as const, afterMs: 3_600_000 };
    await commitOne(store, share(first, 0, { transition: later }));
    const pending = await store.runs.get("r");
    assert.equal(pending?.state, "pending");
    assert.equal(pending?.wakeAt, (pending?.since ?? 0) + 3_600_000);
    assert.deepEqual(await store.runs.claim({ node: NODE, limit: 1, excluded: [] }), []);
    await makeDue(db, "r");
    const second = await claimOne(store);
    assert.equal(second.startedAt, first.startedAt, "a run starts once");
    await commitOne(store, share(second, 0, { events: [newEvent("a")], transition: later }));
    assert.equal((await store.runs.get("r"))?.state, "suspended");
  });

  test("each end keeps its result or error, and states whether a caller waits for it", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    for (const to of ["completed", "failed", "cancelled", "terminated"] as const) {
      const run = await claimed(store, to);
      await store.runs.get(to, { watch: to === "failed" });
      const good = to === "completed";
      const transition = { to, result: good ? "[1]" : null, error: good ? null : '{"e":1}' };
      const [result] = await store.journal.commit([
        share(run, 0, { events: [newEvent("end")], transition }),
      ]);
      assert.equal(result?.status === "written" && result.watched, to === "failed");
      const row = await store.runs.get(to);
      assert.equal(row?.state, to);
      assert.deepEqual([row?.result, row?.error], [transition.result, transition.error]);
      assert.equal(row?.endedAt, result?.status === "written" ? result.at : null);
      assert.equal(await commitOne(store, share(run, 1, { events: [newEvent("x")] })), "ended");
    }
    assert.deepEqual(await store.runs.claim({ node: NODE, limit: 9, excluded: [] }), []);
  });

  test("a parked run keeps its reason, and no claimer sees it", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    assert.equal(await commitOne(store, share(run, 0, { transition: UNKNOWN_VERSION })), "written");
    const row = await store.runs.get("r");
    assert.equal(row?.state, "stuck_unknown_version");
    assert.deepEqual(row?.stuckReason, UNKNOWN_VERSION.reason);
    assert.equal(row?.wakeAt, null);
    await store.runs.deliver("r", { kind: "signal", name: "s", payload: null });
    assert.equal(await store.runs.nextWake([]), null, "a message does not let it out");
    assert.deepEqual(await store.runs.claim({ node: NODE, limit: 9, excluded: [] }), []);
  });

  test("OPENED-1: what is open in a run is its tasks, unread answers, locks and children, those of its generation", async () => {
    await using world = await newWorld(database);
    const { journal, tasks, limits, lineage, forks } = world.store;
    const run = await claimed(world.store, "r");
    const nothing = { id: run.id, generation: 0, effects: [] };
    assert.deepEqual(await journal.open([run.id, 12_345]), [nothing]);
    await tasks.announce([
      newTask(run, { token: 7, digest: "a.1" }),
      newTask(run, { position: 1, name: "ship", digest: "a.2" }),
    ]);
    const asked = { run: run.id, token: run.token, namespace: "default", atOnce: 1 };
    await limits.lock({ ...asked, position: 2, name: "l", toldBy: "told" });
    await limits.lock({ ...asked, position: 3, name: "given up", toldBy: "too" });
    await limits.unlock(run.id, 3);
    const requested = (position: number) => ({
      ...newRun(`child-${position}`, { seed: `${run.seed}/${position}.a.3` }),
      parent: run.id,
      close: "cancel" as const,
    });
    const earlier = { ...requested(9), runId: "earlier", seed: "of another generation/9.a.4" };
    await lineage.startChildren([requested(4), requested(5), earlier], 50);
    await world.db.query(
      "update {schema}.runs set state = 'completed', result = '1', ended_at = now(), wake_at = null where run_id = 'child-5'",
    );
    const answer = { run: run.id, position: 0, token: 7, payload: "1" };
    await tasks.answer([{ ...answer, kind: "activity.completed" }]);
    const sorted = async (id: number) =>
      (await journal.open([id]))[0]!.effects.toSorted((a, b) => a.position - b.position);
    const child = { form: "child", position: 4, kind: "child", name: "order", digest: "a.3" };
    assert.deepEqual(await sorted(run.id), [
      { form: "answer", position: 0, kind: "activity", name: "charge", digest: "a.1" },
      { form: "task", position: 1, kind: "activity", name: "ship", digest: "a.2" },
      { form: "lock", position: 2, kind: "call", name: "lock l", digest: null },
      child, // one that has ended, and of whose end no message is unread, is open no more
    ]);
    const fork = await forks.fork(newFork(run.id, "f", 0, { adopted: ["child-4"] }));
    assert.equal(fork.status, "forked");
    const [{ id }] = await world.db.query<{ id: number }>(
      "select id from {schema}.runs where run_id = 'f'",
    ) as [{ id: number }];
    assert.deepEqual(await sorted(Number(id)), [child]);
  });
}
