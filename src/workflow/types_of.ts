/**
 * Types of a workflow's parts, for code that has only its type: `typeof order` of a type-only import.
 *
 * @module
 */

import type { WorkflowDefinition } from "./context_types.ts";
import type { SignalSchemas } from "./signal_types.ts";

/**
 * Any workflow.
 *
 * @category Workflows
 */
// deno-lint-ignore no-explicit-any -- what it is given and returns is not known here
export type AnyWorkflowDefinition = WorkflowDefinition<any, any, any>;

/**
 * The type of a run's result: of the workflow whose type is given, or the type itself.
 *
 * @category Workflows
 */
export type OutputOf<Type> = Type extends AnyWorkflowDefinition ? Awaited<ReturnType<Type["run"]>>
  : Type;

/**
 * The signals that a workflow declares; any, if the type is not that of a workflow.
 *
 * @category Workflows
 */
export type SignalsOf<Type> = Type extends AnyWorkflowDefinition ? Exclude<Type["signals"], null>
  : SignalSchemas;

/**
 * The input of a workflow; `unknown`, if the type is not that of a workflow.
 *
 * @category Workflows
 */
export type InputOf<Type> = Type extends AnyWorkflowDefinition ? Parameters<Type["run"]>[1]
  : unknown;
