/**
 * What the expiry of a node relies on, under load: every run that a node has is named by a row of `leases` of that
 * node (RUN-2 of `src/store/runs/run_store.ts`), at every moment that a statement can see.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClaimedRun, Transition } from "../../src/ports/rows.ts";
import type { Store } from "../../src/ports/store.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { type EmptyDatabase, emptyPostgres } from "../support/database.ts";
import {
  COMPLETED,
  expire,
  HASH,
  newEvent,
  newRun,
  register,
  suspended,
  UNKNOWN_VERSION,
} from "../support/store_rows.ts";

const STORES = 4;
/** Pieces of work at once, each with a store and a sequence of choices of its own. */
const WORKERS = 8;
const STEPS = 120;
const RUNS = 24;
const LEASE_MS = 600_000;

/** Runs that the expiry of their node would not find, and those whose state contradicts their node. */
const UNNAMED = `
  select run.run_id, run.state, run.node from {schema}.runs as run
  where (run.state = 'running') <> (run.node is not null) or run.node is not null and not exists (
    select from {schema}.leases where node = run.node and run.id = any(runs)
  )`;

/** One piece of work: chooses, and does, one thing after the other. */
class Worker {
  readonly #random: SeededRandom;
  readonly #held: ClaimedRun[] = [];
  #made = 0;

  constructor(
    readonly db: EmptyDatabase,
    readonly store: Store,
    readonly nodes: string[],
    readonly name: string,
  ) {
    this.#random = new SeededRandom(name);
  }

  async work(): Promise<void> {
    for (let step = 0; step < STEPS; step++) await this.#step();
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random.next() * of.length)]!;
  }

  #runId(): string {
    return `run-${Math.floor(this.#random.next() * RUNS)}`;
  }

  /** Any node that ever existed: also one that others expire or close at this moment. */
  #node(): string {
    return this.#one(this.nodes.slice(-2 * WORKERS));
  }

  async #step(): Promise<void> {
    const { runs, nodes } = this.store;
    const chance = this.#random.next();
    if (chance < 0.2) {
      this.#held.push(...await runs.claim({ node: this.#node(), limit: 3, excluded: [] }));
    } else if (chance < 0.3) {
      const lease = { node: this.#node(), token: this.#random.uint32() };
      await runs.insert([newRun(`${this.name}-${this.#made++}`, { lease })]);
    } else if (chance < 0.4) {
      const lease = { node: this.#node(), token: this.#random.uint32() };
      const seized = await runs.seize(this.#runId(), lease);
      if (seized === null) return;
      this.#held.push(seized);
      if (this.#random.next() < 0.3) return;
      const outcome = this.#random.next() < 0.5
        ? { back: "suspended" as const, reason: null }
        : { pin: { hash: HASH, specifier: "file:///order.ts" }, payload: "1" };
      await runs.settle(seized.id, lease, outcome);
    } else if (chance < 0.55) {
      await nodes.heartbeat(this.#node(), LEASE_MS);
    } else if (chance < 0.85) {
      await this.#append();
    } else if (chance < 0.9) {
      const message = { kind: "signal" as const, name: "go", payload: "1" };
      await runs.deliver(this.#runId(), message);
      await runs.unpark(this.#runId());
    } else if (chance < 0.93) {
      await nodes.close(this.#node());
      await this.#open();
    } else if (chance < 0.97) {
      await expire(this.db, this.#node());
      await nodes.expire(this.#node(), false);
      await this.#open();
    } else {
      assert.deepEqual(await this.db.query(UNNAMED), []);
    }
  }

  async #append(): Promise<void> {
    const run = this.#held.splice(Math.floor(this.#random.next() * this.#held.length), 1)[0];
    const [loaded] = run === undefined
      ? []
      : await this.store.journal.load([{ id: run.id, from: 0 }]);
    if (run === undefined || loaded === undefined) return;
    const transition = this.#one<Transition | undefined>([
      undefined,
      { to: "released", afterMs: 0 },
      { to: "released", afterMs: 0 },
      suspended(loaded.wakeSeq, Date.now()),
      suspended(loaded.wakeSeq),
      UNKNOWN_VERSION,
      ...(run.runId.startsWith("run-") ? [] : [COMPLETED]),
    ]);
    const [result] = await this.store.journal.commit([{
      run: run.id,
      token: run.token,
      first: loaded.events.length,
      events: [newEvent("step")],
      consumed: loaded.inbox.map(({ id }) => id),
      ...(transition === undefined ? {} : { transition }),
    }]);
    if (transition === undefined && result!.status === "written") this.#held.push(run);
  }

  async #open(): Promise<void> {
    const id = `${this.name}-node-${this.nodes.length}`;
    await this.store.nodes.open({ id, name: "", leaseMs: LEASE_MS });
    this.nodes.push(id);
  }
}

Deno.test("whatever happens concurrently, expiring a node finds each of its runs, on Postgres", async () => {
  await using db = await emptyPostgres();
  const stores = await Promise.all(Array.from({ length: STORES }, () => db.open()));
  const store = stores[0]!;
  await register(store);
  const nodes = Array.from({ length: WORKERS }, (_, index) => `node-${index}`);
  for (const id of nodes) await store.nodes.open({ id, name: "", leaseMs: LEASE_MS });
  await store.runs.insert(Array.from({ length: RUNS }, (_, index) => newRun(`run-${index}`)));

  const workers = Array.from(
    { length: WORKERS },
    (_, index) => new Worker(db, stores[index % STORES]!, nodes, `worker-${index}`),
  );
  await Promise.all(workers.map((worker) => worker.work()));

  assert.deepEqual(await db.query(UNNAMED), []);
  const running = { states: ["running" as const], limit: 9_999 };
  const left = await store.runs.list(running);
  assert(left.length > 0, "some runs are with a node at the end");
  await store.nodes.open({ id: "undertaker", name: "", leaseMs: LEASE_MS });
  assert.equal((await store.nodes.expire("undertaker", true)).runs, left.length);
  assert.deepEqual(await store.runs.list(running), []);
  assert.deepEqual(await db.query("select node from {schema}.leases"), []);
});
