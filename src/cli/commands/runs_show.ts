/**
 * `runs show`.
 *
 * @module
 */

import type { RunDetails } from "../../operate/runs.ts";
import { defineCommand } from "../command.ts";
import type { Output } from "../output/output.ts";
import {
  errorText,
  facts,
  sentenceText,
  valueCell,
  versionName,
  waitsFor,
} from "../output/words.ts";

/** Shows a run: its state, what it waits for, its attempts, its input and its outcome. */
export const command = defineCommand({
  examples: [
    { text: "All about one run", line: "runs show o-1041" },
    { text: "Its error, as JSON", line: "runs show o-1041 --json --fields state,error" },
  ],
  arguments: [["<id>", "the run's id"]],
  fields: [
    ...["id", "workflow", "version", "state", "current", "reason", "waits", "retrying", "stuck"],
    ...["input", "result", "error", "lastError", "attributes", "custom", "attempt", "generation"],
    ...["events", "createdAt", "startedAt", "endedAt", "since", "until", "deadline", "troubleAt"],
    ...["node", "noNodeCanLoad", "untakenSignals", "parent", "namespace", "pending"],
  ],
  async run({ args: [id], read, out }) {
    const run = await read("runs.show", { id: id! });
    out.document(run, () => linesOf(run, out));
  },
});

function* linesOf(run: RunDetails, out: Output): Iterable<string> {
  const at = (iso: string | null) => iso === null ? null : out.time(iso);
  const untaken = Object.entries(run.untakenSignals).map(([name, count]) => `${name} (${count})`);
  const current = run.current === true ? ", the current version" : "";
  yield* facts([
    ["run", run.id],
    ["workflow", run.workflow],
    ["version", `${versionName(run.version)}${current}: ${run.version.specifier}`],
    ["state", run.state],
    ["waits for", run.state === "suspended" ? waitsFor(out, run) : null],
    ["reason", run.state === "suspended" || run.reason === null ? null : sentenceText(run.reason)],
    ["node", run.node],
    ["no node can load it", run.noNodeCanLoad === null ? null : valueCell(run.noNodeCanLoad)],
    ["created", at(run.createdAt)],
    ["started", at(run.startedAt)],
    ["ended", at(run.endedAt)],
    ["deadline", at(run.deadline)],
    [
      "attempt",
      run.attempt > 1 ? `${run.attempt}; the one before: ${errorText(run.lastError)}` : null,
    ],
    ["generation", run.generation > 0 ? String(run.generation) : null],
    ["events", String(run.events)],
    ["parent", run.parent],
    ["attributes", Object.keys(run.attributes).length === 0 ? null : valueCell(run.attributes)],
    ["status", run.custom === null ? null : valueCell(run.custom)],
    ["signals not taken", untaken.length === 0 ? null : untaken.join(", ")],
    ["input", valueCell(run.input)],
    ["result", run.state === "completed" ? valueCell(run.result) : null],
    ["error", run.error === null ? null : errorText(run.error)],
  ]);
  for (const { kind, name, failed, lastError, nextTry } of run.retrying) {
    const next = nextTry === null ? "an attempt is under way" : `next attempt ${out.time(nextTry)}`;
    const why = lastError === null ? "its node died" : errorText(lastError);
    yield `${kind} ${JSON.stringify(name)}: ${failed} failed, the last with ${why}; ${next}`;
  }
}
