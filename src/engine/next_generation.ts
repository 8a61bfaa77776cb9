/**
 * Where a run that goes on as new goes, and with which input.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import { encodeError } from "../base/values_failure.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { Outcome } from "../replay/turn.ts";
import type { CodeSource } from "./code_source.ts";
import { engineLog } from "./log.ts";
import { mayPass } from "./patience.ts";

/** A next generation. */
export interface NextGeneration {
  /** The version that it is pinned to. */
  readonly hash: string;
  /** The specifier that the version is known under. */
  readonly specifier: string;
  /** Its encoded input, as that version makes it. */
  readonly input: string;
}

/**
 * Chooses the version of a next generation, and has it check the input. A current version that does
 * not take the input is not gone to: like an upgrade whose history does not replay, the run stays
 * where it is.
 *
 * @param run The run.
 * @param outcome What its code returned.
 * @param versions The versions.
 * @returns The next generation, or why there is none, encoded: the run's own version does not take
 * the input either.
 */
export async function nextGeneration(
  { runId, workflow, hash, specifier }: ClaimedRun,
  { input, version }: Extract<Outcome, { kind: "continued" }>,
  versions: Pick<CodeSource, "current" | "checkInput">,
): Promise<NextGeneration | { readonly refused: string }> {
  const current = version === "current" ? await versions.current(workflow) : undefined;
  if (current !== undefined && current.hash !== hash) {
    try {
      return { ...current, input: await versions.checkInput(current.hash, input) };
    } catch (error) {
      throwUnlessFinal(error);
      engineLog.warn("Run {run} goes on as new on the version that it is on: {error}", {
        run: runId,
        error,
      });
    }
  }
  try {
    return { hash, specifier, input: await versions.checkInput(hash, input) };
  } catch (error) {
    throwUnlessFinal(error);
    return { refused: encodeError(error) };
  }
}

function throwUnlessFinal(error: unknown): void {
  if (!isContinuumError(error) || mayPass(error)) throw error;
}
