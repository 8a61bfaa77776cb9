/**
 * `/runs/:id/source`: the exact code that a run executes, with the lines at which it asked for
 * effects, and the one at which it waits.
 *
 * @module
 */

import { named } from "../effect_words.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { memberView } from "../member_view.ts";
import { ago, note, section } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import { generationNote, runPage } from "../run_page.ts";
import { MEMBER, type SourceData, sourceData } from "../source_data.ts";
import type { LineMark, PointedAt } from "../source_view.ts";
import { AT, GENERATION, REPLAY } from "../traces.ts";
import type { View } from "../view.ts";

/** The page. */
export const source = definePage<SourceData>({
  path: "/runs/:id/source",
  rights: ["read", "source"],
  parameters: [GENERATION, AT, MEMBER, REPLAY],
  live: ({ run, at, generation }) =>
    run.endedAt === null && generation.current && at === generation.events ? 5 : null,
  load: sourceData,
  page: async (data, view) => runPage(data.run, "source", view, await bodyOf(data, view)),
});

async function bodyOf(data: SourceData, view: View): Promise<Html> {
  const { version, source, unmarked, generation, at, asked } = data;
  const counts = new Map<string, number>();
  for (const { member, count } of asked) counts.set(member, (counts.get(member) ?? 0) + count);
  const marked = {
    points: pointsOf(data, view),
    counts,
    ...(asked.length === 0 ? {} : { marks: marksOf(data, view) }),
  };
  const isPart = at < generation.events;
  return html`
    ${generationNote(data, view)}${unmarked === null
      ? NOTHING
      : note("warn", html`<p>No lines are marked: ${unmarked}</p>`)}${isPart
      ? note("live", html`<p>As it was after event ${at} of ${generation.events}.</p>`)
      : NOTHING}${section(
        "The code that it runs",
        await memberView(version, source, view, marked),
        html`<a href="${view.to(["versions", version.hash])}">about this version</a>`,
      )}
  `;
}

/** Marks of the module that is shown. */
function marksOf(
  { asked, source, run, generation, at }: SourceData,
  view: View,
): Map<number, LineMark> {
  const here = asked.filter(({ member }) => member === source?.member);
  return new Map(here.map(({ line, count, failed, what, first }) => [line, {
    count,
    failed,
    text: `${count === 1 ? "asked" : `asked ${count.toLocaleString("en")} times`} for ${
      what.join(", ")
    }${failed === 0 ? "" : `; ${failed} failed`}`,
    to: view.to(["runs", run.id, "timeline"], {
      generation: generation.current ? null : generation.number,
      at: at === generation.events ? null : at,
      effect: first,
    }, "effect"),
  }]));
}

/** The lines at which it waits, in the module that is shown. */
function pointsOf({ waiting, source, run }: SourceData, view: View): PointedAt[] {
  const verb = run.endedAt === null ? "waits" : "stood";
  return waiting.filter(({ site }) => site?.member === source?.member).slice(0, 20)
    .map(({ kind, name, requestedAt, site }) => ({
      line: site!.line,
      column: site!.column,
      note: [
        `${verb} here for `,
        named(kind, name),
        requestedAt === null ? null : [" since ", ago(view, requestedAt)],
      ],
    }));
}
