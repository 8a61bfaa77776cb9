/**
 * From a run to its code: asks the versions, and says what their failures mean for the run.
 *
 * @module
 */

import type { ClaimedRun } from "../../ports/rows.ts";
import type { ActivityLike, WorkflowLike } from "../../replay/commands.ts";
import type { CodeFailure, RunCode } from "./run_code.ts";
import type { VersionRef } from "../../ports/version_ref.ts";

/** Finds the code of runs. */
export interface CodeSource {
  /**
   * The code that a run is pinned to.
   *
   * @param run The run.
   * @param node The node that is to execute it.
   */
  find(run: ClaimedRun, node: string): Promise<RunCode | CodeFailure>;
  /** The version that new runs of a workflow take; `undefined`: none is registered. */
  current(workflow: string): Promise<VersionRef | undefined>;
  /**
   * The version of a child: by definition, the one rooted at its module in the parent's own; by
   * name, the current one.
   *
   * @throws {VersionNotFoundError} If there is none.
   */
  childOf(run: ClaimedRun, workflow: WorkflowLike): Promise<VersionRef>;
  /**
   * Checks an encoded input against the version that is to get it.
   *
   * @returns What the version's schema makes of it, encoded.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If it does not fit.
   * @throws {VersionUnavailableError} If the schema is unavailable here.
   * @throws {SchemaFailedError} If the schema breaks down.
   */
  checkInput(hash: string, input: string): Promise<string>;
  /**
   * Checks a signal's encoded payload against the version of the run that is to get it.
   *
   * @returns What the version's schema makes of it, encoded.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the version does not take it.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the version does not take it.
   * @throws {VersionUnavailableError} If the schema is unavailable here.
   * @throws {SchemaFailedError} If the schema breaks down.
   */
  checkSignal(hash: string, name: string, payload: string): Promise<string>;
  /**
   * An activity that is pinned with a version. Absent: none is available here.
   *
   * @param hash The version.
   * @param code Where in it the activity is, as {@linkcode RunCode.activityCode} said.
   * @param node The node that is to execute it.
   */
  activity?(hash: string, code: string, node: string): Promise<ActivityLike | CodeFailure>;
  /** Whether a version that was unavailable is available now. */
  probe(hash: string): Promise<boolean>;
}
