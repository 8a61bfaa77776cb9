/**
 * A server dies, and its standby takes its place: with one that is synchronous nothing that was
 * acknowledged is lost, with one that is not, what had not reached it. In both cases runs continue,
 * and callers that ask again get what they asked for.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { isContinuumError } from "../../src/base/errors.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import { makeFolder } from "../support/modules.ts";
import { Proxy, targetOf } from "../support/proxy.ts";
import { BRISK, eventually } from "../support/runs.ts";

/** Notes its effects outside of the database, each with its key. */
const ORDER = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "order" }, async (ctx, n: number) => {
  const { effects } = (globalThis as any).standbyForTest;
  const note = (place: string) =>
    ctx.run(place, ({ idempotencyKey }) => void effects.push([ctx.runId, place, idempotencyKey]));
  await note("before");
  const sum = n + await ctx.waitForSignal<number>("go");
  await ctx.transaction("book", async (tx) => {
    await tx.query("insert into public.bookings values ($1)", [ctx.runId]);
  });
  await note("after");
  return sum;
});
`;

type Effect = [run: string, place: string, key: string];

/** A primary with a standby, two nodes and a client. */
async function makeScene(sync: boolean) {
  await using stack = new AsyncDisposableStack();
  const settings = { fsync: "off", wal_keep_size: "256MB" };
  const primary = stack.use(await startPostgres({ settings }));
  const admin = await postgres(primary.url).open();
  stack.defer(() => admin.close());
  await admin.script("create table public.bookings (run text not null)");
  /** What the standby receives comes over this one. */
  const stream = stack.use(new Proxy(targetOf(primary.url)));
  const standby = stack.use(
    await (await primary.backUp()).start("standby", {
      settings: {
        ...settings,
        primary_conninfo:
          `host=127.0.0.1 port=${stream.port} user=postgres application_name=follower`,
      },
    }),
  );
  if (sync) {
    await admin.script("alter system set synchronous_standby_names = 'follower'");
    await admin.query("select pg_reload_conf()");
  }
  /** Nodes and callers come over this one, whichever server is the primary. */
  const front = stack.use(new Proxy(targetOf(primary.url)));
  const effects: Effect[] = [];
  (globalThis as unknown as { standbyForTest: unknown }).standbyForTest = { effects };
  const folder = stack.use(await makeFolder({ "order.ts": ORDER }));
  const database = front.over(primary.url);
  const open = async () =>
    stack.use(
      await Continuum.open({
        ...BRISK,
        linger: "1m", // what runs remember is ahead of what the standby has
        database,
        workflows: [folder.url + "order.ts"],
      }),
    );
  const nodes = [await open(), await open()];
  const client = stack.use(await Continuum.connect({ database }));
  const kept = stack.move();
  return {
    ...{ primary, standby, admin, stream, front, effects, nodes, client },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

type Scene = Awaited<ReturnType<typeof makeScene>>;

/** What a caller does, and does again until it is answered, as it may. */
class Caller {
  readonly id: string;
  /** What it was answered so far. */
  readonly answered = new Set<"start" | "signal" | "result">();
  readonly #client: Continuum;
  readonly #n: number;

  constructor(client: Continuum, n: number) {
    this.#client = client;
    this.#n = n;
    this.id = `order ${n}`;
  }

  async start(): Promise<void> {
    const options = { runId: this.id, ifExists: "useEnded" } as const;
    await insist(() => this.#client.start("order", this.#n, options));
    this.answered.add("start");
  }

  async signal(): Promise<void> {
    await insist(() => this.#client.run(this.id).signal("go", 1, { deliveryId: this.id }));
    this.answered.add("signal");
  }

  async result(): Promise<void> {
    assert.equal(await insist(() => this.#client.run(this.id).result()), this.#n + 1);
    this.answered.add("result");
  }

  async all(): Promise<void> {
    await this.start();
    await this.signal();
    await this.result();
  }
}

async function insist<T>(ask: () => Promise<T>): Promise<T> {
  return await eventually(async () => {
    try {
      return { value: await ask() };
    } catch (error) {
      assert.ok(isContinuumError(error, "DATABASE_UNAVAILABLE"), String(error));
    }
  }, () => "answer").then(({ value }) => value);
}

function callersOf({ client }: Scene, from: number, count: number): Caller[] {
  return Array.from({ length: count }, (_, at) => new Caller(client, from + at));
}

function each(callers: readonly Caller[], act: "start" | "signal" | "result" | "all") {
  return Promise.all(callers.map((caller) => caller[act]()));
}

async function numberOf(driver: SqlDriver, from: string): Promise<number> {
  const [row] = await driver.query<{ n: number }>(`select count(*)::integer as n from ${from}`);
  return row!.n;
}

/** The standby has all that the primary has written by now. */
async function caughtUp({ admin }: Scene): Promise<void> {
  await eventually(
    async () =>
      await numberOf(
          admin,
          "pg_stat_replication where replay_lsn >= pg_current_wal_insert_lsn()",
        ) > 0 || undefined,
    () => "standby that has caught up",
  );
}

/**
 * The primary dies, and the standby takes its place; `look` sees what it has before nodes and
 * callers reach it.
 */
async function failOver(
  { primary, standby, front }: Scene,
  look: (promoted: SqlDriver) => Promise<void>,
): Promise<SqlDriver> {
  await primary.stop("immediate");
  const promoted = await postgres(standby.url).open();
  await promoted.query("select pg_promote()");
  await look(promoted);
  front.aim(targetOf(standby.url));
  return promoted;
}

/** Every run is there once and whole, and each effect has one key for each start of its run. */
async function checkAll(
  { effects, client }: Scene,
  promoted: SqlDriver,
  runs: number,
  startedTwice: readonly string[] = [],
): Promise<void> {
  const states = await promoted.query<{ state: string; n: number; events: number[] }>(
    `select state, count(*)::integer as n,
       array_to_json(array_agg(distinct next_seq - first_seq)) as events
     from continuum.runs group by state`,
  );
  assert.deepEqual(states.map((row) => ({ ...row })), [
    { state: "completed", n: runs, events: [4] },
  ]);
  assert.equal(await numberOf(promoted, "public.bookings"), runs);
  assert.equal(await numberOf(promoted, "(select distinct run from public.bookings) as b"), runs);
  assert.equal(await numberOf(promoted, "continuum.events"), 4 * runs);
  const keys = Map.groupBy(effects, ([run, place]) => `${run} ${place}`);
  assert.equal(keys.size, 2 * runs);
  for (const [what, all] of keys) {
    const starts = startedTwice.includes(all[0]![0]) ? 2 : 1;
    assert.equal(new Set(all.map(([, , key]) => key)).size, starts, `keys of ${what}`);
  }
  const { findings } = await client.health();
  assert.deepEqual(findings.filter(({ severe }) => severe), []);
}

Deno.test("a synchronous standby that is promoted has all that was acknowledged, and its callers get the rest", async () => {
  await using scene = await makeScene(true);
  const { admin, stream, nodes } = scene;
  const [ended, waiting, late] = [
    callersOf(scene, 0, 8),
    callersOf(scene, 100, 8),
    callersOf(scene, 200, 8),
  ];
  await Promise.all([each(ended, "all"), each(waiting, "start")]);
  stream.cut();
  // From now on nothing is acknowledged, though the primary writes it.
  const asking = Promise.all([each(late, "all"), each(waiting, "signal")]);
  asking.catch(() => {}); // what fails first is shown
  await eventually(
    async () =>
      await numberOf(admin, "pg_stat_activity where wait_event = 'SyncRep'") > 1 || undefined,
    () => "commit that waits for the standby",
  );
  assert.deepEqual([...late, ...waiting].map(({ answered }) => [...answered]), [
    ...late.map(() => []),
    ...waiting.map(() => ["start"]),
  ]);
  const promoted = await failOver(scene, async (promoted) => {
    const lost = 16 - await numberOf(promoted, "continuum.runs");
    assert.equal(lost, 0, "runs whose start was acknowledged");
    assert.equal(await numberOf(promoted, "continuum.runs where state = 'completed'"), 8);
  });
  await asking;
  await each(waiting, "result");
  await checkAll(scene, promoted, 24);
  await eventually(
    () => Promise.resolve(nodes.every((node) => node.readiness().ready) || undefined),
    () => "nodes that are ready again",
  );
  await promoted.close();
});

Deno.test("an asynchronous standby that is promoted lacks what had not reached it, and nothing else; runs and callers catch up", async () => {
  await using scene = await makeScene(false);
  const { stream, client } = scene;
  const [ended, waiting, late] = [
    callersOf(scene, 0, 8),
    callersOf(scene, 100, 8),
    callersOf(scene, 200, 8),
  ];
  await Promise.all([each(ended, "all"), each(waiting, "start")]);
  await eventually(
    async () => await numberOf(scene.admin, "continuum.events") === 8 * 4 + 8 || undefined,
    () => "runs that wait",
  );
  await caughtUp(scene);
  stream.cut();
  // All of it is acknowledged, and none of it reaches the standby.
  await Promise.all([
    each(late, "all"),
    each(waiting, "signal").then(() => each(waiting.slice(0, 4), "result")),
  ]);
  const promoted = await failOver(scene, async (promoted) => {
    const lost = {
      starts: 24 - await numberOf(promoted, "continuum.runs"),
      signals: 24 - await numberOf(promoted, "continuum.deliveries"),
      results: 20 - await numberOf(promoted, "continuum.runs where state = 'completed'"),
    };
    assert.deepEqual(lost, { starts: 8, signals: 16, results: 12 });
  });
  await insist(() => client.runs.count({}));
  await assert.rejects(client.run(late[0]!.id).status(), { code: "RUN_NOT_FOUND" });
  // Who asks again by the same ids and keys gets all of it.
  await Promise.all([each(late, "all"), each(waiting, "signal")]);
  await each(waiting, "result");
  // A start that was lost and is asked again is another run, whose keys are its own.
  await checkAll(scene, promoted, 24, late.map(({ id }) => id));
  await promoted.close();
});
