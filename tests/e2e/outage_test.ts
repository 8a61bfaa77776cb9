/**
 * The database is not there, goes away, comes back, or belongs to another application.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { isContinuumError } from "../../src/base/errors.ts";
import { armFailPoint } from "../../src/base/failpoint.ts";
import { type EmptyDatabase, emptyPostgres, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { Worker } from "../support/processes.ts";
import { Proxy } from "../support/proxy.ts";
import { BRISK, eventually, openIn, reached, resultOf } from "../support/runs.ts";

/** Notes every call of a step, and stays in the step "slow" for as long as the test wants. */
const ORDER = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "order" }, async (ctx, items: number) => {
  const { calls, gate } = (globalThis as any).outageForTest;
  const results = [await ctx.run("first", () => calls.push(ctx.runId + " first"))];
  await ctx.run("slow", () => {
    calls.push(ctx.runId + " slow");
    return gate;
  });
  results.push(await ctx.waitForSignal<number>("go"));
  await ctx.run("last", () => void calls.push(ctx.runId + " last"));
  return items;
});
`;

const HISTORY = ["first", "slow", "go", "last"];

/** What modules under test see of their test. */
function makeGate(): { readonly calls: string[]; open(): void; close(): void } {
  const calls: string[] = [];
  const shared = globalThis as unknown as { outageForTest?: unknown };
  let gate = Promise.withResolvers<void>();
  const share = () => shared.outageForTest = { calls, gate: gate.promise };
  share();
  return {
    calls,
    open: () => gate.resolve(),
    close: () => {
      gate = Promise.withResolvers();
      share();
    },
  };
}

function proxied(): { readonly proxy: Proxy; readonly url: string } {
  const url = new URL(postgresUrl());
  const proxy = new Proxy({ hostname: url.hostname, port: Number(url.port || 5432) });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: url.href };
}

async function names(db: EmptyDatabase, id: string): Promise<string[]> {
  const rows = await db.query<{ name: string }>(
    `select name from {schema}.events where run = (select id from {schema}.runs where run_id = $1)
     order by seq`,
    [id],
  );
  return rows.map(({ name }) => name);
}

Deno.test("open() and connect() say which database is down, without its password", async () => {
  using unused = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = unused.addr;
  unused.close();
  const database = `postgres://shopkeeper:secret@127.0.0.1:${port}/shop`;
  for (
    const attempt of [() => Continuum.open({ database }), () => Continuum.connect({ database })]
  ) {
    await assert.rejects(attempt, (error: Error) => {
      assert(isContinuumError(error, "DATABASE_UNAVAILABLE"), error.stack);
      assert.match(
        error.message,
        new RegExp(`Cannot reach database postgres://shopkeeper@127.0.0.1:${port}/shop now`),
      );
      assert.doesNotMatch(Deno.inspect(error, { depth: 10 }), /secret/);
      return true;
    });
  }
});

Deno.test("open() says that there is no database of that name", async () => {
  const url = new URL(postgresUrl());
  url.pathname = "/nobody_has_this";
  await assert.rejects(Continuum.open({ database: url.href }), /nobody_has_this.*does not exist/);
});

Deno.test("runs continue where they were when their database comes back", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({ "order.ts": ORDER });
  const gate = makeGate();
  const { proxy, url } = proxied();
  await using _proxy = proxy;
  await using node = await Continuum.open({
    ...BRISK,
    database: url,
    schema: db.schema,
    workflows: [folder.url + "order.ts"],
  });
  const waiting = await node.start<number>("order", 1, { runId: "waiting" });
  gate.open();
  await reached(waiting, "suspended");
  gate.close();
  const busy = await node.start<number>("order", 2, { runId: "busy" });
  await eventually(() => gate.calls.includes("busy slow") || undefined, () => "busy step");

  const results = Promise.all([resultOf(waiting), resultOf(busy)]);
  proxy.cut();
  await assert.rejects(waiting.signal("go"), { code: "DATABASE_UNAVAILABLE" });
  const done = Promise.withResolvers<void>();
  {
    using _point = armFailPoint("effect.done", () => done.resolve());
    gate.open();
    await done.promise; // its result is there, and can't be written
  }
  proxy.restore();

  await eventually(() => delivered(waiting.signal("go")), () => "way to the database");
  await eventually(() => delivered(busy.signal("go")), () => "way to the database");
  assert.deepEqual(await results, [1, 2]);
  assert.deepEqual(await names(db, "waiting"), HISTORY);
  assert.deepEqual(await names(db, "busy"), HISTORY);
  assert.deepEqual(gate.calls.filter((call) => call.startsWith("busy")), [
    "busy first",
    "busy slow",
    "busy last",
  ]);
});

