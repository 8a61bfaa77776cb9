/**
 * What is recorded of the acts of operators, and that it is recorded with the deed or not at all.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import type { Operation } from "../../src/client/operations.ts";
import type { DatabaseAdapter, SqlDriver, SqlSession } from "../../src/store/sql/driver.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

const WHO = { name: "ana", proven: true, reason: "for a test" };

/** Fails after its first step; the second version does not. */
const BROKEN = source(
  `await ctx.run("quote", () => 10);
   if (true) throw new Error("wrong");
   return await ctx.waitForSignal("go");`,
  `{ name: "order" }`,
);
const FIXED = BROKEN.replace("if (true)", "if (false)");
const OTHER = FIXED.replace(`"quote"`, `"estimate"`);
const FILES = { "1.ts": BROKEN, "2.ts": FIXED, "3.ts": OTHER };

/** Waits in every version. */
const WAITS = source(`return await ctx.waitForSignal("go");`, `{ name: "waits", version: "1" }`);
const WAITS_TOO = WAITS.replace(`"1"`, `"2"`);

async function all(client: Continuum): Promise<readonly Operation[]> {
  return (await client.operations.list()).operations;
}

/** The entries, the oldest first: act, target and outcome. */
async function acts(client: Continuum): Promise<unknown[]> {
  return (await all(client)).toReversed().map(({ action, target, outcome }) => [
    ...[action, target, outcome],
  ]);
}

/** The newest entry. */
async function newest(client: Continuum): Promise<Operation> {
  const { operations: [entry] } = await client.operations.list({ limit: 1 });
  assert(entry !== undefined, "there is an entry");
  return entry;
}

async function park({ db }: Scene, runId: string): Promise<void> {
  await db.query(
    `update {schema}.runs set state = 'stuck_poisoned', wake_at = null, waits = null,
       stuck_reason = '{"code":"POISONED","message":"for a test"}', claims_since_progress = 5
     where run_id = $1`,
    [runId],
  );
}

async function hashOf({ node, folder }: Scene, file: string): Promise<string> {
  const { versions } = await node.versions.list({ limit: 100 });
  const found = versions.find(({ specifiers }) =>
    specifiers.some((name) => name.endsWith(file) && folder.url !== name)
  );
  assert(found !== undefined, file);
  return found.hash;
}

/** A database that notes what it is asked. */
function noting(adapter: DatabaseAdapter, notes: string[]): DatabaseAdapter {
  const noted = <Session extends SqlSession>(session: Session): Session =>
    new Proxy(session, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (key === "impatient") return noted(value as SqlSession);
        if (typeof value !== "function") return value;
        if (key === "query" || key === "script") {
          return (text: string, ...rest: unknown[]) => {
            notes.push(text);
            return value.call(target, text, ...rest);
          };
        }
        if (key === "transaction") {
          return (work: (session: SqlSession) => Promise<unknown>, ...rest: unknown[]) => {
            notes.push("begin");
            return value.call(target, (session: SqlSession) => work(noted(session)), ...rest);
          };
        }
        return value.bind(target);
      },
    });
  const open = async (): Promise<SqlDriver> => noted(await adapter.open());
  return { description: adapter.description, open };
}

/** Parks a run on the first of two versions; the hash of the second. */
async function waitsBelow(at: Scene): Promise<string> {
  const [first, to] = [await hashOf(at, "w1.ts"), await hashOf(at, "w2.ts")];
  await reached(await at.node.start("waits", null, { runId: "1", version: first }), "suspended");
  return to;
}

