import * as assert from "node:assert/strict";
import { type ErrorCode, type ErrorDetails, isContinuumError } from "../../src/base/errors.ts";

/**
 * For `assert.rejects`: whether an error has a code, and among its details these.
 *
 * @param code The code.
 * @param details The details that it must have.
 * @returns The check.
 */
export function hasCode<Code extends ErrorCode>(
  code: Code,
  details: Partial<ErrorDetails[Code]> = {},
): (error: unknown) => true {
  return (error) => {
    assert.ok(isContinuumError(error, code), `found ${error}, wanted ${code}`);
    for (const [key, value] of Object.entries(details)) {
      assert.deepEqual((error.details as Record<string, unknown>)[key], value, key);
    }
    return true;
  };
}
