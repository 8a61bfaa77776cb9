/**
 * `/runs/:id/history`: the events of a run, with filters.
 *
 * @module
 */

import { type FoundEntries, type FoundEntry, searchHistory } from "../../operate/history.ts";
import { named } from "../effect_words.ts";
import { refuse } from "../../base/arguments.ts";
import { hereWith } from "../here.ts";
import { type Html, html, NOTHING } from "../html.ts";
import type { Link } from "../links.ts";
import { counted, empty, table, time, valueLine } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import { generationNote, runPage } from "../run_page.ts";
import { spanText } from "../timeline/spans.ts";
import { several, switchParameter, textParameter, wholeParameter } from "../parameters.ts";
import { GENERATION, type ShownGeneration, shownGeneration } from "../traces.ts";
import type { View } from "../view.ts";

/** How many events a page lists. */
const PAGE = 100;

/** Kinds of events, by what stands before their dot, and one whole kind. */
const KINDS = [
  ...["step", "activity", "transaction", "timer", "signal", "child", "call"],
  ...["attempt", "cancel", "patched", "attributes", "status", "version"],
];

/** Kinds of which only the whole word is asked for. */
const OTHER_KINDS = ["payload"];

const FROM = wholeParameter("from", 0);
const FAILURES = switchParameter("failures");
const NAME = textParameter("name");

/** A whole kind, or what stands before its dot. */
const KIND = several<string>({
  name: "kind",
  many: false,
  read: (text, what) =>
    [...KINDS, ...OTHER_KINDS].includes(text.split(".")[0]!) && /^[a-z]+(?:\.[a-z_]+)?$/.test(text)
      ? text
      : refuse(what, text, `${KINDS.join(", ")}, or a whole kind, such as step.failed`),
});

interface HistoryData extends ShownGeneration, FoundEntries {
  /** The first event that was looked at. */
  readonly from: number;
}

/** The page. */
export const history = definePage<HistoryData>({
  path: "/runs/:id/history",
  rights: ["read"],
  parameters: [GENERATION, FROM, KIND, FAILURES, NAME],
  live: ({ run, generation, next }) =>
    run.endedAt === null && generation.current && next === null ? 2 : null,
  async load(look) {
    const shown = await shownGeneration(look);
    const { given } = look;
    const from = given.one(FROM) ?? 0;
    const kinds = given.all(KIND);
    const found = await searchHistory(look.client, shown.run.id, {
      generation: shown.generation.number,
      from,
      limit: PAGE,
      kinds: kinds.length === 0 ? undefined : kinds,
      failures: given.one(FAILURES) ?? false,
      name: given.one(NAME) ?? undefined,
    });
    return { ...shown, ...found, from };
  },
  page: (data, view) =>
    runPage(
      data.run,
      "history",
      view,
      html`${generationNote(data, view)}${filters(view)}${list(data, view)}${pager(data, view)}`,
    ),
});

function filters(view: View): Html {
  const { query } = view;
  const chosen = query.get("kind") ?? "";
  const generation = query.get("generation");
  const clear = clearOf(view);
  const option = (kind: string, text: string) =>
    html`<option value="${kind}" selected="${kind === chosen}">${text}</option>`;
  return html`
    <form class="filters short card" action="${view.to(
      view.path,
    )}" method="get" aria-label="Filters">
      ${generation === null
        ? NOTHING
        : html`<input type="hidden" name="generation" value="${generation}">`}
      <label class="field"><span>Kind</span><select name="kind">${option("", "all kinds")}${KINDS
        .map((kind) => option(kind, kind))}</select></label>
      <label class="field"><span>Name contains</span><input name="name" value="${query.get(
        "name",
      )}" autocomplete="off" spellcheck="false"></label>
      <label class="check"><input type="checkbox" name="failures" value="1" checked="${query.get(
        "failures",
      ) === "1"}"><span>Failures only</span></label>
      <p class="buttons"><button class="primary">Filter</button><a class="button" href="${clear}">Clear</a></p>
    </form>
  `;
}

