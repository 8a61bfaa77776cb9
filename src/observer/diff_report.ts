/**
 * How the code of two versions differs, as a block of a page.
 *
 * @module
 */

import type { DiffReport } from "../operate/preflight.ts";
import { diffView, splitDiffView } from "./diff_view.ts";
import { hereWith } from "./here.ts";
import { type Content, type Html, html, NOTHING } from "./html.ts";
import { counted, empty, note, section, table } from "./parts/mod.ts";
import { type Given, type Parameter, switchParameter, textParameter } from "./parameters.ts";
import type { View } from "./view.ts";

type Member = DiffReport["members"][number];

/** Whether the texts stand beside each other. */
const SIDE_BY_SIDE = switchParameter("split");

/** Whether white space at the ends of lines counts for nothing. */
const NO_SPACE = switchParameter("nospace");

/** The label of one module; all of them when it is not given. */
const MEMBER = textParameter("member");

/** The parameters of a page that shows differences. */
export const DIFF_PARAMETERS: readonly Parameter[] = [SIDE_BY_SIDE, NO_SPACE, MEMBER];

/** What a page shows of differences. */
export interface DiffChoice {
  /** The label of one module; `undefined`: all of them. */
  readonly member: string | undefined;
  /** Whether white space at the ends of lines counts for nothing. */
  readonly ignoreWhitespace: boolean;
}

/**
 * What a viewer wants to see of differences.
 *
 * @param given What was given for {@linkcode DIFF_PARAMETERS}.
 */
export function diffChoice(given: Given): DiffChoice {
  return {
    member: given.one(MEMBER) ?? undefined,
    ignoreWhitespace: given.one(NO_SPACE) !== null,
  };
}

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
      ? NOTHING
      : summary(report, view)}${members.some(({ patch }) => patch !== null)
      ? switches(isOne, view)
      : NOTHING}${isAll
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

function switches(isOne: boolean, view: View): Html {
  const flip = ({ name }: Parameter, on: string, off: string) => {
    const isOn = view.query.get(name) === "1";
    return html`<a class="button" href="${hereWith(view, { [name]: isOn ? null : 1 })}">${
      isOn ? off : on
    }</a>`;
  };
  const all = isOne
    ? html`<a class="button" href="${hereWith(view, { member: null })}">All modules</a>`
    : NOTHING;
  return html`
    <p class="buttons">${all}${flip(SIDE_BY_SIDE, "Side by side", "One below the other")}${flip(
      NO_SPACE,
      "Ignore white space",
      "Show white space",
    )}</p>
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
    unchanged === 0
      ? NOTHING
      : html`<span class="hint">${counted(unchanged, "module")} the same</span>`,
  );
}

function linesCell({ added, removed }: Member): Content {
  if (added === null) return NOTHING;
  return html`<span class="plus">+${added}</span> <span class="minus">−${removed}</span>`;
}

function noteCell({ sameCode, renamedFrom, gaveUp, patch, change, ...member }: Member): Content {
  if (patch !== null && member.added === 0 && member.removed === 0) return "white space alone";
  if (renamedFrom !== null) return html`was <span class="mono">${renamedFrom}</span>`;
  if (sameCode) return "the same after types are stripped";
  if (gaveUp) return "too unlike for a patch in time";
  return patch === null && change === "changed" ? "no text" : NOTHING;
}

function memberBlock(member: Member, view: View): Html {
  const { label, patch, added, removed } = member;
  if (patch === null || added === 0 && removed === 0) return NOTHING;
  const name = html`<a class="mono" href="${
    hereWith(view, { member: label })
  }">only this module</a>`;
  return section(
    label.replace(/^\.\//, ""),
    view.query.get(SIDE_BY_SIDE.name) === "1"
      ? splitDiffView(label, patch)
      : diffView(label, patch),
    html`<span class="pieces">${linesCell(member)}${name}</span>`,
  );
}
