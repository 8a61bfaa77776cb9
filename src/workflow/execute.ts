/**
 * Joining a definition to the machine.
 *
 * @module
 */

import { Execution, type ExecutionOptions } from "../replay/machine.ts";
import type { RunStart } from "../replay/turn.ts";
import { Context } from "./context.ts";
import type { WorkflowDefinition } from "./context_types.ts";

/**
 * Makes an execution of a workflow. Nothing runs before its first turn.
 *
 * @param definition The workflow.
 * @param start The run's start.
 * @param options The drain, and where lines go.
 * @returns The execution.
 */
export function executionOf<Input, Output>(
  definition: WorkflowDefinition<Input, Output>,
  start: RunStart,
  options: ExecutionOptions,
): Execution {
  return new Execution(
    (effects, input) => definition.run(new Context(effects, definition.signals), input as Input),
    start,
    options,
  );
}
