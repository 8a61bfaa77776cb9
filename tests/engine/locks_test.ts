/**
 * Locks: one run at a time, the first to ask first, and none is lost, whatever dies.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { TimeoutError } from "../../src/base/errors.ts";
import type { Continuum } from "../../src/continuum.ts";
import { type DatabaseKind, type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { expireOthers } from "../support/node.ts";
import { eventually, openIn } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

const HOLD = `await ctx.lock("door", () => ctx.waitForSignal("go"), input ?? {})`;

const FILES = {
  "holder.ts": source(`return ${HOLD};`, `{ name: "holder" }`),
  "fails.ts": source(
    `await ctx.lock("door", () => { throw new Error("inside"); });`,
    `{ name: "fails" }`,
  ),
  "cleans.ts": source(
    `try { ${HOLD} } finally { await ctx.run("after", () => 1); }`,
    `{ name: "cleans" }`,
  ),
  "renews.ts": source(
    `void ctx.lock("door", () => ctx.waitForSignal("never")).catch(() => {});
     if (input === 1) { await ctx.waitForSignal("go"); return 1; }
     await ctx.waitForSignal("next");
     return ctx.continueAsNew(1);`,
    `{ name: "renews" }`,
  ),
  "retries.ts": source(
    `void ctx.lock("door", () => ctx.waitForSignal("never")).catch(() => {});
     await ctx.waitForSignal("go");
     if (ctx.attempt === 1) throw new Error("once");
     return 1;`,
    `{ name: "retries", retry: { maxAttempts: 2, initial: 1 } }`,
  ),
};

/** Which runs have the lock, and which wait, the first first. */
async function line(db: EmptyDatabase): Promise<[string[], string[]]> {
  const rows = await db.query<{ id: string; state: string }>(
    `select run.run_id as id, place.state from {schema}.places as place
     join {schema}.runs as run on run.id = place.run
     where place.state in ('new', 'waiting', 'held') order by place.id`,
  );
  const of = (...states: string[]) =>
    rows.flatMap(({ id, state }) => states.includes(state) ? [id] : []);
  return [of("held"), of("new", "waiting")];
}

async function stand(db: EmptyDatabase, held: string[], waiting: string[] = []): Promise<void> {
  await eventually(
    async () => JSON.stringify(await line(db)) === JSON.stringify([held, waiting]) || undefined,
    () => `held by ${held}, awaited by ${waiting}`,
  );
}

/** Runs that ask for the lock, one after the other. */
async function ask(at: { node: Continuum; db: EmptyDatabase }, ids: string[]): Promise<void> {
  const [held, waiting] = await line(at.db);
  for (const runId of ids) {
    await at.node.start("holder", null, { runId });
    if (held.length === 0) held.push(runId);
    else waiting.push(runId);
    await stand(at.db, held, waiting);
  }
}

const open = (database: DatabaseKind) => scene(database, FILES, { linger: 0 });

