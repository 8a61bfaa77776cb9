/**
 * A server that has no more disk, or no more connections, while nodes are at work: they wait, and
 * continue when there is some. No run fails.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import {
  EVERYTHING,
  everythingIn,
  finishEverything,
  startEverything,
} from "../support/everything.ts";
import { makeFolder } from "../support/modules.ts";
import { BRISK, eventually, resultOf } from "../support/runs.ts";
import { fillSpace, placeOn, smallSpace } from "../support/small_disk.ts";

/** The most connections of the server; three of them are for those who may do everything. */
const CONNECTIONS = 20;

/** Books a place, and has no attempt to lose. */
const BOOKING = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "booking" }, async (ctx, place: string) => {
  await ctx.transaction("book", async (tx) => {
    const room = place === "large" ? 100_000 : 1;
    if (place === "large") await (globalThis as any).scarceForTest.begin();
    await tx.query("insert into public.booked (run, said) values ($1, repeat('x', $2))", [ctx.runId, room]);
  }, { retry: { maxAttempts: 1 } });
  return await ctx.run("step", () => place);
});
`;

/** Collects what an instance logs. */
function listener() {
  const lines: string[] = [];
  const hear = (text: string) => void lines.push(text);
  return { lines, log: { debug() {}, info() {}, warn: hear, error: hear } };
}

Deno.test("a server without disk or connections stops nodes, and fails no run", async (test) => {
  await using disk = await smallSpace(48);
  await using server = await startPostgres({
    settings: { fsync: "off", max_connections: String(CONNECTIONS) },
  });
  const admin = await postgres(server.url).open();
  await using _admin = { [Symbol.asyncDispose]: () => admin.close() };
  if (disk !== undefined) await placeOn(disk, admin);
  await admin.script(
    `create table public.booked (run text, at timestamptz, said text);
     alter table public.booked alter said set storage external;
     create role app login;
     grant create on database postgres to app;
     grant all on public.booked to app;`,
  );
  if (disk !== undefined) {
    await admin.script(
      `grant create on tablespace small to app;
       alter role app set default_tablespace = small;
       alter table public.booked set tablespace small;`,
    );
  }
  const url = Object.assign(new URL(server.url), { username: "app" }).href;
  await using folder = await makeFolder({ ...EVERYTHING, "booking.ts": BOOKING });
  const { lines, log } = listener();
  await using node = await Continuum.open({
    ...BRISK,
    database: url,
    log,
    workflows: [...everythingIn(folder.url), folder.url + "booking.ts"],
    queues: { mail: {} },
  });
  const heard = (what: RegExp) =>
    eventually(
      () => lines.some((line) => what.test(line)) || undefined,
      () => `line ${what} in ${lines.join("\n")}`,
    );

  await test.step({
    name: "while its disk is full, nothing progresses; then all does, with no attempt lost",
    ignore: disk === undefined,
    fn: async () => {
      await startEverything(node, "public.booked", ["waits"]);
      const before = await node.start<string>("booking", "before", { runId: "before" });
      assert.equal(await resultOf(before), "before");
      const [begun, full] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const begin = () => {
        begun.resolve();
        return full.promise;
      };
      Object.assign(globalThis, { scarceForTest: { begin } });
      const large = await node.start<string>("booking", "large", { runId: "large" });
      await begun.promise;
      {
        await using _full = await fillSpace(admin);
        full.resolve();
        await heard(/Cannot commit transaction book of run large, .*No space left on device/);
        await assert.rejects(
          node.startMany("booking", Array.from({ length: 500 }, () => ({ input: "more" }))),
          { code: "DATABASE_UNAVAILABLE", message: /No space left on device/ },
        );
      }
      assert.equal(await resultOf(large), "large");
      await finishEverything(node, ["waits"]);
      const events = await admin.query<{ kind: string; n: number }>(
        `select kind::text, count(*)::integer as n from continuum.events
         where kind in ('attempt.failed', 'transaction.failed') group by 1`,
      );
      assert.deepEqual(events, []);
    },
  });

  await test.step("while others have all of its connections, nodes use those that they have", async () => {
    lines.length = 0;
    await startEverything(node, "public.booked", ["before"].map((id) => `connections ${id}`));
    const others: Awaited<ReturnType<ReturnType<typeof postgres>["open"]>>[] = [];
    try {
      // Each of them holds a connection in a transaction, until the server refuses one.
      const held = Promise.withResolvers<void>();
      const holds: Promise<unknown>[] = [];
      for (let taken = 0; taken < CONNECTIONS; taken++) {
        const other = await postgres(url, { connections: 1, transactions: 1 }).open();
        others.push(other);
        const isIn = Promise.withResolvers<boolean>();
        holds.push(
          other.transaction(async (session) => {
            await session.query("select 1");
            isIn.resolve(true);
            await held.promise;
          }).catch(() => isIn.resolve(false)),
        );
        if (!await isIn.promise) break;
      }
      assert.ok(others.length < CONNECTIONS, "the server has refused one");
      const ids = Array.from({ length: 10 }, (_, n) => `meanwhile ${n}`);
      await startEverything(node, "public.booked", ids);
      await finishEverything(node, [...ids, "connections before"]);
      held.resolve();
      await Promise.all(holds);
    } finally {
      for (const other of others) await other.close();
    }
    for (const line of lines) assert.match(line, /too many (clients|connections)|connection slots/);
    const { findings } = await node.health();
    assert.deepEqual(findings.filter(({ severe }) => severe), []);
  });
});
