/**
 * `/versions/:hash/patches`: the calls of `patched` in a workflow's versions, and which live runs
 * still need the branch before each.
 *
 * @module
 */

import { patchesOf, type PatchesReport } from "../../operate/patches.ts";
import type { VersionDetails } from "../../operate/versions.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import { ago, counted, empty, note, runLink, section, table } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import { versionOf } from "../source_data.ts";
import { linePlace } from "../source_view.ts";
import { versionPage } from "../version_page.ts";
import type { View } from "../view.ts";

/** How many live runs are examined. */
const MOST_EXAMINED = 2_000;

/** How long a report is shown before it is made anew, in milliseconds. */
const FRESH_MS = 30_000;

type Patch = PatchesReport["patches"][number];
type Site = Patch["sites"][number];

interface PatchesData {
  readonly version: VersionDetails;
  readonly report: PatchesReport;
}

/** The page. */
export const versionPatches = definePage<PatchesData>({
  path: "/versions/:hash/patches",
  rights: ["read", "source"],
  everywhere: true,
  async load(look) {
    const version = await versionOf(look, look.params["hash"]!);
    const { client, heavy, kept } = look;
    const time = Math.floor(Date.now() / FRESH_MS);
    const report = await kept(
      ["patches", version.hash, time],
      () => heavy(() => patchesOf(client, version.hash, { limit: MOST_EXAMINED })),
    );
    return { version, report };
  },
  page: ({ version, report }, view) => versionPage(version, "patches", view, bodyOf(report, view)),
});

function bodyOf(report: PatchesReport, view: View): Html {
  const { patches, runs, more, versions, unread, computed, workflow } = report;
  const searched = `${counted(versions.length, "version")} and ${
    counted(runs, "live run")
  } of ${workflow}`;
  return html`
    ${more
      ? note(
        "warn",
        html`<p>Not all live runs or versions were examined, so no old branch may go.</p>`,
      )
      : NOTHING}${unread.map(({ version, message }) =>
        note("warn", html`<p><code>${version.slice(0, 7)}</code> was not searched: ${message}</p>`)
      )}${patches.length === 0
      ? empty(
        "No patch",
        html`No version of the workflow calls <code>ctx.patched</code> with a constant name: ${searched}.
          It lets new code keep an old branch for runs that are past it.`,
      )
      : section(
        "Patches",
        patchTable(patches, view),
        html`<span class="hint">${searched}</span>`,
      )}${computed.length === 0 ? NOTHING : section(
        "Names that are computed",
        html`<ul class="specifiers">${
          computed.map((site) => html`<li>${siteLink(site, view)}</li>`)
        }</ul>`,
      )}
  `;
}

function patchTable(patches: readonly Patch[], view: View): Html {
  const run = (found: Patch["oldest"]): Content =>
    found === null ? NOTHING : [runLink(view, found.id), ", ", ago(view, found.createdAt)];
  return table<Patch>("Patches", [
    { title: "Patch", head: true, cell: ({ name }) => html`<span class="mono">${name}</span>` },
    {
      title: "Old branch",
      cell: ({ mayGo }) =>
        html`<span class="chip ${mayGo ? "good" : "warn"}">${mayGo ? "may go" : "stays"}</span>`,
    },
    { title: "On it, or may be", number: true, cell: ({ old }) => old.toLocaleString("en") },
    {
      title: "On code without it",
      number: true,
      cell: ({ elsewhere }) => elsewhere.toLocaleString("en"),
    },
    {
      title: "On the new one",
      number: true,
      cell: ({ taken, ahead }) => (taken + ahead).toLocaleString("en"),
    },
    { title: "Last run that needs it", cell: ({ newest }) => run(newest) },
    {
      title: "Lines",
      wide: true,
      cell: ({ sites }) => sites.slice(0, 5).map((site) => siteLink(site, view)),
    },
  ], patches);
}

function siteLink({ version, member, line, text, current }: Site, view: View): Html {
  const to = view.to(["versions", version, "source"], { member }, linePlace(member, line));
  return html`
    <span
      class="site"><a class="mono" href="${to}" title="${text.trim()}">${linePlace(
        member,
        line,
      )}</a> of <code>${version.slice(0, 7)}</code>${current
        ? [" ", html`<span class="chip good">current</span>`]
        : NOTHING}</span>
  `;
}
