/**
 * Draws a timeline as SVG: a name and bars for each row, along one axis. All is attributes and
 * classes, since the security policy allows no inline styles. Places along the width are in per
 * cent, so it fits any screen.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../html.ts";
import type { Link } from "../links.ts";
import { mark } from "../parts/mod.ts";
import type { Bar, BarLook, DrawnRow } from "./bars.ts";
import type { Row } from "./rows.ts";
import { type Scale, ticksOf, WIDTH } from "./scale.ts";
import { spanText } from "./spans.ts";

/** How high a row is; the style sheet has the same height for names. */
const ROW = 30;

/** How high the axis is. */
const AXIS = 34;

/** How high a bar is. */
const BAR = 14;

/** How much room the text of a stretch takes that was cut out. */
const CUT_TEXT = 30;

/** A vertical line through all rows. */
export interface Landmark {
  /** When it was. */
  readonly at: number;
  /** What it is: `moved`: another version; `cancel`: asked to end; `cursor`: the time that is shown. */
  readonly kind: "moved" | "cancel" | "cursor";
  /** What it says. */
  readonly text: string;
}

/** What is drawn. */
export interface Drawing {
  /** The rows, from the top. */
  readonly rows: readonly DrawnRow[];
  /** Where times are. */
  readonly scale: Scale;
  /** Lines through all rows. */
  readonly landmarks: readonly Landmark[];
  /**
   * Where a row leads.
   *
   * @param row The row.
   */
  to(row: Row): Link;
}

/** The words for looks. */
export const LOOK_WORDS: Readonly<Record<BarLook, string>> = {
  completed: "completed",
  retried: "completed after failed attempts",
  failed: "failed",
  timed_out: "timed out",
  waiting: "waits",
  withdrawn: "withdrawn",
};

/**
 * Draws a timeline. The table under it says the same, so screen readers are not told twice.
 *
 * @param drawing What is drawn.
 */
export function timelineFigure({ rows, scale, landmarks, to }: Drawing): Html {
  const height = AXIS + rows.length * ROW;
  return html`
    <div class="timeline" aria-hidden="true">
      <ol class="timeline-names">
        <li class="timeline-corner">${spanText(scale.to - scale.from)} in all</li>
        ${rows.map(({ row }) => nameOf(row, to(row)))}
      </ol>
      <div class="timeline-box">
        <svg class="timeline-bars" width="100%" height="${height}" focusable="false">
          ${axis(scale, height)}
          ${rows.map((row, index) => barsOf(row, AXIS + index * ROW, to(row.row)))}
          ${landmarks.map((landmark) => landmarkLine(landmark, scale, height))}
        </svg>
      </div>
    </div>
  `;
}

function nameOf({ effects: [effect, ...more], failed, waiting }: Row, to: Link): Html {
  const { kind, site } = effect;
  const line = site === null ? NOTHING : html`<span class="timeline-line">${lineOf(site)}</span>`;
  const tone = failed > 0 ? "bad" : waiting > 0 ? "live" : null;
  const shape = tone === null ? NOTHING : mark(tone === "bad" ? "cross" : "ring");
  const count = more.length === 0
    ? NOTHING
    : html`<span class="timeline-count">×${more.length + 1}</span>`;
  return html`
    <li class="${tone}"><a href="${to}" tabindex="-1"><span class="kind">${kind}</span>
      <span class="timeline-name">${nameText(effect)}</span>${count}${shape}${line}</a></li>
  `;
}

/**
 * The name of an effect; of a sleep, how long it is.
 *
 * @param effect The effect.
 */
export function nameText({ name, requestedAt, until }: Row["effects"][0]): string {
  if (name !== "" || requestedAt === null || until === null) return name;
  return spanText(Date.parse(until) - Date.parse(requestedAt));
}

/** The file and the line, without folders. */
function lineOf({ member, file, line }: NonNullable<Row["effects"][0]["site"]>): string {
  return `${(member ?? file).split("/").at(-1)}:${line}`;
}

function axis(scale: Scale, height: number): Html {
  const { cuts } = scale;
  const ticks = ticksOf(scale);
  return html`
    ${cuts.map(({ left, right, from, to }) => {
      const isLast = right > WIDTH - CUT_TEXT;
      const [x, anchor] = isLast ? [WIDTH - 3, "end"] : [(left + right) / 2, "middle"];
      const size = percent(right - left);
      return html`
        <rect class="cut" x="${percent(left)}" y="0" width="${size}" height="${height}" />
        <text class="cut-mark" x="${percent(x)}" y="13" text-anchor="${anchor}">⋯</text>
        <text class="cut-text" x="${percent(x)}" y="26" text-anchor="${anchor}">${spanText(
          to - from,
        )}</text>
      `;
    })}
    ${ticks.map(({ at, offset }) =>
      html`
        <line class="tick" x1="${percent(at)}" x2="${percent(at)}" y1="${AXIS -
          6}" y2="${height}" />
        <text class="tick-text" x="${percent(at)}" y="14">${offset === 0
          ? "0"
          : `+${spanText(offset)}`}</text>
      `
    )}
    <line class="axis" x1="0" x2="100%" y1="${AXIS - 0.5}" y2="${AXIS - 0.5}" />
  `;
}

