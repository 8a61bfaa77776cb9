/** The places of effects: read seldom, and never shown for another place. */
import assert from "node:assert/strict";
import type { RequestSite } from "../../src/ports/telemetry.ts";
import { Sites } from "../../src/telemetry/sites.ts";

const HASH = "a".repeat(64);

/** A stack that counts how often it is read. */
function at(line: number, reads: { count: number }, file?: string): RequestSite {
  return {
    get site() {
      reads.count++;
      return { file: file ?? `continuum:///${HASH}/flows/my%20order.ts`, line };
    },
  };
}

Deno.test("a place is read once for each name, and shown for every attempt", () => {
  const sites = new Sites();
  const reads = { count: 0 };
  for (let n = 0; n < 100; n++) {
    assert.equal(sites.of(HASH).wants("step", "quote"), n === 0, `request ${n}`);
    const stack = n === 0 ? at(7, reads) : null;
    assert.deepEqual(sites.of(HASH).of("step", "quote", stack), {
      "code.file.path": "flows/my order.ts",
      "code.line.number": 7,
    });
  }
  assert.equal(reads.count, 1);
  assert.equal(sites.of("b".repeat(64)).wants("step", "quote"), true, "another version");
  assert.equal(sites.of(HASH).wants("sleep", ""), false, "a sleep has no attempt");
});

Deno.test("SITE-1: once a name was found at two places, only a place that was read is shown", () => {
  const sites = new Sites().of(HASH);
  const reads = { count: 0 };
  assert.equal(sites.wants("step", "x"), true);
  sites.of("step", "x", at(1, reads));
  let asked = 0;
  while (!sites.wants("step", "x")) asked++; // it is looked at again from time to time
  assert.ok(asked < 300, `looked at again after ${asked} requests`);
  assert.equal(sites.of("step", "x", at(2, reads))?.["code.line.number"], 2);
  for (const line of [1, 2, 1]) {
    assert.equal(sites.wants("step", "x"), true);
    assert.equal(sites.of("step", "x", at(line, reads))?.["code.line.number"], line);
  }
  assert.equal(sites.of("step", "x", null), undefined, "it was not kept, so it is not shown");
});

Deno.test("SITE-2: of many names at once, a bounded number is read", () => {
  const sites = new Sites().of(HASH);
  const reads = { count: 0 };
  for (let n = 0; n < 5_000; n++) sites.of("step", `step ${n}`, at(1, reads));
  assert.ok(reads.count >= 200 && reads.count < 1_000, `${reads.count} were read`);
});

Deno.test("SITE-2: of an effect at two places that is requested very often, some stacks are taken", () => {
  const sites = new Sites().of(HASH);
  const reads = { count: 0 };
  sites.of("step", "x", at(1, reads));
  for (let n = 0; n < 300; n++) if (sites.wants("step", "x")) sites.of("step", "x", at(2, reads));
  let taken = 0;
  for (let n = 0; n < 10_000; n++) if (sites.wants("step", "x")) taken++;
  assert.ok(taken > 20 && taken < 500, `${taken} stacks of 10,000 requests`);
});

Deno.test("SITE-2: effects beyond those that are remembered share one place, which is not shown", () => {
  const sites = new Sites().of(HASH);
  const reads = { count: 0 };
  let taken = 0;
  for (let n = 0; n < 20_000; n++) {
    if (sites.wants("step", `step ${n}`)) taken++;
    if (n >= 10_000) assert.equal(sites.of("step", `step ${n}`, null), undefined);
  }
  assert.ok(taken < 10_500, `${taken} stacks`);
  sites.of("step", "one more", at(1, reads));
  assert.equal(sites.of("step", "one more", null), undefined);
});

Deno.test("a module of the application's own is shown by its URL", () => {
  const sites = new Sites().of(HASH);
  const stack = at(3, { count: 0 }, "file:///app/order.ts");
  assert.equal(sites.of("step", "x", stack)?.["code.file.path"], "file:///app/order.ts");
});
