/**
 * Limits of runs: how many there are at once, in a time, and for each key; and whose turn it is.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

const FILES = {
  "one.ts": source(
    `return await ctx.waitForSignal("go");`,
    `{ name: "one", limit: { atOnce: 1 } }`,
  ),
  "two.ts": source(
    `return await ctx.waitForSignal("go");`,
    `{ name: "two", limit: { atOnce: 2, key: (input: any) => input.tenant,
       priority: (input: any) => input.priority ?? 0 } }`,
  ),
  "tenants.ts": source(
    `return await ctx.waitForSignal("go");`,
    `{ name: "tenants", limit: { key: (input: any) => input.tenant, perKey: { atOnce: 1 } } }`,
  ),
  "ranked.ts": source(
    `return await ctx.waitForSignal("go");`,
    `{ name: "ranked", limit: { atOnce: 1, key: (input: any) => input.tenant,
       perKey: { atOnce: 1 }, priority: (input: any) => input.priority ?? 0 } }`,
  ),
  "rated.ts": source(
    `return ctx.now();`,
    `{ name: "rated", limit: { per: { count: 2, time: "1h" } } }`,
  ),
  "parent.ts": source(
    `return await Promise.all([1, 2].map((n) => ctx.child("one", null, { id: "child " + n })));`,
    `{ name: "parent" }`,
  ),
};

async function states(node: Continuum): Promise<Record<string, string>> {
  const { runs } = await node.runs.query({ limit: 100 });
  return Object.fromEntries(runs.map(({ id, state }) => [id, state]));
}

/** Waits until these runs are admitted, and no other. */
async function admitted(node: Continuum, wanted: readonly string[]): Promise<void> {
  await eventually(async () => {
    const found = Object.entries(await states(node))
      .flatMap(([id, state]) => ["pending", "running", "suspended"].includes(state) ? [id] : []);
    return found.sort().join() === [...wanted].sort().join() || undefined;
  }, () => `admitted: ${wanted.join()}`);
}

