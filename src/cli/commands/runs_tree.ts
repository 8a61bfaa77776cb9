/**
 * `runs tree`.
 *
 * @module
 */

import { MAX_DEPTH, MAX_RUNS, type RunTree } from "../../operate/tree.ts";
import { defineCommand } from "../command.ts";
import type { Output } from "../output/output.ts";
import { table } from "../output/table.ts";
import { tabbed } from "../output/text.ts";
import { moreText, type TreeRow, treeRows } from "../output/tree_rows.ts";
import { versionCell } from "../output/words.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly depth?: number;
  readonly limit?: number;
}

/** Shows the runs that a run comes from, its children and its forks. */
export const command = defineCommand<Options>({
  examples: [
    { text: "A run with its parents, its children and its forks", line: "runs tree o-1041" },
    { text: "Its children and forks only, as JSON", line: "runs tree o-1041 --depth 1 --json" },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    {
      flags: "--depth <n>",
      text: `levels below the run; ${MAX_DEPTH} if omitted, which is the most`,
      read: whole(0, MAX_DEPTH),
    },
    {
      flags: "--limit <n>",
      text: `children and forks of each run; 50 if omitted; ${MAX_RUNS} runs in all`,
      read: whole(1, MAX_RUNS),
    },
  ],
  fields: ["above", "run"],
  async run({ args: [id], options, read, out }) {
    const tree = await read("runs.tree", { id: id!, ...options });
    out.document(tree, () => linesOf(tree, out));
  },
});

/** A pipe gets a row for each run; standard error says which are left out. */
function* linesOf(tree: RunTree, out: Output): Iterable<string> {
  const rows = [...treeRows(tree)];
  if (out.isTerminal) return void (yield* table(columnsOf(out), rows, out.columns));
  for (const { depth, relation, run, more } of rows) {
    if (run === null) {
      out.note(moreText(more!));
      continue;
    }
    const version = versionCell(out, run.version.hash, run.current);
    const { id, workflow, state, generation } = run;
    yield tabbed([String(depth), relation, id, workflow, version, state, String(generation)]);
  }
}

function columnsOf(out: Output) {
  return [
    { title: "RUN", id: true, cell: ({ line }: TreeRow) => line },
    { title: "WORKFLOW", cell: ({ run }: TreeRow) => run?.workflow ?? "" },
    {
      title: "VERSION",
      cell: ({ run }: TreeRow) => run ? versionCell(out, run.version.hash, run.current) : "",
    },
    { title: "STATE", cell: ({ run }: TreeRow) => run?.state ?? "" },
    {
      title: "GENERATION",
      right: true,
      cell: ({ run }: TreeRow) => run ? String(run.generation) : "",
    },
    { title: "CREATED", cell: ({ run }: TreeRow) => run ? out.time(run.createdAt) : "" },
    {
      title: "FORK OF",
      cell: ({ run }: TreeRow) => run?.origin ? `${run.origin.id}, event ${run.origin.events}` : "",
    },
  ] as const;
}
