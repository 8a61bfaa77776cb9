import assert from "node:assert/strict";
import * as entry from "../../src/workflow/mod.ts";

/**
 * What `./workflow` exported with each release. Lists are added, and never changed: code that was
 * pinned with a release gets the running engine's copy of the entry.
 */
const RELEASED: Readonly<Record<string, readonly string[]>> = {
  "0.1.0": [
    "ACTIVITY",
    "ActivityError",
    "CancelledError",
    "ChildError",
    "CompensationError",
    "ContextError",
    "ContinuumError",
    "InvalidArgumentError",
    "NonRetryableError",
    "NondeterministicCallError",
    "NotSerializableError",
    "PayloadTooLargeError",
    "RetryAfterError",
    "TimeoutError",
    "WORKFLOW",
    "WorkflowError",
    "defineActivity",
    "defineWorkflow",
    "isContinuumError",
  ],
};

for (const [version, names] of Object.entries(RELEASED)) {
  Deno.test(`the entry still exports all that ${version} exported`, () => {
    for (const name of names) assert.ok(name in entry, `${name} is gone`);
  });
}

Deno.test("the newest list holds every export", () => {
  assert.deepEqual(Object.keys(entry).sort(), Object.values(RELEASED).at(-1));
});
