/**
 * Durable workflows for Deno on Postgres. A workflow is an ES module; a run remembers which code it
 * started on and resumes on exactly that code, on any node, for as long as it lives.
 *
 * ```ts ignore
 * import { Continuum } from "@continuum/continuum";
 * import greet from "./workflows/greet.ts";
 *
 * await using continuum = await Continuum.open({
 *   workflows: [import.meta.resolve("./workflows/greet.ts")],
 * });
 * const run = await continuum.start(greet, "World");
 * console.log(await run.result());
 * ```
 *
 * Workflow modules import `@continuum/continuum/workflow`, and nothing else of this package.
 *
 * @module
 */

import "./src/replay/installed.ts"; // G1, before anything else

export { Continuum, type Readiness } from "./src/continuum.ts";
export type { VersionInfo, Versions } from "./src/client/versions.ts";
export type { LimitOptions } from "./src/client/limits.ts";
export type {
  ConnectOptions,
  NodeQueueOptions,
  OpenOptions,
  RetentionOptions,
} from "./src/options.ts";
export type { ResultOptions } from "./src/client/run/deadline.ts";
export {
  type RunAttributes,
  type RunHandle,
  type SignalOptions,
  type StatusOptions,
} from "./src/client/run/handle.ts";
export type {
  Generation,
  GenerationsOptions,
  HistoryOptions,
} from "./src/client/run/generations.ts";
export type {
  HistoryEntry,
  PendingEffect,
  RetriedEffect,
  RunStatus,
  RunWait,
} from "./src/client/run/status.ts";
export type {
  IfExists,
  StartManyItem,
  StartManyOptions,
  StartOptions,
  StartSignal,
} from "./src/client/start/options.ts";
export type { StartedItem } from "./src/client/start/run_starter.ts";
export {
  type CountOptions,
  InvalidCursorError,
  type QueryOptions,
  type RunPage,
  type Runs,
} from "./src/client/run/queries.ts";
export type { RunFacts, RunSummary } from "./src/client/run/summary.ts";
export type { PruneOptions, PruneReport, PruneResultsOptions } from "./src/client/run/prune.ts";
export type { PruneScopeOptions } from "./src/client/run/prune_options.ts";
export type { AttributeComparisons, Comparisons, RunWhere } from "./src/client/run/conditions.ts";
export type {
  AttributeInput,
  Attributes,
  AttributeScalar,
  AttributesPatch,
  AttributeValue,
} from "./src/base/attributes.ts";
export { type Issue, SchemaFailedError } from "./src/workflow/schema.ts";
export {
  type ScheduleRun,
  type Schedules,
  type ScheduleScopeOptions,
  type ScheduleStatus,
} from "./src/client/schedule/client.ts";
export type {
  ScheduleListOptions,
  ScheduleOptions,
  ScheduleTiming,
} from "./src/client/schedule/options.ts";
export {
  ScheduleExistsError,
  ScheduleNotFoundError,
  ScheduleStateError,
} from "./src/client/schedule/errors.ts";
export type { CatchUp, Overlap, ScheduleState, ScheduleTrouble } from "./src/schedule/firing.ts";
export type {
  RunTrace,
  TraceAttempt,
  TraceEntry,
  TraceOptions,
  TraceSite,
} from "./src/client/run/trace.ts";
export { DryRunError } from "./src/dry_run/errors.ts";
export type { UpgradedActivity, UpgradeOptions, UpgradeReport } from "./src/client/run/upgrade.ts";
export type { Health, HealthFinding, LoadedCode } from "./src/client/health.ts";
export type { DrainSummary, EngineState } from "./src/engine/engine.ts";
export type { EndState, RunState, StuckReason } from "./src/ports/rows.ts";
export type { CallSite, DriftReport, DriftSide, Refusal } from "./src/replay/turn.ts";
export type { CommandKind } from "./src/replay/commands.ts";
export type { EventKind } from "./src/replay/history.ts";
export type { TrustOptions, TrustPattern } from "./src/version/fetch/trust.ts";
export type { Activities } from "./src/client/activities.ts";

export {
  GenerationNotFoundError,
  IdempotencyConflictError,
  RunEndedError,
  RunExistsError,
  RunFailedError,
  RunNotFoundError,
  RunStateError,
  RunStoppedError,
} from "./src/client/errors.ts";
export {
  InvalidInputError,
  InvalidSignalPayloadError,
  VersionUnavailableError,
} from "./src/version/contract_errors.ts";
export {
  ActivityError,
  CancelledError,
  ContinuumError,
  InvalidArgumentError,
  isContinuumError,
  NonRetryableError,
  NotSerializableError,
  PayloadTooLargeError,
  RunTimeoutError,
  TimeoutError,
  type TimeoutKind,
  UndeclaredSignalError,
  WorkflowError,
} from "./src/base/errors.ts";
export { AttemptInterruptedError, AttemptLostError, TaskNotFoundError } from "./src/task/errors.ts";
export {
  ClosedError,
  DatabaseInUseError,
  DatabaseOptionError,
  DatabaseUnavailableError,
  DatabaseUnsuitableError,
  MigrationChangedError,
  NestedQueryError,
  SchemaTooNewError,
  TransactionOverError,
  UnstorableTextError,
} from "./src/store/errors.ts";
export {
  DefinitionError,
  ExternalUnavailableError,
  type FailureKind,
  FetchFailedError,
  ImportFailedError,
  type ImportTrouble,
  IntegrityError,
  LiveUnknownError,
  LoadFailure,
  LoadLimitError,
  type SourceName,
  type SourceReason,
  UnpinnedImportError,
  UntrustedModuleError,
  VersionNotFoundError,
} from "./src/version/load_errors.ts";
export {
  ConfigError,
  GraphForbiddenError,
  GraphLimitError,
  GraphUnpinnedError,
  ManifestError,
  ModuleNotFoundError,
  ModuleSyntaxError,
  ModuleUnreadableError,
} from "./src/version/errors.ts";
export type { Diagnostic, DiagnosticCode } from "./src/version/manifest/diagnostics.ts";
