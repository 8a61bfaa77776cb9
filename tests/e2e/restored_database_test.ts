/**
 * A database is restored: from `pg_dump`, and from a base backup to a point in time. Runs continue
 * from where they stood then, on the code that the database holds, and repeat what they did since
 * under the same keys.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import { makeFolder } from "../support/modules.ts";
import { unprivileged } from "../support/postgres_binaries.ts";
import { dumpTools } from "../support/postgres_tools.ts";
import { BRISK, eventually, reached, resultOf } from "../support/runs.ts";

const ORDER = `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
import leaf from "./leaf.ts";

const note = (run: string, place: string, { idempotencyKey }: { idempotencyKey: string }) =>
  void (globalThis as any).restoredForTest.push([run, place, idempotencyKey]);

export const ship = defineActivity({ name: "ship", queue: "ships" }, (run: string, attempt) =>
  note(run, "ship", attempt));

export default defineWorkflow({ name: "order" }, async (ctx, n: number) => {
  const { runId } = ctx;
  await ctx.run("first", (attempt) => note(runId, "first", attempt));
  const sum = n + await ctx.waitForSignal<number>("go");
  await ctx.run("paid", (attempt) => note(runId, "paid", attempt));
  await ctx.activity(ship, runId);
  await ctx.transaction("book", async (tx) => {
    await tx.query("insert into public.booked values ($1)", [runId]);
  });
  await ctx.sleep(10);
  return await ctx.child(leaf, sum);
});
`;

const LEAF = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "leaf" }, (_ctx, n: number) => Promise.resolve(n));
`;

type Effect = [run: string, place: string, key: string];

/** Runs that were in each state when the copies were taken. */
const IDS = {
  ended: ["ended 0", "ended 1"],
  waiting: ["waiting 0", "waiting 1", "waiting 2"],
  shipping: ["shipping 0", "shipping 1"],
  /** Started after the copies were taken. */
  later: ["later 0", "later 1"],
};

async function numberOf(driver: SqlDriver, from: string): Promise<number> {
  const [row] = await driver.query<{ n: number }>(`select count(*)::integer as n from ${from}`);
  return row!.n;
}

