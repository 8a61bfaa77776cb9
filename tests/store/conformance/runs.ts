/**
 * What every store promises about runs and their messages.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NewRun } from "../../../src/ports/rows.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  claimOne,
  commitOne,
  COMPLETED,
  expire,
  HASH,
  makeDue,
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
const signal = { kind: "signal" as const, name: "s", payload: "1" };

export function runs(database: DatabaseKind, test: RegisterTest): void {
  test("a run is inserted once; a taken id is left as it is", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    const first = await runs.insert([newRun("r", { input: '{"first":true}', seed: "seed" })]);
    const again = await runs.insert([newRun("r", { input: "2" }), newRun("s"), newRun("s")]);
    assert.deepEqual([...first, ...again].map(({ created }) => created), [
      true,
      false,
      true,
      false,
    ]);
    assert.equal(again[0]?.id, first[0]?.id);
    assert.equal(again[2]?.id, again[1]?.id);
    const row = await runs.get("r");
    assert.equal(row?.input, '{"first":true}');
    assert.equal(row?.createdAt, first[0]?.at);
    assert.deepEqual(
      [row?.state, row?.versionLabel, row?.seed, row?.events, row?.startedAt],
      ["pending", "1", "seed", 0, null],
    );
  });

  test("INSERT-2: batches that insert the same ids at once make one run of each, whatever their order", async () => {
    await using world = await newWorld(database);
    const stores = [world.store, ...await Promise.all([1, 2, 3].map(() => world.db.open()))];
    const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);
    const inserted = await Promise.all(
      Array.from({ length: 20 }, (_, batch) =>
        stores[batch % stores.length]!.runs.insert(
          (batch % 2 === 0 ? ids : ids.toReversed()).map((id) =>
            newRun(id, batch % 5 === 0 ? { key: { key: `k ${id}`, digest: "d" } } : {})
          ),
        )),
    );
    assert.equal(inserted.flat().filter(({ created }) => created).length, ids.length);
    const rows = await world.store.runs.list({ limit: 99 });
    assert.deepEqual(rows.map(({ runId }) => runId).sort(), ids);
    for (const [batch, answers] of inserted.entries()) {
      const order = batch % 2 === 0 ? ids : ids.toReversed();
      answers.forEach(({ id, key }, index) => {
        const run = rows.find(({ runId }) => runId === order[index])!;
        assert.ok(key === undefined ? id === run.id : key.runId === run.runId);
      });
    }
  });

  test("a run says whose child it is, also after its parent was removed", async () => {
    await using world = await newWorld(database);
    const { lineage, runs } = world.store;
    const parent = await claimed(world.store, "p");
    const child = { parent: parent.id, close: "abandon", input: "{}", seed: "s" } as const;
    await lineage.startChildren([{ ...newRun("c"), ...child, policy: null }], 10);
    const shown = async () => {
      const row = await runs.get("c");
      return [row?.parent, row?.parentId];
    };
    assert.deepEqual(await shown(), [parent.id, "p"]);
    assert.deepEqual((await runs.get("p"))?.parent, null);
    await world.db.query("delete from {schema}.runs where run_id = 'p'");
    assert.deepEqual(await shown(), [parent.id, null]);
  });

  test("a run rests, or needs a look, exactly while its state says so", async () => {
    await using world = await newWorld(database);
    const { runs, journal } = world.store;
    const shown = async () => {
      const [row] = await world.db.query<{ rests: boolean | null; troubled: boolean }>(
        `select rests, trouble_at is not null as troubled from {schema}.runs where run_id = 'r'`,
      );
      return [row!.rests, row!.troubled];
    };
    await runs.insert([newRun("r")]);
    assert.deepEqual(await shown(), [true, false], "pending");
    let run = await claimOne(world.store);
    assert.deepEqual(await shown(), [null, false], "running");
    await commitOne(world.store, share(run, 0, { transition: suspended(0) }));
    assert.deepEqual(await shown(), [true, false], "suspended");
    await runs.deliver("r", signal);
    run = await claimOne(world.store);
    await commitOne(world.store, share(run, 0, { transition: UNKNOWN_VERSION }));
    assert.deepEqual(await shown(), [true, true], "parked");
    await runs.unpark("r");
    assert.deepEqual(await shown(), [true, false], "continued");
    run = await claimOne(world.store);
    const transition = { to: "failed", result: null, error: "{}" } as const;
    assert.deepEqual((await journal.commit([share(run, 0, { transition })]))[0]?.status, "written");
    assert.deepEqual(await shown(), [null, true], "failed");
  });

  test("a run of an unregistered version is refused, and its batch with it", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    await assert.rejects(
      runs.insert([newRun("a"), newRun("b", { hash: "unknown" })]),
      { code: "VERSION_NOT_REGISTERED" },
    );
    assert.equal(await runs.get("a"), null);
  });

  test("a run keeps the specifier that it was started with, also an unregistered one", async () => {
    await using world = await newWorld(database);
    const { runs, versions } = world.store;
    await register(world.store, OTHER);
    const specifiers = ["file:///order.ts", "app:order.ts", "app:order.ts", ""];
    const hashes = [HASH, HASH, OTHER, HASH];
    const batch = (batch: string) =>
      runs.insert(
        specifiers.map((specifier, i) =>
          newRun(`${batch}${i}`, { hash: hashes[i]!, specifier, input: String(i) })
        ),
      );
    await Promise.all(["a", "b", "c"].map(batch));
    const rows = await runs.list({ limit: 99 });
    assert.deepEqual(
      rows.map((row) => [row.hash, row.specifier, row.input]).sort(),
      rows.map(({ input }) => [hashes[Number(input)]!, specifiers[Number(input)]!, input]).sort(),
    );
    assert.equal(rows.length, 12);
    assert.equal((await versions.bySpecifier("file:///order.ts"))?.hash, OTHER);
  });

  test("a version that a run is on can't be removed, nor the specifier that it came under", async () => {
    await using world = await newWorld(database);
    await world.store.runs.insert([newRun("r")]);
    for (const table of ["workflow_specifiers", "workflow_versions"]) {
      await world.db.query("delete from {schema}.workflows");
      await assert.rejects(world.db.query(`delete from {schema}.${table}`), { code: "23503" });
    }
    assert.equal((await world.store.runs.get("r"))?.hash, HASH);
  });

  test("run ids, inputs and signals may hold any storable text", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    const ids = ["o'hara", '"quoted"', "null", "{a,b}", "back\\slash", "😀", " ", "", "Ä\nb"];
    await runs.insert(ids.map((runId) => newRun(runId, { input: '"\\u0000 \\ud800 😀"' })));
    for (const id of ids) {
      const row = await runs.get(id);
      assert.equal(row?.runId, id);
      assert.equal(row?.input, '"\\u0000 \\ud800 😀"');
      const sent = await runs.deliver(id, { ...signal, name: id, payload: '"\\u0000"' });
      assert.equal(sent.status, "delivered");
    }
    const loaded = await world.store.journal.load(
      (await runs.list({ limit: 99 })).map(({ id }) => ({ id, from: 0 })),
    );
    assert.deepEqual(loaded.flatMap((run) => run.inbox.map(({ name }) => name)).sort(), ids.sort());
  });

  test("text that Postgres would change is refused, or found nowhere", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    await runs.insert([newRun("r")]);
    for (const text of ["nul \0", "lone \ud800"]) {
      await assert.rejects(runs.insert([newRun(text)]), { code: "UNSTORABLE_TEXT" });
      await assert.rejects(runs.deliver("r", { ...signal, name: text }), {
        code: "UNSTORABLE_TEXT",
      });
      assert.equal(await runs.get(text), null);
      assert.deepEqual(await runs.deliver(text, signal), { status: "not_found" });
      assert.deepEqual(await runs.history(text, 0, 1), []);
      assert.equal(await runs.unpark(text), false);
      assert.equal(await runs.seize(text, { node: NODE, token: 1 }), null);
      assert.equal(await runs.end(text, "terminated", "{}", { onlyStuck: false }), null);
    }
  });

  test("a run inserted with a lease is running, its node's, and can't be claimed by others", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const [inserted] = await store.runs.insert([
      newRun("r", { lease: { node: NODE, token: 9_007_199_254_740_991 } }),
    ]);
    const row = await store.runs.get("r");
    assert.deepEqual([row?.state, row?.node, row?.startedAt], ["running", NODE, inserted?.at]);
    assert.deepEqual(await store.runs.claim({ node: NODE, limit: 9, excluded: [] }), []);
    const [result] = await store.journal.commit([{
      run: inserted!.id,
      token: 9_007_199_254_740_991,
      first: 0,
      events: [newEvent("a")],
      consumed: [],
    }]);
    assert.equal(result?.status, "written");
  });

  test("RUN-1: an expired node gets no lease: its insert is pending, its claim and seizure empty", async () => {
    await using world = await newWorld(database);
    const { runs } = world.store;
    const lease = { node: "expired", token: 1 };
    await runs.insert([newRun("r", { lease })]);
    const row = await runs.get("r");
    assert.deepEqual([row?.state, row?.node], ["pending", null]);
    assert.deepEqual(await runs.claim({ node: "expired", limit: 9, excluded: [] }), []);
    assert.equal(await runs.seize("r", lease), null);
    assert.equal((await claimOne(world.store)).runId, "r");
  });

  test("claims take what is due, the longest due first, up to the limit, without the excluded", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await register(store, OTHER);
    await store.runs.insert([
      newRun("late"),
      newRun("early"),
      newRun("future"),
      newRun("excluded", { hash: OTHER }),
    ]);
    await db.query(`update {schema}.runs set wake_at = clock_timestamp() + case run_id
      when 'late' then interval '-1 minute' when 'early' then interval '-1 hour'
      when 'future' then interval '1 hour' else interval '-2 hours' end`);
    const claim = (limit: number) => store.runs.claim({ node: NODE, limit, excluded: [OTHER] });
    const [first] = await claim(1);
    assert.equal(first?.runId, "early");
    assert.deepEqual((await claim(9)).map(({ runId }) => runId), ["late"]);
    assert.deepEqual(await claim(9), []);
    const future = (await store.runs.get("future"))?.wakeAt;
    assert.equal(await store.runs.nextWake([OTHER]), future);
    assert.equal(await store.runs.nextWake([OTHER, HASH]), null);
    const rest = await store.runs.claim({ node: NODE, limit: 9, excluded: [] });
    assert.deepEqual(rest.map(({ runId, hash }) => [runId, hash]), [["excluded", OTHER]]);
  });

  test("claims take runs that have begun before runs to be started, or the other way round", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await store.runs.insert(["a", "b", "c", "d", "e", "f"].map((id) => newRun(id)));
    await db.query(`update {schema}.runs set
      started_at = case when run_id in ('d', 'e', 'f') then clock_timestamp() end,
      wake_at = clock_timestamp() - interval '1 hour' + id * interval '1 second'`);
    const claim = async (limit: number, startsFirst: boolean) => {
      const runs = await store.runs.claim({ node: NODE, limit, excluded: [], startsFirst });
      return runs.map(({ runId, began }) => `${runId} ${began ? "has begun" : "starts"}`).sort();
    };
    assert.deepEqual(await claim(2, false), ["d has begun", "e has begun"]);
    assert.deepEqual(await claim(1, true), ["a starts"]);
    assert.deepEqual(await claim(9, true), ["b starts", "c starts", "f has begun"]);
    assert.deepEqual(await claim(9, false), []);
    assert.equal(await store.runs.nextWake([]), null);
  });

  test("two nodes that claim at once share the due runs, each with a token of its own", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const other = await db.open();
    await other.nodes.open({ id: "node-2", name: "two", leaseMs: 60_000 });
    await store.runs.insert(Array.from({ length: 200 }, (_, index) => newRun(`r${index}`)));
    const claims = await Promise.all(
      Array.from(
        { length: 20 },
        (_, index) =>
          index % 2 === 0
            ? store.runs.claim({ node: NODE, limit: 10, excluded: [] })
            : other.runs.claim({ node: "node-2", limit: 10, excluded: [] }),
      ),
    );
    const all = claims.flat();
    // A claim that meets the other's locks may come back short, never with the other's runs.
    while (all.length < 200) {
      all.push(...await store.runs.claim({ node: NODE, limit: 200, excluded: [] }));
    }
    assert.equal(new Set(all.map(({ id }) => id)).size, 200);
    assert.equal(all.length, 200);
    assert.equal(new Set(all.map(({ token }) => token)).size, 200);
  });

  test("RUN-3: a message wakes a sleeping run at once, and never postpones it", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    const run = await claimed(store, "r");
    const sleep = suspended(0, await store.now() + 3_600_000);
    await commitOne(store, share(run, 0, { events: [newEvent("wait")], transition: sleep }));
    assert.deepEqual(await store.runs.deliver("r", signal), {
      status: "delivered",
      message: 1,
      run: run.id,
      node: null,
    });
    const woken = await claimOne(store);
    const [loaded] = await store.journal.load([{ id: woken.id, from: 0 }]);
    assert.deepEqual([loaded?.wakeSeq, loaded?.inbox.length], [1, 1]);
    const transition = suspended(1, 1_000);
    await commitOne(store, share(woken, 1, { events: [newEvent("x")], transition }));
    await store.runs.deliver("r", signal);
    assert.equal((await store.runs.get("r"))?.wakeAt, 1_000);
    await db.query("update {schema}.runs set wake_at = null");
    await store.runs.deliver("r", signal);
    assert.notEqual((await store.runs.get("r"))?.wakeAt, null, "no time at all counts as never");
  });

  test("messages keep their order, and those to a running run are its owner's to find", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const kinds = ["signal", "cancel", "signal"] as const;
    for (const [index, kind] of kinds.entries()) {
      const sent = await store.runs.deliver("r", { kind, name: "", payload: String(index) });
      assert(sent.status === "delivered");
      assert.deepEqual([sent.run, sent.node], [run.id, NODE]);
    }
    assert.deepEqual(await store.runs.woken(NODE), [run.id]);
    assert.deepEqual(await store.runs.woken("node-2"), []);
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.equal(loaded?.wakeSeq, 3);
    assert.deepEqual(loaded?.inbox.map(({ kind, payload }) => [kind, payload]), [
      ["signal", "0"],
      ["cancel", "1"],
      ["signal", "2"],
    ]);
  });

  test("one delivery id is one message, even after it was consumed and the run has ended", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const message = { ...signal, deliveryId: "d" };
    const first = await store.runs.deliver("r", message);
    assert.equal(first.status, "delivered");
    const key = first.status === "delivered" ? first.message : 0;
    const duplicate = { status: "duplicate", message: key, run: run.id, node: NODE };
    assert.deepEqual(await store.runs.deliver("r", message), duplicate);
    const elsewhere = await store.runs.deliver("r", { ...message, name: "other" });
    assert.equal(elsewhere.status, "delivered", "another name is another message");
    await commitOne(store, share(run, 0, { consumed: [key], events: [newEvent("signal")] }));
    assert.deepEqual(await store.runs.deliver("r", message), duplicate);
    await commitOne(store, share(run, 1, { transition: COMPLETED }));
    assert.deepEqual(await store.runs.deliver("r", message), { ...duplicate, node: null });
    const unsent = await store.runs.deliver("r", { ...message, deliveryId: "new" });
    assert.deepEqual(unsent, { status: "ended", state: "completed" });
    const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
    assert.equal(loaded?.inbox.length, 1);
  });

  test("messages sent at once arrive each once, also beside some that can't", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const ids = Array.from({ length: 30 }, (_, index) => `r${index}`);
    await store.runs.insert(ids.map((id) => newRun(id)));
    await store.runs.end("r29", "terminated", "{}", { onlyStuck: false });
    const sent = await Promise.all(
      [...ids, "nobody", "r0"].map((id, index) =>
        store.runs.deliver(id, { ...signal, payload: String(index), deliveryId: "d" })
      ),
    );
    assert.deepEqual(sent.map(({ status }) => status), [
      ...Array.from({ length: 29 }, () => "delivered"),
      ...["ended", "not_found", "duplicate"],
    ]);
    const runs = sent.flatMap((delivery) => delivery.status === "delivered" ? delivery.run : []);
    const loaded = await store.journal.load(runs.map((id) => ({ id, from: 0 })));
    assert.deepEqual(loaded.map(({ wakeSeq }) => wakeSeq), runs.map(() => 1));
    assert.deepEqual(
      new Map(loaded.map(({ id, inbox }) => [id, inbox.map(({ payload }) => payload)])),
      new Map(runs.map((id, index) => [id, [String(index)]])),
    );
  });

  test("the same delivery sent twenty times at once arrives once", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await store.runs.insert([newRun("r")]);
    const message = { ...signal, deliveryId: "d" };
    const sent = await Promise.all(
      Array.from({ length: 20 }, () => store.runs.deliver("r", message)),
    );
    assert.equal(sent.filter(({ status }) => status === "delivered").length, 1);
    assert.equal(sent.filter(({ status }) => status === "duplicate").length, 19);
    assert.equal(
      new Set(sent.map((delivery) => "message" in delivery && delivery.message)).size,
      1,
    );
  });

  test("a message to a run that does not exist, or has ended, is reported as such", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    assert.deepEqual(await store.runs.deliver("nobody", signal), { status: "not_found" });
    await store.runs.insert([newRun("r")]);
    await store.runs.end("r", "terminated", "{}", { onlyStuck: false });
    const ended = { status: "ended", state: "terminated" };
    assert.deepEqual(await store.runs.deliver("r", signal), ended);
  });

  test("lists are newest first, by workflow, version and state", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER, "invoice");
    await store.runs.insert([newRun("a"), newRun("b")]);
    await store.runs.insert([newRun("c", { hash: OTHER, workflow: "invoice" })]);
    await store.runs.end("a", "terminated", "{}", { onlyStuck: false });
    const ids = async (filter: Omit<Parameters<typeof store.runs.list>[0], "limit">, limit = 9) =>
      (await store.runs.list({ ...filter, limit })).map(({ runId }) => runId);
    assert.deepEqual(await ids({}), ["c", "b", "a"]);
    assert.deepEqual(await ids({}, 1), ["c"]);
    assert.deepEqual(await ids({ workflow: "order" }), ["b", "a"]);
    assert.deepEqual(await ids({ hash: OTHER }), ["c"]);
    assert.deepEqual(await ids({ states: ["terminated", "failed"] }), ["a"]);
    assert.deepEqual(await ids({ states: [] }), []);
  });

  test("only parked runs are unparked: due at once, with no claims counted", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    assert.equal(await store.runs.unpark("nobody"), false);
    const run = await claimed(store, "r");
    assert.equal(await store.runs.unpark("r"), false);
    await commitOne(store, share(run, 0, { events: [newEvent("a")], transition: UNKNOWN_VERSION }));
    assert.equal(await store.runs.unpark("r"), true);
    const row = await store.runs.get("r");
    assert.deepEqual([row?.state, row?.stuckReason], ["suspended", null]);
    const again = await claimOne(store);
    assert.deepEqual([again.claims, again.startedAt], [1, run.startedAt]);
  });

  test("an end from outside takes the run from its owner, and comes once", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const end = (state: "cancelled" | "terminated", onlyStuck: boolean) =>
      store.runs.end("r", state, `"${state}"`, { onlyStuck });
    assert.equal((await end("cancelled", true))?.state, "running");
    assert.equal((await end("terminated", false))?.state, "terminated");
    const entry = share(run, 0, { events: [newEvent("late")] });
    assert.equal(await commitOne(store, entry), "ended");
    const row = await end("cancelled", false);
    assert.deepEqual([row?.state, row?.error, row?.node], ["terminated", '"terminated"', null]);
    const stuck = await claimed(store, "stuck");
    await commitOne(store, share(stuck, 0, { transition: UNKNOWN_VERSION }));
    const parked = await store.runs.end("stuck", "cancelled", "{}", { onlyStuck: true });
    assert.deepEqual([parked?.state, parked?.stuckReason], ["cancelled", null]);
    assert.equal(await store.runs.end("nobody", "cancelled", "{}", { onlyStuck: false }), null);
  });

  test("a run is seized only while no node holds it, and put back as it was", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const lease = { node: NODE, token: 77 };
    const { dueAt: _, ...run } = await claimed(store, "r");
    assert.equal(await store.runs.seize("r", lease), null, "a node holds it");
    await commitOne(store, share(run, 0, { events: [newEvent("a")], transition: UNKNOWN_VERSION }));
    const seized = await store.runs.seize("r", lease);
    assert.deepEqual(seized, {
      ...run,
      token: 77,
      claims: 0,
      began: true,
      state: "stuck_unknown_version",
    });
    assert.equal((await store.runs.get("r"))?.state, "running");
    const back = { back: seized!.state, reason: UNKNOWN_VERSION.reason };
    assert.equal(await store.runs.settle(run.id, { ...lease, token: 78 }, back), false);
    assert.equal(await store.runs.settle(run.id, lease, back), true);
    const row = await store.runs.get("r");
    assert.deepEqual([row?.state, row?.stuckReason, row?.wakeAt], [
      "stuck_unknown_version",
      UNKNOWN_VERSION.reason,
      null,
    ]);
    await store.runs.unpark("r");
    const idle = await store.runs.seize("r", lease);
    assert.equal(idle?.state, "suspended");
    await store.runs.settle(run.id, lease, { back: "suspended", reason: null });
    assert.equal((await claimOne(store)).runId, "r", "it is due at once");
    await store.runs.end("r", "terminated", "{}", { onlyStuck: false });
    assert.equal(await store.runs.seize("r", lease), null, "it has ended");
  });

  test("a seized run is pinned to another version with an event, under the fence", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER);
    await store.runs.insert([newRun("r")]);
    const lease = { node: NODE, token: 77 };
    const seized = await store.runs.seize("r", lease);
    const outcome = (hash: string) => ({
      pin: { hash, specifier: "file:///2.ts" },
      payload: '"p"',
    });
    await assert.rejects(store.runs.settle(seized!.id, lease, outcome("unknown")), {
      code: "VERSION_NOT_REGISTERED",
    });
    assert.equal(
      await store.runs.settle(seized!.id, { ...lease, node: "x" }, outcome(OTHER)),
      false,
    );
    assert.equal(await store.runs.settle(seized!.id, lease, outcome(OTHER)), true);
    const moved = await claimOne(store);
    assert.deepEqual([moved.hash, moved.specifier], [OTHER, "file:///2.ts"]);
    const [event, ...more] = await store.runs.history("r", 0, 9);
    assert.deepEqual([event?.seq, event?.kind, event?.payload], [0, "version.changed", '"p"']);
    assert.deepEqual(more, []);
    assert.equal(await commitOne(store, share(moved, 1, { events: [newEvent("a")] })), "written");
  });

  test("a run seized by a node that dies is free again", async () => {
    await using world = await newWorld(database);
    const { store, db } = world;
    await store.nodes.open({ id: "node-2", name: "two", leaseMs: 60_000 });
    await store.runs.insert([newRun("r")]);
    await store.runs.seize("r", { node: "node-2", token: 1 });
    await expire(db, "node-2");
    assert.deepEqual(await store.nodes.expire(NODE, false), { nodes: 1, runs: 1 });
    await makeDue(db, "r");
    assert.equal((await claimOne(store)).runId, "r");
  });

  test("children that are requested in one statement are distinguished by parent, namespace and workflow", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await register(store, OTHER, "other");
    const p = await claimed(store, "p");
    const q = await claimed(store, "q");
    await store.runs.insert([newRun("p", { namespace: "b" })]);
    const elsewhere = await claimOne(store);
    const child = (parent: { id: number }, runId: string, more: Partial<NewRun> = {}) => ({
      ...newRun(runId, more),
      parent: parent.id,
      close: "abandon" as const,
    });
    await store.runs.insert([newRun("taken")]);
    const asked = [
      child(p, "one"),
      child(q, "one"),
      child(elsewhere, "one"),
      child(p, "taken"),
      child(elsewhere, "taken"),
      child(p, "one", { workflow: "other", hash: OTHER }),
      child(p, "two"),
    ];
    const outcomes = await store.lineage.startChildren(asked, 50);
    const [one, other, ...rest] = outcomes;
    assert.deepEqual([one, other].sort(), ["started", "taken"]);
    assert.deepEqual(rest, ["started", "taken", "started", "taken", "started"]);
    assert.deepEqual(await store.lineage.startChildren(asked, 50), outcomes, "once more");
  });

  test("LINEAGE-3: a node that has lost a run starts no child of it", async () => {
    await using world = await newWorld(database);
    const { lineage, runs } = world.store;
    const parent = await claimed(world.store, "parent");
    const child = (runId: string, token: number) => ({
      ...newRun(runId),
      parent: parent.id,
      token,
      close: "abandon" as const,
    });
    const asked = [child("lost", parent.token + 1), child("held", parent.token)];
    assert.deepEqual(await lineage.startChildren(asked, 50), ["taken", "started"]);
    assert.deepEqual([await runs.get("lost"), (await runs.get("held"))?.parentId], [
      null,
      "parent",
    ]);
  });

  test("LINEAGE-3: a child that is asked for after its parent's end is not started", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const parent = await claimed(store, "parent");
    const child = (runId: string) => ({
      ...newRun(runId),
      parent: parent.id,
      close: "terminate" as const,
    });
    assert.deepEqual(await store.lineage.startChildren([child("early")], 50), ["started"]);
    await commitOne(store, share(parent, 0, { transition: COMPLETED }));
    await store.lineage.startChildren([child("late")], 50);
    assert.equal(await store.runs.get("late"), null);
    await store.lineage.settleEnded(10);
    assert.equal((await store.runs.get("early"))?.state, "terminated");
  });
}
