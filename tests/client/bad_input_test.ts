/**
 * Bad values of starts, signals and attributes: each is named, with what was wanted, and nothing is
 * written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { refused, scene } from "../support/scene.ts";

const LONG = "x".repeat(256);
const NAMED = (words: string) => `a text of 1 to ${words} characters`;

/** Options of a start, and words of what is said of them. */
const STARTS: readonly (readonly [object, ...(string | RegExp)[]])[] = [
  [{ runid: "a" }, '"runid"', "runId, ifExists"],
  [{ runId: "" }, "run id", 'found ""', NAMED("255")],
  [{ runId: LONG }, "run id", "256 characters", NAMED("255")],
  [{ runId: "a\0" }, "run id", "NUL"],
  [{ ifExists: "ignore" }, "ifExists", '"ignore"', '"useEnded", "replaceEnded"'],
  [{ idempotencyKey: "" }, "idempotencyKey", 'found ""', NAMED("255")],
  [{ idempotencyKey: LONG }, "idempotencyKey", "256 characters"],
  [{ idempotencyKey: 7 }, "idempotencyKey", "found 7"],
  [{ idempotencyKey: "\ud800" }, "idempotencyKey", "lone surrogates"],
  [{ namespace: "" }, "option namespace", 'found ""'],
  [{ namespace: LONG }, "namespace", "256 characters"],
  [{ namespace: null }, "namespace", "found null"],
  [{ startAt: "tomorrow" }, "startAt", '"tomorrow"', "a Date from 1970 to 9999"],
  [{ startAt: new Date(NaN) }, "startAt", "an invalid Date"],
  [{ startAt: new Date(), delay: "1s" }, "delay", "either startAt or delay"],
  [{ delay: -1 }, "delay", "found -1", "milliseconds"],
  [{ delay: "soon" }, "delay", '"soon"', '"30s"'],
  [{ timeout: 0 }, "timeout of start()", "found 0 ms", "1 ms or more"],
  [{ timeout: Infinity }, "timeout of start()", "found Infinity", '"30s"'],
  [{ timeout: "1 hour" }, "timeout of start()", '"1 hour"'],
  [{ retry: 3 }, "retry of start()", "found 3", "an object"],
  [{ retry: { tries: 3 } }, "retry of start()", '"tries"', "maxAttempts"],
  [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts of start()", "found 0", "from 1"],
  [{ retry: { backoff: "linear" } }, "retry.backoff of start()", '"linear"'],
  [{ retry: { initial: -1 } }, "retry.initial of start()", "found -1"],
  [{ retry: { max: "long" } }, "retry.max of start()", '"long"'],
  [{ retry: { jitter: 2 } }, "retry.jitter of start()", "found 2", "from 0 to 1"],
  [{ retry: { nonRetryable: ["a\0"] } }, "retry.nonRetryable of start()", "codes and names"],
  [{ signal: "go" }, "signal", '"go"', "an object"],
  [{ signal: {} }, "signal.name of start()", "undefined"],
  [{ signal: { name: "x".repeat(201) } }, "signal.name", "201 characters", NAMED("200")],
  [{ signal: { name: "go", id: "d" } }, '"id"', "name, payload, deliveryId"],
  [{ signal: { name: "go", deliveryId: "" } }, "signal.deliveryId", 'found ""'],
  [{ transaction: {} }, "transaction", "object", "query(text, values)"],
  [{ transaction: null }, "transaction", "found null", "wanted an open transaction"],
  [
    { transaction: { query() {} }, ifExists: "use", signal: { name: "go" } },
    "with a signal",
    'option ifExists of start(): found "use", wanted "error"',
  ],
  [
    { transaction: { query() {} }, ifExists: "terminate" },
    "ifExists",
    "a transaction of the caller",
  ],
];

/** Attributes, and words of what is said of them. */
const ATTRIBUTES: readonly (readonly [unknown, ...(string | RegExp)[]])[] = [
  [null, "found null", "an object of attributes"],
  [[1], "an array", "an object of attributes"],
  ["a", '"a"', "an object of attributes"],
  [new Map(), "class Map", "an object of attributes"],
  [{ "": 1 }, "names of 1 to 100 characters"],
  [{ "a.b": 1 }, '"a.b"', "without dots"],
  [{ ["x".repeat(101)]: 1 }, "names of 1 to 100 characters"],
  [{ "a\0": 1 }, "names of 1 to 100"],
  [{ a: NaN }, ": a:", "found NaN"],
  [{ a: 1n }, ": a:", "found 1"],
  [{ a: () => 1 }, ": a:", "a function"],
  [{ a: "nul \0" }, ": a:", "without NUL"],
  [{ a: "\udc00" }, ": a:", "lone surrogates"],
  [{ a: [1, "2"] }, "a[1]", '"2"', "a number, as the others"],
  [{ a: [true] }, ": a:", "an array of strings or of numbers"],
  [{ a: [[1]] }, ": a:", "an array of strings or of numbers"],
  [{ a: { b: undefined } }, "a.b", "undefined"],
  [{ a: { b: { c: new Set() } } }, "a.b.c", "class Set"],
  [{ a: new Date(NaN) }, ": a:", "an invalid Date"],
  [{ a: { b: { c: { d: { e: { f: { g: { h: {} } } } } } } } }, "8 deep"],
  [{ a: "x".repeat(70_000) }, "at most 65536"],
];

forEachDatabase("bad input of the client", (database, test) => {
  test("a start names what is wrong with its options", async () => {
    await using at = await scene(database);
    for (const [options, ...words] of STARTS) {
      await refused(at.node.start("echo", 1, options as never), "INVALID_ARGUMENT", ...words);
    }
    await refused(at.node.start("echo", 1, null as never), "INVALID_ARGUMENT", "found null");
    await refused(
      at.node.start("echo", 1, { signal: { name: "go", payload: { deep: Symbol("s") } } }),
      "NOT_SERIALIZABLE",
      "signal.payload.deep",
    );
    assert.equal(await at.node.runs.count(), 0);
  });

  test("many starts name the one that is wrong", async () => {
    await using at = await scene(database);
    const good = { input: 1 };
    const lists: readonly (readonly [unknown, string, ...string[]])[] = [
      [{ input: 1 }, "INVALID_ARGUMENT", "an object", "an array of objects with an input"],
      [[good, 7], "INVALID_ARGUMENT", "item 1 of startMany()", "found 7"],
      [[{ inputs: 1 }], "INVALID_ARGUMENT", "item 0", '"inputs"', "input, runId"],
      [[good, { input: 1, namespace: "b" }], "INVALID_ARGUMENT", "item 1", '"namespace"'],
      [[good, { input: 1, delay: "x" }], "INVALID_ARGUMENT", "item 1", '"x"'],
      [[good, { input: 1, timeout: "x" }], "INVALID_ARGUMENT", "item 1", '"x"'],
      [[good, { input: 1, retry: { jitter: -1 } }], "INVALID_ARGUMENT", "item 1", "-1"],
      [[good, { input: 1, attributes: { a: NaN } }], "INVALID_ARGUMENT", "item 1", "NaN"],
      [[good, { input: { f: () => {} } }], "NOT_SERIALIZABLE", "input[1].f"],
    ];
    for (const [items, code, ...words] of lists) {
      await refused(at.node.startMany("echo", items as never), code, ...words);
    }
    await refused(
      at.node.startMany("echo", [good], { runId: "a" } as never),
      "INVALID_ARGUMENT",
      '"runId"',
      "ifExists, namespace",
    );
    assert.equal(await at.node.runs.count(), 0);
    assert.deepEqual(await at.node.startMany("echo", []), []);
  });

  test("attributes name what can't be kept, at the start and later", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" });
    await reached(run, "suspended");
    for (const [attributes, ...words] of ATTRIBUTES) {
      const patch = attributes as never;
      await refused(run.attributes.set(patch), "INVALID_ARGUMENT", "attributes", ...words);
      await refused(
        at.node.start("echo", 1, { attributes: patch }),
        "INVALID_ARGUMENT",
        "attributes",
        ...words,
      );
    }
    assert.deepEqual((await run.status()).attributes, {});
    assert.equal(await at.node.runs.count(), 1);
  });

  test("handles and namespaces name what is wrong", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    const calls: readonly (readonly [() => unknown, ...string[]])[] = [
      [() => at.node.run(""), "run id", 'found ""'],
      [() => at.node.run("a", { namespace: "" }), "namespace", 'found ""'],
      [() => at.node.run("a", { name: "b" } as never), '"name"', "namespace"],
      [
        () => Continuum.connect({ database: adapter, schema, namespace: "" }),
        "namespace",
        'found ""',
      ],
      [
        () => Continuum.open({ database: adapter, schema, namespace: 7 as never }),
        "namespace",
        "found 7",
      ],
    ];
    for (const [call, ...words] of calls) {
      await refused((async () => await call())(), "INVALID_ARGUMENT", ...words);
    }
    const run = at.node.run("r");
    await refused(run.signal("", 1), "INVALID_ARGUMENT", "a signal");
    await refused(run.signal("go", 1, { deliveryId: "" }), "INVALID_ARGUMENT", "deliveryId");
    await refused(run.signal("go", 1, { id: "" } as never), "INVALID_ARGUMENT", '"id"');
  });
});
