/**
 * People read where the author wrote it; nothing else of a text changes.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  authored,
  authoredError,
  authoredFacts,
  authoredLog,
  noteSources,
} from "../../src/base/authored.ts";
import { isContinuumError, NondeterministicCallError } from "../../src/base/errors.ts";

const OWN = "a1".repeat(32);
const FOREIGN = "b2".repeat(32);
const MINE = `continuum:///${OWN}/lib/order(1).ts`;

noteSources(OWN, "order", [["lib/order(1).ts", "file:///app/lib/order(1).ts"]]);

Deno.test("a location in a version whose source is known is shown with its URL", () => {
  for (const place of [MINE, MINE.replace("/lib", "~12/lib")]) {
    assert.equal(
      authored(`E: no\n    at f (${place}:3:5)\n    at async ${place}:9:1`),
      "E: no\n    at f (file:///app/lib/order(1).ts:3:5)\n" +
        "    at async file:///app/lib/order(1).ts:9:1",
    );
  }
});

Deno.test("any other location is shown with its path, its workflow and its hash", () => {
  const of = { hash: FOREIGN, workflow: "pay" };
  const at = (path: string) => `continuum:///${FOREIGN}/${path}`;
  assert.equal(authored(`(${at("a.ts")}:1:2)`, of), "(a.ts:1:2 of pay b2b2b2b2b2b2)");
  assert.equal(authored(`(${at("a.ts")}:1:2)`), "(a.ts:1:2 of version b2b2b2b2b2b2)");
  assert.equal(authored(`from ${at("a.ts")}: no`, of), "from a.ts of pay b2b2b2b2b2b2: no");
  assert.equal(
    authored(at("https%3A%2F%2Fhost%2Fa.ts") + ":1:2", of),
    "https://host/a.ts:1:2 of pay b2b2b2b2b2b2",
  );
  assert.equal(authored(`continuum:///${OWN}/other.ts:1:2`), "other.ts:1:2 of order a1a1a1a1a1a1");
  for (const text of ["continuum:///abc/a.ts:1:2", "file:///a.ts:1:2", "continuum:///", ""]) {
    assert.equal(authored(text), text);
  }
});

Deno.test("a shown location can be put into JSON, however odd names are", () => {
  const of = { hash: FOREIGN, workflow: 'a"b\\\n' };
  const facts = { site: { file: `continuum:///${FOREIGN}/a%22b%0A.ts`, line: 1 }, other: null };
  assert.deepEqual(authoredFacts(facts, of), {
    site: { file: "a%22b%0A.ts of version b2b2b2b2b2b2", line: 1 },
    other: null,
  });
  const unknown = { a: [1, "continuum"] };
  assert.equal(authoredFacts(unknown), unknown);
});

Deno.test("an error is shown as a copy of its class, with causes and details; unchanged otherwise", () => {
  const cause = new RangeError("inner");
  cause.stack = `RangeError: inner\n    at ${MINE}:1:2`;
  const error = new NondeterministicCallError("fetch", "ctx.run", `${MINE}:3:4`);
  error.cause = cause;
  const told = authoredError(error);
  assert(isContinuumError(told, "NONDETERMINISTIC_CALL"));
  assert(told instanceof NondeterministicCallError);
  assert.notEqual(told, error);
  assert.match(told.message, / at file:\/\/\/app\/lib\/order\(1\)\.ts:3:4:/);
  assert.equal(told.details["site"], "file:///app/lib/order(1).ts:3:4");
  assert(told.cause instanceof RangeError);
  assert.equal(told.cause.stack, "RangeError: inner\n    at file:///app/lib/order(1).ts:1:2");
  assert.match(error.message, /continuum:/);
  assert.match(cause.stack, /continuum:/);
  const plain = new Error("plain");
  assert.equal(authoredError(plain), plain);
});

Deno.test("hostile and endless errors are shown unchanged", () => {
  const hostile = new Proxy(new Error(MINE), {
    get: () => {
      throw new Error("no");
    },
  });
  assert.equal(authoredError(hostile), hostile);
  const endless: Error & { self?: unknown } = new Error("round");
  endless.cause = endless;
  assert.equal(authoredError(endless), endless);
});

Deno.test("a log shows locations so, and reads nothing if its level is off", () => {
  const lines: unknown[] = [];
  const sink = (isOn: boolean) => {
    const say = (_: string, properties?: Record<string, unknown>) => void lines.push(properties);
    return { debug: say, info: say, warn: say, error: say, isEnabledFor: () => isOn };
  };
  authoredLog(sink(true)).warn("{at}", { at: `${MINE}:1:2`, count: 3 });
  const unread = {
    get at(): string {
      throw new Error("read");
    },
  };
  authoredLog(sink(false)).warn("{at}", unread);
  assert.deepEqual(lines, [{ at: "file:///app/lib/order(1).ts:1:2", count: 3 }]);
});
