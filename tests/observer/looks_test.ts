/**
 * What an observer keeps.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Looks } from "../../src/observer/looks.ts";

/** Asks for results, and says which of them were made. */
function asking(looks: Looks) {
  const made: string[] = [];
  const ask = (key: string, weight?: number) =>
    looks.kept(key, () => {
      made.push(key);
      return Promise.resolve(key);
    }, weight);
  return { made, ask };
}

Deno.test("a result is made once, and made again only after others needed its room", async () => {
  const { made, ask } = asking(new Looks());
  for (let index = 0; index < 200; index++) await ask(`${index}`);
  await ask("0");
  await ask("200");
  assert.equal(made.length, 201);
  await ask("0");
  assert.equal(made.length, 201, "it was asked for, so another one went");
  await ask("1");
  assert.deepEqual(made.slice(201), ["1"]);
});

Deno.test("heavy results leave less room, and one that is too heavy is kept alone", async () => {
  const { made, ask } = asking(new Looks());
  await ask("light");
  for (const key of ["a", "b", "c"]) await ask(key, 60);
  await ask("light");
  assert.deepEqual(made, ["light", "a", "b", "c"]);
  await ask("d", 60);
  await ask("a", 60);
  assert.deepEqual(made.slice(4), ["d", "a"]);
  await ask("huge", 1_000);
  await ask("huge", 1_000);
  await ask("light");
  assert.deepEqual(made.slice(6), ["huge", "light"]);
});

Deno.test("a result that failed is not kept", async () => {
  const looks = new Looks();
  await assert.rejects(looks.kept("key", () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await looks.kept("key", () => Promise.resolve(1)), 1);
});
