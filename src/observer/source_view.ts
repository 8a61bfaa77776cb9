/**
 * The source of a module: its lines with numbers, links to each, and marks where a run asked for
 * effects and where it waits.
 *
 * @module
 */

import { type Content, type Html, html, NOTHING } from "./html.ts";
import { type Link, placeHere } from "./links.ts";

/** Effects that a line asked for. */
export interface LineMark {
  /** How many. */
  readonly count: number;
  /** How many of them failed. */
  readonly failed: number;
  /** What they are, in words. */
  readonly text: string;
  /** Where they are shown; `null`: nowhere. */
  readonly to: Link | null;
}

/** A place that is pointed at. */
export interface PointedAt {
  /** Its line, from 1. */
  readonly line: number;
  /** Its column, from 1. */
  readonly column: number;
  /** What is there. */
  readonly note: Content;
}

/** What is shown. */
export interface SourceViewOptions {
  /** The module's label. */
  readonly label: string;
  /** Its lines, coloured. */
  readonly lines: readonly Content[];
  /** The number of the first one. */
  readonly first: number;
  /** Marks, by line. */
  readonly marks?: ReadonlyMap<number, LineMark>;
  /** Places that are pointed at. */
  readonly points?: readonly PointedAt[];
}

/**
 * The id of a line, for links: `order.ts:9`.
 *
 * @param label The module's label.
 * @param line The line.
 */
export function linePlace(label: string, line: number): string {
  return `${label.replace(/^\.\//, "")}:${line}`;
}

/**
 * Shows lines of a module.
 *
 * @param options What is shown.
 */
export function sourceView(options: SourceViewOptions): Html {
  const { label, lines, first, marks = new Map(), points = [] } = options;
  const hasMarks = marks.size > 0;
  const at = Map.groupBy(points, ({ line }) => line);
  // Within `pre`, each line break is one of the source.
  return html`<pre class="code${
    hasMarks ? " marked" : ""
  }" tabindex="0" role="region" aria-label="${label}">${
    lines.map((text, index) => {
      const line = first + index;
      const found = at.get(line) ?? [];
      const id = linePlace(label, line);
      const gutter = hasMarks ? markOf(marks.get(line)) : NOTHING;
      return html`
        <span class="line${found.length > 0 ? " here" : ""}"
          id="${id}"><a class="line-number" href="${placeHere(
            id,
          )}" aria-label="${`line ${line}`}">${line}</a>${gutter}<span class="text">${text}${"\n"}</span></span>${found
            .map(noteOf)}
      `;
    })
  }</pre>`;
}

function markOf(mark: LineMark | undefined): Html {
  if (mark === undefined) return html`<span class="asked"></span>`;
  const { count, failed, text, to } = mark;
  const shown = count === 1 ? "●" : `×${count.toLocaleString("en")}`;
  const tone = failed > 0 ? "asked bad" : "asked";
  return to === null ? html`<span class="${tone}" title="${text}">${shown}</span>` : html`
    <a class="${tone}" href="${to}" title="${text}"
      aria-label="${text}">${shown}</a>
  `;
}

function noteOf({ column, note }: PointedAt): Html {
  const indent = " ".repeat(Math.min(120, Math.max(0, column - 1)));
  return html`<span class="line line-note"><span class="text">${indent}▴ ${note}${"\n"}</span></span>`;
}
