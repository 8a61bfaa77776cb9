/**
 * Durable workflows for Deno on Postgres. A workflow is an ES module; a run remembers which code it
 * started on and resumes on exactly that code, on any node, for as long as it lives.
 *
 * ```ts ignore
import { Continuum } from "@continuum/continuum";
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

import "./src/deno_only.ts";
import "./src/replay/installed.ts"; // GUARD-1, before anything else

// Continuum: opening, limits, health
export { Continuum, type Readiness } from "./src/continuum.ts";
export type { RunOptions } from "./src/client/run/run_arguments.ts";
export type { DatabaseOptions } from "./src/client/options.ts";
export type {
  ConnectOptions,
  NodeQueueOptions,
  OpenOptions,
  RetentionOptions,
} from "./src/options.ts";
export type { MigrateMode } from "./src/ports/store.ts";
export type { Logger } from "./src/base/plain_log.ts";
export type { TelemetryOption } from "./src/ports/telemetry.ts";
export { EncodedValue } from "./src/base/encoded.ts";
export type { LimitOptions } from "./src/client/limits.ts";
export type { TrustOptions, TrustPattern } from "./src/version/fetch/trust.ts";
export type { ArchiveOptions } from "./src/version/packages/archive_packages.ts";
export type { FailingActivity, LiveRuns, NodeInfo, QueueInfo } from "./src/client/fleet.ts";
export type { Health, HealthOptions, LoadedCode } from "./src/client/health.ts";
export type { FindingCode, HealthFinding, RepairAction } from "./src/client/health/finding.ts";
export type { OperationOptions, RepairedTarget, RepairReport } from "./src/client/health/repair.ts";
export type { OperatorIdentity } from "./src/client/operated.ts";
export type {
  Operation,
  OperationListOptions,
  OperationPage,
  Operations,
  PruneOperationsOptions,
} from "./src/client/operations.ts";
export type {
  PlannedRepair,
  RepairableCode,
  RepairPlan,
  RepairPlanOptions,
  RepairTarget,
} from "./src/client/health/repair_plan.ts";
export type { DrainSummary, EngineState } from "./src/engine/engine.ts";

// Runs
export type {
  IfExists,
  StartArguments,
  StartManyItem,
  StartManyOptions,
  StartOptions,
  StartSignal,
} from "./src/client/start/options.ts";
export type { StartedItem } from "./src/client/start/run_starter.ts";
export type {
  AskCodeOptions,
  AskOptions,
  RunAttributes,
  RunHandle,
  SignalOptions,
  StatusOptions,
} from "./src/client/run/handle.ts";
export type { ResultOptions } from "./src/client/run/deadline.ts";
export type {
  Generation,
  GenerationsOptions,
  HistoryOptions,
} from "./src/client/run/generations.ts";
export type { HistoryEntry } from "./src/client/run/history.ts";
export type { PendingEffect, RetriedEffect, RunPlace, RunStatus } from "./src/client/run/status.ts";
export type {
  RunTrace,
  TraceAttempt,
  TraceEntry,
  TraceOptions,
  TraceSite,
  TraceTask,
  TraceUnavailable,
} from "./src/client/run/trace_shapes.ts";
export type { RunWaits, StoppedPlace, WaitingPlace, WhereOptions } from "./src/client/run/where.ts";
export type { CommandKind } from "./src/replay/commands.ts";
export type { EventKind } from "./src/replay/history.ts";
export type { CallSite, DriftReport, DriftSide, Refusal } from "./src/replay/turn.ts";
export type { EndState, RunRelatives, RunState, StuckReason } from "./src/ports/rows.ts";
export type { UpgradedActivity, UpgradeOptions, UpgradeReport } from "./src/client/run/upgrade.ts";
export type { BulkJob } from "./src/client/run/bulk_job.ts";
export type { JobKind } from "./src/ports/bulk.ts";
export type { ActVerdict, ActVerdictKind } from "./src/client/run/bulk_act.ts";
export type { BulkActOptions, BulkReasonOptions } from "./src/client/run/bulk_act_options.ts";
export {
  QueueNotFoundError,
  type QueueRate,
  type RunQueue,
  RunQueues,
} from "./src/client/run_limits.ts";
export type { RunPause } from "./src/client/run/pause.ts";
export type { BulkUpgradeOptions, PlannedRun } from "./src/client/run/bulk_options.ts";
export type { BulkChange } from "./src/client/run/bulk_work.ts";
export type { BulkWorkOptions } from "./src/client/run/bulk_work_options.ts";
export type {
  CountOptions,
  JobsOptions,
  QueryOptions,
  RelativesOptions,
  RunPage,
  Runs,
  TroublesOptions,
} from "./src/client/run/queries.ts";
export type { ForkOrigin, RunFacts, RunSummary, RunWait } from "./src/client/run/summary.ts";
export type {
  AttributeComparisons,
  Comparisons,
  IdComparisons,
  RunStateGroup,
  RunWhere,
} from "./src/client/run/conditions.ts";
export type { ForkOptions, ForkReport } from "./src/client/run/fork.ts";
export type { ForkChildren, ForkedChild } from "./src/client/run/fork_children.ts";
export type { ForkPoint } from "./src/client/run/fork_point.ts";
export type { ForkedEffect, LaterSignal } from "./src/client/run/fork_preview.ts";
export type { ReopenOptions, ReopenReport } from "./src/client/run/reopen.ts";
export type { DeleteOptions } from "./src/client/run/delete.ts";
export type { PruneOptions, PruneReport, PruneResultsOptions } from "./src/client/run/prune.ts";
export type { PruneScopeOptions } from "./src/client/run/prune_options.ts";
export type {
  AttributeInput,
  Attributes,
  AttributeScalar,
  AttributesPatch,
  AttributeValue,
} from "./src/base/attributes.ts";
export type { Activities } from "./src/client/activities.ts";

// Bundles: runs and their code as a file
export { openBundle, type OpenBundleOptions } from "./src/bundle/read.ts";
export type { Bundle, BundledRunChoice, BundledRunSummary } from "./src/bundle/bundle.ts";
export type { ExportOptions } from "./src/client/bundle/export.ts";
export {
  type BundleEnd,
  type BundleEnds,
  type BundlePlace,
  type BundleReplay,
  type BundleStep,
  type BundleVerdict,
  replayBundle,
  type ReplayBundleOptions,
} from "./src/client/bundle/replay.ts";
export { bundleTimeline } from "./src/client/bundle/timeline.ts";

// Hooks
export type { Around, AttemptCall, SignalCall, StartCall } from "./src/ports/around.ts";

// Schedules
export type {
  BackfillOptions,
  ScheduleRun,
  Schedules,
  ScheduleScopeOptions,
  ScheduleStatus,
} from "./src/client/schedule/client.ts";
export type {
  ScheduleListOptions,
  ScheduleOptions,
  ScheduleTiming,
} from "./src/client/schedule/options.ts";
export type { CatchUp, Overlap, ScheduleState, ScheduleTrouble } from "./src/schedule/firing.ts";

// Versions
export type { Versions } from "./src/client/versions.ts";
export type {
  VersionDenial,
  VersionInfo,
  VersionListOptions,
  VersionPage,
} from "./src/client/versions/list.ts";
export type {
  AllowReport,
  Denial,
  DeniedVersion,
  DenyOptions,
  DenyReport,
} from "./src/client/versions/deny.ts";
export type { AddedSignatures, VersionSignature } from "./src/client/versions/signatures.ts";
export type { CollectedVersion, VersionGc, VersionGcOptions } from "./src/client/versions/gc.ts";
export type {
  PatchedRun,
  PatchesOptions,
  PatchReport,
  PatchSite,
  PatchUse,
} from "./src/client/versions/patches.ts";
export type { KeptBecause, Loss } from "./src/ports/collection.ts";
export type { VersionState } from "./src/ports/version_usage.ts";
export {
  type CauseKind,
  type CauseSite,
  groupByCause,
  type Verdict,
  type VerdictCause,
  type VerdictGroup,
  type VerdictKind,
} from "./src/client/versions/verdict.ts";
export type {
  CheckedMember,
  CheckedState,
  CheckedVersion,
  CheckGroup,
  UnarchivedPackage,
  VersionCheck,
} from "./src/client/versions/check_report.ts";
export type { VersionCheckOptions } from "./src/client/versions/check.ts";
export type { MissingCallee, UncheckedCalls } from "./src/client/versions/callees.ts";
export type { VersionReplay, VersionReplayOptions } from "./src/client/versions/replay.ts";
export type {
  MemberDiff,
  PackageDiff,
  SettingDiff,
  VersionDiff,
  VersionDiffOptions,
} from "./src/client/versions/diff.ts";
export type { SourceLine, VersionMember, VersionSource } from "./src/client/sources.ts";
export type { MediaType } from "./src/version/manifest/format.ts";

// Errors: docs/errors.md lists their codes
export { BundleError } from "./src/bundle/errors.ts";
export {
  ActivityError,
  CancelledError,
  ChildError,
  ContinuumError,
  type ErrorOf,
  InvalidArgumentError,
  InvalidInputError,
  isContinuumError,
  NonRetryableError,
  NotSerializableError,
  PayloadTooLargeError,
  TimeoutError,
  type TimeoutKind,
  WorkflowError,
} from "./src/base/errors.ts";
export {
  AskError,
  NotPublishedError,
  QueryError,
  RunFailedError,
  RunNotFoundError,
  RunStateError,
  RunStoppedError,
} from "./src/base/run_errors.ts";
export type {
  DetailsOf,
  Diagnostic,
  ErrorCode,
  ErrorDetails,
  FailureKind,
  Issue,
  SourceReason,
} from "./src/base/error_codes/details.ts";
export { SchemaFailedError } from "./src/workflow/schema.ts";
export { BulkJobError, RunExistsError } from "./src/client/errors.ts";
export { ScheduleError } from "./src/client/schedule/errors.ts";
export { AttemptError } from "./src/task/errors.ts";
export {
  ClosedError,
  DatabaseError,
  type DatabaseErrorCode,
  DatabaseUnavailableError,
  QueryTimeoutError,
} from "./src/store/errors.ts";
export {
  LoadError,
  type LoadErrorCode,
  VersionDeniedError,
  VersionNotFoundError,
  VersionUnavailableError,
} from "./src/version/load_errors.ts";
export { GraphError, type GraphErrorCode } from "./src/version/errors.ts";
export { DryRunError } from "./src/dry_run/errors.ts";
