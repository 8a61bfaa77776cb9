/**
 * Types of signals, from the schemas that a workflow declares.
 *
 * @module
 */

import type { StandardSchema } from "./schema.ts";

/**
 * Schemas of payloads, by the signal's name.
 *
 * @category Workflows
 */
export interface SignalSchemas {
  /** The schema of each. */
  // deno-lint-ignore no-explicit-any -- payloads differ from signal to signal
  readonly [signal: string]: StandardSchema<any, any>;
}

/**
 * The names of signals that may be sent: any text if a workflow declares none.
 *
 * @category Workflows
 */
export type SignalName<Signals extends SignalSchemas> = keyof Signals & string;

/**
 * The type of a payload that is sent: the input of the signal's schema.
 *
 * @category Workflows
 */
export type SignalInput<Signals extends SignalSchemas, Name extends SignalName<Signals>> =
  Signals[Name] extends StandardSchema<infer Given, infer _Checked> ? Given : never;

/**
 * The type of a payload that is received: the output of the signal's schema.
 *
 * @category Workflows
 */
export type SignalOutput<Signals extends SignalSchemas, Name extends SignalName<Signals>> =
  Signals[Name] extends StandardSchema<infer _Given, infer Checked> ? Checked : never;

/**
 * The arguments after a signal's name in a call that sends it: a payload that may be `undefined`
 * may be omitted.
 *
 * @category Workflows
 */
export type SignalArguments<
  Signals extends SignalSchemas,
  Name extends SignalName<Signals>,
  Options,
> = undefined extends SignalInput<Signals, Name>
  ? [payload?: SignalInput<Signals, Name>, options?: Options]
  : [payload: SignalInput<Signals, Name>, options?: Options];
