/**
 * What many ask of the database together.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import { DatabaseRetry } from "../../src/engine/database_retry.ts";
import { RetryingBatcher } from "../../src/engine/retrying_batcher.ts";
import { DatabaseUnavailableError } from "../../src/store/errors.ts";
import { outcomeOf } from "../../src/store/sql/sqlstate.ts";
import { PASSING_STATES } from "../support/losses.ts";
import type { Clock } from "../../src/base/clock.ts";

/** Waits end at once. */
const hasty: Clock = {
  monotonic: () => 0,
  after: (_ms, callback) => {
    const soon = setImmediate(callback);
    return { cancel: () => clearImmediate(soon) };
  },
};

function fault(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function batcherOf(ask: (items: readonly number[]) => Promise<number[]>) {
  return new RetryingBatcher<number, number>(
    (n) => `ask for ${n}`,
    ask,
    new DatabaseRetry(hasty, { outcomeOf }, LOGTAPE.engine),
  );
}

const all = (items: readonly number[]) => Promise.resolve(items.map((n) => n * 2));

Deno.test("RETRY-1: a permanent refusal rejects the caller that asked, and no other", async () => {
  const batcher = batcherOf((items) =>
    items.includes(3) ? Promise.reject(fault("22001")) : all(items)
  );
  const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => batcher.add(n)));
  assert.deepEqual(
    answers.map((answer) => answer.status === "fulfilled" ? answer.value : "refused"),
    [2, 4, "refused", 8, 10],
  );
});

for (const state of PASSING_STATES) {
  Deno.test(`RETRY-1: one that fails with ${state} for a while delays only itself`, async () => {
    let failures = 5;
    const done: number[] = [];
    const batcher = batcherOf((items) =>
      items.includes(3) && failures-- > 0 ? Promise.reject(fault(state)) : all(items)
    );
    const asked = [1, 2, 3, 4].map((n) => batcher.add(n).then((answer) => (done.push(n), answer)));
    assert.deepEqual(await Promise.all(asked), [2, 4, 6, 8]);
    if (!/^(08|25P03|57P05)/.test(state)) assert.equal(done.at(-1), 3);
  });
}

Deno.test("RETRY-1: a fault that meets all is not looked for in each", async () => {
  let asked = 0;
  let isAway = true;
  const batcher = batcherOf((items) => {
    asked++;
    return isAway ? Promise.reject(fault("42501")) : all(items);
  });
  const answers = Array.from({ length: 64 }, (_, n) => batcher.add(n));
  while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
  isAway = false;
  assert.equal((await Promise.all(answers)).length, 64);
  assert.ok(asked < 40, `asked ${asked} times`);
});

Deno.test("RETRY-2: while answers are lost, the batch is asked for again as a whole", async () => {
  const sizes: number[] = [];
  const batcher = batcherOf((items) => {
    sizes.push(items.length);
    const lost = new DatabaseUnavailableError("a test's", new Error("cut"));
    return sizes.length < 4 ? Promise.reject(lost) : all(items);
  });
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => batcher.add(n))), [2, 4, 6]);
  assert.deepEqual(sizes, [3, 3, 3, 3]);
});

Deno.test("a statement takes no more than fits, and a single item that is larger", async () => {
  const batches: (readonly number[])[] = [];
  const batcher = new RetryingBatcher<number, number>(
    (n) => `ask for ${n}`,
    (items) => {
      batches.push(items);
      return all(items);
    },
    new DatabaseRetry(hasty, { outcomeOf }, LOGTAPE.engine),
    { weigh: (n) => n, most: 10 },
  );
  await Promise.all([4, 5, 6, 30, 1, 2].map((n) => batcher.add(n)));
  assert.deepEqual(batches, [[4, 5, 1], [6], [2], [30]]);
});

Deno.test("no caller waits any more once the retries have ended", async () => {
  const databaseRetry = new DatabaseRetry(hasty, { outcomeOf }, LOGTAPE.engine);
  const batcher = new RetryingBatcher<number, number>(
    () => "ask",
    () => Promise.reject(fault("53100")),
    databaseRetry,
  );
  const answer = batcher.add(1);
  databaseRetry.end();
  assert.equal(await answer, undefined);
});
