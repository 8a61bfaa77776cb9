/**
 * Tests of workflows, for `deno test`: an engine in memory, in virtual time.
 *
 * A month's sleep takes no time. Doubles replace activities. The test sends signals like any
 * client. When the engine is disposed of, it replays every ended run from its history, so code that
 * would not survive a restart fails its test. Histories can be stored as files, and {@linkcode
 * assertReplays} checks that later code still replays them.
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
  double,
  type DoubleOf,
  fails,
  hangs,
  Outcome,
  type StepDouble,
} from "./doubles.ts";
export { dumpHistory, type DumpHistoryOptions, loadHistory } from "./history.ts";
export type { RunHistory } from "../bundle/history.ts";
export { assertReplays } from "./replay.ts";
export { EndlessWaitError, HistoryFormatError, ReplayError, RunParkedError } from "./errors.ts";
export type { AnyWorkflow } from "./definitions.ts";
export type { UnawaitedEffect } from "../engine/run/warnings.ts";
export type { HistoryEvent } from "../replay/history.ts";
