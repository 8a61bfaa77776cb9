/**
 * Workflows: functions whose every effect goes through their context, and whose execution outlives
 * processes.
 *
 * @module
 */

import { InvalidArgumentError } from "../base/errors.ts";
import type { WorkflowContext } from "./context_types.ts";
import { PROTOCOL, WORKFLOW } from "./marks.ts";
import { checkFunction, checkOptions, describe, readName } from "./options.ts";

/** What {@linkcode defineWorkflow} takes. */
export interface WorkflowOptions {
  /** The workflow's name, shared by all its versions: 1 to 200 characters. */
  readonly name: string;
  /** A label for people, such as `2` or `"1.4.0"`; it identifies nothing. */
  readonly version?: string | number;
}

/** A workflow, as {@linkcode defineWorkflow} returns it. */
export interface WorkflowDefinition<Input = unknown, Output = unknown> {
  /** Recognises a definition; holds the protocol's number. */
  readonly [WORKFLOW]: 1;
  /** The workflow's name. */
  readonly name: string;
  /** The label for people; null if there is none. */
  readonly version: string | null;
  /** The workflow's function. */
  readonly run: (ctx: WorkflowContext, input: Input) => Output | Promise<Output>;
}

/**
 * Defines a workflow: the default export of a workflow module.
 *
 * ```ts
 * export default defineWorkflow({ name: "greet" }, async (ctx, name: string) => {
 *   await ctx.sleep("1h");
 *   return `Hello, ${name}`;
 * });
 * ```
 *
 * @param options Its name and label.
 * @param run Its function. It is run again from the start whenever a run is taken up, so that all
 *   it learns of the world must come through `ctx`.
 * @returns The definition, frozen.
 * @throws {InvalidArgumentError} If an option is unknown or makes no sense.
 */
export function defineWorkflow<Input = void, Output = unknown>(
  options: WorkflowOptions,
  run: (ctx: WorkflowContext, input: Input) => Output | Promise<Output>,
): WorkflowDefinition<Input, Output> {
  checkOptions(options, ["name", "version"], "defineWorkflow");
  const name = readName(options.name, "a workflow");
  const { version } = options;
  if (version !== undefined && typeof version !== "number") {
    readName(version, `the version of workflow ${JSON.stringify(name)}`);
  }
  checkFunction(run, `the function of workflow ${JSON.stringify(name)}`);
  return Object.freeze({
    [WORKFLOW]: PROTOCOL,
    name,
    version: version === undefined ? null : String(version),
    run,
  });
}

/**
 * Whether a value is a workflow's definition, from this copy of the package or another.
 *
 * @param value Anything, such as a module's default export.
 * @returns Whether it is.
 * @throws {InvalidArgumentError} If it is one of a protocol that this package does not speak.
 */
export function isWorkflow(value: unknown): value is WorkflowDefinition {
  if (typeof value !== "object" || value === null || !(WORKFLOW in value)) return false;
  if (value[WORKFLOW] === PROTOCOL) return true;
  throw new InvalidArgumentError(
    `Cannot use a workflow's definition: found protocol ${
      describe(value[WORKFLOW])
    }, wanted ${PROTOCOL}`,
  );
}
