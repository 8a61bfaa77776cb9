/**
 * What the pages of a run share: the title, the state, and a note if another generation is shown.
 *
 * @module
 */

import type { RunDetails } from "../operate/runs.ts";
import { failureLine } from "./failure.ts";
import { hereWith } from "./here.ts";
import { type Content, type Html, html, NOTHING } from "./html.ts";
import { note, stateMark, time, versionLink, waitsFor } from "./parts/mod.ts";
import type { Page } from "./route.ts";
import { runActions, runTabs } from "./run_head.ts";
import type { ShownGeneration } from "./traces.ts";
import type { View } from "./view.ts";

/**
 * A page of a run.
 *
 * @param run The run.
 * @param segment The last segment of the page's path.
 * @param view Makes links.
 * @param body The content under the tabs.
 */
export function runPage(run: RunDetails, segment: string, view: View, body: Html): Page {
  const { id, state, workflow, version, current } = run;
  const toCurrent = current === false && view.may("source")
    ? html`<a class="hint" href="${
      view.to(["versions", "diff"], { a: version.hash, b: "current" })
    }">compare with current</a>`
    : NOTHING;
  return {
    title: id,
    isId: true,
    trail: [{ text: "Runs", to: view.to(["runs"]) }],
    aside: runActions(run, view),
    body: html`
      <div class="run-head">
        <p class="run-state"><span class="big">${stateMark(state)}</span> ${reasonOf(run, view)}</p>
        <p class="run-line"><a href="${view.to(["runs"], {
          workflow,
        })}">${workflow}</a>${versionLink(view, version, current)}${toCurrent}</p>
      </div>
      ${runTabs(id, segment, view)}${body}
    `,
  };
}

/** Why it is idle or has failed, in a sentence. */
function reasonOf(run: RunDetails, view: View): Content {
  const { state, reason, retrying, error } = run;
  if (retrying.length > 0 && typeof reason === "string") return html`<span>${reason}</span>`;
  if (state === "pending" || state === "suspended") {
    return html`<span>waits for ${waitsFor(view, run)}</span>`;
  }
  return state === "failed" ? html`<span>${failureLine(error)}</span>` : NOTHING;
}

/**
 * Says that an earlier generation is shown, or that there are earlier ones.
 *
 * @param shown The run, and the generation that is shown.
 * @param view Makes links.
 */
export function generationNote({ run, generation }: ShownGeneration, view: View): Html {
  if (run.generation === 0) return NOTHING;
  const { number } = generation;
  const link = (to: number, text: string) =>
    to < 0 || to > run.generation ? NOTHING : html`<a class="button" href="${
      hereWith(view, {
        generation: to === run.generation ? null : to,
        ...{ at: null, from: null, page: null, group: null, open: null, effect: null },
      })
    }">${text}</a>`;
  const times = html`${
    generation.startedAt === null ? NOTHING : html`from ${time(view, generation.startedAt)}`
  }${
    generation.endedAt === null ? NOTHING : html`
      to ${time(view, generation.endedAt)}
    `
  }`;
  return note(
    "live",
    html`
      <p>Generation ${number} of 0 to ${run.generation}${generation.current
        ? ", the present one"
        : NOTHING}: ${times}</p>
      <p class="buttons">${link(number - 1, "The one before")}${link(
        number + 1,
        "The one after",
      )}</p>
    `,
  );
}
