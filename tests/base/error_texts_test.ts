/**
 * Ids, names and specifiers in errors: none of them shows a secret or a raw control character
 * (DESCRIBE-1 of `base/describe.ts`).
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  runEnded,
  RunFailedError,
  runNotFound,
  RunStoppedError,
} from "../../src/base/run_errors.ts";
import {
  ActivityError,
  childFailed,
  isTimeoutOfRun,
  NotSerializableError,
  PayloadTooLargeError,
  runTimeout,
  undeclaredSignal,
} from "../../src/base/errors.ts";
import { shownId } from "../../src/base/describe.ts";
import {
  generationNotFound,
  idempotencyConflict,
  runExists,
  wrongRunState,
} from "../../src/client/errors.ts";
import {
  scheduleExists,
  scheduleNotFound,
  wrongScheduleState,
} from "../../src/client/schedule/errors.ts";
import { attemptInterrupted, attemptLost, taskNotFound } from "../../src/task/errors.ts";
import { childNotStarted } from "../../src/engine/run/children.ts";
import { databaseInUse, migrationChanged, schemaTooNew } from "../../src/store/errors.ts";
import { RunParkedError } from "../../src/testing/errors.ts";
import { invalidInput, invalidSignalPayload } from "../../src/version/contract_errors.ts";
import { liveUnknown, VersionNotFoundError } from "../../src/version/load_errors.ts";
import { SchemaFailedError } from "../../src/workflow/schema.ts";

/** Every error that shows a text of the caller, made with that text in each place. */
const ERRORS: readonly ((text: string) => Error)[] = [
  (text) => runTimeout(text, 1),
  (text) => new ActivityError(text, 1, new Error("declined")),
  (text) => childFailed(text, "failed", null),
  (text) => childNotStarted(text, "taken"),
  (text) => undeclaredSignal(text, text, [text]),
  (text) => new PayloadTooLargeError(`the input of workflow ${JSON.stringify(text)}`, 2, 1),
  (text) => new NotSerializableError(`input[${JSON.stringify(text)}]`, "a function"),
  (text) => new SchemaFailedError(`the input of workflow ${JSON.stringify(text)}`, "it", "threw"),
  (text) => runNotFound(text, "cancel the run"),
  (text) => generationNotFound(text, 3, { first: 0, last: 1 }),
  (text) => runExists(text, { workflow: text, state: "suspended" }),
  (text) => idempotencyConflict(text, text, text),
  (text) => runEnded(text, "cancel the run", "failed"),
  (text) => wrongRunState(text, "retry the run", "suspended", "stuck"),
  (text) => new RunFailedError(text, null),
  (text) => new RunStoppedError(text, "cancelled", null),
  (text) => scheduleExists(text),
  (text) => scheduleNotFound(text, "pause it"),
  (text) => wrongScheduleState(text, "pause it", "paused", ["active"]),
  (text) => attemptLost(text, 1),
  (text) => attemptInterrupted(text, 1),
  (text) => taskNotFound("complete", text),
  (text) => schemaTooNew(text, 2, 1),
  (text) => migrationChanged(text, 1, "a", "b"),
  (text) => databaseInUse(text),
  (text) =>
    new RunParkedError(
      text,
      "stuck_nondeterminism",
      { code: "DRIFT", message: "", details: null } as never,
    ),
  (text) => invalidInput(text, "a", [{ message: "odd", path: "" }]),
  (text) => invalidSignalPayload(text, text, "a", [{ message: "odd", path: "" }]),
  (text) => liveUnknown(text),
  (text) => new VersionNotFoundError(text, "start a run"),
];

const SECRETS = [
  "postgres://app:S3CRET@h/d",
  "https://u:S3CRET@h/x?token=S3CRET",
  "host=h password=S3CRET",
];

/** All that a log or a caller sees of an error. */
function shownOf(error: Error): string {
  const { details } = error as Error & { details: unknown };
  return [error.message, JSON.stringify(details), Deno.inspect(error, { depth: 9 })].join("\n");
}

Deno.test("no error shows a secret that an id, name or specifier holds", () => {
  for (const [index, make] of ERRORS.entries()) {
    for (const secret of SECRETS) {
      assert.doesNotMatch(shownOf(make(secret)), /S3CRET/, `error ${index}`);
    }
  }
});

Deno.test("no error shows a raw control character of an id, name or specifier", () => {
  const odd = "a\u001b[31m\u202eb\nc";
  for (const make of ERRORS) {
    const { message, details } = make(odd) as Error & { details: unknown };
    assert.doesNotMatch(message, /[\p{Cc}\u202e]/u);
    const shown = JSON.stringify(details).replaceAll(JSON.stringify(odd), "the id");
    assert.doesNotMatch(shown, /\u202e|[^\\]\\u001b|[^\\]\\n/u);
  }
});

Deno.test("the details of an error hold the id that a program looks for, whatever characters it has", () => {
  const odd = "a\u001b[31m\u202eb\nc";
  assert.deepEqual(runNotFound(odd, "cancel the run").details, { runId: odd });
  assert.deepEqual(scheduleNotFound(odd, "pause it").details, { id: odd });
});

Deno.test("an ordinary id of 255 characters is shown whole, in messages and details", () => {
  const id = `order-${"7".repeat(249)}`;
  const error = runNotFound(id, "cancel the run");
  assert.equal(error.message, `Cannot cancel the run: no run has the id "${id}"`);
  assert.deepEqual(error.details, { runId: id });
  assert.equal(shownId("app:./a/@b/order.ts"), "app:./a/@b/order.ts");
});

Deno.test("the timeout of a run is recognised by its id, also where the id holds a secret", () => {
  for (const id of ["order-1", ...SECRETS]) {
    assert(isTimeoutOfRun(runTimeout(id, 1), id));
    assert(!isTimeoutOfRun(runTimeout(id, 1), `other-${id}`));
  }
});
