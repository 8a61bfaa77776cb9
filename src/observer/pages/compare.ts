/**
 * `/compare?a=&b=`: where the histories of two runs part, with the lines of both, and how their code
 * differs.
 *
 * @module
 */

import {
  compareRuns,
  type Parting,
  type PartingSide,
  type RunComparison,
} from "../../operate/compare.ts";
import { refuse } from "../../base/arguments.ts";
import { showRun } from "../../operate/runs.ts";
import { DIFF_PARAMETERS, diffChoice, diffReport } from "../diff_report.ts";
import { named } from "../effect_words.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  note,
  runLink,
  section,
  siteText,
  stateMark,
  valueBlock,
  versionLink,
} from "../parts/mod.ts";
import { textParameter } from "../parameters.ts";
import { definePage, type Look } from "../route.ts";
import type { View } from "../view.ts";

interface CompareData {
  /** How they differ; `null`: one of them was not chosen. */
  readonly comparison: RunComparison | null;
}

type Run = RunComparison["a"];

const A = textParameter("a");
const B = textParameter("b");

/** A subprocess that replays the code of one run has this long, in milliseconds. */
const TIMEOUT = 5_000;

/** The page. */
export const compare = definePage<CompareData>({
  path: "/compare",
  rights: ["read"],
  parameters: [A, B, ...DIFF_PARAMETERS],
  async load(look) {
    const [a, b] = [look.given.one(A), look.given.one(B)];
    if (a === null || b === null) return { comparison: null };
    const { member, ...choice } = diffChoice(look.given);
    const whole = await comparisonOf(look, a, b, choice.ignoreWhitespace);
    const comparison = member === undefined ? whole : withOnly(member, whole);
    return { comparison: look.may("source") ? comparison : withoutSource(comparison) };
  },
  page: ({ comparison }, view) => ({
    title: "Compare runs",
    trail: [{ text: "Runs", to: view.to(["runs"]) }],
    body: html`${comparison === null ? intro(view) : NOTHING}${chooser(view)}${
      comparison === null ? NOTHING : bodyOf(comparison, view)
    }`,
  }),
});

/** Histories only grow, so what they are compared by is how long they are. */
async function comparisonOf(
  { client, heavy, kept }: Look,
  a: string,
  b: string,
  ignoreWhitespace: boolean,
): Promise<RunComparison> {
  const key = (await Promise.all([a, b].map((id) => showRun(client, id)))).flatMap((run) => {
    const { namespace, id, createdAt, generation, events, state, version } = run;
    return [namespace, id, createdAt, generation, events, state, version.hash];
  });
  return await kept(
    ["compare", ignoreWhitespace, ...key],
    () => heavy(() => compareRuns(client, a, b, { timeout: TIMEOUT, ignoreWhitespace })),
  );
}

/** Of the code, one module. */
function withOnly(label: string, comparison: RunComparison): RunComparison {
  const { code } = comparison;
  const members = code?.members.filter((member) => member.label === label) ?? [];
  if (code !== null && members.length === 0) {
    const labels = code.members.map((member) => member.label).join(", ");
    refuse("parameter member", label, labels || "no such parameter: no module differs");
  }
  return { ...comparison, code: code && { ...code, members } };
}

function withoutSource(comparison: RunComparison): RunComparison {
  const side = (of: PartingSide): PartingSide => ({
    ...of,
    site: of.site && { ...of.site, text: null },
  });
  const parting = (of: Parting | null) => of && { ...of, a: side(of.a), b: side(of.b) };
  const { answers, diverges } = comparison;
  return { ...comparison, answers: parting(answers), diverges: parting(diverges), code: null };
}

function intro(view: View): Html {
  return html`
    <p
      class="hint">Shows the first event at which the histories of two runs part, with the line of each, and how
    their code differs. Their ids are in the <a href="${view.to(["runs"], {
      state: "any",
    })}">list of runs</a>.</p>
  `;
}

