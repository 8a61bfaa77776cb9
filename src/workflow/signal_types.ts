/**
 * Types of signals and their answers, from the schemas that a workflow declares.
 *
 * @module
 */

import type { StandardSchema } from "./schema.ts";

/**
 * The schemas of a signal that is answered.
 *
 * @category Workflows
 */
export interface AskSchemas {
  /** The schema of its payload; any payload when omitted. */
  // deno-lint-ignore no-explicit-any -- payloads differ from signal to signal
  readonly payload?: StandardSchema<any, any>;
  /** The schema of what its handler returns: the asker receives the schema's output. */
  // deno-lint-ignore no-explicit-any -- answers differ from signal to signal
  readonly answer: StandardSchema<any, any>;
}

/**
 * Schemas of payloads and answers, by the signal's name.
 *
 * @category Workflows
 */
export interface SignalSchemas {
  /** The schema of its payload, or of its payload and its answer. */
  // deno-lint-ignore no-explicit-any -- payloads differ from signal to signal
  readonly [signal: string]: StandardSchema<any, any> | AskSchemas;
}

/**
 * The schema of a signal's payload, as it is declared.
 *
 * @category Workflows
 */
export type PayloadSchema<Of> = Of extends { readonly payload: infer Schema } ? Schema
  : Of extends AskSchemas ? StandardSchema<unknown, unknown>
  : Of;

/**
 * The schema of a signal's answer, as it is declared; of any answer where none is.
 *
 * @category Workflows
 */
export type AnswerSchema<Of> = Of extends { readonly answer: infer Schema } ? Schema
  : StandardSchema<unknown, unknown>;

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
  PayloadSchema<Signals[Name]> extends StandardSchema<infer Given, infer _Checked> ? Given : never;

/**
 * The type of a payload that is received: the output of the signal's schema.
 *
 * @category Workflows
 */
export type SignalOutput<Signals extends SignalSchemas, Name extends SignalName<Signals>> =
  PayloadSchema<Signals[Name]> extends StandardSchema<infer _Given, infer Checked> ? Checked
    : never;

/**
 * The type of an answer that an asker receives: the output of the answer's schema; `unknown` where
 * none is declared.
 *
 * @category Workflows
 */
export type SignalAnswer<Signals extends SignalSchemas, Name extends SignalName<Signals>> =
  string extends keyof Signals ? unknown
    : AnswerSchema<Signals[Name]> extends StandardSchema<infer _Given, infer Checked> ? Checked
    : unknown;

/**
 * The type of what a handler returns: the input of the answer's schema; anything where none is
 * declared.
 *
 * @category Workflows
 */
export type SignalReply<Signals extends SignalSchemas, Name extends SignalName<Signals>> =
  AnswerSchema<Signals[Name]> extends StandardSchema<infer Given, infer _Checked>
    ? Given | Promise<Given>
    : unknown;

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
