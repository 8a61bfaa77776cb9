/**
 * `/runs/:id/timeline`: what a run did and waited for, along its time, after any of its events.
 *
 * @module
 */

import { hereWith } from "../here.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import { counted, empty, missingNote, note, section } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import { generationNote, runPage } from "../run_page.ts";
import { drawn, scaleOfEffects, stretchOf } from "../timeline/bars.ts";
import { EFFECT, type TimelineData, timelineData } from "../timeline/data.ts";
import { type Landmark, legend, timelineFigure } from "../timeline/draw.ts";
import { effectPanel } from "../timeline/panel.ts";
import {
  type Effect,
  groupsOf,
  membersOf,
  MOST_SINGLE,
  PAGE_ROWS,
  type Row,
  rowsOf,
} from "../timeline/rows.ts";
import { effectPlace, effectTable } from "../timeline/table.ts";
import { travelBar } from "../timeline/travel.ts";
import { several, switchParameter, textParameter, wholeParameter } from "../parameters.ts";
import { AT, GENERATION, MOST_PLACED, REPLAY } from "../traces.ts";
import type { View } from "../view.ts";

/** A run with more events is not looked at every two seconds. */
const MOST_LIVE = 500;

const OPEN = several(textParameter("open"));
const GROUP = textParameter("group");
const PAGE_NUMBER = wholeParameter("page", 1);
const WHOLE = switchParameter("whole");

/** The page. */
export const timeline = definePage<TimelineData>({
  path: "/runs/:id/timeline",
  rights: ["read"],
  parameters: [GENERATION, AT, EFFECT, OPEN, GROUP, PAGE_NUMBER, WHOLE, REPLAY],
  live: ({ run, trace, late, whole, generation }) =>
    late !== null
      ? 15
      : run.endedAt !== null || trace === null || whole !== null || !generation.current
      ? null
      : generation.events > MOST_LIVE
      ? 15
      : 2,
  load: timelineData,
  page: (data, view) => runPage(data.run, "timeline", view, bodyOf(data, view)),
});

function bodyOf(data: TimelineData, view: View): Html {
  const { run, generation, trace, at, event, effect } = data;
  const older = generationNote(data, view);
  if (trace === null) {
    return html`${older}${data.late === null ? asksFirst(data, view) : missingNote(data.late)}`;
  }
  const options = { run: run.id, generation: generation.current ? null : generation.number };
  const forkAt = view.may("fork") && generation.current
    ? view.to(["runs", run.id, "fork"], { at })
    : null;
  return html`
    ${older}${troubles(trace)}${travelBar({ at, events: generation.events, event, forkAt }, view)}
    ${effect === null ? NOTHING : effectPanel(effect, view, options)}
    <div class="slides" data-slides="timeline">${trace.effects.length === 0
      ? nothing(run, view)
      : effects(data, trace, view)}</div>
  `;
}

function nothing({ id, endedAt }: TimelineData["run"], view: View): Html {
  const link = (text: string) => html`<a href="${view.to(["runs", id])}">${text}</a>`;
  return endedAt === null
    ? empty(
      "Nothing yet",
      html`The code has asked for no effect so far. ${link("See what it waits for")}`,
    )
    : empty("No effect", html`The code asked for no effect. ${link("See how it ended")}`);
}

function asksFirst({ generation: { events } }: TimelineData, view: View): Html {
  const go = hereWith(view, { replay: 1 });
  return note(
    "live",
    html`
      <p class="strong">This run has ${counted(events, "event")}</p>
      <p>Its timeline comes from a replay of all of them, in a process of its own, which can take some
            seconds.</p>
      <p class="buttons"><a class="button primary" href="${go}">Replay it</a>
            <a class="button" href="${view.to(
              view.path.with(-1, "history"),
            )}">Read its history</a></p>
    `,
  );
}

/** Why a trace is not all that there is. */
function troubles({ unavailable, drift, refused }: NonNullable<TimelineData["trace"]>): Content {
  const notes: Html[] = [];
  if (unavailable !== null) {
    notes.push(note(
      "warn",
      html`
        <p class="strong">Not replayed, so this is what the history alone says</p>
        <p>${unavailable.message}</p>
        <p
          class="hint"><code>${unavailable
            .code}</code> · When an effect was asked for, its input and its line are unknown.</p>
      `,
    ));
  }
  if (drift !== null) {
    notes.push(note(
      "warn",
      html`
        <p class="strong">Code and history part here</p>
        <p>${drift.message}</p>
      `,
    ));
  }
  if (refused !== null) notes.push(note("warn", html`<p>${refused.message}</p>`));
  return notes;
}

