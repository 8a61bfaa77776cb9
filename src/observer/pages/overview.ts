/**
 * `/`: what needs a look, and how much there is.
 *
 * @module
 */

import {
  type Finding,
  type HealthReport,
  healthReport,
  listNodes,
  listQueues,
  type NodeLine,
  type QueueLine,
} from "../../operate/health.ts";
import { countRuns, listRuns, runError } from "../../operate/runs.ts";
import { findingNote } from "../finding_note.ts";
import { failureLine } from "../failure.ts";
import { listOperations, type OperationLine } from "../../operate/operations.ts";
import { firstSteps } from "../first_steps.ts";
import { operationTable } from "../operation_table.ts";
import type { Json } from "../../operate/plain.ts";
import type { RunLine, StateWord } from "../../operate/run_lines.ts";
import { listVersions, type VersionLine } from "../../operate/versions.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  counted,
  empty,
  missingNote,
  MOST_COUNTED,
  number,
  runLink,
  section,
  stateMark,
  table,
  versionLink,
  waitsFor,
} from "../parts/mod.ts";
import { type Missing, type MissingParts, readParts } from "../parts_read.ts";
import { definePage, type Look } from "../route.ts";
import type { View } from "../view.ts";
import { noNode } from "./fleet.ts";

/** States that are counted, in the order of their tiles. */
const COUNTED = [
  "running",
  "suspended",
  "pending",
  "parked",
  "failed",
] as const satisfies readonly StateWord[];

/** What the page shows; a part that was not read in time is `null` (PART-1). */
interface Overview {
  /** By state: how many runs; 1,000: this many or more. */
  readonly counts: readonly { readonly state: string; readonly count: number | null }[];
  /** Parked and failed runs, the latest trouble first. */
  readonly troubles: readonly Trouble[] | null;
  /** What concerns the whole database; `null`: the viewer may not see it. */
  readonly fleet: Fleet | null;
  /** Why parts are missing, by their names; a count has the name of its state. */
  readonly missing: MissingParts;
}

/** A run in trouble. `error`: with what it failed; `null`: it is parked, or was removed meanwhile. */
type Trouble = RunLine & { readonly error: Json };

interface Fleet {
  readonly status: string | null;
  readonly findings: readonly Finding[] | null;
  readonly nodes: readonly NodeLine[] | null;
  readonly queues: readonly QueueLine[] | null;
  /** Versions that runs need and that no node loads. */
  readonly versions: readonly VersionLine[] | null;
  /** What operators did last. */
  readonly operations: readonly OperationLine[] | null;
}

/** The page. */
export const overview = definePage<Overview>({
  path: "/",
  rights: ["read"],
  live: 10,
  remembers: true,
  load: overviewOf,
  page: (data, view) => ({
    title: "Overview",
    aside: data.fleet === null || data.fleet.status === null
      ? NOTHING
      : html`<span class="big">${stateMark(data.fleet.status)}</span>`,
    body: html`
      ${tiles(data, view)}
      ${data.fleet === null ? NOTHING : findings(data.fleet, data.missing, view)}
      ${troubles(data, view)}
      ${data.fleet === null ? NOTHING : fleet(data.fleet, data.missing, view)}
    `,
  }),
});

async function overviewOf({ client, mayEverywhere }: Look): Promise<Overview> {
  const counting = Object.fromEntries(
    COUNTED.map((state) => [state, () => countRuns(client, { states: [state] }, MOST_COUNTED)]),
  );
  const reading = {
    troubles: () => troublesOf(client),
  };
  const { parts, missing } = await readParts<Counts & OwnParts & Partial<FleetParts>>({
    ...counting,
    ...reading,
    ...(mayEverywhere ? fleetReads(client) : {}),
  });
  const { health = null, nodes = null, queues = null, versions = null, operations = null } = parts;
  return {
    counts: COUNTED.map((state) => ({ state, count: parts[state] ?? null })),
    troubles: parts.troubles,
    fleet: mayEverywhere
      ? {
        status: health?.status ?? null,
        findings: health?.findings ?? null,
        ...{ nodes, queues, versions, operations },
      }
      : null,
    missing,
  };
}

async function troublesOf(client: Look["client"]): Promise<Trouble[]> {
  const { runs } = await listRuns(client, { states: ["parked", "failed"] }, { limit: 8 });
  return await Promise.all(runs.map(async (run) => ({
    ...run,
    error: run.state === "failed" ? await runError(client, run.id) : null,
  })));
}

type Counts = { readonly [State in typeof COUNTED[number]]?: number };

interface OwnParts {
  readonly troubles: readonly Trouble[];
}

interface FleetParts {
  readonly health: HealthReport;
  readonly nodes: readonly NodeLine[];
  readonly queues: readonly QueueLine[];
  readonly versions: readonly VersionLine[];
  readonly operations: readonly OperationLine[];
}

function fleetReads(client: Look["client"]) {
  return {
    health: () => healthReport(client),
    nodes: () => listNodes(client),
    queues: () => listQueues(client),
    versions: async () => (await listVersions(client, { state: "missing", limit: 10 })).versions,
    operations: async () => (await listOperations(client, {}, { limit: 5 })).operations,
  };
}

