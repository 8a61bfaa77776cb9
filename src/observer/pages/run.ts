/**
 * `/runs/:id`: a run: its state and why, the line at which it waits, and its values.
 *
 * @module
 */

import { type RunPlace, whereRunWaits } from "../../operate/runs.ts";
import type { MemberSource } from "../../operate/versions.ts";
import { failureLine } from "../failure.ts";
import { attributeList } from "../attribute_list.ts";
import { colouredLines } from "../coloured.ts";
import { type Html, html, joined, NOTHING } from "../html.ts";
import {
  ago,
  counted,
  facts,
  mark,
  note,
  runLink,
  section,
  siteText,
  table,
  time,
  valueBlock,
} from "../parts/mod.ts";
import { isLate, missingFor } from "../parts_read.ts";
import { definePage, type Look } from "../route.ts";
import { runPage } from "../run_page.ts";
import { memberOf } from "../source_data.ts";
import { sourceView } from "../source_view.ts";
import type { View } from "../view.ts";
import { showRun } from "../../operate/runs.ts";

/** How many lines stand before and after the one at which a run waits. */
const AROUND = 5;

type Run = RunPlace["run"];
/** By module: its coloured lines. */
type Coloured = ReadonlyMap<string, readonly Html[]>;

interface RunData extends RunPlace {
  /** The modules of the places that are shown. */
  readonly sources: readonly MemberSource[];
}

type Waits = NonNullable<RunPlace["waits"]>;
type Place = Waits["waiting"][number];

/** The page. */
export const run = definePage<RunData>({
  path: "/runs/:id",
  rights: ["read"],
  live: ({ run }) => run.endedAt === null ? 2 : null,
  load: placeOfRun,
  async page(place, view) {
    const { run } = place;
    const coloured = new Map<string, readonly Html[]>();
    for (const source of place.sources) coloured.set(source.member, await colouredLines(source));
    return runPage(
      run,
      "",
      view,
      html`
        ${loadTrouble(run)}${where(place, coloured, view)}${retrying(run, view)}${head(run, view)}
        ${values(run, view)}
      `,
    );
  },
});

/** The code of a run is replayed only once for each event that it has got. */
async function placeOfRun(look: Look): Promise<RunData> {
  const { client, params, may, heavy, kept } = look;
  const id = params.id!;
  const run = await showRun(client, id);
  const { createdAt, generation, events, version, state } = run;
  const key = ["where", run.namespace, id, createdAt, generation, events, version.hash, state];
  const place = await kept(key, () => heavy(() => whereRunWaits(client, id, { around: AROUND })))
    .catch((error: unknown): Omit<RunPlace, "run"> => {
      if (!isLate(error)) throw error;
      return { waits: null, unavailable: missingFor(error), last: null }; // PART-1
    });
  if (place.waits === null) return { ...place, run, sources: [] };
  if (may("source")) return { ...place, run, sources: await sourcesOf(look, place.waits) };
  const { stopped } = place.waits;
  const waits = {
    ...place.waits,
    waiting: place.waits.waiting.map((wait) => ({ ...wait, lines: [] })),
    stopped: stopped === null ? null : { ...stopped, lines: [] },
  };
  return { ...place, run, waits, sources: [] };
}

/** The modules of the places that are shown. */
async function sourcesOf(
  look: Look,
  { version, waiting, stopped }: Waits,
): Promise<MemberSource[]> {
  const places = [...waiting.slice(0, SHOWN), ...(stopped === null ? [] : [stopped])];
  const shown = places.filter(({ lines }) => lines.length > 0);
  const members = new Set(shown.map(({ site }) => site?.member ?? null));
  const found = [...members].filter((member) => member !== null)
    .map((member) => memberOf(look, version, member));
  return (await Promise.all(found)).filter((source) => source !== null);
}

function head(run: Run, view: View): Html {
  const { parent, origin, namespace } = run;
  return html`
    <div class="card run-head">
      ${facts([
        ["Created", ago(view, run.createdAt)],
        ["Started", run.startedAt === null ? null : ago(view, run.startedAt)],
        ["Ended", run.endedAt === null ? null : ago(view, run.endedAt)],
        ["Waits since", run.endedAt !== null || run.since === null ? null : ago(view, run.since)],
        ["Continues", run.until === null ? null : ago(view, run.until)],
        ["Deadline", run.deadline === null ? null : time(view, run.deadline)],
        ["Started by", parent === null ? null : runLink(view, parent)],
        [
          "Fork of",
          origin === null
            ? null
            : html`${runLink(view, origin.id)} after ${counted(origin.events, "event")}`,
        ],
        ["Generation", run.generation === 0 ? null : run.generation],
        ["Attempt", run.attempt === 1 ? null : run.attempt],
        ["Events", run.events],
        ["Node", run.node],
        ["Namespace", namespace === "default" ? null : namespace],
      ])}
      ${attributeList(run.attributes)}
    </div>
  `;
}

function loadTrouble({ noNodeCanLoad, stuck }: Run): Html {
  const parked = stuck === null ? NOTHING : note(
    "warn",
    html`
      <p class="strong">Parked: ${stuck.message}</p>
      <p class="hint"><code>${stuck.code}</code></p>
    `,
  );
  if (noNodeCanLoad === null) return parked;
  return html`${parked}${
    note(
      "bad",
      html`
        <p class="strong">No node can load this version</p>
        <ul>${Object.entries(noNodeCanLoad).map(([node, reason]) =>
          html`<li><code>${node}</code>: ${reason.message}</li>`
        )}</ul>
      `,
    )
  }`;
}

