/**
 * `/versions/:hash`: a version: who needs it, which nodes can't load it, and what it consists of.
 *
 * @module
 */

import { type VersionDetails, type VersionUse, versionUse } from "../../operate/versions.ts";
import { type Html, html, NOTHING } from "../html.ts";
import { codeGone } from "../member_view.ts";
import {
  ago,
  copyButton,
  counted,
  empty,
  facts,
  missingNote,
  note,
  number,
  runLink,
  section,
  stateMark,
  table,
  time,
  waitsFor,
} from "../parts/mod.ts";
import { type MissingParts, readParts } from "../parts_read.ts";
import { definePage } from "../route.ts";
import { signedBy } from "../signed_by.ts";
import { versionOf } from "../source_data.ts";
import { versionPage } from "../version_page.ts";
import type { View } from "../view.ts";

interface VersionData {
  readonly version: VersionDetails;
  /** Who needs it; `null`: that was not found in time. */
  readonly use: VersionUse | null;
  readonly missing: MissingParts;
}

/** How many schedules are named. */
const MOST_SCHEDULES = 50;

/** Live runs are counted to this. */
const MOST_LIVE = 1_000;

/** The page. */
export const version = definePage<VersionData>({
  path: "/versions/:hash",
  rights: ["read"],
  live: 30,
  async load(look) {
    const hash = look.params["hash"]!;
    const { parts, missing } = await readParts({
      version: () => versionOf(look, hash),
      use: () => versionUse(look.client, hash),
    });
    const version = parts.version ?? await versionOf(look, hash);
    return { version, use: parts.use, missing };
  },
  page: (data, view) =>
    versionPage(
      data.version,
      "",
      view,
      html`${head(data, view)}${refusing(data.version, view)}${users(data, view)}${
        modules(data, view)
      }`,
    ),
});

function head({ version, use }: VersionData, view: View): Html {
  const {
    hash,
    workflow,
    label,
    state,
    registeredAt,
    lastStart,
    archived,
    bytes,
    specifiers,
    nodes,
  } = version;
  const { denied, from, unavailable, schedules } = version;
  return html`
    ${denied === null ? NOTHING : note(
      "bad",
      html`
        <p class="strong">Denied${denied.by === null ? NOTHING : ` by ${denied.by}`}, ${ago(
          view,
          denied.at,
        )}</p>
        <p>${denied.reason}</p>
      `,
    )}${unavailable === null ? NOTHING : codeGone(version)}
    <div
      class="card run-head"><p class="run-state"><span class="big">${stateMark(
        state,
      )}</span></p>${facts([
        ["Workflow", html`<a href="${view.to(["runs"], { workflow })}">${workflow}</a>`],
        ["Label", label],
        [
          "Live runs",
          html`<a href="${view.to(["runs"], { version: hash, state: "live" })}">${
            use === null ? "not counted in time" : number(use.live, MOST_LIVE)
          }</a>`,
        ],
        ["Schedules", schedules === 0 ? null : schedules],
        ["Last start", lastStart === null ? "never" : ago(view, lastStart)],
        ["Registered", time(view, registeredAt)],
        [
          "Nodes",
          nodes.refusing.length === 0
            ? `${nodes.alive} alive`
            : `${nodes.alive} alive, ${nodes.refusing.length} refuse it`,
        ],
        ["Bytes", `${(bytes / 1024).toLocaleString("en", { maximumFractionDigits: 1 })} kB`],
        ["Archived", archived ? "yes" : "no"],
        ["Signed by", signedBy(version.signatures)],
        ["Read from", from === null ? null : `the ${from === "url" ? "URL" : "archive"}, verified`],
      ])}<p class="proof"><span>SHA-256 of the manifest <code id="hash">${hash}</code></span> ${copyButton(
        "hash",
      )}</p>${specifiers
          .length === 0
        ? NOTHING
        : html`<ul class="specifiers">${
          specifiers.map((each) => html`<li class="mono">${each}</li>`)
        }</ul>`}</div>
  `;
}

