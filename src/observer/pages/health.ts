/**
 * `/health`: what an operator should look at, and what can be repaired.
 *
 * @module
 */

import { type HealthReport, healthReport } from "../../operate/health.ts";
import { findingNote, messageOf } from "../finding_note.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { ago, counted, empty, note, section, stateMark } from "../parts/mod.ts";
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
  return section(
    counted(open.length, "finding"),
    open.map((finding) => findingNote(finding, view)),
    all,
  );
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
          <p>${messageOf(message)}</p>
          <p class="hint">known to ${acknowledged!.by}, ${ago(
            view,
            acknowledged!.at,
          )}${acknowledged!.reason === null ? NOTHING : `: ${acknowledged!.reason}`}</p>
        `,
      )
    ),
  );
}
