/**
 * `runs follow`: prints the history of a run as it grows.
 *
 * @module
 */

import { type FollowedEntry, followReading } from "../../operate/readings/follow.ts";
import { printEnd } from "../awaited.ts";
import { defineCommand } from "../command.ts";
import type { Output } from "../output/output.ts";
import { tabbed } from "../output/text.ts";
import { valueCell } from "../output/words.ts";
import { whole } from "../readers.ts";

/** Prints the history of a run as it grows. */
export const command = defineCommand<{ readonly from?: number }>({
  examples: [
    {
      text: "What a run does, until it ends; code 6 if it does not complete",
      line: "runs follow o-1",
    },
    {
      text: "For at most a minute, a JSON line an event; code 124 after that",
      line: "runs follow o-1 --jsonl --timeout 1m",
    },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    {
      flags: "--from <n>",
      text: "skip this many events of the present generation",
      read: whole(0),
    },
  ],
  fields: ["seq", "generation", "kind", "position", "name", "value", "at"],
  async run(context) {
    const { args: [id], options: { from = 0 }, read, out, signal } = context;
    const entries = followReading(read, id!, from, {
      signal,
      onParked: ({ state, reason }) =>
        out.note(`run ${id} is parked (${state}): ${reason ?? "unknown"}; still following`),
    });
    if (out.format === "json") await out.list({ name: "history", items: entries, columns: [] });
    else for await (const entry of entries) out.document(entry, () => [lineOf(out, entry)]);
    return printEnd(context, await read("runs.result", { id: id! }));
  },
});

function lineOf(out: Output, { seq, at, kind, name, value }: FollowedEntry): string {
  const cells = [seq === null ? "-" : String(seq), out.time(at), kind, name === "" ? "-" : name];
  return out.isTerminal
    ? [...cells, valueCell(value)].join("  ")
    : tabbed([...cells, valueCell(value)]);
}