forEachDatabase("limits of runs", (database, test) => {
  test("a queued run is moved to other code, and keeps its place: one run, and many", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const runs: RunHandle[] = [];
    for (const runId of ["a", "b", "c", "d"]) {
      runs.push(await at.node.start("one", null, { runId }));
    }
    await admitted(at.node, ["a"]);
    await at.folder.write({
      "next.ts": source(
        `return ["next", await ctx.waitForSignal("go")];`,
        `{ name: "one", limit: { atOnce: 1 } }`,
      ),
    });
    const to = `${at.folder.url}next.ts`;
    await using node = await openIn(at.db, { workflows: [to], linger: 0 });
    const moved = node.asOperator({ name: "ops" }).run("b");
    assert((await moved.upgrade({ to, dryRun: true })).upgraded);
    assert((await moved.upgrade({ to })).upgraded);
    const [entry] = (await node.operations.list({ target: "b" })).operations;
    assert.equal(entry?.before?.state, "queued");
    const [verdict] = await Array.fromAsync(node.runs.upgrade({ to, where: { id: "c" } }));
    assert.equal(verdict!.verdict, "moved");
    assert.deepEqual(await states(node), { a: "suspended", b: "queued", c: "queued", d: "queued" });
    for (const run of runs) {
      await admitted(node, [run.id]);
      await run.signal("go", 1);
      await run.result();
    }
    const results = await Promise.all(runs.map((run) => run.result()));
    assert.deepEqual(results, [1, ["next", 1], ["next", 1], 1]);
  });

  test("a run beyond the limit waits, and starts when another ends", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const [a, b, c] = [
      await node.start("one", null, { runId: "a" }),
      await node.start("one", null, { runId: "b" }),
      await node.start("one", null, { runId: "c" }),
    ];
    await admitted(node, ["a"]);
    const { state, reason, queued } = await c.status();
    assert.equal(state, "queued");
    assert.equal(reason, 'waits for admission by queue "one", number 2');
    assert.equal(queued?.ahead, 1);
    const [queue] = await node.limits.list();
    assert.deepEqual([queue?.name, queue?.atOnce, queue?.admitted, queue?.waiting], [
      "one",
      1,
      1,
      2,
    ]);
    await b.signal("go", "early");
    assert.equal((await b.status()).state, "queued", "a message admits no run");
    await a.signal("go", 1);
    assert.equal(await b.result(), "early");
    await admitted(node, ["c"]);
    await c.signal("go", 3);
    assert.equal(await c.result(), 3);
  });

  test("a place comes free by termination, cancellation, deletion, failure and pause ends", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const ids = ["a", "b", "c", "d", "e"];
    for (const runId of ids) await node.start("one", null, { runId });
    await admitted(node, ["a"]);
    await node.run("a").terminate();
    await node.runs.delete("a");
    await admitted(node, ["b"]);
    await node.run("c").cancel(); // it has not begun
    assert.equal((await node.run("c").status()).state, "cancelled");
    await node.run("b").pause();
    await node.run("b").reached("paused");
    assert.equal((await states(node)).d, "queued", "a paused run keeps its place");
    await node.run("b").terminate();
    await admitted(node, ["d"]);
    await node.run("e").pause();
    await node.run("d").signal("go", 1);
    await node.run("d").result();
    assert.equal((await states(node)).e, "paused");
    await node.run("e").resume();
    await node.run("e").signal("go", 5);
    assert.equal(await node.run("e").result(), 5);
  });

  test("keys take turns, and a higher priority comes first", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    await node.limits.list();
    const start = (runId: string, input: unknown) => node.start("two", input, { runId });
    await start("a1", { tenant: "a" });
    await start("a2", { tenant: "a" });
    await admitted(node, ["a1", "a2"]);
    for (const n of [3, 4, 5]) await start(`a${n}`, { tenant: "a" });
    await start("b1", { tenant: "b" });
    await start("c1", { tenant: "c", priority: 1 });
    const order: string[] = [];
    const free = async (id: string) => {
      const before = Object.entries(await states(node)).filter(([, state]) => state === "queued");
      await node.run(id).signal("go", 1);
      await node.run(id).result();
      const [next] = await eventually(async () => {
        const now = await states(node);
        const come = before.flatMap(([id]) => now[id] !== "queued" ? [id] : []);
        return come.length > 0 ? come : undefined;
      }, () => "the next one");
      order.push(next!);
    };
    for (const id of ["a1", "a2", "c1", "a3"]) await free(id);
    assert.deepEqual(order.slice(0, 3), ["c1", "a3", "b1"]);
  });

  test("each key has its own limit, however many wait for another", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    for (const runId of ["a1", "a2", "b1", "c1", "b2"]) {
      await node.start("tenants", { tenant: runId[0] }, { runId });
    }
    await admitted(node, ["a1", "b1", "c1"]);
    const { reason } = await node.run("a2").status();
    assert.equal(
      reason,
      'waits for admission by queue "tenants" behind others of key "a", number 1',
    );
    await node.run("a1").terminate();
    await admitted(node, ["a2", "b1", "c1"]);
  });

  test("a run with a higher priority passes those of its key that wait in line", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    await node.start("ranked", { tenant: "a" }, { runId: "a1" });
    await admitted(node, ["a1"]);
    await node.start("ranked", { tenant: "b" }, { runId: "b1" });
    await eventually(
      async () => (await node.run("b1").status()).queued?.isBehind === false || undefined,
      () => "in line",
    );
    await node.start("ranked", { tenant: "b", priority: 1 }, { runId: "b2" });
    await eventually(
      async () => (await node.run("b1").status()).queued?.isBehind || undefined,
      () => "behind the other",
    );
    await node.run("a1").terminate();
    await admitted(node, ["b2"]);
  });

  test("so many start in a time", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const runs = await node.startMany("rated", [{ input: 1 }, { input: 2 }, { input: 3 }]);
    const handles = runs.map((item) => {
      assert(item.status === "started");
      return item.run;
    });
    await Promise.all(handles.slice(0, 2).map((run) => run.result()));
    assert.equal((await handles[2]!.status()).state, "queued");
    const [{ wait }] = await at.db.query<{ wait: number }>(
      "select extract(epoch from due_at - clock_timestamp())::float8 as wait from {schema}.limits",
    ) as [{ wait: number }];
    assert(wait > 1_500 && wait < 1_801, `${wait} s`);
    await at.db.query(
      "update {schema}.limits set refilled_at = refilled_at - interval '31 minutes'",
    );
    await node.limits.resume("rated"); // a node looks
    await handles[2]!.result();
  });

  test("a paused queue admits no run; children and starts in a transaction wait like others", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    await refused(node.limits.pause("one"), "QUEUE_NOT_FOUND", '"one"');
    await node.start("one", null, { runId: "first" });
    await admitted(node, ["first"]);
    await node.limits.pause("one", { reason: "maintenance" });
    const parent = await node.start("parent", null, { runId: "parent" });
    await node.run("first").terminate();
    await eventually(
      async () => {
        const now = await states(node);
        return ["child 1", "child 2"].every((id) => now[id] === "queued") || undefined;
      },
      () => "children that wait",
    );
    assert.match(
      (await node.run("child 1").status()).reason ?? "",
      /number \d; the queue is paused/,
    );
    await node.limits.resume("one");
    for (const n of [1, 2]) {
      const running = await eventually(async () => {
        const now = await states(node);
        return ["child 1", "child 2"].find((id) => ["running", "suspended"].includes(now[id]!));
      }, () => `child ${n}`);
      await node.run(running).signal("go", n);
      await node.run(running).result();
    }
    assert.deepEqual((await parent.result() as number[]).sort(), [1, 2]);
  });

  test("a fork and a run that is reopened wait for a place", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const run = await node.start("one", null, { runId: "a" });
    await admitted(node, ["a"]);
    const { id } = await run.fork({ at: 0, id: "fork" });
    assert.equal((await node.run(id).status()).state, "queued");
    await run.signal("go", 1);
    await run.result();
    await admitted(node, ["fork"]);
  });

  test("definitions and starts that make no sense are refused", async () => {
    await using at = await scene(database, FILES);
    const start = (limit: unknown) => at.node.start("two", { tenant: "a" }, { limit } as never);
    await refused(start({ key: 1 }), "INVALID_ARGUMENT", "limit.key");
    await refused(start({ priority: 0.5 }), "INVALID_ARGUMENT", "limit.priority");
    await refused(start({ atOnce: 1 }), "INVALID_ARGUMENT", "atOnce");
    await refused(at.node.start("two", {}), "INVALID_ARGUMENT", "the key in the limit");
    const run = await at.node.start("two", {}, { limit: { key: "x", priority: 3 } });
    await run.reached(["running", "suspended"]);
  });
});
