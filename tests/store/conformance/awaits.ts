/**
 * What every store promises about runs that wait for other runs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Awaited } from "../../../src/ports/answers.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  commitOne,
  COMPLETED,
  newEvent,
  newWorld,
  share,
  type World,
} from "../../support/store_rows.ts";

const EMPTY_SIGNALS = { seed: "next", signals: [] } as const;

async function left({ db }: World): Promise<number> {
  return (await db.query("select 1 from {schema}.awaits")).length;
}

export function awaits(database: DatabaseKind, test: RegisterTest): void {
  test("AWAIT-1: what a run waits for is found by its look, or a message says that it is there", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const other = await claimed(store, "other");
    const run = await claimed(store, "run");
    const wait = (kind: Awaited["kind"], name: string, position: number) =>
      store.runs.await("other", { run: run.id, position, kind, name });
    const said = (kind: string, name: string, payload = "1") => ({
      ...newEvent(name, payload),
      kind,
    });
    const settled = async () => (await store.lineage.settleEnded(10)).woken.map(({ id }) => id);
    const told = async () => {
      const [loaded] = await store.journal.load([{ id: run.id, from: 0 }]);
      return loaded!.inbox.map(({ kind, position }) => [kind, position]);
    };
    await commitOne(store, share(other, 0, { events: [said("value.published", "unawaited")] }));
    assert.deepEqual(await settled(), [], "no run waits: no mark");

    assert.equal(await wait("value", "price", 0), true);
    assert.equal(await wait("value", "price", 0), true, "it is repeated");
    assert.equal(await wait("answer", "ask", 1), true);
    assert.equal(await wait("end", "", 2), true);
    assert.equal(
      await store.runs.await("none", { run: run.id, position: 9, kind: "end", name: "" }),
      false,
    );
    await commitOne(store, share(other, 1, { events: [said("value.published", "colour")] }));
    assert.deepEqual(await settled(), [], "another value: nothing is decided");
    await commitOne(store, share(other, 2, { events: [said("value.published", "price")] }));
    assert.deepEqual(await settled(), [run.id]);
    assert.deepEqual(await told(), [["awaited", 0]]);
    assert.deepEqual(await settled(), [], "once");
    await commitOne(store, share(other, 3, { events: [said("ask.received", "ask")] }));
    assert.deepEqual(await settled(), [], "received, and not answered");
    await commitOne(store, share(other, 4, { events: [said("ask.failed", "ask")] }));
    assert.deepEqual(await settled(), [run.id]);
    assert.deepEqual(await told(), [["awaited", 0], ["awaited", 1]]);
    assert.equal(await left(world), 1);
    await commitOne(store, share(other, 5, { transition: COMPLETED }));
    assert.deepEqual(await settled(), [run.id]);
    assert.deepEqual(await told(), [["awaited", 0], ["awaited", 1], ["awaited", 2]]);
    assert.equal(await left(world), 0);
    assert.equal(await wait("end", "", 3), false, "AWAIT-3: a look decides");
  });

  test("AWAIT-2: an ask is over with its generation, and a run that has ended gets no message", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const other = await claimed(store, "other");
    const [run, ended] = [await claimed(store, "run"), await claimed(store, "ended")];
    const waiting = { kind: "answer", name: "ask" } as const;
    await store.runs.await("other", { run: run.id, position: 0, ...waiting });
    await store.runs.await("other", { run: ended.id, position: 0, ...waiting });
    const received = { ...newEvent("ask", "1"), kind: "ask.received" };
    await commitOne(store, share(other, 0, { events: [received] }));
    await commitOne(store, share(ended, 0, { transition: COMPLETED }));
    const next = {
      run: other.id,
      namespace: other.namespace,
      token: other.token,
      next: 1,
      generation: 0,
      ...EMPTY_SIGNALS,
      input: "2",
      hash: other.hash,
      specifier: other.specifier,
      versioning: null,
    };
    assert.notEqual(await store.lineage.continueAsNew(next), null);
    assert.deepEqual((await store.lineage.settleEnded(10)).woken.map(({ id }) => id), [run.id]);
    assert.equal(await left(world), 0);
    await store.runs.await("other", { run: run.id, position: 1, kind: "end", name: "" });
    await store.runs.forget(run.id, 1);
    assert.equal(await left(world), 0, "it does not wait any more");
  });
}
