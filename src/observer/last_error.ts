/**
 * The last error of what is tried again, in a cell of a table.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";
import type { Content } from "./html.ts";
import { errorLine, valueBlock } from "./parts/mod.ts";
import { isRedacted } from "./redaction.ts";

/**
 * Shows an error, or what stands in its place.
 *
 * @param error The error; `null` or `undefined`: its node died.
 */
export function lastErrorCell(error: Json | undefined): Content {
  if (isRedacted(error)) return valueBlock(error);
  return error === null || error === undefined ? "its node died" : errorLine(error);
}
