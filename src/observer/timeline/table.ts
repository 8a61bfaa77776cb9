/**
 * The table under a timeline: the same rows in words.
 *
 * @module
 */

import { hereWith } from "../here.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import { counted, mark, siteText, table, time, valueLine } from "../parts/mod.ts";
import type { Shape } from "../parts/states.ts";
import type { View } from "../view.ts";
import { LOOK_WORDS, nameText } from "./draw.ts";
import type { Effect, Row } from "./rows.ts";
import { spanText } from "./spans.ts";

/** What the table needs to know of its page. */
export interface TableOptions {
  /** The run. */
  readonly run: string;
  /** The generation; `null`: the present one. */
  readonly generation: number | null;
  /** The last time that is shown. */
  readonly now: number;
  /** When the run began. */
  readonly from: number;
  /**
   * Where a row that stands for several effects leads.
   *
   * @param row The row.
   */
  open(row: Row): Content;
}

/** The id of the row of an effect, for links. */
export function effectPlace(position: number): string {
  return `effect-${position}`;
}

/**
 * The table.
 *
 * @param rows The rows.
 * @param view Links and times.
 * @param options What else it needs.
 */
export function effectTable(rows: readonly Row[], view: View, options: TableOptions): Html {
  return table<Row>("Effects", [
    {
      title: "#",
      number: true,
      cell: ({ effects: [{ position }] }) =>
        html`<span id="${effectPlace(position)}">${position}</span>`,
    },
    { title: "Effect", head: true, cell: (row) => nameCell(row, view, options) },
    { title: "Outcome", cell: outcomeCell },
    { title: "Line", cell: ({ effects: [effect] }) => lineCell(effect, view, options) },
    {
      title: "Asked for",
      cell: ({ effects: [{ requestedAt }] }) =>
        requestedAt === null
          ? NOTHING
          : html`<span title="${requestedAt}">+${
            spanText(Date.parse(requestedAt) - options.from)
          }</span>`,
    },
    { title: "Took", number: true, cell: (row) => tookCell(row, options) },
    { title: "Answer", wide: true, cell: (row) => answerCell(row, view, options) },
  ], rows);
}

function nameCell(row: Row, view: View, { open }: TableOptions): Content {
  const [effect] = row.effects;
  const { kind, position } = effect;
  const many = row.effects.length;
  const shown = html`<span class="kind">${kind}</span> ${nameText(effect)}`;
  if (many > 1) return html`${shown} <b>×${many.toLocaleString("en")}</b> ${open(row)}`;
  return html`<a href="${hereWith(view, { effect: position }, "effect")}">${shown}</a>`;
}

function outcomeCell({ effects, failed, waiting }: Row): Content {
  const [effect, ...more] = effects;
  if (more.length === 0) return outcomeOf(effect);
  const parts = [
    failed === 0
      ? null
      : html`<span class="state bad">${failed.toLocaleString("en")} failed</span>`,
    waiting === 0
      ? null
      : html`<span class="state live">${waiting.toLocaleString("en")} wait</span>`,
    effects.length === failed + waiting
      ? null
      : html`<span>${(effects.length - failed - waiting).toLocaleString("en")} done</span>`,
  ].filter((part) => part !== null);
  return parts.map((part, index) => index === 0 ? part : [", ", part]);
}

const TONES: Readonly<Record<Effect["state"], readonly [tone: string, shape: Shape]>> = {
  completed: ["good", "check"],
  failed: ["bad", "cross"],
  timed_out: ["warn", "alert"],
  waiting: ["live", "ring"],
  withdrawn: ["quiet", "slash"],
};

/**
 * What came of an effect, by word and colour.
 *
 * @param effect The effect.
 */
export function outcomeOf({ state, attempts, task }: Effect): Html {
  const [tone, shape] = TONES[state];
  const word = html`<span class="state ${tone}">${mark(shape)}<span>${
    LOOK_WORDS[state]
  }</span></span>`;
  const failed = attempts.length === 0
    ? NOTHING
    : html`<br><span class="hint">${counted(attempts.length, "attempt")} failed</span>`;
  const where = task === null || state !== "waiting"
    ? NOTHING
    : html`<br><span class="hint">${task.state} in ${task.queue}</span>`;
  return html`${word}${failed}${where}`;
}

function lineCell(
  effect: Effect,
  view: View,
  options: Pick<TableOptions, "run" | "generation">,
): Content {
  return effect.site === null ? NOTHING : lineLink(effect.site, view, options);
}

/**
 * A place in the code, as a link to the run's source.
 *
 * @param site The place.
 * @param view Links and rights.
 * @param options The run and its generation.
 */
export function lineLink(
  site: NonNullable<Effect["site"]>,
  view: View,
  { run, generation }: Pick<TableOptions, "run" | "generation">,
): Content {
  const text = siteText(site);
  if (site.member === null || !view.may("source")) return html`<span class="mono">${text}</span>`;
  const at = view.query.get("at");
  const query = { member: site.member, generation, at: at === "" ? null : at };
  return html`<a class="mono" href="${view.to(["runs", run, "source"], query, text)}">${text}</a>`;
}

function tookCell({ effects }: Row, { now }: TableOptions): Content {
  const [first] = effects;
  const begun = effects.map(({ requestedAt }) => requestedAt).filter((each) => each !== null);
  if (begun.length === 0 || first.state === "withdrawn") return NOTHING;
  const from = Math.min(...begun.map((iso) => Date.parse(iso)));
  const ends = effects.map(({ answeredAt, state }) =>
    answeredAt !== null ? Date.parse(answeredAt) : state === "waiting" ? now : from
  );
  const isOpen = effects.some(({ state }) => state === "waiting");
  const took = spanText(ends.reduce((a, b) => Math.max(a, b)) - from);
  return isOpen ? html`${took} so far` : took;
}

function answerCell({ effects }: Row, view: View, { run, generation }: TableOptions): Content {
  const [{ value, child, omitted, event, until, state, answeredAt }, ...more] = effects;
  if (more.length > 0) return NOTHING;
  const wholeOf = (event: number | null) =>
    event === null ? undefined : view.to(["runs", run, "events", String(event)], { generation });
  const parts: Content[] = [
    omitted.includes("value")
      ? html`<span class="hint">large</span>`
      : valueLine(value, 120, wholeOf(event)),
  ];
  if (child !== null) {
    parts.push(html`<a class="id" href="${view.to(["runs", child])}">${child}</a>`);
  }
  if (state === "waiting" && until !== null) {
    parts.push(html`<span>until ${time(view, until)}</span>`);
  }
  if (event !== null) {
    const at = view.to(["runs", run, "history"], { generation, from: event }, `event-${event}`);
    const when = answeredAt === null ? null : answeredAt;
    parts.push(html`<a class="hint" href="${at}" title="${when}">event ${event}</a>`);
  }
  const shown = parts.filter((part) => part !== NOTHING);
  return shown.length === 0 ? NOTHING : html`<span class="pieces">${shown}</span>`;
}
