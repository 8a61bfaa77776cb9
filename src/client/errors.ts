/**
 * Errors of calls on runs.
 *
 * @module
 */

import { authoredFacts } from "../base/authored.ts";
import { idOf, quoteId, shownId } from "../base/describe.ts";
import { ContinuumError } from "../base/errors.ts";
import { RunNotFoundError, RunStateError } from "../base/run_errors.ts";
import type { RunState, StuckReason } from "../ports/rows.ts";

/**
 * A run with that id is one of another workflow than the caller named.
 *
 * @param runId The id.
 * @param action What the call attempted.
 * @param workflows The run's workflow, and the one that was named.
 * @returns The error, with code `RUN_OF_OTHER_WORKFLOW`.
 */
export function runOfOther(
  runId: string,
  action: string,
  { found, wanted }: { readonly found: string; readonly wanted: string },
): RunNotFoundError {
  return new RunNotFoundError(
    "RUN_OF_OTHER_WORKFLOW",
    `Cannot ${action}: run ${quoteId(runId)} is one of workflow ${quoteId(found)}, wanted ${
      quoteId(wanted)
    }`,
    { details: { runId: idOf(runId), found, wanted } },
  );
}

/**
 * A run has no such generation, or retention has removed it.
 *
 * @param runId The run.
 * @param generation The requested number.
 * @param kept The numbers of the first and the last generation that exist.
 * @returns The error, with code `GENERATION_NOT_FOUND`.
 */
export function generationNotFound(
  runId: string,
  generation: number,
  kept: { readonly first: number; readonly last: number },
): RunNotFoundError {
  const { first, last } = kept;
  const wanted = first === last ? `${last}, the only one` : `one from ${first} to ${last}`;
  return new RunNotFoundError(
    "GENERATION_NOT_FOUND",
    `Cannot read the history: run ${quoteId(runId)} has no generation ${generation}, ` +
      `wanted ${wanted}`,
    { details: { runId: idOf(runId), generation, ...kept } },
  );
}

/**
 * A start conflicts with an earlier one: another run has its id, or its idempotency key was used
 * with another input. Code `RUN_EXISTS` or `IDEMPOTENCY_CONFLICT`.
 *
 * @category Errors
 */
export class RunExistsError<
  Code extends "RUN_EXISTS" | "IDEMPOTENCY_CONFLICT" = "RUN_EXISTS" | "IDEMPOTENCY_CONFLICT",
> extends ContinuumError<Code> {}

/**
 * A run with that id exists, and the call does not allow to use or replace it.
 *
 * @param runId The id.
 * @param found The run that has it.
 * @returns The error, with code `RUN_EXISTS`.
 */
export function runExists(
  runId: string,
  found: { readonly workflow: string; readonly state: RunState },
): RunExistsError {
  const { workflow, state } = found;
  return new RunExistsError(
    "RUN_EXISTS",
    `Cannot start a run with the id ${quoteId(runId)}: found one of workflow ` +
      `${quoteId(workflow)} that is ${state}, wanted an id that is free, or another ` +
      'ifExists: "use", "useEnded", "replaceEnded" or "terminate"',
    { details: { runId: idOf(runId), workflow: shownId(workflow), state } },
  );
}

/**
 * A run with the id of a fork exists, and it is not that fork.
 *
 * @param runId The id.
 * @param found The run that has it.
 * @returns The error, with code `RUN_EXISTS`.
 */
export function forkIdTaken(
  runId: string,
  found: { readonly workflow: string; readonly state: RunState },
): RunExistsError {
  const { workflow, state } = found;
  return new RunExistsError(
    "RUN_EXISTS",
    `Cannot fork the run: found run ${quoteId(runId)} of workflow ${quoteId(workflow)} that is ` +
      `${state} and another fork or none, wanted an id that is free`,
    { details: { runId: idOf(runId), workflow: shownId(workflow), state } },
  );
}

/**
 * An earlier start used the idempotency key with another input.
 *
 * @param key The key.
 * @param workflow The workflow's name.
 * @param runId The run that the key started.
 * @returns The error, with code `IDEMPOTENCY_CONFLICT`.
 */