function effects(data: TimelineData, trace: NonNullable<TimelineData["trace"]>, view: View): Html {
  const { from, to, now } = boundsOf(data, trace, view);
  const isWhole = view.query.get("whole") === "1";
  const isGrouped = trace.effects.length > MOST_SINGLE;
  const { rows, title } = shownRows(trace.effects, view);
  const page = Math.min(Number(view.query.get("page") || 1), Math.ceil(rows.length / PAGE_ROWS));
  const shown = rows.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS);
  const landmarks = landmarksIn(data, now, view);
  const times = landmarks.map((landmark) => landmark.at);
  const scale = scaleOfEffects((data.whole ?? trace).effects, { from, to }, times, isWhole);
  const drawing = {
    rows: shown.map((row) => drawn(row, scale, now)),
    scale,
    landmarks,
    to: (row: Row) => rowLink(row, isGrouped, view),
  };
  const options = {
    run: data.run.id,
    generation: data.generation.current ? null : data.generation.number,
    now,
    from,
    open: (row: Row) =>
      html`<a class="chip live" href="${rowLink(row, isGrouped, view)}">show each</a>`,
  };
  return html`
    ${section(
      title,
      html`${timelineFigure(drawing)}<div class="timeline-foot">${legend(drawing)}${
        wholeToggle(scale.cuts.length > 0, isWhole, view)
      }</div>`,
      html`<span class="hint">${counted(trace.total, "effect")}${
        trace.effects.length > MOST_PLACED ? ", too many to read the line of each" : NOTHING
      }</span>`,
    )}
    ${section("The same as a table", effectTable(shown, view, options))}
    ${pages(rows.length, page, view)}
  `;
}

/** The first and the last time on the axis, and the time that is shown. */
function boundsOf(
  { run, generation, at, event, whole }: TimelineData,
  trace: NonNullable<TimelineData["trace"]>,
  view: View,
): { readonly from: number; readonly to: number; readonly now: number } {
  const all = (whole ?? trace).effects;
  const end = generation.endedAt ?? run.endedAt;
  const ends = all.map((effect) => stretchOf(effect, 0).to);
  const last = ends.reduce((a, b) => Math.max(a, b), 0);
  const to = Math.max(end === null ? view.now.getTime() : Date.parse(end), last);
  const first = all.map((effect) => stretchOf(effect, to).from).reduce(
    (a, b) => Math.min(a, b),
    to,
  );
  const begun = generation.startedAt;
  const from = begun === null ? first : Math.min(Date.parse(begun), first);
  if (at === generation.events) return { from, to, now: to };
  return {
    from,
    to,
    now: event === null ? from : Math.min(to, Math.max(from, Date.parse(event.at))),
  };
}

function landmarksIn(
  { landmarks, at, generation }: TimelineData,
  now: number,
  view: View,
): Landmark[] {
  const found = landmarks.filter(({ event }) => event !== null && event < at)
    .map(({ kind, at, event }): Landmark => ({
      at: Date.parse(at),
      kind: kind === "version.changed" ? "moved" : "cancel",
      text: kind === "version.changed"
        ? `moved to another version, event ${event}`
        : `asked to end, event ${event}`,
    }));
  if (at === generation.events) return found;
  return [...found, { at: now, kind: "cursor", text: `after event ${at}, ${view.zone}` }];
}

/** The rows that the query asks for, in its order. */
function shownRows(
  effects: readonly Effect[],
  view: View,
): { readonly rows: readonly Row[]; readonly title: string } {
  if (effects.length <= MOST_SINGLE) {
    return { rows: rowsOf(effects, new Set(view.query.getAll("open"))), title: "Timeline" };
  }
  const groups = groupsOf(effects);
  const key = view.query.get("group");
  const group = groups.find((row) => row.key === key);
  if (group === undefined) return { rows: groups, title: "Timeline, by name and line" };
  const [{ kind, name }] = group.effects;
  return { rows: membersOf(group), title: `Each ${kind} ${name}, failures first` };
}

/** A row of several leads to each of them, a row of one to its panel. */
function rowLink({ key, effects }: Row, isGrouped: boolean, view: View) {
  const [{ position }, ...more] = effects;
  if (more.length === 0) return hereWith(view, { effect: position }, "effect");
  if (isGrouped) return hereWith(view, { group: key, page: null });
  return hereWith(view, { open: [...view.query.getAll("open"), key] }, effectPlace(position));
}

function wholeToggle(hasCuts: boolean, isWhole: boolean, view: View): Html {
  if (!hasCuts && !isWhole) return NOTHING;
  const to = hereWith(view, { whole: isWhole ? null : 1 });
  return html`<a class="button" href="${to}">${
    isWhole ? "Shorten idle time" : "Show idle time at full length"
  }</a>`;
}

function pages(count: number, page: number, view: View): Html {
  const group = view.query.get("group") === null
    ? NOTHING
    : html`<a class="button" href="${hereWith(view, { group: null, page: null })}">All groups</a>`;
  const last = Math.ceil(count / PAGE_ROWS);
  if (last <= 1) return html`<p class="buttons">${group}</p>`;
  const link = (text: string, to: number, rel: string) =>
    to < 1 || to > last
      ? NOTHING
      : html`<a class="button" rel="${rel}" href="${
        hereWith(view, { page: to === 1 ? null : to })
      }">${text}</a>`;
  return html`
    <nav class="pager"
      aria-label="Pages"><span>Rows ${((page - 1) * PAGE_ROWS + 1).toLocaleString("en")} to ${Math
        .min(count, page * PAGE_ROWS).toLocaleString("en")} of ${count.toLocaleString(
          "en",
        )}</span><span class="buttons">${group}${link("Before", page - 1, "prev")}${link(
          "After",
          page + 1,
          "next",
        )}</span></nav>
  `;
}
