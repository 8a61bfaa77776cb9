/**
 * Random work ends in the same rows on every database.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClaimedRun, CommitEntry, RunRow } from "../../src/ports/rows.ts";
import type { Store } from "../../src/ports/store.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { emptyDatabase, emptyPostgres } from "../support/database.ts";
import type { EmptyDatabase } from "../support/database.ts";
import {
  COMPLETED,
  expire,
  HASH,
  newEvent,
  newRun,
  NODE,
  register,
  UNKNOWN_VERSION,
} from "../support/store_rows.ts";
import { countOf } from "../support/thoroughness.ts";

const RUNS = ["a", "b", "c"];
const OTHER = "b".repeat(64);

type Step =
  | { readonly do: "insert" | "deliver" | "unpark" | "end" | "move"; readonly run: string }
  | { readonly do: "claim" | "die" | "register" }
  | {
    readonly do: "commit";
    readonly run: string;
    readonly events: number;
    readonly then: "stay" | "suspend" | "release" | "complete" | "park";
    readonly mistake: "none" | "token" | "first" | "payload" | "wakeSeq";
  };

const run = fc.constantFrom(...RUNS);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("insert", "deliver", "unpark", "end", "move"), run }),
  fc.record({ do: fc.constantFrom("claim", "claim", "die", "register") }),
  fc.record({
    do: fc.constant("commit" as const),
    run,
    events: fc.nat(3),
    then: fc.constantFrom("stay", "suspend", "release", "complete", "park"),
    mistake: fc.oneof(
      { weight: 4, arbitrary: fc.constant("none" as const) },
      { weight: 1, arbitrary: fc.constantFrom("token", "first", "payload", "wakeSeq") },
    ),
  }),
) as fc.Arbitrary<Step>;

/** Does the steps, and returns all that can be seen of them except times, tokens and keys. */
async function observe(db: EmptyDatabase, steps: readonly Step[]): Promise<unknown[]> {
  const store = await db.open();
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 600_000 });
  await register(store);
  await register(store, OTHER);
  const seen: unknown[] = [];
  const held = new Map<string, ClaimedRun>();
  for (const each of steps) seen.push(await perform(db, store, held, each));
  for (const runId of RUNS) {
    const row = await store.runs.get(runId);
    seen.push(row && timeless(row));
    seen.push((await store.runs.history(runId, 0, 999)).map(({ at: _, ...event }) => event));
    const [loaded] = row ? await store.journal.load([{ id: row.id, from: 0 }]) : [];
    seen.push(loaded?.wakeSeq, loaded?.inbox.map(({ id: _, sentAt: _1, ...message }) => message));
  }
  seen.push(await store.versions.stuck(), (await store.versions.get(HASH))?.loadCrashes);
  return seen;
}

function timeless(row: RunRow): unknown {
  const { id: _, createdAt: _1, startedAt, since, wakeAt, endedAt, ...rest } = row;
  const times = [startedAt, since, wakeAt, endedAt].map((time) => time !== null);
  return { ...rest, times };
}

async function perform(
  db: EmptyDatabase,
  store: Store,
  held: Map<string, ClaimedRun>,
  each: Step,
): Promise<unknown> {
  const { runs } = store;
  switch (each.do) {
    case "insert":
      return (await runs.insert([newRun(each.run, { seed: each.run })])).map(({ created }) =>
        created
      );
    case "deliver": {
      const message = { kind: "signal", name: "s", payload: "1", deliveryId: "d" } as const;
      const { status } = await runs.deliver(each.run, message);
      return [status, (await runs.deliver(each.run, { ...message, name: "t" })).status];
    }
    case "unpark":
      return await runs.unpark(each.run);
    case "end":
      return (await runs.end(each.run, "cancelled", "{}", { onlyStuck: true }))?.state;
    case "move": {
      const lease = { node: NODE, token: 7 };
      const seized = await runs.seize(each.run, lease);
      const pin = { hash: seized?.hash === HASH ? OTHER : HASH, specifier: "moved" };
      return seized && [seized.state, await runs.settle(seized.id, lease, { pin, payload: "1" })];
    }
    case "claim": {
      await db.query(`update {schema}.runs set wake_at = clock_timestamp() + interval '-1 second'
        where wake_at is not null`);
      const all = await runs.claim({ node: NODE, limit: 9, excluded: [] });
      for (const one of all) held.set(one.runId, one);
      return all.map(({ runId, claims, hash }) => [runId, claims, hash]).sort();
    }
    case "die":
      await store.versions.loading(NODE, HASH);
      await expire(db, NODE);
      await store.nodes.open({ id: "undertaker", name: "", leaseMs: 600_000 });
      return [
        await store.nodes.expire("undertaker", false),
        await store.nodes.close("undertaker"),
        await store.nodes.open({ id: NODE, name: "again", leaseMs: 600_000 }),
      ];
    case "register":
      return await store.versions.register({
        ...{ hash: HASH, workflow: "order", label: "1", manifest: `manifest of ${HASH}` },
        ...{ specifier: "file:///order.ts", blobs: null },
      });
    case "commit": {
      const owner = held.get(each.run);
      if (owner === undefined) return "nobody";
      return (await store.journal.commit([await entryOf(store, owner, each)])).map((result) =>
        result.status
      );
    }
  }
}

async function entryOf(
  store: Store,
  owner: ClaimedRun,
  { events, then, mistake }: Extract<Step, { do: "commit" }>,
): Promise<CommitEntry> {
  const [loaded] = await store.journal.load([{ id: owner.id, from: 0 }]);
  const payload = mistake === "payload" ? "{" : '"\\u0000"';
  const wakeSeq = loaded!.wakeSeq + (mistake === "wakeSeq" ? 1 : 0);
  const transitions = {
    stay: undefined,
    suspend: { to: "suspended", wakeAt: null, waits: [], wakeSeq },
    release: { to: "released", afterMs: 0 },
    complete: COMPLETED,
    park: UNKNOWN_VERSION,
  } as const;
  const transition = transitions[then];
  return {
    run: owner.id,
    token: owner.token + (mistake === "token" ? 1 : 0),
    first: loaded!.events.length + (mistake === "first" ? 1 : 0),
    events: Array.from({ length: events }, (_, index) => newEvent(`${index}`, payload)),
    consumed: loaded!.inbox.map(({ id }) => id),
    ...(transition ? { transition } : {}),
  };
}

Deno.test("random work ends in the same rows on PGlite and on Postgres", async () => {
  const inProcess = pglite(null);
  const keeper = await inProcess.open();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      await using here = await emptyDatabase(inProcess);
      await using there = await emptyPostgres();
      assert.deepEqual(await observe(here, steps), await observe(there, steps));
    }),
    { seed: 20_261_122, numRuns: countOf(60), endOnFailure: true },
  );
  await keeper.close();
});
