/**
 * `runs trace`.
 *
 * @module
 */

import type { TraceOfRun } from "../../operate/runs.ts";
import { defineCommand } from "../command.ts";
import { effectLines, OUTCOMES } from "../output/effects.ts";
import type { Output } from "../output/output.ts";
import { counted, versionName } from "../output/words.ts";
import { duration, whole } from "../readers.ts";
import { driftLines } from "./drift.ts";

interface Options {
  readonly at?: number;
  readonly from?: number;
  readonly limit?: number;
  readonly generation?: number;
  readonly deadline?: number;
}

/** How long the subprocess may take, unless the command says otherwise. */
const DEADLINE_MS = 10_000;

/** Traces a run: its effects with their inputs, answers, attempts and lines. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What a run has done, and on which lines", line: "runs trace o-1041" },
    { text: "What it waited for after its first 14 events", line: "runs trace o-1041 --at 14" },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    { flags: "--at <n>", text: "as it was after this many events", read: whole(0) },
    { flags: "--from <n>", text: "the first effect, in program order from 0", read: whole(0) },
    { flags: "--limit <n>", text: "how many effects; 200 if omitted", read: whole(1, 10_000) },
    { flags: "--generation <n>", text: "an earlier generation, from 0", read: whole(0) },
    {
      flags: "--deadline <duration>",
      text: "how long the subprocess that replays the code may take; 10s if omitted",
      read: duration,
    },
  ],
  fields: [
    ...["runId", "workflow", "version", "generation", "attempt", "events", "at", "startedAt"],
    ...["effects", "total", "waiting", "outcome", "drift", "refused", "replayed", "unavailable"],
  ],
  async run({ args: [id], options: { deadline, ...options }, read, out }) {
    const trace = await read("runs.trace", {
      ...options,
      id: id!,
      timeout: deadline ?? DEADLINE_MS,
    });
    out.document(trace, () => linesOf(trace, out));
  },
});

function* linesOf(trace: TraceOfRun, out: Output): Iterable<string> {
  const { workflow, runId, version, at, events, effects, total } = trace;
  const upTo = at < events ? ` · after ${at} of ${counted(events, "event")}` : "";
  yield `${workflow} ${runId} on ${versionName(version)}${upTo}`;
  if (effects.length > 0) yield* effectLines(effects, out);
  if (trace.unavailable !== null) {
    yield `what the history says, since the code was not replayed: ${trace.unavailable.message}`;
  }
  const first = effects[0]?.position ?? 0;
  if (effects.length < total) {
    yield `effects ${first} to ${
      first + effects.length - 1
    } of ${total}; --from and --limit show others`;
  }
  if (trace.outcome !== null) yield `the code has ${OUTCOMES[trace.outcome]}`;
  yield* driftLines(trace);
}
