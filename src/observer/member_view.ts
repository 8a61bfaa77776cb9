/**
 * A module of a version on a page: the list of modules beside it, its lines, and the proof of its
 * bytes.
 *
 * @module
 */

import type { MemberSource, VersionDetails } from "../operate/versions.ts";
import { hereWith } from "./here.ts";
import { colouredLines } from "./coloured.ts";
import { type Html, html, NOTHING } from "./html.ts";
import { note } from "./parts/mod.ts";
import { type LineMark, linePlace, type PointedAt, sourceView } from "./source_view.ts";
import type { View } from "./view.ts";

/** How many lines a page shows. */
const MOST_LINES = 3_000;

/** What is marked in a module. */
export interface Marked {
  /** Marks, by line. */
  readonly marks?: ReadonlyMap<number, LineMark>;
  /** Places that are pointed at. */
  readonly points?: readonly PointedAt[];
  /** How many effects each module asked for, by label. */
  readonly counts?: ReadonlyMap<string, number>;
}

/**
 * Shows a module of a version.
 *
 * @param version The version.
 * @param source The module; `null`: no source has the code.
 * @param view Makes links.
 * @param marked What is marked in it.
 */
export async function memberView(
  version: VersionDetails,
  source: MemberSource | null,
  view: View,
  marked: Marked = {},
): Promise<Html> {
  if (source === null) return codeGone(version);
  return html`
    <div class="source-page">
      <nav class="members" aria-label="Modules">${version.members.map(({ label }) => {
        const count = marked.counts?.get(label) ?? 0;
        const isHere = label === source.member;
        return html`<a href="${hereWith(view, { member: label, from: null })}" aria-current="${
          isHere ? "page" : null
        }"><span>${label.replace(/^\.\//, "")}</span>${
          count === 0
            ? NOTHING
            : html`<span class="count" title="effects">${count.toLocaleString("en")}</span>`
        }</a>`;
      })}</nav>
      <div class="block">${proof(version, source)}${await linesOf(source, view, marked)}</div>
    </div>
  `;
}

/**
 * Says that no source has the code of a version, and what is known of it all the same.
 *
 * @param version The version.
 */
export function codeGone({ unavailable, hash, specifiers }: VersionDetails): Html {
  return note(
    "bad",
    html`
      <p class="strong">No source has this code now</p>
      <p>${unavailable ?? "unknown"}</p>
      <p
        class="hint">The hash <code>${hash}</code> stays, so the same bytes can be recognised.${specifiers
            .length === 0
          ? NOTHING
          : html`
            It was registered from <code>${specifiers.slice(0, 3).join(", ")}</code>.
          `}</p>
    `,
  );
}

/** Where the bytes come from, and what they are. */
function proof(
  { entry, hash }: VersionDetails,
  { member, sha256, from, media }: MemberSource,
): Html {
  return html`
    <p class="proof"><span>${member === entry ? "root module" : "module"}, ${media}</span>
      <span>SHA-256 <code>${sha256}</code></span>
      <span>bytes from the ${from === "archive"
        ? "archive"
        : "URL"}, verified against version <code>${hash.slice(0, 12)}</code></span></p>
  `;
}

async function linesOf(
  source: MemberSource,
  view: View,
  { marks, points = [] }: Marked,
): Promise<Html> {
  const { member, lines } = source;
  if (lines === null) return note("quiet", html`<p>These bytes are no text.</p>`);
  const asked = Number(view.query.get("from") ?? points[0]?.line ?? 1);
  const page = Number.isInteger(asked) ? Math.max(0, Math.ceil(asked / MOST_LINES) - 1) : 0;
  const start = Math.min(page, Math.ceil(lines.length / MOST_LINES) - 1) * MOST_LINES;
  const coloured = await colouredLines(source);
  const shown = coloured.slice(start, start + MOST_LINES);
  const pages = lines.length <= MOST_LINES ? NOTHING : html`
    <nav class="pager" aria-label="Lines"><span>Lines ${start + 1} to ${start +
      shown.length} of ${lines.length}</span>
      <span class="buttons">${Array.from(
        { length: Math.ceil(lines.length / MOST_LINES) },
        (_, index) => {
          const first = index * MOST_LINES + 1;
          return html`<a class="button" href="${
            hereWith(view, { from: first }, linePlace(member, first))
          }">from ${first}</a>`;
        },
      )}</span></nav>
  `;
  const options = { label: member, lines: shown, first: start + 1, points };
  return html`${pages}${sourceView(marks === undefined ? options : { ...options, marks })}${pages}`;
}
