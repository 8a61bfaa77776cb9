/**
 * `/health`: what an operator should look at, and what can be repaired.
 *
 * @module
 */

import { type Finding, type HealthReport, healthReport } from "../../operate/health.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { ago, counted, empty, note, runLink, section, stateMark } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** The page. */
export const health = definePage<HealthReport>({
  path: "/health",
  rights: ["read"],
  everywhere: true,
  live: 10,
  load: ({ client }) => healthReport(client),
  facts: ({ at: _, ...report }) => report as never,
  page: (report, view) => ({
    title: "Health",
    aside: html`<span class="big">${stateMark(report.status)}</span>`,
    body: html`${findings(report, view)}${known(report, view)}`,
  }),
});

function findings({ findings }: HealthReport, view: View): Html {
  const open = findings.filter(({ acknowledged }) => acknowledged === null)
    .sort((a, b) => Number(b.severe) - Number(a.severe));
  if (open.length === 0) {
    return empty(
      "Nothing needs a look",
      html`What does appears here by itself. <a href="${
        view.to(["runs"])
      }">Look at the live runs</a>`,
    );
  }
  const canRepair = view.may("repair") && open.some(({ repair }) => repair !== null);
  const all = canRepair
    ? html`<a class="button" href="${view.to(["repair"])}">Repair what can be</a>`
    : null;
  return section(counted(open.length, "finding"), open.map((finding) => block(finding, view)), all);
}

function block(finding: Finding, view: View): Html {
  const { severe, message, code, details, repair } = finding;
  const runs = Array.isArray(details.runs) ? details.runs.slice(0, 20) : [];
  const action = repair === null || !view.may("repair")
    ? NOTHING
    : html`<a class="button" href="${view.to(["repair"], { code })}">Repair…</a>`;
  return note(
    severe ? "bad" : "warn",
    html`
      <p class="strong">${typeof message === "string"
        ? message
        : "Activities fail and are tried again."}</p>
      <p class="hint"><code>${code}</code></p>
      ${runs.length === 0
        ? NOTHING
        : html`<ul class="attributes">${runs.map((run) => runOf(run, view))}</ul>`}
      ${action}
    `,
  );
}

/** Findings name runs by their ids, or by objects that hold them. */
function runOf(run: unknown, view: View): Html {
  const id = typeof run === "string" ? run : (run as { readonly id?: unknown } | null)?.id;
  return typeof id === "string" ? html`<li>${runLink(view, id)}</li>` : NOTHING;
}

function known({ findings }: HealthReport, view: View): Html {
  const known = findings.filter(({ acknowledged }) => acknowledged !== null);
  if (known.length === 0) return NOTHING;
  return section(
    "Known",
    known.map(({ message, acknowledged }) =>
      note(
        "live",
        html`
          <p>${typeof message === "string" ? message : "Activities fail and are tried again."}</p>
          <p class="hint">known to ${acknowledged!.by}, ${ago(
            view,
            acknowledged!.at,
          )}${acknowledged!.reason === null ? NOTHING : `: ${acknowledged!.reason}`}</p>
        `,
      )
    ),
  );
}