Deno.test("a database that is restored continues its runs from where they stood, from a dump and from a point in time", async (test) => {
  const effects: Effect[] = [];
  Object.assign(globalThis, { restoredForTest: effects });
  const archive = await Deno.makeTempDir({ prefix: "continuum_archive_" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(archive, { recursive: true }));
  const owner = await unprivileged();
  if (owner !== null) await Deno.chown(archive, owner.uid, owner.gid);
  const server = stack.use(
    await startPostgres({
      release: dumpTools?.release ?? 18,
      settings: {
        fsync: "off",
        archive_mode: "on",
        archive_command: `cp %p ${archive}/%f`,
      },
    }),
  );
  const admin = await postgres(server.url).open();
  stack.defer(() => admin.close());
  await admin.script("create table public.booked (run text)");
  const backup = await server.backUp();
  const dumped = `${archive}/dump`;

  /** What a node is opened with: the queue of ships is served where it says so. */
  const open = (url: string, folder: string, ships: boolean) =>
    Continuum.open({
      ...BRISK,
      database: url,
      workflows: [folder + "order.ts", folder + "leaf.ts"],
      queues: ships ? { default: {}, ships: {} } : { default: {} },
    });
  {
    await using folder = await makeFolder({ "order.ts": ORDER, "leaf.ts": LEAF });
    await using ships = await open(server.url, folder.url, true);
    const { later: _, ...early } = IDS;
    const start = (id: string) =>
      ships.start<number>("order", 1, { runId: id, ifExists: "useEnded" });
    for (const id of IDS.ended) {
      await (await start(id)).signal("go", 1);
      assert.equal(await resultOf(ships.run(id)), 2);
    }
    await ships.close();
    await using node = await open(server.url, folder.url, false);
    for (const id of [...early.waiting, ...early.shipping]) {
      await node.start("order", 1, { runId: id });
      await reached(node.run(id), "suspended");
    }
    for (const id of early.shipping) {
      await node.run(id).signal("go", 1, { deliveryId: "go" });
      await eventually(
        async () =>
          await numberOf(admin, "continuum.tasks") >= early.shipping.indexOf(id) + 1 || undefined,
        () => "task",
      );
    }
    await node.schedules.create({ id: "hourly", workflow: "leaf", input: 7, every: "1h" });

    await dumpTools?.dump(server.url, dumped);
    await admin.query("select pg_create_restore_point('here')");

    await using again = await open(server.url, folder.url, true);
    for (const id of [...IDS.waiting, ...IDS.later]) {
      await again.start("order", 1, { runId: id, ifExists: "useEnded" });
      await again.run(id).signal("go", 1, { deliveryId: "go" });
    }
    for (const id of Object.values(IDS).flat()) assert.equal(await resultOf(again.run(id)), 2);
    await admin.query("select pg_switch_wal()");
    const [wal] = await admin.query<{ name: string }>(
      "select last_archived_wal as name from pg_stat_archiver",
    );
    await eventually(
      async () =>
        await numberOf(admin, `pg_stat_archiver where last_archived_wal > '${wal!.name ?? ""}'`) ||
        undefined,
      () => "archived log",
    );
  }
  const before = effects.splice(0);

  /** The code is only in the database, and its names in newer modules; what was done is done again. */
  const check = async (url: string) => {
    const newer = "// a newer release\n";
    await using folder = await makeFolder({ "order.ts": newer + ORDER, "leaf.ts": newer + LEAF });
    effects.splice(0);
    const restored = await postgres(url).open();
    assert.equal(await numberOf(restored, "continuum.runs"), 2 * 2 + 3 + 2);
    assert.equal(await numberOf(restored, "public.booked"), 2);
    await using node = await open(url, folder.url, true);
    for (const id of IDS.ended) assert.equal(await node.run(id).result(), 2);
    for (const id of IDS.later) {
      await assert.rejects(node.run(id).status(), { code: "RUN_NOT_FOUND" });
      await node.start("order", 1, { runId: id });
    }
    for (const id of [...IDS.waiting, ...IDS.later]) {
      await node.run(id).signal("go", 1, { deliveryId: "go" });
    }
    for (const id of Object.values(IDS).flat()) assert.equal(await resultOf(node.run(id)), 2);
    assert.equal(await resultOf((await node.schedules.trigger("hourly"))!), 7);
    assert.equal(await numberOf(restored, "public.booked"), 9);
    assert.equal(await numberOf(restored, "(select distinct run from public.booked) as b"), 9);
    assert.deepEqual((await node.health()).findings.filter(({ severe }) => severe), []);
    // Again under its key, but for what was started after the copy: that is another run now.
    const keys = (all: Effect[], ids: readonly string[], places: readonly string[]) =>
      all.filter(([run, place]) => ids.includes(run) && places.includes(place))
        .map((effect) => effect.join()).sort();
    for (
      const [ids, places] of [[IDS.waiting, ["paid", "ship"]], [IDS.shipping, ["ship"]]] as const
    ) {
      const repeated = keys(effects, ids, places);
      assert.equal(repeated.length, ids.length * places.length);
      assert.deepEqual(repeated, keys(before, ids, places));
    }
    assert.deepEqual(keys(effects, IDS.waiting, ["first"]), []);
    await restored.close();
  };

  await test.step({
    name: "from a dump, into another database",
    ignore: dumpTools === undefined,
    fn: async () => {
      await admin.query("create database restored template template0");
      const url = Object.assign(new URL(server.url), { pathname: "/restored" }).href;
      await dumpTools!.restore(dumped, url);
      await check(url);
    },
  });

  await test.step("from a base backup and the log, to a point in time", async () => {
    await using recovered = await backup.start("recovery", {
      settings: {
        fsync: "off",
        restore_command: `cp ${archive}/%f %p`,
        recovery_target_name: "here",
        recovery_target_action: "promote",
      },
    });
    const driver = await postgres(recovered.url).open();
    await eventually(
      async () =>
        await numberOf(driver, "(select where not pg_is_in_recovery()) as w") || undefined,
      () => "end of the recovery",
    );
    await driver.close();
    await check(recovered.url);
  });
});