function tiles({ counts }: Overview, view: View): Html {
  return html`
    <div class="tiles">${counts.map(({ state, count }) =>
      html`
        <a class="tile${count === 0 ? " zero" : ""}" href="${view.to(["runs"], { state })}">
          ${count === null
            ? html`
              <span class="figure late"
                title="not counted in time">?<span class="unseen">not counted in time</span></span>
            `
            : html`<span class="figure">${number(count, MOST_COUNTED)}</span>`}${stateMark(
              state,
            )}</a>
      `
    )}</div>
  `;
}

function findings({ findings: found }: Fleet, missing: MissingParts, view: View): Html {
  if (found === null) return section("What needs a look", missingNote(missing.health!));
  const open = found.filter(({ acknowledged }) => acknowledged === null);
  if (open.length === 0) return NOTHING;
  const sorted = [...open].sort((a, b) => Number(b.severe) - Number(a.severe));
  return section(
    "What needs a look",
    sorted.map((finding) => findingNote(finding, view)),
    html`<a href="${view.to(["health"])}">All findings</a>`,
  );
}

function troubles({ troubles, counts, missing }: Overview, view: View): Html {
  if (troubles === null) return section("Newest trouble", missingNote(missing.troubles!));
  if (troubles.length === 0) {
    const isEmpty = counts.every(({ count }) => count === 0);
    return isEmpty ? empty("Nothing runs yet", firstSteps(view)) : section(
      "Trouble",
      empty(
        "No run is parked or has failed",
        html`<a href="${view.to(["runs"])}">Look at the live runs</a>`,
      ),
    );
  }
  const all = html`<a href="${view.to(["runs"], { state: ["parked", "failed"] })}">All of them</a>`;
  return section(
    "Newest trouble",
    table("Parked and failed runs, the latest trouble first", [
      { title: "Run", head: true, cell: ({ id }) => runLink(view, id) },
      { title: "Workflow", cell: ({ workflow }) => workflow },
      { title: "Version", cell: ({ version, current }) => versionLink(view, version, current) },
      { title: "State", cell: ({ state }) => stateMark(state) },
      {
        title: "Why",
        wide: true,
        cell: (run) => run.state === "failed" ? failureLine(run.error) : waitsFor(view, run),
      },
      { title: "Since", cell: ({ troubleAt }) => ago(view, troubleAt) },
    ], troubles),
    all,
  );
}

function fleet(
  { nodes, queues, versions, operations }: Fleet,
  missing: MissingParts,
  view: View,
): Html {
  return html`
    <div class="columns">
      ${section("Nodes", nodes === null ? missingNote(missing.nodes!) : nodesOf(nodes, view))}
      ${part("Queues", queues, missing.queues, (shown) => queuesOf(shown, view))}
      ${part(
        "Versions that no node loads",
        versions,
        missing.versions,
        (shown) => versionsOf(shown, view),
      )}
    </div>
    ${part(
      "What operators did last",
      operations,
      missing.operations,
      (shown) => operationTable(shown, view, false),
      html`<a href="${view.to(["audit"])}">All of it</a>`,
    )}
  `;
}

/** A list that is left out if it is empty. */
function part<Line>(
  title: string,
  lines: readonly Line[] | null,
  missing: Missing | undefined,
  shown: (lines: readonly Line[]) => Html,
  aside: Content = null,
): Html {
  if (lines === null) return section(title, missingNote(missing!));
  return lines.length === 0 ? NOTHING : section(title, shown(lines), aside);
}

function nodesOf(nodes: readonly NodeLine[], view: View): Html {
  if (nodes.length === 0) return noNode();
  return table("Nodes that are alive", [
    { title: "Node", head: true, cell: ({ name }) => name },
    { title: "Since", cell: ({ startedAt }) => ago(view, startedAt) },
    { title: "Tasks", number: true, cell: ({ tasks }) => tasks },
    {
      title: "Can't load",
      number: true,
      cell: ({ cannotLoad }) =>
        cannotLoad.length === 0 ? "–" : counted(cannotLoad.length, "version"),
    },
  ], nodes.slice(0, 8));
}

function queuesOf(queues: readonly QueueLine[], view: View): Html {
  return table("Queues of activities", [
    { title: "Queue", head: true, cell: ({ name }) => name },
    { title: "Ready", number: true, cell: ({ ready }) => number(ready, MOST_COUNTED) },
    { title: "Oldest", cell: ({ oldest }) => oldest === null ? "–" : ago(view, oldest) },
    { title: "Executing", number: true, cell: ({ executing }) => number(executing) },
    { title: "Nodes", number: true, cell: ({ nodes }) => nodes.length },
  ], queues.slice(0, 8));
}

function versionsOf(versions: readonly VersionLine[], view: View): Html {
  return table("Versions that runs need and that no node loads", [
    {
      title: "Version",
      head: true,
      cell: (version) => versionLink(view, version, version.current),
    },
    { title: "Workflow", cell: ({ workflow }) => workflow },
    { title: "Live runs", number: true, cell: ({ live }) => number(live, MOST_COUNTED) },
    { title: "Oldest", cell: ({ oldestLive }) => ago(view, oldestLive) },
  ], versions);
}
