/**
 * Errors of runs in a line or a cell, redacted or not.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";
import { type Content, NOTHING } from "./html.ts";
import { errorLine, valueBlock } from "./parts/mod.ts";
import { isRedacted } from "./redaction.ts";

/** How many characters of a message are shown. */
const MOST_SHOWN = 300;

/**
 * The first line of an error, or what stands in its place.
 *
 * @param error The error; `null` or `undefined`: there is none.
 * @param none What is shown if there is none.
 */
export function failureLine(error: Json | undefined, none: Content = NOTHING): Content {
  if (isRedacted(error)) {
    return error.$redacted === "right" ? valueBlock(error) : failureLine(error.value, none);
  }
  if (error === null || error === undefined) return none;
  const [line = ""] = errorLine(error).split("\n");
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line;
}
