/**
 * Pins to versions that may be gone.
 *
 * @module
 */

import { versionNotRegistered } from "../errors.ts";
import { isForeignKeyViolation } from "../sql/sqlstate.ts";

/**
 * Executes a statement that pins something to versions (PIN-1 of `versions/collect.ts`).
 *
 * @param hashes The versions.
 * @param pin The statement.
 * @returns Its result.
 * @throws {DatabaseError} (`VERSION_NOT_REGISTERED`) If one of the versions is not registered, or its
 * bytes were removed.
 */
export async function whereRegistered<T>(
  hashes: readonly string[],
  pin: () => Promise<T>,
): Promise<T> {
  try {
    return await pin();
  } catch (error) {
    throw isForeignKeyViolation(error) ? versionNotRegistered([...new Set(hashes)], error) : error;
  }
}
