/**
 * Texts as terminals show them: their width in columns, shortening, and control characters.
 *
 * @module
 */

import { printable } from "../../base/describe.ts";

/** Made when a text needs it: it costs 12 ms, and help has no such text. */
let segmenter: Intl.Segmenter | undefined;

function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Characters that take two columns: East Asian scripts, full-width forms, emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Texts that take one column for each unit. */
const NARROW = /^[\x20-\x7e]*$/;

/**
 * How many columns a text takes.
 *
 * @param text A text without control characters.
 */
export function width(text: string): number {
  if (NARROW.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmentsOf(text)) columns += WIDE.test(segment) ? 2 : 1;
  return columns;
}

/**
 * Cuts a text to a number of columns.
 *
 * @param text A text without control characters.
 * @param columns How many, at least 1.
 * @returns The text, or its beginning and `…`.
 */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let [kept, used] = ["", 0];
  for (const { segment } of segmentsOf(text)) {
    const more = WIDE.test(segment) ? 2 : 1;
    if (used + more > columns - 1) break;
    kept += segment;
    used += more;
  }
  return `${kept}…`;
}

/**
 * Fills a text with spaces to a number of columns.
 *
 * @param text A text without control characters.
 * @param columns How many.
 */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/**
 * A text for the terminal: control characters as escapes, so that no payload moves the cursor, writes
 * the title or begins a line.
 *
 * @param text Any text.
 * @param kept What stays as it is: tabs in a line, line breaks in a text that has several.
 */
export function shown(text: string, kept?: "tabs" | "tabs and line breaks"): string {
  if (kept === undefined) return printable(text);
  return text.replace(kept === "tabs" ? /[^\t]+/g : /[^\t\n]+/g, printable);
}

/**
 * A row for a pipe: its cells are whole and separated by tabs, which no cell holds.
 *
 * @param cells The cells.
 */
export function tabbed(cells: readonly string[]): string {
  return cells.map((cell) => shown(cell)).join("\t");
}
