/**
 * Joining a definition to the machine.
 *
 * @module
 */

import { type Body, Execution, type ExecutionOptions } from "../replay/machine.ts";
import { TracedExecution } from "../replay/traced_execution.ts";
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
  return new Execution(bodyOf(definition), start, options);
}

/**
 * Makes an execution of a workflow that remembers each effect. Nothing runs before its first turn.
 *
 * @param definition The workflow.
 * @param start The run's start.
 * @param options The drain.
 * @returns The execution.
 */
export function tracedExecutionOf<Input, Output>(
  definition: WorkflowDefinition<Input, Output>,
  start: RunStart,
  options: ExecutionOptions,
): TracedExecution {
  return new TracedExecution(bodyOf(definition), start, options);
}

function bodyOf<Input, Output>(definition: WorkflowDefinition<Input, Output>): Body {
  return (effects, input) =>
    definition.run(new Context(effects, definition.signals), input as Input);
}
