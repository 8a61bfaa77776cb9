/**
 * The arguments of `run()`: an id, or a workflow and an id.
 *
 * @module
 */

import type { WorkflowDefinition } from "../../workflow/context_types.ts";
import { isWorkflow } from "../../workflow/workflow.ts";

/**
 * Options of {@linkcode Continuum.run}.
 *
 * @category Runs
 */
export interface RunOptions {
  /**
   * The run's namespace.
   *
   * @default {that of this instance}
   */
  readonly namespace?: string;
}

/** What `run()` is given. */
export type RunArguments =
  | [id: string, options?: RunOptions]
  | [workflow: WorkflowDefinition<never, unknown>, id: string, options?: RunOptions];

/** The arguments by their names; they are not checked. */
export interface NamedRun {
  /** The workflow, if one was given. */
  readonly workflow: WorkflowDefinition<never, unknown> | undefined;
  /** The run's id. */
  readonly id: string;
  /** The options. */
  readonly options: RunOptions;
}

/**
 * Tells the arguments apart.
 *
 * @param given The arguments.
 * @returns The arguments by their names.
 */
export function namedRun(given: RunArguments): NamedRun {
  const [first, second, third] = given;
  return isWorkflow(first)
    ? { workflow: first, id: second as string, options: third ?? {} }
    : { workflow: undefined, id: first as string, options: second as RunOptions ?? {} };
}