function chooser(view: View): Html {
  const field = (name: string, text: string) =>
    html`<label class="field"><span>${text}</span><input name="${name}" value="${
      view.query.get(name)
    }"
      autocomplete="off" spellcheck="false" placeholder="the id of a run"></label>`;
  return html`
    <form class="filters short card" action="${view.to(["compare"])}" method="get">
      ${field("a", "One run")}${field("b", "Another")}
      <p class="buttons"><button class="primary">Compare</button></p>
    </form>
  `;
}

function bodyOf(
  { a, b, answers, diverges, code, codeUnavailable }: RunComparison,
  view: View,
): Html {
  const isSameCode = a.version.hash === b.version.hash;
  return html`
    <div class="columns">${head(a, view)}${head(b, view)}</div>
    ${unknown(a)}${unknown(b)}
    ${diverges === null
      ? section(
        "Where they part",
        note("good", html`<p>Both histories are of the same effects, in the same order.</p>`),
      )
      : partingBlock("Where they part", diverges, view, [a, b])}
    ${answers === null
      ? NOTHING
      : partingBlock("The first answer that differs", answers, view, [a, b])}
    <div class="columns">${[a, b].map(({ id, input }) =>
      section(`Input of ${id}`, valueBlock(input, view.to(["runs", id, "values", "input"])))
    )}</div>
    ${section(
      "Their code",
      isSameCode
        ? note("good", html`<p>Both are on one version: every byte is the same.</p>`)
        : codeUnavailable !== null
        ? note("warn", html`<p>${codeUnavailable.message}</p>`)
        : code === null
        ? note("quiet", html`<p>They are on two versions; their code is not shown.</p>`)
        : diffReport(code, view),
      isSameCode || !view.may("source")
        ? null
        : html`<a href="${
          view.to(["versions", "diff"], { a: a.version.hash, b: b.version.hash })
        }">compare the versions</a>`,
    )}
  `;
}

function head(run: Run, view: View): Html {
  const { id, state, workflow, version, current, createdAt, events } = run;
  return html`
    <div class="card compared">
      <p class="strong">${runLink(view, id)}</p>
      <p class="pieces">${stateMark(state)}<span>${workflow}</span>${versionLink(
        view,
        version,
        current,
      )}</p>
      <p class="hint">${events.toLocaleString("en")} events · created ${ago(view, createdAt)}</p>
    </div>
  `;
}

function unknown({ unavailable, id }: Run): Html {
  return unavailable === null
    ? NOTHING
    : note("warn", html`<p>No line of <b>${id}</b> is known: ${unavailable.message}</p>`);
}

function partingBlock(
  title: string,
  { event, a, b }: Parting,
  view: View,
  [first, second]: readonly [Run, Run],
): Html {
  return section(
    title,
    html`<div class="columns">${sideOf(a, first, event, view)}${
      sideOf(b, second, event, view)
    }</div>`,
    html`<span class="hint">event ${event}</span>`,
  );
}

function sideOf({ event, effect, site }: PartingSide, run: Run, at: number, view: View): Html {
  const what: Content = event === null
    ? run.endedAt === null
      ? effect === null ? "has no further event" : ["waits for ", named(effect.kind, effect.name)]
      : "has ended"
    : named(event.kind, event.name);
  const line = site === null ? NOTHING : html`
    <p class="hint mono">${siteText(site)}</p>${site.text === null
      ? NOTHING
      : html`<p class="one-line"><code>${site.text.trim()}</code></p>`}
  `;
  const to = view.to(["runs", run.id, "timeline"], { at: Math.min(at + 1, run.events) });
  return html`
    <div
      class="card compared"><p class="strong">${what}</p>${line}${event === null ||
          event.value === null
        ? NOTHING
        : valueBlock(
          event.value,
          view.to(["runs", run.id, "events", String(at)]),
        )}<p><a href="${to}">${run.id} at this event</a></p></div>
  `;
}