export function idempotencyConflict(key: string, workflow: string, runId: string): RunExistsError {
  return new RunExistsError(
    "IDEMPOTENCY_CONFLICT",
    `Cannot start workflow ${quoteId(workflow)}: idempotency key ${quoteId(key)} has started run ${
      quoteId(runId)
    } with another input, wanted the same input, or ` +
      "another key",
    { details: { key: idOf(key), workflow: shownId(workflow), runId: idOf(runId) } },
  );
}

/**
 * The call is impossible in the run's state.
 *
 * @param runId The run.
 * @param action What the call attempted.
 * @param state The run's state.
 * @param wanted The state that the call requires, or what to do instead.
 * @returns The error, with code `RUN_STATE`.
 */
export function wrongRunState(
  runId: string,
  action: string,
  state: RunState,
  wanted: string,
): RunStateError {
  return new RunStateError(
    "RUN_STATE",
    `Cannot ${action}: run ${quoteId(runId)} is ${state}, wanted ${wanted}`,
    { details: { runId: idOf(runId), state } },
  );
}

/**
 * A run can't be removed, because its parent may request it again.
 *
 * @param runId The run.
 * @param parent The parent.
 * @returns The error, with code `RUN_AWAITED`.
 */
export function runAwaited(runId: string, parent: string): RunStateError {
  return new RunStateError(
    "RUN_AWAITED",
    `Cannot delete the run: its parent ${quoteId(parent)} has not ended and may request run ${
      quoteId(runId)
    } again, wanted a run whose parent has ended or has begun a new generation`,
    { details: { runId: idOf(runId), parent: idOf(parent) } },
  );
}

/**
 * A run can't be reopened, because another run has received its end.
 *
 * @param runId The run.
 * @param parent Its parent; `null`: the parent was removed.
 * @returns The error, with code `RUN_END_REPORTED`.
 */
export function endReported(runId: string, parent: string | null): RunStateError {
  const who = parent === null ? "its parent, or a fork of that," : `its parent ${quoteId(parent)}`;
  return new RunStateError(
    "RUN_END_REPORTED",
    `Cannot reopen run ${quoteId(runId)}: ${who} has received its failure and may have acted on ` +
      "it, wanted a run whose end no other run has received; fork it instead",
    { details: { runId: idOf(runId), parent: parent === null ? null : idOf(parent) } },
  );
}

/**
 * An upgrade of many runs can't begin or continue: no such job, another process drives it, or each
 * node has failed to load the target. Code `JOB_NOT_FOUND`, `JOB_HELD` or `NO_NODE_CAN_LOAD`.
 *
 * @category Errors
 */
export class BulkJobError<
  Code extends "JOB_NOT_FOUND" | "JOB_HELD" | "NO_NODE_CAN_LOAD" =
    | "JOB_NOT_FOUND"
    | "JOB_HELD"
    | "NO_NODE_CAN_LOAD",
> extends ContinuumError<Code> {}

/**
 * No job has that id.
 *
 * @param job The id.
 * @returns The error, with code `JOB_NOT_FOUND`.
 */
export function jobNotFound(job: string): BulkJobError {
  return new BulkJobError(
    "JOB_NOT_FOUND",
    `Cannot resume the job: none has the id ${quoteId(job)}, wanted one of runs.jobs()`,
    { details: { job: shownId(job) } },
  );
}

/**
 * Another process drives the job.
 *
 * @param job The id.
 * @param driver The process.
 * @param until When the job is free if that process has died; `null`: unknown.
 * @returns The error, with code `JOB_HELD`.
 */
export function jobHeld(job: string, driver: string, until: Date | null): BulkJobError {
  const free = until === null ? "" : `; if it has died, the job is free at ${until.toISOString()}`;
  return new BulkJobError(
    "JOB_HELD",
    `Cannot continue job ${quoteId(job)}: ${driver} drives it${free}`,
    { details: { job: shownId(job), driver, until: until?.toISOString() ?? null } },
  );
}

/**
 * Each live node has failed to load the target.
 *
 * @param hash The target.
 * @param reasons Why, by node.
 * @returns The error, with code `NO_NODE_CAN_LOAD`.
 */
export function noNodeCanLoad(
  hash: string,
  reasons: Readonly<Record<string, StuckReason>>,
): BulkJobError {
  const [first] = Object.values(reasons);
  return new BulkJobError(
    "NO_NODE_CAN_LOAD",
    `Cannot upgrade runs: no live node can load version ${hash}: ${first?.message}`,
    { details: { hash, reasons: authoredFacts(reasons) } },
  );
}
