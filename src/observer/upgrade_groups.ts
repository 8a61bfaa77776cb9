/**
 * Verdicts on runs, grouped by cause, each with the lines of both versions.
 *
 * @module
 */

import { causeLine, siteLine } from "../operate/causes.ts";
import { type Html, html, NOTHING } from "./html.ts";
import { counted, empty, mark, runLink } from "./parts/mod.ts";
import type { Shape } from "./parts/states.ts";
import type { UpgradeAnswer } from "./upgrade_plan.ts";
import type { View } from "./view.ts";

type Group = UpgradeAnswer["groups"][number];
type Cause = NonNullable<Group["cause"]>;

/** How verdicts are called, and how they look. */
const VERDICTS: Readonly<
  Record<Group["verdict"], { readonly word: string; readonly tone: string; readonly shape: Shape }>
> = {
  moved: { word: "moved", tone: "good", shape: "check" },
  replays: { word: "replays", tone: "good", shape: "check" },
  drifts: { word: "drifts", tone: "warn", shape: "alert" },
  no_code: { word: "no code", tone: "bad", shape: "cross" },
  no_answer: { word: "no answer", tone: "warn", shape: "alert" },
  changed: { word: "changed meanwhile", tone: "quiet", shape: "slash" },
  busy: { word: "busy", tone: "live", shape: "dot" },
};

/**
 * Shows the groups.
 *
 * @param groups The groups.
 * @param view Links and rights.
 */
export function verdictGroups(groups: readonly Group[], view: View): Html {
  if (groups.length === 0) {
    return empty(
      "No run to examine",
      html`No live run that was asked for is on another version than the target.
        <a href="${view.to(["runs"])}">Look at the live runs</a>`,
    );
  }
  const total = groups.reduce((sum, { runs }) => sum + runs, 0);
  return html`<div class="verdicts">${groups.map((group) => groupBlock(group, total, view))}</div>`;
}

function groupBlock({ verdict, cause, runs, examples }: Group, total: number, view: View): Html {
  const { word, tone, shape } = VERDICTS[verdict];
  const more = runs > examples.length
    ? [", and ", (runs - examples.length).toLocaleString("en"), " more"]
    : null;
  return html`
    <section class="card verdict">
      <div class="verdict-head"><h3 class="state ${tone}">${mark(
        shape,
      )}<span>${word}</span></h3><span class="figure">${runs
        .toLocaleString("en")}</span>
        <span class="hint">of ${counted(total, "run")}</span></div>
      ${cause === null ? NOTHING : causeBlock(cause, view)}
      <p class="hint examples">${examples.slice(0, 5).map((id, index) => [
        index === 0 ? null : ", ",
        runLink(view, id),
      ])}${examples.length > 5
        ? [", ", html`<span>and ${(runs - 5).toLocaleString("en")} more</span>`]
        : more}</p>
    </section>
  `;
}

function causeBlock(cause: Cause, view: View): Html {
  const { recordedAt, requestedAt } = cause;
  const lines = recordedAt === null && requestedAt === null ? NOTHING : html`
    <dl class="both-lines">${side("Its own code", recordedAt, view)}${side(
      "The target",
      requestedAt,
      view,
    )}</dl>
  `;
  return html`<p>${causeLine(cause)}${
    cause.event === null ? NOTHING : html`, at event ${cause.event}`
  }</p>${lines}`;
}

function side(title: string, site: Cause["recordedAt"], view: View): Html {
  const text = site?.text ?? null;
  return html`
    <div>
      <dt>${title} <span class="mono">${siteLine(site)}</span></dt>
      <dd>${text === null || !view.may("source")
        ? html`<span class="hint">${
          site === null ? "asks for nothing there" : "the line is not shown"
        }</span>`
        : html`<code>${text.trim()}</code>`}</dd>
    </div>
  `;
}