function refusing({ nodes: { refusing, alive } }: VersionDetails, view: View): Html {
  if (refusing.length === 0) return NOTHING;
  const isAll = refusing.length >= alive;
  return section(
    "Nodes that can't load it",
    html`${
      isAll ? note("bad", html`<p class="strong">No node can load this version</p>`) : NOTHING
    }${
      table<(typeof refusing)[number]>("Nodes that can't load it", [
        {
          title: "Node",
          head: true,
          cell: ({ node }) => html`<a class="id" href="${view.to(["nodes"])}">${node}</a>`,
        },
        { title: "Code", cell: ({ reason }) => html`<code>${reason.code}</code>` },
        { title: "Why", wide: true, cell: ({ reason }) => reason.message },
      ], refusing)
    }`,
  );
}

function users({ use, missing, version: { workflow } }: VersionData, view: View): Html {
  if (use === null) return section("Used by", missingNote(missing.use!));
  const { oldest, live, schedules, hash } = use;
  const all = html`<a href="${view.to(["runs"], { version: hash, state: "live" })}">all ${
    counted(live, "live run", "live runs", MOST_LIVE)
  }</a>`;
  const unnamed = schedules.length - MOST_SCHEDULES;
  const planned = schedules.length === 0
    ? NOTHING
    : html`<p>Schedules: ${
      schedules.slice(0, MOST_SCHEDULES).map((id, index) => [
        index === 0 ? null : ", ",
        html`<a class="id" href="${view.to(["schedules", id])}">${id}</a>`,
      ])
    }${
      unnamed <= 0
        ? NOTHING
        : html`, <a href="${view.to(["schedules"], { workflow })}">and ${number(unnamed)} more</a>`
    }</p>`;
  if (live === 0 && schedules.length === 0) {
    return section(
      "Used by",
      empty(
        "Nothing needs it now",
        html`No live run and no schedule of this namespace is on it.
          <a href="${view.to(["runs"], { version: hash, state: "any" })}">Runs that were on it</a>`,
      ),
    );
  }
  return section(
    "Used by",
    html`${
      oldest.length === 0 ? NOTHING : table<VersionUse["oldest"][number]>("The oldest live runs", [
        { title: "Oldest live runs", head: true, cell: ({ id }) => runLink(view, id) },
        { title: "State", cell: ({ state }) => stateMark(state) },
        { title: "Waits for", wide: true, cell: (run) => waitsFor(view, run) },
        { title: "Created", cell: ({ createdAt }) => ago(view, createdAt) },
      ], oldest)
    }${planned}`,
    live === 0 ? null : all,
  );
}

function modules({ version }: VersionData, view: View): Html {
  const { members, packages, entry, hash } = version;
  if (members.length === 0) return NOTHING;
  const name = (label: string) => {
    const shown = html`<span class="mono">${label.replace(/^\.\//, "")}</span>`;
    return view.may("source")
      ? html`<a href="${view.to(["versions", hash, "source"], { member: label })}">${shown}</a>`
      : shown;
  };
  return html`${
    section(
      "Manifest",
      table<(typeof members)[number]>("Modules", [
        {
          title: "Module",
          head: true,
          cell: ({ label }) =>
            html`${name(label)}${
              label === entry ? [" ", html`<span class="chip">root</span>`] : NOTHING
            }`,
        },
        { title: "Read as", cell: ({ media }) => media },
        { title: "Bytes", number: true, cell: ({ bytes }) => bytes.toLocaleString("en") },
        {
          title: "SHA-256",
          wide: true,
          cell: ({ sha256 }) => html`<code class="inline">${sha256}</code>`,
        },
      ], members),
      html`<span class="hint">${counted(members.length, "module")}</span>`,
    )
  }${
    packages.length === 0 ? NOTHING : section(
      "Packages",
      html`<ul class="attributes">${
        packages.map((each) => html`<li class="chip mono">${each}</li>`)
      }</ul>`,
    )
  }`;
}