/** All events of the generation. */
function clearOf(view: View): Link {
  return view.to(view.path, { generation: view.query.get("generation") });
}

function list(data: HistoryData, view: View): Html {
  const { entries, searched, generation, run, next } = data;
  if (entries.length === 0) {
    if (generation.events === 0) {
      const link = (text: string) => html`<a href="${view.to(["runs", run.id])}">${text}</a>`;
      return run.endedAt === null
        ? empty(
          "No event yet",
          html`The code has got no answer so far. ${link("See what it waits for")}`,
        )
        : empty("No event", html`The code asked for nothing. ${link("See how it ended")}`);
    }
    const all = html`<a href="${clearOf(view)}">Show all events</a>`;
    return empty(
      "No event matches",
      next === null
        ? html`All ${counted(searched, "event")} from here were looked at. ${all}`
        : html`${counted(searched, "event")} were looked at; the search continues below. ${all}`,
    );
  }
  const link = { generation: generation.current ? null : generation.number };
  const begun = generation.startedAt === null ? null : Date.parse(generation.startedAt);
  return table<FoundEntry>("Events", [
    {
      title: "Event",
      number: true,
      cell: ({ event }) => event === null ? "–" : html`<span id="event-${event}">${event}</span>`,
    },
    { title: "What happened", head: true, cell: (entry) => whatCell(entry, run.id, link, view) },
    { title: "Value", wide: true, cell: (entry) => valueCell(entry, run.id, link, view) },
    { title: "Written", cell: ({ at }) => time(view, at) },
    {
      title: "After",
      number: true,
      cell: ({ at }) => begun === null ? NOTHING : `+${spanText(Date.parse(at) - begun)}`,
    },
    {
      title: "The run then",
      cell: ({ event }) =>
        event === null
          ? html`<span class="hint">still tried</span>`
          : html`<a href="${
            view.to(["runs", run.id, "timeline"], { ...link, at: event + 1 })
          }">show</a>`,
    },
  ], entries);
}

function whatCell(
  { kind, name, position }: FoundEntry,
  id: string,
  link: { readonly generation: number | null },
  view: View,
): Html {
  const tone = kind.endsWith(".failed") || kind === "payload.refused"
    ? "bad"
    : kind === "signal.timeout" || kind === "cancel.requested"
    ? "warn"
    : "plain";
  const shown = html`<span class="event ${tone}">${named(kind, name)}</span>`;
  if (position === null) return shown;
  const to = view.to(["runs", id, "timeline"], { ...link, effect: position }, "effect");
  return html`<a href="${to}" title="effect ${position}">${shown}</a>`;
}

function valueCell(
  { value, event }: FoundEntry,
  id: string,
  link: { readonly generation: number | null },
  view: View,
): Html {
  if (event === null) return valueLine(value, 200);
  return valueLine(value, 200, view.to(["runs", id, "events", String(event)], link));
}

function pager({ from, entries, next, generation, searched }: HistoryData, view: View): Html {
  const isFirst = from === 0;
  if (isFirst && next === null) return NOTHING;
  const start = isFirst
    ? NOTHING
    : html`<a class="button" href="${hereWith(view, { from: null })}">First</a>`;
  const before = isFirst || from <= PAGE
    ? NOTHING
    : html`<a class="button" rel="prev" href="${hereWith(view, { from: from - PAGE })}">Before</a>`;
  const after = next === null
    ? NOTHING
    : html`<a class="button" rel="next" href="${hereWith(view, { from: next })}">After</a>`;
  const end = generation.events - PAGE;
  const last = next === null || next >= end
    ? NOTHING
    : html`<a class="button" href="${hereWith(view, { from: end })}">Last</a>`;
  return html`
    <nav class="pager"
      aria-label="Pages"><span>${counted(entries.length, "event")} of those from ${from
        .toLocaleString("en")} to ${Math.max(from, from + searched - 1).toLocaleString(
          "en",
        )}; there are ${generation.events.toLocaleString(
          "en",
        )}</span><span class="buttons">${start}${before}${after}${last}</span></nav>
  `;
}
