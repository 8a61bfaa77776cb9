/**
 * Tests of workflows, for `deno test`: an engine in memory, in virtual time.
 *
 * A month's sleep takes no time; activities are replaced by doubles; signals are sent as by any
 * client. Every run that has ended is replayed from its history when the engine is disposed of, so
 * that code that would not survive a restart fails its test. Histories can be kept as files, and
 * {@linkcode assertReplays} shows that later code still replays them.
 *
 * ```ts
 * import { defineWorkflow } from "@continuum/continuum/workflow";
 * import { testEngine } from "@continuum/continuum/testing";
 *
 * const remind = defineWorkflow({ name: "remind" }, async (ctx) => {
 *   return await ctx.waitForSignal("paid", { timeout: "30d", otherwise: "overdue" });
 * });
 *
 * Deno.test("an unpaid bill is overdue after a month", async () => {
 *   await using engine = await testEngine({ workflows: [remind] });
 *   const run = await engine.start(remind, undefined);
 *   console.assert(await run.result() === "overdue");
 * });
 * ```
 *
 * @module
 */

export { TestEngine, testEngine, type TestStartedItem } from "./engine.ts";
export type { TestEngineOptions } from "./options.ts";
export { TestRun, type TestRunServices } from "./run.ts";
export {
  type ActivityCall,
  type ActivityDouble,
  type ActivityDoublePair,
  Answers,
  answers,
  fails,
  hangs,
  Outcome,
} from "./doubles.ts";
export { dumpHistory, type DumpHistoryOptions, loadHistory, type RunHistory } from "./history.ts";
export { Activities } from "../client/activities.ts";
export type { QueueSetting } from "../options.ts";
export { assertReplays } from "./replay.ts";
export { EndlessWaitError, HistoryFormatError, ReplayError, RunParkedError } from "./errors.ts";
export type { AnyWorkflow } from "./definitions.ts";

// The types that the above speak of, as the package's other entries export them.
export type { VersionInfo, VersionsApi } from "../client/versions.ts";
export type { Generation, GenerationsOptions, HistoryOptions } from "../client/run/generations.ts";
export type { ResultOptions } from "../client/run/deadline.ts";
export type {
  RunAttributes,
  RunHandle,
  SignalOptions as RunSignalOptions,
  StatusOptions,
} from "../client/run/handle.ts";
export type { HistoryEntry, PendingEffect, RunStatus, RunWait } from "../client/run/status.ts";
export type {
  StartManyItem,
  StartManyOptions,
  StartOptions,
  StartSignal,
} from "../client/start/options.ts";
export type { CountOptions, QueryOptions, RunPage, RunsApi } from "../client/run/queries.ts";
export type { RunFacts, RunSummary } from "../client/run/summary.ts";
export type { PruneOptions, PruneReport, PruneResultsOptions } from "../client/run/prune.ts";
export type { PruneBounds } from "../client/run/prune_options.ts";
export type { AttributeComparisons, Comparisons, RunWhere } from "../client/run/conditions.ts";
export type {
  ScheduleRun,
  Schedules,
  ScheduleScope,
  ScheduleStatus,
} from "../client/schedule/client.ts";
export type {
  ScheduleListOptions,
  ScheduleOptions,
  ScheduleTiming,
} from "../client/schedule/options.ts";
export type { CatchUp, Overlap, ScheduleState, ScheduleTrouble } from "../schedule/firing.ts";
export type { UpgradeOptions, UpgradeReport } from "../client/run/upgrade.ts";
export type {
  AttributeInput,
  Attributes,
  AttributeScalar,
  AttributesPatch,
  AttributeValue,
} from "../base/attributes.ts";
export type { UnawaitedEffect } from "../engine/run/warnings.ts";
export type { Limits } from "../client/limits.ts";
export type { EndState, RunState, StuckReason } from "../ports/rows.ts";
export type { CommandKind } from "../replay/commands.ts";
export type { EventKind, HistoryEvent } from "../replay/history.ts";
export type { CallSite, DriftReport, DriftSide, Refusal } from "../replay/turn.ts";
export type { DatabaseAdapter, SqlDriver, SqlSession, SqlValue } from "../store/sql/driver.ts";
export type * from "../workflow/mod.ts";
