/**
 * Lines of source with a mark at the place that is meant.
 *
 * @module
 */

/** A place in a module. */
export interface ShownSite {
  /** The module's label; `null`: only its URL is known. */
  readonly member: string | null;
  /** Its URL. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/**
 * A place in one word: `lib/approve.ts:31:9`.
 *
 * @param site The place.
 */
export function siteText({ member, file, line, column }: ShownSite): string {
  return `${(member ?? file).replace(/^\.\//, "")}:${line}:${column}`;
}

/**
 * The lines around a place, its own marked.
 *
 * @param site The place.
 * @param lines The lines.
 */
export function* sourceLines(
  site: ShownSite,
  lines: readonly { readonly number: number; readonly text: string }[],
): Iterable<string> {
  const digits = String(lines.at(-1)?.number ?? 0).length;
  for (const { number, text } of lines) {
    const isHere = number === site.line;
    const shown = text.replaceAll("\t", " ");
    yield ` ${isHere ? "▸" : " "} ${String(number).padStart(digits)} │ ${shown}`.trimEnd();
    if (isHere) yield `   ${" ".repeat(digits)} │ ${" ".repeat(Math.max(0, site.column - 1))}▴`;
  }
}
