/**
 * `/`: what needs a look, and how much there is.
 *
 * @module
 */

import { type Finding, healthReport, listNodes, listQueues } from "../../operate/health.ts";
import type { NodeLine, QueueLine } from "../../operate/health.ts";
import { countRuns, listRuns } from "../../operate/runs.ts";
import { listOperations, type OperationLine } from "../../operate/operations.ts";
import { operationTable } from "../operation_table.ts";
import type { RunLine, StateWord } from "../../operate/run_lines.ts";
import { listVersions, type VersionLine } from "../../operate/versions.ts";
import { type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  counted,
  empty,
  MOST_COUNTED,
  note,
  number,
  runLink,
  section,
  stateMark,
  table,
  versionLink,
  waitsFor,
} from "../parts/mod.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** States that are counted, in the order of their tiles. */
const COUNTED: readonly StateWord[] = ["running", "suspended", "pending", "parked", "failed"];

/** What the page shows. */
interface Overview {
  /** By state: how many runs; 1,000: this many or more. */
  readonly counts: readonly { readonly state: string; readonly count: number }[];
  /** Parked and failed runs, the latest trouble first. */
  readonly troubles: readonly RunLine[];
  /** What concerns the whole database; `null`: the viewer may not see it. */
  readonly fleet: Fleet | null;
}

interface Fleet {
  readonly status: string;
  readonly findings: readonly Finding[];
  readonly nodes: readonly NodeLine[];
  readonly queues: readonly QueueLine[];
  /** Versions that runs need and that no node loads. */
  readonly missing: readonly VersionLine[];
  /** What operators did last. */
  readonly operations: readonly OperationLine[];
}

/** The page. */
export const overview = definePage<Overview>({
  path: "/",
  rights: ["read"],
  live: 10,
  async load({ client, mayEverywhere }) {
    const [counts, { runs: troubles }, fleet] = await Promise.all([
      Promise.all(COUNTED.map(async (state) => ({
        state,
        count: await countRuns(client, { states: [state] }, MOST_COUNTED),
      }))),
      listRuns(client, { states: ["parked", "failed"] }, { limit: 8 }),
      mayEverywhere ? fleetOf(client) : null,
    ]);
    return { counts, troubles, fleet };
  },
  page: (data, view) => ({
    title: "Overview",
    aside: data.fleet === null
      ? NOTHING
      : html`<span class="big">${stateMark(data.fleet.status)}</span>`,
    body: html`
      ${tiles(data, view)}
      ${data.fleet === null ? NOTHING : findings(data.fleet.findings)}
      ${troubles(data, view)}
      ${data.fleet === null ? NOTHING : fleet(data.fleet, view)}
    `,
  }),
});

async function fleetOf(client: Parameters<typeof healthReport>[0]): Promise<Fleet> {
  const [{ status, findings }, nodes, queues, { versions: missing }, { operations }] = await Promise
    .all([
      healthReport(client),
      listNodes(client),
      listQueues(client),
      listVersions(client, { state: "missing", limit: 10 }),
      listOperations(client, {}, { limit: 5 }),
    ]);
  return { status, findings, nodes, queues, missing, operations };
}

function tiles({ counts }: Overview, view: View): Html {
  return html`
    <div class="tiles">${counts.map(({ state, count }) =>
      html`
        <a class="tile${count === 0 ? " zero" : ""}" href="${view.to(["runs"], { state })}">
          <span class="figure">${number(count, MOST_COUNTED)}</span>${stateMark(state)}</a>
      `
    )}</div>
  `;
}

function findings(found: readonly Finding[]): Html {
  const open = found.filter(({ acknowledged }) => acknowledged === null);
  if (open.length === 0) return NOTHING;
  const sorted = [...open].sort((a, b) => Number(b.severe) - Number(a.severe));
  return section(
    "What needs a look",
    sorted.map(({ severe, message, code }) =>
      note(
        severe ? "bad" : "warn",
        html`
          <p>${messageOf(message)}</p>
          <p class="hint"><code>${code}</code></p>
        `,
      )
    ),
  );
}

/** A message that quotes a failure may be withheld. */
function messageOf(message: unknown): string {
  return typeof message === "string" ? message : "Activities fail and are tried again.";
}

function troubles({ troubles, counts }: Overview, view: View): Html {
  if (troubles.length === 0) {
    const isEmpty = counts.every(({ count }) => count === 0);
    return isEmpty ? first() : section("Trouble", empty("No run is parked or has failed."));
  }
  const all = html`<a href="${view.to(["runs"], { state: ["parked", "failed"] })}">All of them</a>`;
  return section(
    "Newest trouble",
    table("Parked and failed runs, the latest trouble first", [
      { title: "Run", head: true, cell: ({ id }) => runLink(view, id) },
      { title: "Workflow", cell: ({ workflow }) => workflow },
      { title: "Version", cell: ({ version, current }) => versionLink(view, version, current) },
      { title: "State", cell: ({ state }) => stateMark(state) },
      { title: "Why", wide: true, cell: (run) => waitsFor(view, run) },
      { title: "Since", cell: ({ troubleAt }) => ago(view, troubleAt) },
    ], troubles),
    all,
  );
}

function first(): Html {
  return empty(
    "Nothing runs yet",
    html`Start a worker and a first run: <code>continuum worker ./workflows/*.ts</code>, then
      <code>continuum start NAME</code>`,
  );
}

function fleet({ nodes, queues, missing, operations }: Fleet, view: View): Html {
  return html`
    <div class="columns">
      ${section(
        "Nodes",
        nodes.length === 0
          ? empty("No node is alive", "Runs wait until a worker opens.")
          : table("Nodes that are alive", [
            { title: "Node", head: true, cell: ({ name }) => name },
            { title: "Since", cell: ({ startedAt }) => ago(view, startedAt) },
            { title: "Tasks", number: true, cell: ({ tasks }) => tasks },
            {
              title: "Can't load",
              number: true,
              cell: ({ cannotLoad }) =>
                cannotLoad.length === 0 ? "–" : counted(cannotLoad.length, "version"),
            },
          ], nodes.slice(0, 8)),
      )}
      ${queues.length === 0 ? NOTHING : section(
        "Queues",
        table("Queues of activities", [
          { title: "Queue", head: true, cell: ({ name }) => name },
          { title: "Ready", number: true, cell: ({ ready }) => number(ready, MOST_COUNTED) },
          { title: "Oldest", cell: ({ oldest }) => oldest === null ? "–" : ago(view, oldest) },
          { title: "Executing", number: true, cell: ({ executing }) => number(executing) },
          { title: "Nodes", number: true, cell: ({ nodes }) => nodes.length },
        ], queues.slice(0, 8)),
      )}
      ${missing.length === 0 ? NOTHING : section(
        "Versions that no node loads",
        table("Versions that runs need and that no node loads", [
          {
            title: "Version",
            head: true,
            cell: (version) => versionLink(view, version, version.current),
          },
          { title: "Workflow", cell: ({ workflow }) => workflow },
          { title: "Live runs", number: true, cell: ({ live }) => number(live, MOST_COUNTED) },
          { title: "Oldest", cell: ({ oldestLive }) => ago(view, oldestLive) },
        ], missing),
      )}
    </div>
    ${operations.length === 0 ? NOTHING : section(
      "What operators did last",
      operationTable(operations, view),
      html`<a href="${view.to(["audit"])}">All of it</a>`,
    )}
  `;
}
