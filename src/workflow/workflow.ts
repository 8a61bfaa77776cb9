/**
 * Defines workflows: functions that make every effect through their context, and whose execution
 * survives processes.
 *
 * @module
 */

import { checkFunction, checkOptions, readName, refuse } from "../base/arguments.ts";
import type { WorkflowContext, WorkflowDefinition } from "./context_types.ts";
import { noteImported } from "./imported.ts";
import { readRunLimit, type RunLimitOptions } from "./limit.ts";
import { PROTOCOL, WORKFLOW } from "./marks.ts";
import { type CodeRetryOptions, readCodeRetry } from "./options.ts";
import { POLICY_KEYS, readRunPolicy, type RunPolicyOptions } from "./run_policy.ts";
import type { StandardSchema } from "./schema.ts";
import { readSchema, readSignals } from "./signal_schemas.ts";
import type { SignalSchemas } from "./signal_types.ts";

/**
 * Options of {@linkcode defineWorkflow}. The options `timeout` and `retry` of a start override
 * those given here.
 *
 * @category Workflows
 */
export interface WorkflowOptions<
  Signals extends SignalSchemas = SignalSchemas,
  Input = never,
> extends RunPolicyOptions {
  /** The workflow's name, shared by all its versions: 1 to 200 characters. */
  readonly name: string;
  /** A label for people, such as `2` or `"1.4.0"`. The engine does not identify versions by it. */
  readonly version?: string | number;
  /**
   * How to retry a run after its function has thrown: see {@linkcode RunPolicyOptions.retry}. Its
   * `retryIf` is that of the version that the run executes, and applies whatever `retry` a start
   * passes.
   */
  readonly retry?: CodeRetryOptions;
  /**
   * The signals of the runs, each with the schema of its payload, or with `{ payload, answer }` if
   * it is asked for an answer. A signal is checked against the run's own version before it is
   * stored, and refused if it is not listed. When omitted, runs accept any signal with any payload.
   */
  readonly signals?: Signals;
  /** How many runs there may be at once, and how many start in a time; unlimited when omitted. */
  readonly limit?: RunLimitOptions<Input>;
}

const KEYS = ["name", "version", "input", "signals", "limit", ...POLICY_KEYS];

/**
 * Options of {@linkcode defineWorkflow} for an input with a schema.
 *
 * @category Workflows
 */
export interface WorkflowOptionsWithInput<
  Given,
  Input,
  Signals extends SignalSchemas = SignalSchemas,
> extends WorkflowOptions<Signals, Input> {
  /** Checks the input when a run is started. The workflow receives the schema's output. */
  readonly input: StandardSchema<Given, Input>;
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
 * @param run Its function. The engine replays it from the start whenever a node takes up the run,
 * so everything that it reads from outside must come through `ctx`.
 * @returns The definition, frozen.
 * @throws {InvalidArgumentError} If an option is unknown or invalid.
 * @category Workflows
 */
export function defineWorkflow<
  Given,
  Input,
  Output = unknown,
  Signals extends SignalSchemas = SignalSchemas,
>(
  options: WorkflowOptionsWithInput<Given, Input, Signals>,
  run: (ctx: WorkflowContext<Signals, Given>, input: Input) => Output | Promise<Output>,
): WorkflowDefinition<Given, Output, Signals>;
/** Defines a workflow whose input has no schema. */
export function defineWorkflow<
  Input = void,
  Output = unknown,
  Signals extends SignalSchemas = SignalSchemas,
>(
  options: WorkflowOptions<Signals, Input> & { readonly input?: undefined },
  run: (ctx: WorkflowContext<Signals, Input>, input: Input) => Output | Promise<Output>,
): WorkflowDefinition<Input, Output, Signals>;
export function defineWorkflow<Input, Output, Signals extends SignalSchemas>(
  options: WorkflowOptions<Signals> & { readonly input?: unknown },
  run: (ctx: WorkflowContext<Signals>, input: Input) => Output | Promise<Output>,
): WorkflowDefinition<Input, Output, Signals> {
  checkOptions(options, KEYS, "defineWorkflow");
  const name = readName(options.name, "a workflow");
  const { version } = options;
  if (/^(app|blob|data|file|https?|jsr|node|npm):/i.test(name)) {
    refuse("a name for a workflow", name, "one that does not read as a specifier");
  }
  if (typeof version === "number" && !Number.isFinite(version)) {
    refuse(
      `the version of workflow ${JSON.stringify(name)}`,
      version,
      "a text or a finite number",
    );
  }
  if (version !== undefined && typeof version !== "number") {
    readName(version, `the version of workflow ${JSON.stringify(name)}`);
  }
  checkFunction(run, `the function of workflow ${JSON.stringify(name)}`);
  noteImported();
  const { retry, ...rest } = options;
  const policy = readRunPolicy(rest, `workflow ${JSON.stringify(name)}`);
  return Object.freeze({
    [WORKFLOW]: PROTOCOL,
    name,
    version: version === undefined ? null : String(version),
    input: options.input === undefined
      ? null
      : readSchema(options.input, `the input of workflow ${JSON.stringify(name)}`),
    signals: options.signals === undefined ? null : readSignals(options.signals, name) as Signals,
    timeout: policy.timeout ?? null,
    retry: retry === undefined ? null : readCodeRetry(retry, `workflow ${JSON.stringify(name)}`),
    versioning: policy.versioning ?? null,
    limit: options.limit === undefined ? null : readRunLimit(options.limit, name),
    run,
  });
}

/**
 * Returns whether a value is a workflow's definition, from this copy of the package or another.
 *
 * @param value Any value, such as a module's default export.
 * @returns Whether it is.
 * @throws {InvalidArgumentError} If it is a definition with another protocol number.
 */
export function isWorkflow(value: unknown): value is WorkflowDefinition {
  if (typeof value !== "object" || value === null || !(WORKFLOW in value)) return false;
  if (value[WORKFLOW] === PROTOCOL) return true;
  return refuse("a workflow's definition of protocol", value[WORKFLOW], `${PROTOCOL}`);
}
