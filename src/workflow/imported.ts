/**
 * Records when the application imported workflow modules. Modules of a version are evaluated in a
 * scope and are not recorded.
 *
 * @module
 */

import { CallStack } from "../replay/call_stack.ts";
import { scope } from "../replay/scope.ts";

/** Milliseconds since the epoch by URL. */
const times = new Map<string, number>();

/** Records that the files on the stack, which define a workflow now, are imported. */
export function noteImported(): void {
  if (scope.getStore() !== undefined) return;
  const now = Date.now();
  for (const file of new CallStack().files) if (!times.has(file)) times.set(file, now);
}

/**
 * Returns when the application had imported a workflow module with all of its static imports.
 *
 * @param url The module's URL.
 * @returns Milliseconds since the epoch; `undefined`: no import is recorded.
 */
export function importedAt(url: string): number | undefined {
  return times.get(url);
}
