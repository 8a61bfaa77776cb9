/**
 * Prints how a run ended, and says it by the exit code.
 *
 * @module
 */

import { awaitReading } from "../operate/readings/await_result.ts";
import { type AwaitOptions, awaitResult, type RunResult } from "../operate/result.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit_codes.ts";
import { json } from "./output/output.ts";

/**
 * Waits for the end of a run, and prints it. A remark says if the run is parked meanwhile.
 *
 * @param context The command.
 * @param id The run.
 * @param more What the JSON document holds besides.
 * @returns The exit code.
 */
export async function awaitAndPrint(
  context: Pick<CommandContext, "out" | "signal" | "globals" | "client" | "read">,
  id: string,
  more: object = {},
): Promise<number> {
  const { out, signal, globals, client, read } = context;
  const options: AwaitOptions = {
    signal,
    onParked: ({ state, reason }) =>
      out.note(`run ${id} is parked (${state}): ${reason ?? "unknown"}; still waiting`),
  };
  const result = globals.server === undefined
    ? await awaitResult(await client(), id, options)
    : await awaitReading(read, id, options);
  return printResult(context, result, more);
}

/**
 * Prints the end of a run: what its workflow returned as JSON, or the recorded error to standard
 * error.
 *
 * @param context The command.
 * @param result The end.
 * @param more What the JSON document holds besides.
 * @returns The exit code: 0, or 6 if the run did not complete.
 */
export function printResult(
  { out }: Pick<CommandContext, "out">,
  result: RunResult,
  more: object = {},
): number {
  const { state, output } = result;
  const isCompleted = state === "completed";
  out.document({ ...more, ...result }, () => isCompleted ? json(output, 2).split("\n") : []);
  if (isCompleted) return EXIT.done;
  return out.format === "text" ? printEnd({ out }, result) : EXIT.ended;
}

/**
 * Says on standard error how a run ended.
 *
 * @param context The command.
 * @param end The end.
 * @returns The exit code: 0, or 6 if the run did not complete.
 */
export function printEnd(
  { out }: Pick<CommandContext, "out">,
  { id, state, error }: RunResult,
): number {
  const isCompleted = state === "completed";
  const text = `run ${id} ${ENDED[state] ?? state}${causeOf(error)}`;
  if (isCompleted) out.note(text);
  else out.error(text);
  return isCompleted ? EXIT.done : EXIT.ended;
}

function causeOf(error: RunResult["error"]): string {
  if (error === null) return "";
  const isError = typeof error === "object" && "message" in error;
  return `: ${isError ? error.message : JSON.stringify(error)}`;
}

const ENDED: Readonly<Record<string, string>> = {
  failed: "failed",
  cancelled: "was cancelled",
  terminated: "was terminated",
};