async function delivered(signal: Promise<unknown>): Promise<true | undefined> {
  try {
    await signal;
    return true;
  } catch (error) {
    assert(isContinuumError(error, "DATABASE_UNAVAILABLE"), String(error));
    return undefined;
  }
}

Deno.test("runs of a node that is cut off for longer than its lease continue on another node, once", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({ "order.ts": ORDER });
  const gate = makeGate();
  const { proxy, url } = proxied();
  await using _proxy = proxy;
  const options = { workflows: [folder.url + "order.ts"], lease: 600 };
  await using cutOff = await Continuum.open({
    ...BRISK,
    ...options,
    database: url,
    schema: db.schema,
  });
  await cutOff.start("order", 1, { runId: "r" });
  await eventually(() => gate.calls.includes("r slow") || undefined, () => "step under way");
  proxy.cut();
  await using heir = await openIn(db, { ...options, lease: "3s" });
  await eventually(
    () => gate.calls.filter((call) => call === "r slow").length === 2 || undefined,
    () => "second attempt",
  );
  gate.open();
  const run = heir.run("r");
  await reached(run, "suspended");
  proxy.restore();
  await run.signal("go");
  assert.equal(await resultOf(run), 1);
  assert.deepEqual(await names(db, "r"), HISTORY);
  assert.equal(gate.calls.filter((call) => call === "r last").length, 1);
  const again = await eventually(async () => {
    try {
      return await cutOff.start("order", 2);
    } catch (error) {
      assert(isContinuumError(error, "DATABASE_UNAVAILABLE"), String(error));
    }
  }, () => "way to the database");
  await again.signal("go");
  assert.equal(await resultOf(again), 2, "the node that was cut off works again");
});

Deno.test("a node can be closed while its database is down; its runs continue on another node", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({ "order.ts": ORDER });
  const gate = makeGate();
  const { proxy, url } = proxied();
  await using _proxy = proxy;
  const options = { workflows: [folder.url + "order.ts"], lease: 600, drainTimeout: 100 };
  const cutOff = await Continuum.open({
    ...BRISK,
    ...options,
    database: url,
    schema: db.schema,
  });
  await cutOff.start("order", 1, { runId: "r" });
  await eventually(() => gate.calls.includes("r slow") || undefined, () => "step under way");
  proxy.cut();
  assert.deepEqual(await cutOff.close(), { released: 0, forced: 1 });
  gate.open();
  await using heir = await openIn(db, { ...options, lease: "3s" });
  await heir.run("r").signal("go");
  assert.equal(await resultOf(heir.run("r")), 1);
  assert.deepEqual(await names(db, "r"), HISTORY);
});

Deno.test("a folder that a process has open is refused to every other, which may have it later", async () => {
  await using folder = await makeFolder({});
  const database = `pglite:${new URL("data", folder.url).pathname}`;
  {
    await using _mine = await Continuum.connect({ database });
    await assert.rejects(Worker.start({ database }), { message: "DATABASE_IN_USE" });
    await assert.rejects(Continuum.connect({ database }), {
      code: "DATABASE_IN_USE",
      message: new RegExp(folder.url.slice("file://".length)),
    });
  }
  await using theirs = await Worker.start({ database });
  await assert.rejects(Continuum.open({ database }), { code: "DATABASE_IN_USE" });
  await theirs.kill();
  await using _again = await Continuum.connect({ database });
});
