/**
 * Creates executions of workflow definitions on the machine.
 *
 * @module
 */

import { type Body, Execution, type ExecutionOptions } from "../replay/machine.ts";
import { TracedExecution } from "../replay/traced_execution.ts";
import type { RunStart } from "../replay/turn.ts";
import { Context } from "./context.ts";
import type { WorkflowDefinition } from "./context_types.ts";

/**
 * Creates an execution of a workflow. No code runs before its first turn.
 *
 * @param definition The workflow.
 * @param start The run's start.
 * @param options How it drains microtasks, and where it logs.
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
 * Creates an execution of a workflow that records each effect. No code runs before its first turn.
 *
 * @param definition The workflow.
 * @param start The run's start.
 * @param options How it drains microtasks.
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
