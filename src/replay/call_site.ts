/**
 * Where in the workflow's code a call was made.
 *
 * @module
 */

import type { CallSite } from "./turn.ts";

const SOURCES: string = new URL("../", import.meta.url).href;
const OWN: readonly string[] = ["replay", "workflow", "testing"].map((folder) =>
  `${SOURCES}${folder}/`
);
const FRAME = /^\s*at (?:async )?(?:.* \()?([a-zA-Z][a-zA-Z0-9+.-]*:.*?):(\d+):(\d+)\)?$/;

/**
 * The innermost frame of the running code that is neither this package's nor the runtime's.
 *
 * @returns The place; null if no frame tells.
 */
export function callSite(): CallSite | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 32;
  const stack = new Error().stack ?? "";
  Error.stackTraceLimit = limit;
  for (const line of stack.split("\n")) {
    const [, file, row, column] = FRAME.exec(line) ?? [];
    if (file === undefined || file.startsWith("ext:") || file.startsWith("node:")) continue;
    if (OWN.some((folder) => file.startsWith(folder) && !file.endsWith("_test.ts"))) continue;
    return { file, line: Number(row), column: Number(column) };
  }
  return null;
}

/**
 * A place as people and terminals read it.
 *
 * @param site The place.
 * @returns `file:line:column`; null for none.
 */
export function showSite(site: CallSite | null): string | null {
  return site === null ? null : `${site.file}:${site.line}:${site.column}`;
}
