/**
 * How the code of two versions differs, as a block of a page.
 *
 * @module
 */

import type { DiffReport } from "../operate/preflight.ts";
import { diffView } from "./diff_view.ts";
import { hereWith } from "./here.ts";
import { type Content, type Html, html, NOTHING } from "./html.ts";
import { counted, empty, note, section, table } from "./parts/mod.ts";
import type { View } from "./view.ts";

type Member = DiffReport["members"][number];

/** More changed lines than these are shown module by module. */
const MOST_LINES = 5_000;

/**
 * Shows a report.
 *
 * @param report The report.
 * @param view Links: `member` of the query chooses one module.
 */
export function diffReport(report: DiffReport, view: View): Html {
  const { same, sameCode, members, unchanged, packages, settings } = report;
  if (same) {
    return empty(
      "The same version",
      html`Both are one hash: every byte is the same.
        <a href="${view.to(["versions"])}">Choose another version</a>`,
    );
  }
  const total = members.reduce((sum, { added, removed }) => sum + (added ?? 0) + (removed ?? 0), 0);
  const isOne = view.query.get("member") !== null;
  const isAll = isOne || total <= MOST_LINES;
  return html`
    ${sameCode
      ? note(
        "good",
        html`
          <p class="strong">The same after types are stripped</p>
          <p>Types, comments and layout alone differ: the code that runs is the same.</p>
        `,
      )
      : NOTHING}${isOne
      ? html`<p class="buttons"><a class="button" href="${
        hereWith(view, { member: null })
      }">All modules</a></p>`
      : summary(report, view)}${isAll
      ? NOTHING
      : note("live", html`<p>${counted(total, "line")} differ: choose a module.</p>`)}${isAll
      ? members.map((member) => memberBlock(member, view))
      : NOTHING}${packages.length === 0 ? NOTHING : section(
        "Packages",
        table<DiffReport["packages"][number]>("Packages that differ", [
          {
            title: "Package",
            head: true,
            cell: ({ name }) => html`<span class="mono">${name}</span>`,
          },
          { title: "Before", cell: ({ before }) => before.join(", ") || "none" },
          { title: "After", cell: ({ after }) => after.join(", ") || "none" },
          {
            title: "Note",
            wide: true,
            cell: ({ otherContent }) =>
              otherContent ? "other content under the same version" : NOTHING,
          },
        ], packages),
      )}${settings.length === 0 ? NOTHING : section(
        "What else the hash covers",
        table<DiffReport["settings"][number]>("Settings that differ", [
          { title: "Kind", cell: ({ kind }) => kind },
          {
            title: "Name",
            head: true,
            cell: ({ name }) => html`<span class="mono">${name}</span>`,
          },
          { title: "Before", cell: ({ before }) => before ?? "none" },
          { title: "After", cell: ({ after }) => after ?? "none" },
        ], settings),
      )}${members.length === 0 && unchanged > 0
      ? html`<p class="hint">${counted(unchanged, "module")} are the same.</p>`
      : NOTHING}
  `;
}

const CHANGES: Readonly<Record<Member["change"], string>> = {
  added: "good",
  removed: "bad",
  renamed: "live",
  changed: "warn",
};

function summary({ members, unchanged }: DiffReport, view: View): Html {
  if (members.length === 0) return NOTHING;
  return section(
    "Modules",
    table<Member>("Modules that differ", [
      {
        title: "Module",
        head: true,
        cell: ({ label }) =>
          html`<a class="mono" href="${hereWith(view, { member: label })}">${
            label.replace(/^\.\//, "")
          }</a>`,
      },
      {
        title: "Change",
        cell: ({ change }) => html`<span class="chip ${CHANGES[change]}">${change}</span>`,
      },
      { title: "Lines", number: true, cell: linesCell },
      { title: "Note", wide: true, cell: noteCell },
    ], members),
    html`<span class="hint">${counted(unchanged, "module")} the same</span>`,
  );
}

function linesCell({ added, removed }: Member): Content {
  if (added === null) return NOTHING;
  return html`<span class="plus">+${added}</span> <span class="minus">−${removed}</span>`;
}

function noteCell({ sameCode, renamedFrom, gaveUp, patch, change }: Member): Content {
  if (renamedFrom !== null) return html`was <span class="mono">${renamedFrom}</span>`;
  if (sameCode) return "the same after types are stripped";
  if (gaveUp) return "too unlike for a patch in time";
  return patch === null && change === "changed" ? "no text" : NOTHING;
}

function memberBlock(member: Member, view: View): Html {
  const { label, patch } = member;
  if (patch === null) return NOTHING;
  const name = html`<a class="mono" href="${
    hereWith(view, { member: label })
  }">only this module</a>`;
  return section(
    label.replace(/^\.\//, ""),
    diffView(label, patch),
    html`<span class="pieces">${linesCell(member)}${name}</span>`,
  );
}