forEachDatabase("locks", (database, test) => {
  test("one run has a lock, and the first to ask gets it next", async () => {
    await using at = await open(database);
    const { node, db } = at;
    await ask(at, ["a", "b", "c"]);
    await node.run("b").reached("suspended");
    assert.equal((await node.run("b").status()).reason, 'waits for lock "door"');
    assert.deepEqual((await node.run("b").status()).untakenSignals, {});
    for (const [id, held, waiting] of [["a", ["b"], ["c"]], ["b", ["c"], []]] as const) {
      await node.run(id).signal("go", id);
      assert.equal(await node.run(id).result(), id);
      await stand(db, [...held], [...waiting]);
    }
    await node.run("c").signal("go", 3);
    assert.equal(await node.run("c").result(), 3);
    const kinds = (await node.run("c").history()).map(({ kind, name }) => `${kind} ${name}`);
    assert.equal(kinds[0], "call.completed lock door");
    assert.equal(kinds.at(-1), "call.completed unlock door");
    assert.deepEqual(await db.query("select * from {schema}.limits"), [], "it leaves nothing");
    assert.deepEqual(await db.query("select * from {schema}.inbox"), []);
  });

  test("several may have it at once, and a wait for it may time out", async () => {
    await using at = await open(database);
    const { node, db } = at;
    for (const runId of ["a", "b", "c"]) {
      await node.start("holder", { atOnce: 2, ...(runId === "c" ? { timeout: 5 } : {}) }, {
        runId,
      });
      await eventually(
        async () => (await line(db)).flat().includes(runId) || runId === "c" || undefined,
        () => runId,
      );
    }
    await assert.rejects(node.run("c").result(), ({ cause }: Error) => {
      const { code, details } = cause as TimeoutError;
      assert.deepEqual([code, details.lock], ["TIMEOUT", "door"]);
      return true;
    });
    await stand(db, ["a", "b"]);
  });

  test("the end of a run frees its lock: failure, cancellation, termination", async () => {
    await using at = await open(database);
    const { node, db } = at;
    await node.start("fails", null, { runId: "f" });
    await node.run("f").reached("failed");
    await node.start("cleans", null, { runId: "a" });
    await stand(db, ["a"]);
    await ask(at, ["b", "c", "d", "e"]);
    await node.run("a").cancel();
    await node.run("a").reached("cancelled");
    await stand(db, ["b"], ["c", "d", "e"]);
    await node.run("c").cancel(); // it waits
    await node.run("c").reached("cancelled");
    await node.run("d").terminate();
    await stand(db, ["b"], ["e"]);
    await node.run("b").terminate();
    await stand(db, ["e"]);
    await node.runs.delete("b");
    assert.deepEqual(await line(db), [["e"], []]);
  });

  test("a generation, and an attempt of a run, take no lock along", async () => {
    await using at = await open(database);
    const { node, db } = at;
    for (const name of ["renews", "retries"]) {
      const run = await node.start(name, null, { runId: name });
      await stand(db, [name]);
      const other = await node.start("holder", null, { runId: `after ${name}` });
      await stand(db, [name], [other.id]);
      await run.signal(name === "renews" ? "next" : "go", 1);
      // The next generation asks again, behind the other.
      await eventually(async () => {
        const [held] = await line(db);
        if (held[0] === other.id) return true;
        return undefined;
      }, () => "the other has the lock");
      await run.signal("go", 1);
      assert.equal(await run.result(), 1);
      await other.signal("go", 1);
      await other.result();
      await stand(db, []);
    }
  });

  test("a node that dies loses no lock, and gives none twice", async () => {
    await using at = await open(database);
    const { db, folder } = at;
    await ask(at, ["a", "b"]);
    await using second = await openIn(db, {
      workflows: [folder.url + "holder.ts"],
      linger: 0,
    });
    const store = await db.open();
    const [{ id }] = await db.query<{ id: string }>(
      "select id from {schema}.nodes order by started_at desc limit 1",
    ) as [{ id: string }];
    await expireOthers(store, id);
    assert.deepEqual(await line(db), [["a"], ["b"]]);
    await second.run("a").signal("go", 1);
    assert.equal(await second.run("a").result(), 1);
    await stand(db, ["b"]);
    await second.run("b").signal("go", 2);
    assert.equal(await second.run("b").result(), 2);
  });

  test("a fork inside a lock continues when it has the lock itself", async () => {
    await using at = await open(database);
    const { node, db } = at;
    await ask(at, ["a", "b"]);
    const events = (await node.run("a").history()).length;
    const fork = await node.run("a").fork({ at: events, id: "fork" });
    assert(fork.forked);
    assert.equal((await node.run("fork").status()).state, "queued");
    assert.match((await node.run("fork").status()).reason ?? "", /waits for lock "door"/);
    await node.run("fork").signal("go", "fork");
    for (const id of ["a", "b"]) {
      assert.equal((await node.run("fork").status()).state, "queued");
      await node.run(id).signal("go", id);
      await node.run(id).result();
    }
    assert.equal(await node.run("fork").result(), "fork");
    await stand(db, []);
  });

  test("a lock that makes no sense is refused", async () => {
    await using at = await open(database);
    const run = await at.node.start("holder", { atOnce: 0 });
    await refused(
      run.result().catch((error) => {
        throw error.cause;
      }),
      "INVALID_ARGUMENT",
      "option atOnce of ctx.lock",
    );
  });
});
