/**
 * Promises that no code awaits.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ignoreRejection, inBackground } from "../../src/base/background.ts";
import { Batcher } from "../../src/base/batcher.ts";

Deno.test("BACKGROUND-1: an error of work in the background is passed to its owner, and ends nothing", async () => {
  const told: unknown[] = [];
  await inBackground(Promise.reject("a"), (error) => told.push(error));
  await inBackground(Promise.resolve("b"), (error) => told.push(error));
  await inBackground(Promise.reject("c"), () => {
    throw new Error("the owner fails, too");
  });
  await inBackground(Promise.reject("d"));
  ignoreRejection(Promise.reject("e"));
  ignoreRejection(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, ["a"]);
});

Deno.test("BACKGROUND-1: a bug within a batcher fails the waiting items, and it continues with the next", async () => {
  let isBroken = true;
  const isRefusal = () => {
    if (isBroken) throw new Error("a mistake");
    return false;
  };
  const batcher = new Batcher<number, number>(
    (items) => isBroken ? Promise.reject(new Error("refused")) : Promise.resolve([...items]),
    2,
    10,
    isRefusal,
  );
  const failed = await Promise.allSettled([1, 2, 3].map((n) => batcher.add(n)));
  assert.deepEqual(failed.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  isBroken = false;
  assert.deepEqual(await Promise.all([4, 5].map((n) => batcher.add(n))), [4, 5]);
});