function where(
  { run, waits, unavailable, last }: RunData,
  coloured: Coloured,
  view: View,
): Html {
  if (waits === null) {
    const event = last === null ? NOTHING : html`
      <p>The last event is <b>${last.kind}</b>${last.name === ""
        ? NOTHING
        : [" ", html`<q>${last.name}</q>`]}, ${ago(view, last.at)}.</p>
    `;
    return section(
      "Where it waits",
      note(
        "warn",
        html`<p>The line can't be found: ${unavailable?.message ?? "unknown"}</p>${event}`,
      ),
    );
  }
  return html`${stop(run, waits, coloured)}${
    waits.waiting.length === 0 ? NOTHING : waitingPlaces(run, waits, coloured, view)
  }`;
}

/** Where its code stopped before its end, and why. */
function stop({ state, endedAt, stuck }: Run, waits: Waits, coloured: Coloured): Html {
  const { drift, refused, stopped } = waits;
  const cause = drift ?? refused;
  if (cause === null && stopped === null) return NOTHING;
  const title = cause === null
    ? state === "cancelled" ? "Where it was cancelled" : "Where it failed"
    : refused === null
    ? "Where code and history part"
    : "The call that a replay can't repeat";
  // What parked it is said above already.
  const said = cause === null || endedAt === null && stuck !== null
    ? NOTHING
    : note("warn", html`<p>${cause.message}</p>`);
  const lines = stopped === null ? NOTHING : html`
    <div class="card waiting">
      <p class="waiting-head"><span class="mono">${siteText(stopped.site)}</span></p>
      ${linesOf(stopped, coloured)}
      ${verified(waits)}
    </div>
  `;
  return stopped === null && said === NOTHING ? NOTHING : section(title, html`${said}${lines}`);
}

function waitingPlaces(run: Run, waits: Waits, coloured: Coloured, view: View): Html {
  const title = run.endedAt === null ? "Where it waits" : "Where it stood";
  return html`${
    section(
      title,
      waits.waiting.slice(0, SHOWN).map((place) => placeBlock(place, waits, coloured, view)),
      waits.waiting.length > 1
        ? html`<span class="hint">${counted(waits.waiting.length, "effect")}</span>`
        : null,
    )
  }`;
}

/** How many waiting effects are shown with their lines. */
const SHOWN = 10;

function placeBlock(
  place: Place,
  waits: Waits,
  coloured: Coloured,
  view: View,
): Html {
  const { kind, name, since, until, site, calls } = place;
  const what = name === "" ? html`<b>${kind}</b>` : html`<b>${kind}</b> <q>${name}</q>`;
  const end = until === null ? NOTHING : html`, ends ${ago(view, until)}`;
  const at = site === null ? NOTHING : html`<span class="hint mono">${siteText(site)}</span>`;
  const from = calls.slice(1).map((call) => html`<span class="mono">${siteText(call)}</span>`);
  return html`
    <div class="card waiting">
      <p class="waiting-head"><span>${what} since ${ago(view, since)}${end}</span>${at}</p>
      ${linesOf(place, coloured)}
      ${from.length === 0 ? NOTHING : html`
        <p class="hint">called from ${joined(from, ", ")}</p>
      `}${verified(waits)}
    </div>
  `;
}

/** That these are the bytes which the run executes, and where they were read. */
function verified({ from }: Waits): Html {
  return html`
    <p class="hint">${mark("check")} bytes verified, from the ${from === "archive"
      ? "archive"
      : "URL"}</p>
  `;
}

function linesOf({ site, lines }: Pick<Place, "site" | "lines">, coloured: Coloured): Html {
  const first = lines[0]?.number;
  if (site === null || first === undefined) return NOTHING;
  const label = site.member ?? site.file;
  const shown = coloured.get(label)?.slice(first - 1, first - 1 + lines.length) ??
    lines.map(({ text }) => text);
  const points = [{ line: site.line, column: site.column, note: "here" }];
  return sourceView({ label, lines: shown, first, points });
}

function retrying({ retrying }: Run, view: View): Html {
  if (retrying.length === 0) return NOTHING;
  return section(
    "Failing, and tried again",
    table("Effects that failed and are tried again", [
      { title: "Effect", head: true, cell: ({ kind, name }) => html`${kind} <q>${name}</q>` },
      { title: "Failed", number: true, cell: ({ failed }) => counted(failed, "time") },
      {
        title: "Last error",
        wide: true,
        cell: ({ lastError }) => failureLine(lastError, "its node died"),
      },
      { title: "When", cell: ({ failedAt }) => ago(view, failedAt) },
      { title: "Next", cell: ({ nextTry }) => nextTry === null ? "under way" : ago(view, nextTry) },
    ], retrying),
  );
}

function values(run: Run, view: View): Html {
  const { state, input, result, error, lastError, custom, untakenSignals } = run;
  const whole = (name: string) => view.to(["runs", run.id, "values", name]);
  const signals = Object.entries(untakenSignals);
  return html`
    <div class="columns">
      ${custom === null
        ? NOTHING
        : section("Status set by the workflow", valueBlock(custom, whole("custom")))}
      ${section("Input", valueBlock(input, whole("input")))}
      ${state === "completed" ? section("Result", valueBlock(result, whole("result"))) : NOTHING}
      ${error === null ? NOTHING : section("Error", valueBlock(error, whole("error")))}
      ${lastError === null
        ? NOTHING
        : section("Error of the attempt before", valueBlock(lastError, whole("lastError")))}
      ${signals.length === 0 ? NOTHING : section(
        "Signals that wait to be taken",
        html`<ul class="attributes">${
          signals.map(([name, count]) => html`<li class="chip live">${name} × ${count}</li>`)
        }</ul>`,
      )}
    </div>
  `;
}
