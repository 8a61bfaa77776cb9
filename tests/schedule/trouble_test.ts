/**
 * What is said of a schedule that is stuck may be any text: nodes live on, and people can read it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcmCodec, type PayloadCodec } from "../../src/codec/mod.ts";
import { begin, stuck } from "../../src/schedule/firing.ts";
import { forEachDatabase } from "../support/database.ts";
import { hashOf, register } from "../support/node.ts";

const TEXTS = [
  "\0",
  "a\0b",
  "\ud800",
  "\udc00\ud800",
  "\\u0000",
  '"\\\ud83d"',
  "\ufffe\uffff",
  "\u202e\u0007\x7f",
  "x".repeat(1_000_000),
];

const RULES = {
  timing: { kind: "every", everyMs: 3_600_000, anchor: 0 },
  overlap: "allow",
  catchUp: "last",
  catchUpWindowMs: null,
  jitterMs: 0,
  until: null,
  maxRuns: null,
} as const;

const CODEC = aesGcmCodec({ keys: { k1: new Uint8Array(32) }, current: "k1" });

forEachDatabase("troubles of schedules", (database, test) => {
  const any = async (codec?: PayloadCodec) => {
    await using db = await database.fresh();
    const store = await db.open(codec);
    const { nodes, schedules } = store;
    await register(store, "tick");
    for (const [index, message] of TEXTS.entries()) {
      const id = `s-${index}`;
      const spec = {
        ...{ namespace: "default", id, workflow: "tick", pin: null, input: "null" },
        ...{ attributes: "{}", policy: null, rules: RULES },
      };
      const progress = (now: number) => begin(id, RULES, now, { paused: false, startable: true });
      await schedules.create((now) => ({ spec, progress: progress(now) }));
      const version = hashOf(index % 2 === 0 ? "tick" : "an older one");
      const trouble = { code: "INVALID_INPUT", message, version } as const;
      await schedules.change({ namespace: "default", id }, (row) => ({
        progress: stuck(row.progress, trouble),
        starts: [],
      }));
    }
    await nodes.open({ id: "n", name: "n", leaseMs: 60_000 });
    const { alive, nextFire } = await nodes.heartbeat("n", 60_000);
    assert.equal(alive, true);
    assert.notEqual(nextFire, null, "an older version's trouble is over");
    const told = (await schedules.stuck()).map(({ reason }) => reason);
    assert.equal(told.length, TEXTS.length);
    assert.deepEqual(told.filter((text) => !text.isWellFormed() || text.includes("\0")), []);
    assert.equal(told.at(-1)!.length, 1_000_000);
    await schedules.release();
    const states = await Promise.all(TEXTS.map(async (_, index) => {
      const row = await schedules.get({ namespace: "default", id: `s-${index}` });
      return row!.progress.state;
    }));
    assert.deepEqual(states, TEXTS.map((_, index) => index % 2 === 0 ? "stuck" : "active"));
  };

  test("a trouble of any text stops no heartbeat, can be read, and passes", () => any());

  test("the same holds for troubles that a payload codec encodes", () => any(CODEC));
});
