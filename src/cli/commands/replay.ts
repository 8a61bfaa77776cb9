/**
 * `replay`.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { openBundleFile, openReplay } from "../../operate/bundles.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { effectLines } from "../output/effects.ts";
import { stepLines, verdictLines } from "../output/replay_lines.ts";
import { duration, whole } from "../readers.ts";
import { Stepper } from "../stepper.ts";

interface Options {
  readonly run?: string;
  readonly generation?: number;
  readonly to?: number;
  readonly step?: boolean;
  readonly inspect?: boolean;
  readonly on?: string;
  readonly deadline?: number;
}

/** Replays a run of a bundle, without a database. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Show what the run did, event by event", line: "replay o-1041.bundle" },
    { text: "Step through it, forwards and backwards", line: "replay o-1041.bundle --step" },
    {
      text: "Replay it on code that you have edited",
      line: "replay o-1041.bundle --on ./order.ts",
    },
    {
      text: "Stop in a debugger before the first event",
      line: "replay o-1041.bundle --inspect",
    },
  ],
  arguments: [["<file>", "a bundle that `runs export` wrote"]],
  options: [
    { flags: "--run <id>", text: "the run; the first of the bundle if omitted" },
    {
      flags: "--generation <n>",
      text: "the generation, from 0; the last if omitted",
      read: whole(0),
    },
    { flags: "--to <n>", text: "show the run after this many events", read: whole(0) },
    { flags: "--step", text: "read commands: n, b, g 14, w, p NAME, q" },
    { flags: "--inspect", text: "wait for a debugger, and stop in it before the first event" },
    {
      flags: "--on <specifier>",
      text: "replay on this workflow module, and show where the two diverge",
    },
    {
      flags: "--deadline <duration>",
      text: "how long the subprocess may take to import and replay the code; 10s if omitted",
      read: duration,
    },
  ],
  fields: [
    ...["at", "event", "answered", "waiting", "requested", "outcome", "cause"],
    ...["run", "effects", "verdict"],
  ],
  async run({ args: [file], options, out, signal, readLine, prompt }) {
    const { run, deadline, to, step = false, inspect = false, generation, on } = options;
    if (out.format === "json" && step) {
      throw new UsageError("Cannot use --json with --step: found both, wanted --jsonl");
    }
    const { bundle } = await openBundleFile(file!);
    await using replay = await openReplay(bundle, {
      ...(run === undefined ? {} : { runId: run }),
      ...(generation === undefined ? {} : { generation }),
      ...(on === undefined ? {} : { on }),
      inspect,
      timeout: deadline ?? "10s",
      onDebugger: (url) => out.error(`waits for a debugger at ${url} (chrome://inspect)`),
    });
    // The code may loop: its process must not outlive this one.
    signal.addEventListener(
      "abort",
      () => inBackground(Promise.resolve(replay[Symbol.asyncDispose]())),
    );
    const { facts } = replay;
    const { events } = facts;
    if (to !== undefined && to > events) {
      throw new UsageError(`Cannot use --to: found ${to}, wanted at most ${events} events`);
    }
    if (step) {
      await new Stepper(replay, to ?? 0, out, readLine, prompt).run();
      return;
    }
    if (to !== undefined) {
      const found = await replay.step(to);
      out.document(found, () => stepLines(found, events, true));
      return found.cause === null ? EXIT.done : EXIT.found;
    }
    // A question of its own would stop in the debugger once more.
    const trace = inspect || on !== undefined ? null : await replay.trace();
    const verdict = await replay.verdict();
    out.document({ run: facts, effects: trace?.effects ?? [], verdict }, function* () {
      if (trace !== null) yield* effectLines(trace.effects, out);
      if (trace !== null && trace.effects.length < trace.total) {
        yield `the first ${trace.effects.length} of ${trace.total} effects; --to shows others`;
      }
      yield* verdictLines(verdict);
    });
    return verdict.replays ? EXIT.done : EXIT.found;
  },
});
