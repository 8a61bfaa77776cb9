/**
 * `schedules show`.
 *
 * @module
 */

import type { ScheduleLine } from "../../operate/schedules.ts";
import { defineCommand } from "../command.ts";
import type { Output } from "../output/output.ts";
import { table } from "../output/table.ts";
import { span } from "../output/times.ts";
import { facts, valueCell } from "../output/words.ts";
import { SCHEDULE_FIELDS, timingText } from "./schedule_lines.ts";

/** Shows a schedule, with the last runs that it started. */
export const command = defineCommand({
  examples: [
    { text: "A schedule and its last runs", line: "schedules show nightly" },
    { text: "When it fires next", line: "schedules show nightly --fields next.fire" },
  ],
  arguments: [["<id>", "the schedule's id"]],
  fields: SCHEDULE_FIELDS,
  async run({ args: [id], read, out }) {
    const schedule = await read("schedules.show", { id: id! });
    out.document(schedule, () => linesOf(schedule, out));
  },
});

function* linesOf(schedule: ScheduleLine, out: Output): Iterable<string> {
  const { next, held, until, maxRuns, timeout, recent } = schedule;
  const { started, triggered, skipped, missed } = schedule;
  yield* facts([
    ["schedule", schedule.id],
    ["workflow", schedule.workflow],
    ["version", schedule.version ?? "the current one"],
    ["state", schedule.state],
    ["reason", schedule.reason?.message ?? null],
    ["when", timingText(schedule.timing)],
    ["next", next === null ? null : out.time(next.fire)],
    ["held back", held === null ? null : out.time(held)],
    ["until", until === null ? null : out.time(until)],
    ["most runs", maxRuns === null ? null : String(maxRuns)],
    ["overlap", schedule.overlap],
    ["missed firings", schedule.catchUp],
    ["timeout", timeout === null ? null : span(timeout)],
    ["input", valueCell(schedule.input)],
    ["runs", `${started} started, ${triggered} triggered, ${skipped} skipped, ${missed} missed`],
  ]);
  if (recent.length === 0) return;
  yield "";
  const columns = [
    { title: "RUN", id: true, cell: ({ runId }: Recent) => runId },
    { title: "STARTED", cell: ({ fired }: Recent) => out.time(fired) },
    { title: "STATE", cell: ({ state }: Recent) => state ?? "removed" },
  ] as const;
  yield* table(columns, recent, out.isTerminal ? out.columns : Infinity);
}

type Recent = ScheduleLine["recent"][number];