function barsOf({ row, bars, failures }: DrawnRow, top: number, to: Link): Html {
  const y = top + (ROW - BAR) / 2;
  const middle = top + ROW / 2;
  return html`
    <line class="rule" x1="0" x2="100%" y1="${top + ROW - 0.5}" y2="${top + ROW - 0.5}" />
    <a href="${to}" tabindex="-1">${bars.map((bar) => barOf(bar, row, y))}</a>
    ${failures.map((place) =>
      html`<circle class="attempt" cx="${percent(place)}" cy="${middle}" r="3.5" />`
    )}
  `;
}

function barOf({ left, width, look, isIdle, count }: Bar, { effects }: Row, y: number): Html {
  const [effect] = effects;
  const many = count === 1 ? "" : ` × ${count}`;
  const end = look === "waiting"
    ? html`
      <rect class="bar-end" x="${percent(left + width)}" y="${y}"
        width="3" height="${BAR}" transform="translate(-3 0)" />
    `
    : NOTHING;
  return html`<g><title>${`${effect.kind} ${nameText(effect)}${many}: ${LOOK_WORDS[look]}`}</title>
    <rect class="bar ${look}${isIdle ? " idle" : ""}" x="${percent(left)}" y="${y}"
      width="${percent(width)}" height="${BAR}" rx="3" />${end}</g>`;
}

function landmarkLine({ at, kind, text }: Landmark, scale: Scale, height: number): Html {
  const x = percent(scale.at(at));
  return html`
    <g class="landmark ${kind}">
      <title>${text}</title>
      <line x1="${x}" x2="${x}" y1="${AXIS - 10}" y2="${height}" />
      <circle cx="${x}" cy="${AXIS - 10}" r="4" />
    </g>
  `;
}

function percent(place: number): string {
  return `${Math.round(place / WIDTH * 100_000) / 1_000}%`;
}

/**
 * The legend: what the looks mean that a drawing has.
 *
 * @param drawing The drawing.
 */
export function legend(
  { rows, scale, landmarks }: Pick<Drawing, "rows" | "scale" | "landmarks">,
): Html {
  const bars = rows.flatMap(({ bars }) => bars);
  const looks = new Set(bars.map(({ look }) => look));
  const shown = (Object.keys(LOOK_WORDS) as BarLook[]).filter((look) => looks.has(look));
  const kinds = new Set(landmarks.map(({ kind }) => kind));
  return html`
    <ul class="legend">
      ${shown.map((look) =>
        html`<li>${swatch(`bar ${look}`, look === "retried")}${LOOK_WORDS[look]}</li>`
      )}
      ${bars.some(({ isIdle }) => isIdle)
        ? html`<li>${swatch("bar completed idle")}waited for a time or a message</li>`
        : NOTHING}
      ${rows.some(({ failures }) => failures.length > 0)
        ? html`<li><svg width="12" height="12" aria-hidden="true"><circle class="attempt" cx="6" cy="6" r="3.5" /></svg>an attempt failed</li>`
        : NOTHING}
      ${kinds.has("moved")
        ? html`<li>${swatchLine("moved")}moved to another version</li>`
        : NOTHING}
      ${kinds.has("cancel") ? html`<li>${swatchLine("cancel")}asked to end</li>` : NOTHING}
      ${scale.cuts.length > 0 ? html`<li>${swatch("cut")}⋯ idle time, shortened</li>` : NOTHING}
    </ul>
  `;
}

function swatch(look: string, hasFailure: boolean = false): Html {
  const failure = hasFailure ? html`<circle class="attempt" cx="9" cy="6" r="2.5" />` : NOTHING;
  return html`
    <svg width="18" height="12" aria-hidden="true">
      <rect class="${look}" x="1" y="1" width="16" height="10" rx="3" />${failure}
    </svg>
  `;
}

function swatchLine(kind: string): Html {
  return html`
    <svg class="landmark ${kind}" width="12" height="12" aria-hidden="true">
      <line x1="6" x2="6" y1="0" y2="12" />
    </svg>
  `;
}
