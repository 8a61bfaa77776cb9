/**
 * What every store promises about asks, and about many messages to one run.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Delivery } from "../../../src/ports/store.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import {
  claimed,
  commitOne,
  COMPLETED,
  newEvent,
  newRun,
  newWorld,
  share,
} from "../../support/store_rows.ts";

const ask = (id: string, name = "s", payload = "1") =>
  ({ kind: "ask", name, payload, deliveryId: id }) as const;

export function asks(database: DatabaseKind, test: RegisterTest): void {
  test("messages sent at once to one run are numbered in the order of their sending", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const other = (await store.runs.insert([newRun("other")]))[0]!;
    const sent = await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const payload = String(index);
        if (index % 4 === 3) return store.runs.deliver("other", ask(payload, "s", payload));
        const deliveryId = index % 4 === 0 ? payload : undefined;
        const message = { kind: "signal", name: "s", payload } as const;
        return store.runs.deliver(
          "r",
          deliveryId === undefined ? message : { ...message, deliveryId },
        );
      }),
    );
    assert.deepEqual(new Set(sent.map(({ status }) => status)), new Set(["delivered"]));
    const loaded = await store.journal.load([run, other].map(({ id }) => ({ id, from: 0 })));
    for (const { id, inbox, wakeSeq } of loaded) {
      const mine = sent.flatMap((delivery, index) =>
        delivery.status === "delivered" && delivery.run === id ? [[delivery.message, index]] : []
      );
      assert.deepEqual(inbox.map(({ id, payload }) => [id, Number(payload)]), mine);
      assert.equal(wakeSeq, mine.length);
    }
    const again = await store.runs.deliver("r", { ...ask("4"), kind: "signal" });
    assert.equal((again as Extract<Delivery, { message: number }>).message, idOf(sent[4]!));
  });

  test("one of many messages to a run that is there already delays no other", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await claimed(store, "r");
    await store.runs.deliver("r", ask("known"));
    const sent = await Promise.all(
      ["a", "known", "b", "a", "c"].map((id) => store.runs.deliver("r", ask(id))),
    );
    assert.deepEqual(
      sent.map(({ status }) => status),
      ["delivered", "duplicate", "delivered", "duplicate", "delivered"],
    );
    assert.equal(idOf(sent[3]!), idOf(sent[0]!));
  });

  test("an ask has one id in its run, whatever its name, and is not a signal with that id", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    await claimed(store, "r");
    const first = await store.runs.deliver("r", ask("a", "one"));
    const second = await store.runs.deliver("r", ask("a", "two"));
    assert.deepEqual([first.status, second.status], ["delivered", "duplicate"]);
    const signal = { ...ask("a", ""), kind: "signal" } as const;
    assert.equal((await store.runs.deliver("r", signal)).status, "delivered");
  });

  test("ANSWER-1: an ask is unknown, open, answered, failed or over", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const run = await claimed(store, "r");
    const statusOf = async (id: string) => (await store.runs.answer("r", id))?.status;
    const event = (kind: string, name: string, payload: string | null = null) => ({
      ...newEvent(name, payload),
      kind,
    });
    assert.equal(await store.runs.answer("nobody", "a"), null);
    assert.equal(await statusOf("a"), "unknown");
    const sent = await Promise.all(
      ["a", "b", "c", "d"].map((id) => store.runs.deliver("r", ask(id))),
    );
    const [a, b, c] = sent.map(idOf);
    assert.equal(await statusOf("a"), "open", "in the inbox");
    const received = ["a", "b", "c"].map((id) => event("ask.received", id, "1"));
    await commitOne(store, share(run, 0, { consumed: [a!, b!, c!], events: received }));
    assert.equal(await statusOf("a"), "open", "received");
    const answers = [event("ask.answered", "a", "7"), event("ask.failed", "b", "{}")];
    await commitOne(store, share(run, 3, { events: answers }));
    assert.deepEqual(await store.runs.answer("r", "a"), {
      status: "answered",
      payload: "7",
      state: "running",
      workflow: "order",
    });
    const known = await Promise.all(["a", "b", "c", "d", "e"].map(statusOf));
    assert.deepEqual(known, ["answered", "failed", "open", "open", "unknown"]);
    await commitOne(store, share(run, 5, { transition: COMPLETED }));
    const ended = await Promise.all(["a", "b", "c", "d", "e"].map(statusOf));
    assert.deepEqual(ended, ["answered", "failed", "over", "over", "unknown"]);
  });

  test("an ask is inserted with its run", async () => {
    await using world = await newWorld(database);
    const { store } = world;
    const signal = { kind: "ask", name: "s", payload: "1", deliveryId: "a" } as const;
    await store.runs.insert([newRun("r", { signal }), newRun("s", { signal: { ...signal } })]);
    assert.equal((await store.runs.answer("r", "a"))?.status, "open");
    assert.equal((await store.runs.deliver("s", ask("a", "other"))).status, "duplicate");
    const run = await store.runs.get("r");
    assert.deepEqual(await store.runs.untaken(run!.id), new Map([["s", 1]]));
  });
}

function idOf(delivery: Delivery): number {
  assert("message" in delivery, delivery.status);
  return delivery.message;
}
