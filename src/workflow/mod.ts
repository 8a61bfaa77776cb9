/**
 * The entry that workflow modules import: definitions, types and errors. An export is never removed
 * or changed, since code that was pinned years ago imports the running engine's copy of this
 * module.
 *
 * ```ts
 * import { defineWorkflow } from "@continuum/continuum/workflow";
 *
 * export default defineWorkflow({ name: "remind" }, async (ctx, to: string) => {
 *   await ctx.sleep("30d");
 *   return await ctx.activity<string>("mail", { to, text: "Your trial ends today" });
 * });
 * ```
 *
 * @module
 */

import "../replay/installed.ts"; // GUARD-1, before anything else

export { type ActivityDefinition, type ActivityOptions, defineActivity } from "./activity.ts";
export { defineWorkflow, type WorkflowOptions, type WorkflowOptionsWithInput } from "./workflow.ts";
export type {
  LimitRate,
  LimitRateOptions,
  LimitTerms,
  RunLimit,
  RunLimitOptions,
} from "./limit.ts";
export type { LockOptions } from "./locks.ts";
export type {
  AnswerSchema,
  AskSchemas,
  PayloadSchema,
  SignalAnswer,
  SignalArguments,
  SignalInput,
  SignalName,
  SignalOutput,
  SignalReply,
  SignalSchemas,
} from "./signal_types.ts";
export type {
  EachAnySignal,
  EachDeclaredSignal,
  HandleAnySignal,
  HandleDeclaredSignal,
  HandlerOptions,
  OtherRun,
  ReceivedAnySignal,
  ReceivedSignal,
  UntilOptions,
} from "./message_types.ts";
export type { EffectOptions } from "./effect_options.ts";
export type { Encodable, NotSerializable, Returning, Serializable } from "./serializable.ts";
export type { AnyWorkflowDefinition, InputOf, OutputOf, SignalsOf } from "./types_of.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./schema.ts";
export type {
  ActivityCallOptions,
  ChildHandle,
  ChildOptions,
  CompensateOptions,
  ContinueAsNewOptions,
  FiredBy,
  Saga,
  Scope,
  ScopeOptions,
  SleepOptions,
  StepOptions,
  UndoOptions,
  WaitForAnySignal,
  WaitForDeclaredSignal,
  WaitForSignalOptions,
  WaitForSignalOtherwise,
  WorkflowAttributes,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowLog,
  WorkflowTransaction,
} from "./context_types.ts";
export { ACTIVITY, WORKFLOW } from "./marks.ts";
export type { CodeRetryOptions, RetryOptions } from "./options.ts";
export type { RunHeaders } from "./headers.ts";
export type { RunPolicyOptions, RunTermsOptions, Versioning } from "./run_policy.ts";
export type { ActivityTimeouts, QueueOptions, TimeoutOptions } from "./task_options.ts";
export type { ActivityAttempt, Attempt } from "../replay/commands.ts";
export type { RetryPolicy, RetryPredicate } from "../base/backoff.ts";
export { RetryAfterError } from "../base/retry_after.ts";
export type { Duration } from "../base/duration.ts";
export {
  ActivityError,
  CancelledError,
  ChildError,
  CompensationError,
  ContextError,
  ContinuumError,
  type FailedAttempt,
  InvalidArgumentError,
  isContinuumError,
  NondeterministicCallError,
  NonRetryableError,
  NotSerializableError,
  PayloadTooLargeError,
  TimeoutError,
  type TimeoutKind,
  WorkflowError,
} from "../base/errors.ts";
