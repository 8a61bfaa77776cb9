/**
 * Options of activities: what is wrong is said at once, with the value found.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ActivityOptions, defineActivity } from "../../src/workflow/mod.ts";

const WRONG: readonly [options: Record<string, unknown>, message: RegExp][] = [
  [{ queue: "" }, /queue of activity "act": found "", wanted a text of 1 to 255 characters/],
  [{ queue: "q".repeat(256) }, /queue of activity "act": found a text of 256 characters/],
  [{ queue: "a\0b" }, /queue of activity "act": found/],
  [{ priority: 1.5 }, /priority of activity "act": found 1.5, wanted a whole number/],
  [{ priority: 2 ** 31 }, /priority of activity "act": found 2147483648/],
  [{ timeout: 0 }, /timeout of activity "act": found 0 ms, wanted 1 ms or more/],
  [{ timeout: 5, timeouts: { startToClose: 5 } }, /found timeout and timeouts\.startToClose/],
  [
    { timeouts: { hearbeat: 5 } },
    /timeouts of activity "act": found the key "hearbeat" \(did you mean heartbeat\?\)/,
  ],
  [{ timeouts: { heartbeat: -1 } }, /timeouts\.heartbeat of activity "act"/],
  [{ timeouts: 5 }, /timeouts of activity "act": found 5, wanted an object/],
  [{ retry: { maxAttempts: 0 } }, /retry\.maxAttempts of activity "act": found 0/],
  [
    { retry: { factor: 0.5 } },
    /retry\.factor of activity "act": found 0\.5, wanted a number from 1/,
  ],
  [{ retry: { factor: Infinity } }, /retry\.factor of activity "act": found Infinity/],
  [
    { retry: { backoff: "constant", factor: 2 } },
    /retry\.factor of activity "act": found 2, wanted 1/,
  ],
  [{ retry: { retryIf: true } }, /retry\.retryIf of activity "act": found true, wanted a function/],
  [{ idempotencyKey: "fixed" }, /idempotencyKey of activity "act"/],
  [{ retries: 3 }, /found the key "retries"/],
];

for (const [options, message] of WRONG) {
  Deno.test(`defineActivity refuses ${JSON.stringify(options).slice(0, 60)}`, () => {
    assert.throws(
      () => defineActivity({ name: "act", ...options } as ActivityOptions, () => {}),
      { code: "INVALID_ARGUMENT", message },
    );
  });
}
