/**
 * How many statements, and so round trips, what is done most often takes.
 *
 * @module
 */

import assert from "node:assert/strict";
import activities from "../../bench/activities_workflow.ts";
import bench, { HOOKS } from "../../bench/peers_workflow.ts";
import { statementNames } from "../../bench/statement_names.ts";
import { Continuum, type OpenOptions } from "../../mod.ts";
import type { DatabaseAdapter } from "../../src/store/sql/driver.ts";
import { emptyDatabase, forEachDatabase } from "../support/database.ts";
import { HandClock } from "../support/hand_clock.ts";
import { TestNode } from "../support/node.ts";
import { Watch } from "./watched.ts";

(globalThis as unknown as { [HOOKS]: unknown })[HOOKS] = { step() {}, park() {}, done() {} };

/** A node whose statements are counted. No heartbeat comes between. */
class Counted implements AsyncDisposable {
  readonly #watch: Watch;
  readonly #nameOf: (text: string) => string;

  private constructor(readonly node: Continuum, watch: Watch, schema: string) {
    this.#watch = watch;
    this.#nameOf = statementNames(schema);
  }

  static async open(
    db: { readonly database: DatabaseAdapter; readonly schema: string },
    options: OpenOptions = {},
  ): Promise<Counted> {
    const watch = new Watch(db.database);
    const node = await Continuum.open({
      database: watch.database,
      schema: db.schema,
      workflows: [
        import.meta.resolve("../../bench/peers_workflow.ts"),
        import.meta.resolve("../../bench/activities_workflow.ts"),
      ],
      lease: "1h",
      linger: "1h",
      ...options,
    });
    await (await node.start(bench, { i: 0, n: 1, park: false })).result(); // loads the code
    return new Counted(node, watch, db.schema);
  }

  /** What `work` asks of the database, and what follows from it. */
  async statements(work: () => Promise<unknown>): Promise<string[]> {
    await this.#watch.settled();
    this.#watch.asked.length = 0;
    await work();
    await this.#watch.settled();
    return this.#watch.asked.map(({ text }) => this.#nameOf(text));
  }

  /** Resolves when no run is in memory. */
  async parked(): Promise<void> {
    while (this.node.readiness().residentRuns > 0) await this.#watch.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.close();
  }
}

function times(n: number, name: string): string[] {
  return Array.from({ length: n }, () => name);
}

function count(asked: readonly string[], name: string): number {
  return asked.filter((other) => other === name).length;
}

forEachDatabase("What is asked of the database", (database, test) => {
  test("a start is one statement, each step of a run that is alone is one, and so is its end", async () => {
    await using db = await database.empty();
    await using counted = await Counted.open(db);
    const asked = await counted.statements(async () => {
      await (await counted.node.start(bench, { i: 1, n: 3, park: false })).result();
    });
    assert.deepEqual(asked, ["inserts.insert", ...times(4, "journal.append")]);
  });

  test("steps of runs that continue together share a statement", async () => {
    await using db = await database.empty();
    await using counted = await Counted.open(db);
    const asked = await counted.statements(() =>
      Promise.all(Array.from({ length: 100 }, async (_, i) => {
        await (await counted.node.start(bench, { i, n: 10, park: false })).result();
      }))
    );
    assert.ok(asked.length <= 50, `found ${asked.length} statements for 1,000 steps`);
    assert.deepEqual(new Set(asked), new Set(["inserts.insert", "journal.append"]));
  });

  test("10,000 starts in one call are ten statements", async () => {
    await using db = await database.empty();
    await using counted = await Counted.open(db);
    const items = Array.from({ length: 10_000 }, (_, i) => ({
      input: { i, n: 1, park: false },
      delay: "1d",
    }));
    const asked = await counted.statements(() => counted.node.startMany(bench, items));
    assert.deepEqual(asked, times(10, "inserts.insert"));
  });

  test("a signal to a parked run is one statement; waking it is a claim and a load", async () => {
    await using db = await database.empty();
    await using counted = await Counted.open(db, { linger: 0 });
    const run = await counted.node.start(bench, { i: 1, n: 1, park: true });
    await counted.parked();
    const asked = await counted.statements(async () => {
      await run.signal("go");
      await run.result();
    });
    assert.equal(count(asked, "runs.deliver"), 1);
    assert.ok(count(asked, "runs.claim") <= 2, asked.join()); // another look may be under way
    assert.equal(count(asked, "journal.load"), 1);
    assert.equal(count(asked, "journal.append"), 2); // the signal, and the end
  });

  test("many signals of one tick, and many runs that wake, share their statements", async () => {
    await using db = await database.empty();
    await using counted = await Counted.open(db, { linger: 0 });
    const runs = await Promise.all(
      Array.from({ length: 100 }, (_, i) => counted.node.start(bench, { i, n: 1, park: true })),
    );
    await counted.parked();
    const asked = await counted.statements(async () => {
      await Promise.all(runs.map((run) => run.signal("go")));
      await counted.parked();
    });
    assert.equal(count(asked, "deliveries.deliverMany"), 1);
    assert.equal(count(asked, "runs.deliver"), 0);
    assert.ok(count(asked, "runs.claim") <= 3, `found ${count(asked, "runs.claim")} claims`);
    assert.ok(count(asked, "journal.load") <= 3, `found ${count(asked, "journal.load")} loads`);
  });

  test("an activity beside its run costs what a step does", async () => {
    await using db = await database.empty();
    await using counted = await Counted.open(db);
    const asked = await counted.statements(async () => {
      await (await counted.node.start(activities, 3)).result();
    });
    assert.deepEqual(asked, ["inserts.insert", ...times(4, "journal.append")]);
  });

  test("an activity through its queue is written, claimed, answered and appended once", async () => {
    await using db = await database.empty();
    const rateLimit = { limit: 100, per: "1s" };
    await using counted = await Counted.open(db, { queues: { default: { rateLimit } } });
    const asked = await counted.statements(async () => {
      await (await counted.node.start(activities, 1)).result();
    });
    assert.equal(count(asked, "tasks.announce"), 1, asked.join());
    assert.equal(count(asked, "tasks.answer") + count(asked, "journal.append"), 2, asked.join());
    assert.ok(count(asked, "tasks.claimRated") <= 2, asked.join());
    assert.equal(count(asked, "journal.load") + count(asked, "runs.claim"), 0, asked.join());
  });

  for (const rate of [null, { limit: 100, perMs: 1_000 }]) {
    const which = rate === null ? "" : ", also where it serves a queue with a rate";
    test(`an idle node asks nine times a minute${which}`, async () => {
      await using db = await database.empty();
      const watch = new Watch(db.database);
      const clock = new HandClock();
      await using watched = await emptyDatabase(watch.database, db.schema);
      const queues = new Map([["default", { concurrency: 10, rate }]]);
      await using _node = await TestNode.open(watched, [], { clock, leaseMs: 20_000, queues });
      await watch.settled();
      watch.asked.length = 0;
      await clock.advance(60_001, () => watch.settled());
      const nameOf = statementNames(db.schema);
      assert.deepEqual(
        watch.asked.map(({ text }) => nameOf(text)),
        times(9, "nodes.heartbeat"),
      );
    });
  }
});
