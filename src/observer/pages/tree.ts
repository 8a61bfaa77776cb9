/**
 * `/runs/:id/tree`: the runs above a run, its children and its forks, and its generations.
 *
 * @module
 */

import { type RunDetails, runGenerations, showRun } from "../../operate/runs.ts";
import {
  MOST_COUNTED,
  type RunTree,
  runTree,
  type TreeBranch,
  type TreeRun,
} from "../../operate/tree.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  counted,
  empty,
  missingNote,
  number,
  runLink,
  section,
  stateMark,
  table,
  versionLink,
} from "../parts/mod.ts";
import { type MissingParts, readParts } from "../parts_read.ts";
import { definePage } from "../route.ts";
import { runPage } from "../run_page.ts";
import type { Generation } from "../traces.ts";
import type { View } from "../view.ts";

/** How many children and forks of each run are shown. */
const PAGE = 50;

/** How many generations are shown, the latest. */
const GENERATIONS = 20;

interface TreeData {
  readonly run: RunDetails;
  readonly tree: RunTree | null;
  readonly generations: readonly Generation[] | null;
  /** Why parts are missing. */
  readonly missing: MissingParts;
}

/** The page. */
export const tree = definePage<TreeData>({
  path: "/runs/:id/tree",
  rights: ["read"],
  live: 5,
  async load({ client, params }) {
    const id = params["id"]!;
    const run = await showRun(client, id);
    const from = Math.max(0, run.generation - GENERATIONS + 1);
    const { parts, missing } = await readParts({
      tree: () => runTree(client, id, { limit: PAGE }),
      generations: async () =>
        run.generation === 0 ? [] : await runGenerations(client, id, { from, limit: GENERATIONS }),
    });
    return { run, ...parts, missing };
  },
  page: (data, view) =>
    runPage(
      data.run,
      "tree",
      view,
      html`${
        data.tree === null
          ? section("Where it stands", missingNote(data.missing.tree!))
          : html`${groups(data.tree, view)}${relatives(data.tree, view)}`
      }${generationsOf(data, view)}`,
    ),
});

/** All runs below a branch, itself left out. */
function* below({ children, forks }: TreeBranch): Iterable<TreeBranch> {
  for (const branch of [...children, ...forks]) {
    yield branch;
    yield* below(branch);
  }
}

function groups({ run }: RunTree, view: View): Html {
  const runs = [...below(run)];
  if (runs.length < PAGE / 2) return NOTHING;
  const found = [...Map.groupBy(runs, ({ workflow, state }) => `${state} ${workflow}`).values()]
    .sort((a, b) => b.length - a.length);
  return section(
    "By workflow and state",
    table<readonly TreeBranch[]>("Runs below, by workflow and state", [
      {
        title: "Workflow",
        head: true,
        cell: ([first]) =>
          html`<a href="${view.to(["runs"], { workflow: first!.workflow })}">${
            first!.workflow
          }</a>`,
      },
      { title: "State", cell: ([first]) => stateMark(first!.state) },
      { title: "Runs", number: true, cell: (group) => number(group.length) },
    ], found),
    html`<span class="hint">${counted(runs.length, "run")} shown below</span>`,
  );
}

function relatives({ above, run }: RunTree, view: View): Html {
  if (above.length === 0 && run.childCount === 0 && run.forkCount === 0 && run.origin === null) {
    const more = view.may("fork")
      ? html`<a href="${view.to(["runs", run.id, "fork"])}">Fork it</a>`
      : html`Code starts children by <code>ctx.child</code>.`;
    return empty(
      "No relatives",
      html`No run started this one, and it has neither children nor forks. ${more}`,
    );
  }
  const chain = [...above].reverse();
  const inner = branchItem(run, view, true);
  const nested = chain.reduce<Html>(
    (shown, parent) => html`<li>${lineOf(parent, view, false)}<ul>${shown}</ul></li>`,
    inner,
  );
  return section(
    "Where it stands",
    html`
      <div class="card">
        <ul class="tree">${nested}</ul>
      </div>
    `,
  );
}

function branchItem(branch: TreeBranch, view: View, isHere: boolean): Html {
  const { children, forks, childCount, forkCount } = branch;
  const more = (left: number, most: number, word: string, to: Content) =>
    left <= 0 ? NOTHING : html`<li class="hint">${number(left, most)} more ${word}${to}</li>`;
  const list = html`${children.map((child) => branchItem(child, view, false))}${
    more(
      childCount - children.length,
      MOST_COUNTED - children.length,
      "children",
      [
        ": ",
        html`<a href="${view.to(["runs"], { parent: branch.id, state: "any" })}">all of them</a>`,
      ],
    )
  }${forks.map((fork) => branchItem(fork, view, false))}${
    more(forkCount - forks.length, MOST_COUNTED - forks.length, "forks", null)
  }`;
  const hasMore = childCount + forkCount > 0;
  return html`<li>${lineOf(branch, view, isHere)}${
    hasMore ? html`<ul>${list}</ul>` : NOTHING
  }</li>`;
}

function lineOf(run: TreeRun, view: View, isHere: boolean): Html {
  const { id, workflow, version, current, state, origin, createdAt } = run;
  const fork = origin === null
    ? NOTHING
    : html`<span class="chip live">fork of ${origin.id} after ${
      counted(origin.events, "event")
    }</span>`;
  return html`
    <span
      class="tree-run${isHere ? " here" : ""}">${stateMark(state)}${isHere
        ? html`<b class="id">${id}</b>`
        : runLink(view, id)}<span>${workflow}</span>${versionLink(
          view,
          version,
          current,
        )}${fork}<span class="hint">${ago(view, createdAt)}</span></span>
  `;
}

function generationsOf({ run, generations, missing }: TreeData, view: View): Html {
  if (generations === null) return section("Generations", missingNote(missing.generations!));
  if (generations.length === 0) return NOTHING;
  return section(
    "Generations",
    table<Generation>("Generations", [
      {
        title: "Generation",
        head: true,
        cell: ({ number, current }) =>
          html`<a href="${
            view.to(["runs", run.id, "timeline"], { generation: current ? null : number })
          }">${number}</a>${current ? [" ", html`<span class="chip">present</span>`] : NOTHING}`,
      },
      { title: "Version", cell: ({ version }) => versionLink(view, version, null) },
      { title: "Events", number: true, cell: ({ events }) => events.toLocaleString("en") },
      { title: "Attempt", number: true, cell: ({ attempt }) => attempt },
      { title: "Began", cell: ({ startedAt }) => ago(view, startedAt) },
      { title: "Ended", cell: ({ endedAt }) => ago(view, endedAt) },
    ], [...generations].reverse()),
    run.generation >= GENERATIONS ? html`<span class="hint">the last ${GENERATIONS}</span>` : null,
  );
}
