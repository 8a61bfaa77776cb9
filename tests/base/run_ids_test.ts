/**
 * What the engine calls what it starts.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  effectId,
  firingId,
  firingOf,
  isEngineMade,
  MAX_GIVEN_ID,
  MAX_RUN_ID,
  SEPARATOR,
} from "../../src/base/run_ids.ts";
import { readGivenId } from "../../src/workflow/run_id.ts";

/** Ids that a caller may give, also those that were derived from the engine's. */
const given = fc.oneof(
  fc.string({ minLength: 1, maxLength: MAX_GIVEN_ID }),
  fc.array(fc.constantFrom("a", ">", "3", ".", "~", "-", "was", "x9"), { minLength: 1 })
    .map((parts) => parts.join("")),
).filter((id) => !isEngineMade(id) && id.isWellFormed());

const chain = fc.tuple(
  given,
  fc.array(fc.tuple(fc.string(), fc.nat(1_000)), { minLength: 1, maxLength: 60 }),
);

Deno.test("RUNID-1, RUNID-4: ids of children are bounded, keep their root, and are known as the engine's", () => {
  fc.assert(fc.property(chain, ([root, steps]) => {
    let id = root;
    for (const [seed, position] of steps) {
      id = effectId({ runId: id, seed }, position);
      assert(id.length <= MAX_RUN_ID, `${id.length} characters`);
      assert.equal(id.split(SEPARATOR)[0], root.split(SEPARATOR)[0]);
      assert(isEngineMade(id), id);
    }
  }));
});

Deno.test("RUNID-2: an id of a child follows from parent, generation and place, and from each of them", () => {
  const parent = { runId: "order-1", seed: "s" };
  assert.equal(effectId(parent, 3), effectId({ ...parent }, 3));
  const others = [
    effectId(parent, 4),
    effectId({ ...parent, seed: "t" }, 3),
    effectId({ ...parent, runId: "order-2" }, 3),
    effectId({ ...parent, runId: effectId(parent, 3) }, 3),
  ];
  assert.equal(new Set([effectId(parent, 3), ...others]).size, 5);
  assert.match(effectId(parent, 3), /^order-1>3\.[0-9a-z]{1,7}$/);
});

Deno.test("RUNID-3: two ways to make an id never meet, however the parents are called", () => {
  const seeds = fc.constantFrom("s", "t");
  const step = fc.tuple(seeds, fc.nat(3));
  fc.assert(fc.property(given, given, fc.array(step), fc.array(step), (a, b, steps, others) => {
    const made = (root: string, of: [string, number][]) =>
      of.reduce((runId, [seed, position]) => effectId({ runId, seed }, position), root);
    const isSame = a === b && JSON.stringify(steps) === JSON.stringify(others);
    assert.equal(made(a, steps) === made(b, others), isSame, `${made(a, steps)}`);
  }));
});

Deno.test("RUNID-3: ids of firings are the engine's, of any year", () => {
  for (const year of ["0001", "2026", "+012026"]) {
    for (const manual of [false, true]) {
      const id = firingId("s", Date.parse(`${year}-01-01T00:00:00Z`), manual);
      assert(isEngineMade(id), id);
      const planned = Date.parse(`${year}-01-01T00:00:00Z`);
      assert.deepEqual(firingOf(id), { schedule: "s", planned, isManual: manual });
      assert.equal(firingOf(effectId({ runId: id, seed: "x" }, 1)), null, "its child");
    }
  }
});

Deno.test("RUNID-3: an id that ends like the engine's is refused by name, one that continues after it is accepted", () => {
  const child = effectId({ runId: "order-1", seed: "s" }, 3);
  assert.throws(() => readGivenId(child, "a run id"), {
    code: "INVALID_ARGUMENT",
    message: /^Cannot use a run id: found "order-1>3\..*wanted another end/,
  });
  for (const id of [`${child}-payment`, `${child}/x`, "a>b", ">", "~", "1.a"]) {
    assert.equal(readGivenId(id, "a run id"), id);
  }
});
