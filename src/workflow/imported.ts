/**
 * When the application imported workflow modules of its own. Only its own imports count: modules of
 * a version are evaluated in a scope.
 *
 * @module
 */

import { CallStack } from "../replay/call_stack.ts";
import { scope } from "../replay/scope.ts";

/** Milliseconds since the epoch by URL. */
const times = new Map<string, number>();

/** Notes that the files on the stack, which define a workflow now, are imported. */
export function noteImported(): void {
  if (scope.getStore() !== undefined) return;
  const now = Date.now();
  for (const file of new CallStack().files) if (!times.has(file)) times.set(file, now);
}

/**
 * When the application had imported a workflow module, with all that it imports statically.
 *
 * @param url The module's URL.
 * @returns Milliseconds since the epoch; `undefined`: it has not, as far as is known.
 */
export function importedAt(url: string): number | undefined {
  return times.get(url);
}
