/**
 * Plans of upgrades as files: a line of JSON that says what it is, and one for each run.
 *
 * @module
 */

import { quote } from "../base/describe.ts";
import { messageOf } from "../base/text.ts";
import type { PlannedRun } from "../operate/upgrade.ts";
import { ofSystem, UsageError } from "./errors.ts";
import { textOfFile } from "./values.ts";

/** A plan. */
export interface PlanFile {
  /** The hash of the target. */
  readonly to: string;
  /** The runs, as they were. */
  readonly runs: readonly PlannedRun[];
}

/**
 * Writes a plan.
 *
 * @param path The file; it must not exist.
 * @param plan The plan.
 * @throws {UsageError} If it can't be written.
 */
export async function writePlan(path: string, { to, runs }: PlanFile): Promise<void> {
  const lines = [{ plan: "upgrade", to, runs: runs.length }, ...runs];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  try {
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    const why = messageOf(error);
    throw new UsageError(ofSystem(why) ?? `Cannot write file ${quote(path)}: ${why}`);
  }
}

/**
 * Reads a plan.
 *
 * @param path The file.
 * @returns The plan.
 * @throws {CliError} (`NOT_FOUND`) If there is no such file.
 * @throws {UsageError} If it is not a plan, or cut short.
 */
export async function readPlan(path: string): Promise<PlanFile> {
  const text = await textOfFile(path);
  const [head, ...runs] = text.split("\n").filter((line) => line !== "").map((line, index) => {
    try {
      return JSON.parse(line);
    } catch {
      throw new UsageError(`Cannot read plan ${quote(path)}: line ${index + 1} is not JSON`);
    }
  });
  if (head?.plan !== "upgrade" || typeof head.to !== "string") {
    throw new UsageError(`Cannot read plan ${quote(path)}: its first line is not that of a plan`);
  }
  if (head.runs !== runs.length) {
    const found = `found ${runs.length} runs, wanted ${head.runs}`;
    throw new UsageError(`Cannot read plan ${quote(path)}: it was cut short, ${found}`);
  }
  return { to: head.to, runs };
}
