/**
 * Ids that are made at random.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomId } from "../../src/base/ids.ts";

Deno.test("an id that is made at random is no option of a command line, and differs each time", () => {
  const ids = new Set(Array.from({ length: 5_000 }, randomId));
  assert.equal(ids.size, 5_000);
  for (const id of ids) assert.match(id, /^\w[\w-]{11}$/);
});
