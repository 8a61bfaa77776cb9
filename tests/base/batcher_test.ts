import assert from "node:assert/strict";
import { Batcher } from "../../src/base/batcher.ts";

Deno.test("what is asked for in one tick, or while a flush is under way, shares a flush", async () => {
  const batches: number[][] = [];
  const gate = Promise.withResolvers<void>();
  const batcher = new Batcher(async (items: readonly number[]) => {
    batches.push([...items]);
    if (batches.length === 1) await gate.promise;
    return items.map((item) => item * 2);
  });
  const first = [1, 2].map((item) => batcher.add(item));
  await new Promise((resolve) => setImmediate(resolve));
  const second = [3, 4].map((item) => batcher.add(item));
  gate.resolve();
  assert.deepEqual(await Promise.all([...first, ...second]), [2, 4, 6, 8]);
  assert.deepEqual(batches, [[1, 2], [3, 4]]);
});

Deno.test("a full backlog makes those who come wait, and lets them in, in order", async () => {
  const batches: number[][] = [];
  let most = 0;
  const batcher = new Batcher(
    (items: readonly number[]) => {
      most = Math.max(most, batcher.backlog);
      batches.push([...items]);
      return Promise.resolve(items);
    },
    2,
    3,
  );
  const asked = Array.from({ length: 10 }, (_, item) => batcher.add(item));
  assert.equal(batcher.backlog, 3);
  assert.deepEqual(await Promise.all(asked), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(batches.flat(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(most <= 3, `found a backlog of ${most}`);
});

Deno.test("a flush that throws fails its own batch only", async () => {
  let flushes = 0;
  const batcher = new Batcher(
    (items: readonly number[]) =>
      ++flushes === 1 ? Promise.reject(new Error("no")) : Promise.resolve(items),
    1,
  );
  const [first, second] = [batcher.add(1), batcher.add(2)];
  await assert.rejects(first, /no/);
  assert.equal(await second, 2);
});

Deno.test("one item that is refused fails alone, whatever shares its flush", async () => {
  const refused = new Error("refused");
  const flushes: number[] = [];
  const batcher = new Batcher<number, number>(
    (items) => {
      flushes.push(items.length);
      return items.includes(5) ? Promise.reject(refused) : Promise.resolve(items);
    },
    1_000,
    10_000,
    (error) => error === refused,
  );
  const items = Array.from({ length: 16 }, (_, item) => item);
  const results = await Promise.allSettled(items.map((item) => batcher.add(item)));
  assert.deepEqual(
    results.map(({ status }, item) => [item, status]),
    items.map((item) => [item, item === 5 ? "rejected" : "fulfilled"]),
  );
  assert.deepEqual(flushes, [16, 8, 4, 4, 2, 1, 1, 2, 8]);
});

Deno.test("who is light is flushed between two heavy ones, however many wait", async () => {
  const flushes: string[][] = [];
  const late: Promise<string>[] = [];
  const batcher = new Batcher<string, string>(
    (items) => {
      flushes.push([...items]);
      if (items.includes("heavy 1")) late.push(batcher.add("late"));
      return Promise.resolve(items);
    },
    undefined,
    undefined,
    undefined,
    { weigh: (text) => text.length, most: 8 },
  );
  const asked = ["heavy 1", "heavy 2", "abc", "heavy 3", "def", "ghi"];
  const answers = asked.map((text) => batcher.add(text));
  assert.equal(batcher.backlog, 6);
  assert.deepEqual(await Promise.all(answers), asked);
  assert.deepEqual(await Promise.all(late), ["late"]);
  const expected = ["abc def", "heavy 1", "ghi late", "heavy 2", "heavy 3"];
  assert.deepEqual(flushes.map((items) => items.join(" ")), expected);
});
