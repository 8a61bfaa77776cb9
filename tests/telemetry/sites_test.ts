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
    assert.equal(sites.wants(HASH, "step", "quote"), n === 0, `request ${n}`);
    const stack = n === 0 ? at(7, reads) : null;
    assert.deepEqual(sites.of(HASH, "step", "quote", stack), {
      "code.file.path": "flows/my order.ts",
      "code.line.number": 7,
    });
  }
  assert.equal(reads.count, 1);
  assert.equal(sites.wants("b".repeat(64), "step", "quote"), true, "another version");
  assert.equal(sites.wants(HASH, "sleep", ""), false, "a sleep has no attempt");
});

Deno.test("SITE-1: once a name was found at two places, only a place that was read is shown", () => {
  const sites = new Sites();
  const reads = { count: 0 };
  assert.equal(sites.wants(HASH, "step", "x"), true);
  sites.of(HASH, "step", "x", at(1, reads));
  let asked = 0;
  while (!sites.wants(HASH, "step", "x")) asked++; // it is looked at again from time to time
  assert.ok(asked < 300, `looked at again after ${asked} requests`);
  assert.equal(sites.of(HASH, "step", "x", at(2, reads))?.["code.line.number"], 2);
  for (const line of [1, 2, 1]) {
    assert.equal(sites.wants(HASH, "step", "x"), true);
    assert.equal(sites.of(HASH, "step", "x", at(line, reads))?.["code.line.number"], line);
  }
  assert.equal(sites.of(HASH, "step", "x", null), undefined, "it was not kept, so it is not shown");
});

Deno.test("SITE-2: of many names at once, a bounded number is read", () => {
  const sites = new Sites();
  const reads = { count: 0 };
  for (let n = 0; n < 5_000; n++) sites.of(HASH, "step", `step ${n}`, at(1, reads));
  assert.ok(reads.count >= 200 && reads.count < 1_000, `${reads.count} were read`);
});

Deno.test("a module of the application's own is shown by its URL", () => {
  const sites = new Sites();
  const stack = at(3, { count: 0 }, "file:///app/order.ts");
  assert.equal(sites.of(HASH, "step", "x", stack)?.["code.file.path"], "file:///app/order.ts");
});