forEachDatabase("operations", (database, test) => {
  test("each act on a run is one entry: who, what, why, before, after", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const ana = at.node.asOperator(WHO);
    for (const runId of ["a", "b", "c"]) {
      await reached(await at.node.start("echo", { wait: "go" }, { runId }), "suspended");
    }
    const { version: { hash } } = await at.node.run("a").status();
    await ana.run("a").signal("go", 1);
    await resultOf(at.node.run("a"));
    await park(at, "b");
    await ana.run("b").retry();
    await ana.run("c").terminate({ reason: "loops" });
    await ana.runs.delete("c");
    const broken = await at.node.start(at.folder.url + "1.ts", null, { runId: "o" });
    await assert.rejects(resultOf(broken), /wrong/);
    const { to } = await ana.run("o").reopen({ to: at.folder.url + "2.ts" });
    await reached(broken, "suspended");
    const { id: fork } = await ana.run("o").fork({ at: 0, id: "f" });
    await ana.run("o").cancel();
    const facts = (state: string) => ({ state, version: hash, generation: 0 });
    const entries = (await all(ana)).toReversed();
    assert(
      entries.every(({ as, proven, reason, namespace }) =>
        as === "ana" && proven && reason === "for a test" && namespace === "default"
      ),
    );
    assert(entries.every(({ at }) => Math.abs(at.getTime() - Date.now()) < 600_000));
    assert.deepEqual(
      entries.map(({ action, target, outcome }) => [action, target, outcome]),
      [
        ["run.signal", "a", "done"],
        ["run.retry", "b", "done"],
        ["run.terminate", "c", "done"],
        ["run.delete", "c", "done"],
        ["run.reopen", "o", "done"],
        ["run.fork", "o", "done"],
        ["run.cancel", "o", "done"],
      ],
    );
    const changes = entries.map(({ before, after }) => [before, after]);
    assert.deepEqual(changes[0], [facts("suspended"), {
      ...facts("suspended"),
      signal: "go",
      delivery: "delivered",
    }]);
    assert.deepEqual(changes[1], [facts("stuck_poisoned"), facts("pending")]);
    assert.deepEqual(changes[2], [facts("suspended"), facts("terminated")]);
    assert.deepEqual(changes[3], [facts("terminated"), { generations: 0, events: 0, keys: 0 }]);
    assert.equal(changes[4]![0]!["state"], "failed");
    assert.deepEqual([changes[4]![1]!["state"], changes[4]![1]!["version"]], ["suspended", to]);
    assert.deepEqual(
      [changes[5]![1]!["fork"], changes[5]![1]!["on"], changes[5]![1]!["events"]],
      [fork, to, 0],
    );
  });

  test("an act that was refused is an entry that says why, and a dry run makes no entry", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const ana = at.node.asOperator(WHO);
    await resultOf(await at.node.start("echo", 1, { runId: "done" }));
    const waits = await at.node.start(at.folder.url + "2.ts", null, { runId: "o" });
    await reached(waits, "suspended");
    await refused(ana.run("done").cancel(), "RUN_ENDED");
    await refused(ana.run("done").terminate(), "RUN_ENDED");
    await refused(ana.run("o").retry(), "RUN_STATE");
    await refused(ana.run("none").signal("go", 1), "RUN_NOT_FOUND");
    const to = at.folder.url + "3.ts";
    assert.equal((await ana.run("o").upgrade({ to, dryRun: true })).upgraded, false);
    assert.equal((await ana.run("o").fork({ at: 0, dryRun: true })).forked, true);
    assert.equal((await ana.run("o").upgrade({ to })).upgraded, false);
    await refused(ana.run("o").cancel({ reason: "x".repeat(9_999) }), "INVALID_ARGUMENT");
    assert.deepEqual(await acts(ana), [
      ["run.cancel", "done", "RUN_ENDED"],
      ["run.terminate", "done", "RUN_ENDED"],
      ["run.retry", "o", "RUN_STATE"],
      ["run.signal", "none", "RUN_NOT_FOUND"],
      ["run.upgrade", "o", "drifts"],
    ]);
    const { operations: [first] } = await ana.operations.list({ target: "none" });
    assert.match(String(first?.after?.["error"]), /no run has the id/);
  });

  test("an upgrade of one run is an entry with both versions, one of many runs is one with counts", async () => {
    const files = { "w1.ts": WAITS, "w2.ts": WAITS_TOO };
    await using at = await scene(database, files, { linger: 0 });
    const ana = at.node.asOperator(WHO);
    const [first, second] = [await hashOf(at, "w1.ts"), await hashOf(at, "w2.ts")];
    for (const runId of ["1", "2", "3"]) {
      await reached(await at.node.start("waits", null, { runId, version: first }), "suspended");
    }
    await ana.run("1").upgrade({ to: second });
    const { before, after, ...entry } = await newest(ana);
    assert.deepEqual([entry.action, entry.target, entry.outcome], ["run.upgrade", "1", "done"]);
    assert.deepEqual(before, { state: "suspended", version: first, generation: 0 });
    assert.equal(after!["version"], second);
    const bulk = ana.runs.upgrade({ to: second });
    const under: string[] = [];
    for await (const _ of bulk) under.push((await newest(ana)).outcome);
    assert.deepEqual(under, ["begun", "begun"], "the entry is there before the first run moves");
    const job = await newest(ana);
    assert.deepEqual([job.action, job.target, job.outcome], ["runs.upgrade", bulk.job, "done"]);
    const { to, workflow, moved, drifts } = job.after!;
    assert.deepEqual([to, workflow, moved, drifts], [second, "waits", 2, 0]);
    assert.equal((await all(ana)).length, 2, "and none for each of its runs");
    for await (const _ of ana.runs.upgrade({ to: second, dryRun: true }));
    assert.equal((await all(ana)).length, 2, "a dry run makes no entry");
  });

  test("an upgrade of many runs that is stopped says so, and the one who continues it has an entry, too", async () => {
    await using at = await scene(database, { "w1.ts": WAITS, "w2.ts": WAITS_TOO }, { linger: 0 });
    const to = await waitsBelow(at);
    const ana = at.node.asOperator(WHO);
    const stop = new AbortController();
    const begun = ana.runs.upgrade({ to, signal: stop.signal, plan: [] });
    const iterator = begun[Symbol.asyncIterator]();
    stop.abort(new Error("stopped"));
    await assert.rejects(iterator.next(), /stopped/);
    assert.deepEqual(await acts(ana), [], "nothing had begun");
    const some = ana.runs.upgrade({ to, limit: 1 });
    for await (const _ of some) break;
    assert.deepEqual(await acts(ana), [["runs.upgrade", some.job, "stopped"]]);
    const ben = at.node.asOperator({ name: "ben" });
    for await (const _ of ben.runs.upgrade({ job: some.job! }));
    const [last] = await all(ana);
    assert.deepEqual([last!.as, last!.target, last!.outcome], ["ben", some.job, "done"]);
    assert.equal(last!.after!["moved"], 1);
    for await (const _ of ben.runs.upgrade({ job: some.job! }));
    assert.equal((await all(ana)).length, 2, "there was nothing to continue");
  });

  test("an operator who moves runs part by part has one entry, unless a pause or another reason comes between", async () => {
    await using at = await scene(database, { "w1.ts": WAITS, "w2.ts": WAITS_TOO }, { linger: 0 });
    const to = await waitsBelow(at);
    const ana = at.node.asOperator(WHO);
    const begun = ana.runs.upgrade({ to, pauseAfter: 0 });
    for await (const _ of begun);
    const part = async (who: Continuum, pauseAfter?: number) => {
      const limits = pauseAfter === undefined ? {} : { pauseAfter };
      for await (const _ of who.runs.upgrade({ job: begun.job!, ...limits }));
      return (await all(ana)).map(({ as, reason, outcome }) => [as, reason, outcome]).reverse();
    };
    const { name, reason } = WHO;
    const own = [name, reason, "stopped"];
    for (let time = 0; time < 3; time++) assert.deepEqual(await part(ana, 0), [own]);
    const other = at.node.asOperator({ ...WHO, reason: "another" });
    assert.deepEqual(await part(other, 0), [own, [name, "another", "stopped"]]);
    assert.deepEqual((await part(ana, 0)).length, 3, "the entry of someone else stands between");
    await at.db.query(
      `update {schema}.bulk_jobs set updated_at = updated_at - interval '2 minutes'`,
    );
    assert.deepEqual((await part(ana)).slice(2), [own, [name, reason, "done"]]);
    assert.equal((await all(ana))[0]!.after!["moved"], 1);
  });

  test("acts on versions and schedules, removals and marks are entries", async () => {
    await using at = await scene(database, { "w1.ts": WAITS, "w2.ts": WAITS_TOO }, { linger: 0 });
    const ana = at.node.asOperator(WHO);
    const [first, second] = [await hashOf(at, "w1.ts"), await hashOf(at, "w2.ts")];
    await at.node.versions.activate("waits", first);
    await ana.versions.activate("waits", second);
    assert.deepEqual([(await newest(ana)).before, (await newest(ana)).after], [
      { current: first },
      { current: second },
    ]);
    await ana.versions.deny(first, { reason: "bad", dryRun: true });
    await ana.versions.deny(first, { reason: "bad" });
    const denied = { denied: true, reason: "bad", by: "ana" };
    assert.deepEqual([(await newest(ana)).before, (await newest(ana)).after], [
      null,
      { ...denied, versions: 1 },
    ]);
    await refused(ana.versions.activate("waits", first), "VERSION_DENIED");
    await ana.versions.allow(first);
    assert.deepEqual((await newest(ana)).before, denied);
    assert.deepEqual((await newest(ana)).after, { denied: false });
    await ana.schedules.create({ id: "s", workflow: "waits", every: "1h", input: null });
    await ana.schedules.pause("s");
    assert.deepEqual([(await newest(ana)).before, (await newest(ana)).after], [
      { state: "active" },
      { state: "paused" },
    ]);
    await ana.schedules.resume("s");
    const run = await ana.schedules.trigger("s");
    assert.deepEqual((await newest(ana)).after, { state: "active", run: run.id });
    await ana.schedules.cancel("s");
    await refused(ana.schedules.pause("s"), "SCHEDULE_STATE");
    await ana.schedules.delete("s");
    await ana.runs.prune({ olderThan: "1d", dryRun: true });
    await ana.runs.prune({ olderThan: "1d" });
    await ana.runs.pruneResults({ olderThan: "1d" });
    await ana.versions.gc({ olderThan: "1d", dryRun: true });
    await ana.versions.gc({ olderThan: "1d" });
    await ana.acknowledge("fingerprint");
    assert.deepEqual(await acts(ana), [
      ["version.activate", "waits", "done"],
      ["version.deny", first, "done"],
      ["version.activate", "waits", "VERSION_DENIED"],
      ["version.allow", first, "done"],
      ["schedule.create", "s", "done"],
      ["schedule.pause", "s", "done"],
      ["schedule.resume", "s", "done"],
      ["schedule.trigger", "s", "done"],
      ["schedule.cancel", "s", "done"],
      ["schedule.pause", "s", "SCHEDULE_STATE"],
      ["schedule.delete", "s", "done"],
      ["runs.prune", "default", "done"],
      ["results.prune", "default", "done"],
      ["version.gc", "versions", "done"],
      ["health.acknowledge", "fingerprint", "done"],
    ]);
    const entries = await all(ana);
    assert(entries.every(({ as, proven }) => as === "ana" && proven));
    assert.equal((await newest(ana)).as, "ana", "a mark is of the operator");
    await ana.acknowledge("fingerprint", { as: "ben" });
    assert.deepEqual([(await newest(ana)).as, (await newest(ana)).proven], ["ben", false]);
  });

  test("a start is an entry with the run, unless the run was there before", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const ana = at.node.asOperator(WHO);
    const use = { runId: "a", ifExists: "use" } as const;
    await reached(await ana.start("echo", { wait: "go" }, use), "suspended");
    await ana.start("echo", { wait: "go" }, use);
    await refused(ana.start("echo", 1, { runId: "a" }), "RUN_EXISTS");
    const replaced = await ana.start("echo", 2, { runId: "a", ifExists: "terminate" });
    assert.equal(await resultOf(replaced), 2);
    const many = await ana.startMany("echo", [
      { input: 3, runId: "b" },
      { input: 4, runId: "a" },
      { input: 5, runId: "c", idempotencyKey: "k" },
    ]);
    assert.deepEqual(many.map(({ status }) => status), ["started", "conflict", "started"]);
    await refused(
      ana.start("echo", 6, { idempotencyKey: "k", runId: "d" }),
      "IDEMPOTENCY_CONFLICT",
    );
    await at.node.start("echo", 7, { runId: "nobody" });
    const entries = (await all(ana)).toReversed();
    assert.deepEqual(entries.map(({ action, target, outcome }) => [action, target, outcome]), [
      ["run.start", "a", "done"],
      ["run.start", "a", "RUN_EXISTS"],
      ["run.start", "a", "done"],
      ["run.start", "b", "done"],
      ["run.start", "a", "RUN_EXISTS"],
      ["run.start", "c", "done"],
      ["run.start", "d", "IDEMPOTENCY_CONFLICT"],
    ]);
    assert.deepEqual([entries[0]!.before, entries[0]!.after?.["state"]], [null, "pending"]);
    assert.deepEqual(
      [entries[2]!.before?.["state"], entries[2]!.after?.["state"]],
      ["suspended", "pending"],
    );
  });

  test("a run that an operator starts is executed at once, without a heartbeat", async () => {
    // A node looks for work by itself at its heartbeats, here every 20 minutes.
    await using at = await scene(database, FILES, { lease: "1h" });
    const ana = at.node.asOperator(WHO);
    assert.equal(await resultOf(await ana.start("echo", 7)), 7);
    const started = (await ana.startMany("echo", [{ input: 8 }]))[0]!;
    assert(started.status === "started");
    assert.equal(await resultOf(started.run), 8);
  });

  test("an act whose entry can't be written does not happen", async () => {
    await using at = await scene(database, { ...FILES, "w1.ts": WAITS }, { linger: 0 });
    const ana = at.node.asOperator(WHO);
    const { node, db } = at;
    for (const runId of ["a", "p"]) {
      await reached(await node.start("echo", { wait: "go" }, { runId }), "suspended");
    }
    await park(at, "p");
    await assert.rejects(
      resultOf(await node.start(at.folder.url + "1.ts", null, { runId: "o" })),
      /wrong/,
    );
    await node.schedules.create({ id: "s", workflow: "waits", every: "1h", input: null });
    const [denied, current] = [await hashOf(at, "w1.ts"), await hashOf(at, "2.ts")];
    const states = async () => {
      const rows = await db.query(
        `select run_id, state, next_seq from {schema}.runs order by run_id`,
      );
      const messages = await db.query("select count(*)::integer as n from {schema}.inbox");
      const { state, triggered } = await node.schedules.get("s");
      const { versions } = await node.versions.list({ current: true });
      const versionsOf = versions.map(({ hash, state }) => [hash, state]);
      return JSON.stringify([rows, messages, state, triggered, versionsOf]);
    };
    const before = await states();
    await db.query(
      "alter table {schema}.operations add constraint closed check (false) not valid",
    );
    const attempts: readonly (() => Promise<unknown>)[] = [
      () => ana.start("echo", 1, { runId: "new" }),
      () => ana.start("echo", 1, { runId: "a", ifExists: "terminate" }),
      () => ana.startMany("echo", [{ input: 1 }]),
      () => ana.run("a").signal("go", 1),
      () => ana.run("a").signal("go", 1, { deliveryId: "d" }),
      () => ana.run("a").cancel(),
      () => ana.run("p").cancel(),
      () => ana.run("a").terminate(),
      () => ana.run("p").retry(),
      () => ana.run("o").reopen({ to: current }),
      () => ana.run("o").fork({ at: 0 }),
      () => ana.run("a").upgrade(),
      () => ana.runs.delete("o"),
      () => ana.runs.prune({ before: new Date(Date.now() + 60_000) }),
      () => ana.versions.activate("order", current),
      () => ana.versions.deny(denied, { reason: "bad" }),
      () => ana.schedules.pause("s"),
      () => ana.schedules.trigger("s"),
      () => ana.schedules.cancel("s"),
      () => ana.schedules.delete("s"),
      () => Array.fromAsync(ana.runs.upgrade({ to: current })),
    ];
    for (const attempt of attempts) await assert.rejects(attempt(), /closed/, String(attempt));
    await reached(node.run("a"), "suspended"); // the upgrade that was undone has woken it
    assert.equal(await states(), before);
    await db.query("alter table {schema}.operations drop constraint closed");
    assert.deepEqual(await acts(ana), []);
  });

  test("a program that acts for itself makes no entry, no further statement, and no transaction", async () => {
    await using at = await scene(database, {}, { linger: 0 });
    const notes: string[] = [];
    const noted = noting(at.db.database, notes);
    await using client = await Continuum.connect({ database: noted, schema: at.db.schema });
    const start = async (runId: string) => {
      await reached(await at.node.start("echo", { wait: "go" }, { runId }), "suspended");
    };
    const asked = async (act: () => Promise<unknown>): Promise<string[]> => {
      notes.length = 0;
      await act();
      return notes.filter((text) => !text.includes("pg_notify"));
    };
    for (const runId of ["a", "b", "c", "d", "first"]) await start(runId);
    await client.run("first").signal("go", 1); // reads what the version says of its signals
    // To read the version, to deliver; to deliver, to end a parked run, to read it.
    assert.equal((await asked(() => client.run("a").signal("go", 1))).length, 2);
    assert.equal((await asked(() => client.run("b").cancel())).length, 3);
    const ended = await asked(() => client.run("c").terminate());
    assert.deepEqual(ended.filter((text) => /operations|savepoint/.test(text)), []);
    assert.deepEqual(await acts(client), []);
    const acted = await asked(() => client.asOperator(WHO).run("d").cancel());
    assert(acted.some((text) => /insert into .*operations/s.test(text)), "the test can see them");
  });

  test("a view for an operator shares its client, and ends with it", async () => {
    await using at = await scene(database);
    const ana = at.node.asOperator(WHO);
    const ben = ana.asOperator({ name: "ben" });
    const run = await ben.start("echo", 1, { runId: "r" });
    assert.equal(await resultOf(run), 1);
    assert.equal(ana.readiness().ready, true);
    await at.node.close();
    assert.equal(ana.readiness().ready, false);
    await refused(ana.start("echo", 1), "CLOSED");
    await refused(ana.run("r").cancel(), "CLOSED");
    await ana.close();
  });

  test("entries are listed a page at a time, by target, act, name and time", async () => {
    await using at = await scene(database);
    const { node } = at;
    for (let n = 0; n < 7; n++) {
      const who = node.asOperator({ name: n % 2 === 0 ? "ana" : "ben" });
      await who.acknowledge(`finding-${n % 3}`);
    }
    await node.asOperator(WHO).schedules.create({ id: "r", workflow: "echo", every: "1h" });
    await reached(await node.start("echo", { wait: "go" }, { runId: "r" }), "suspended");
    await node.asOperator(WHO).run("r").cancel();
    const elsewhere = node.asOperator(WHO).run("other", { namespace: "elsewhere" });
    await refused(elsewhere.cancel(), "RUN_NOT_FOUND");
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const page = await node.operations.list({
        limit: 4,
        ...(cursor === null ? {} : { cursor }),
      }) as Awaited<ReturnType<typeof node.operations.list>>;
      pages.push(page.operations.map(({ action }) => action));
      cursor = page.cursor;
    } while (cursor !== null);
    assert.deepEqual(pages.map(({ length }) => length), [4, 4, 1]);
    assert.deepEqual(pages[0]!.slice(0, 2), ["run.cancel", "schedule.create"]);
    const count = async (options: Parameters<typeof node.operations.list>[0]) =>
      (await node.operations.list(options)).operations.length;
    assert.equal(await count({ target: "r" }), 2);
    assert.equal(await count({ run: "r" }), 1);
    assert.equal(await count({ action: "health" }), 7);
    assert.equal(await count({ action: "run.cancel" }), 1);
    assert.equal(await count({ as: "ben" }), 3);
    assert.equal(await count({ as: "ben", target: "finding-1" }), 1);
    assert.equal(await count({ since: new Date(Date.now() + 60_000) }), 0);
    assert.equal(await count({ since: new Date(0) }), 9);
    assert.equal(await count({ namespace: "elsewhere", action: "run" }), 1);
    assert.equal(await count({ target: "'; drop table operations; --" }), 0);
    const first = await node.operations.list({ limit: 1 });
    await refused(
      node.operations.list({ cursor: first.cursor!, as: "ana" }),
      "INVALID_CURSOR",
    );
    const wrong: readonly (readonly [object, string])[] = [
      [{ action: "fly" }, "option action"],
      [{ limit: 0 }, "option limit"],
      [{ limit: 1_001 }, "option limit"],
      [{ since: "yesterday" }, "option since"],
      [{ target: "" }, "option target"],
      [{ target: "a", run: "a" }, "target and run"],
      [{ as: "a\0" }, "option as"],
      [{ from: 1 }, "from"],
    ];
    for (const [options, word] of wrong) {
      await refused(node.operations.list(options), "INVALID_ARGUMENT", word);
    }
  });

  test("old entries are removed, and the last mark on a finding stays", async () => {
    await using at = await scene(database);
    const ana = at.node.asOperator(WHO);
    await ana.acknowledge("kept");
    await ana.acknowledge("kept");
    await refused(ana.run("none").cancel(), "RUN_NOT_FOUND");
    await at.db.query("update {schema}.operations set at = at - interval '100 days'");
    await refused(ana.run("new").cancel(), "RUN_NOT_FOUND");
    assert.equal(await ana.operations.prune({ olderThan: "90d", dryRun: true }), 2);
    assert.equal((await all(ana)).length, 4);
    assert.equal(await ana.operations.prune({ olderThan: "90d" }), 2);
    assert.deepEqual(await acts(ana), [
      ["health.acknowledge", "kept", "done"],
      ["run.cancel", "new", "RUN_NOT_FOUND"],
      ["operations.prune", "operations", "done"],
    ]);
    assert.deepEqual((await newest(ana)).after, { removed: 2 });
    await refused(ana.operations.prune({}), "INVALID_ARGUMENT", "olderThan");
    const scoped = { olderThan: "1d", namespace: "a" } as const;
    await refused(ana.operations.prune(scoped), "INVALID_ARGUMENT", "namespace");
  });

  test("a name and a reason are kept as they are said, and bad ones are refused", async () => {
    await using at = await scene(database);
    const { node } = at;
    const name = `'); delete from operations; --`;
    const reason = "\u001b[2J\u001b]0;title\u0007 'quoted' $1 \\ {schema}";
    await node.asOperator({ name, reason }).acknowledge("f");
    const { as, proven, reason: kept } = await newest(node);
    assert.deepEqual([as, proven, kept], [name, false, reason]);
    const { operations: { length } } = await node.operations.list({ as: name });
    assert.equal(length, 1);
    const wrong: readonly (readonly [unknown, string])[] = [
      [undefined, "asOperator()"],
      [{}, "option name"],
      [{ name: "" }, "option name"],
      [{ name: "x".repeat(201) }, "a text of 201 characters"],
      [{ name: "a\0" }, "option name"],
      [{ name: "\ud800" }, "option name"],
      [{ name: "a", reason: "x".repeat(1_001) }, "a text of 1001 characters"],
      [{ name: "a", reason: "" }, "option reason"],
      [{ name: "a", proven: "yes" }, "option proven"],
      [{ name: "a", prooven: true }, "prooven"],
    ];
    for (const [identity, word] of wrong) {
      await refused(
        (async () => await node.asOperator(identity as never).close())(),
        "INVALID_ARGUMENT",
        word,
      );
    }
  });
});
