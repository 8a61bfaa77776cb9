/**
 * The timeline of a redacted bundle.
 *
 * @module
 */

import { checkOptions, refuse } from "../../base/arguments.ts";
import { type Bundle, type BundledRunChoice, runOf } from "../../bundle/bundle.ts";
import { shownTrace } from "../run/trace.ts";
import type { RunTrace } from "../run/trace_shapes.ts";

/**
 * Reads what a run of a redacted bundle has done, as `run.trace()` showed it when the bundle was
 * written, without payloads. Nothing is replayed.
 *
 * @param bundle The bundle, exported with `redact: "timeline"`.
 * @param choice Which run, and which generation.
 * @returns The trace; `null`: the generation could not be traced at the export.
 * @throws {InvalidArgumentError} If the bundle is not redacted: replay it instead.
 * @throws {BundleError} (`BUNDLE_NO_RUN`) If the bundle does not hold the run.
 *
 * @category Runs
 */
export function bundleTimeline(bundle: Bundle, choice: BundledRunChoice = {}): RunTrace | null {
  checkOptions(choice, ["runId", "generation"], "bundleTimeline()");
  if (bundle.redacted === null) {
    refuse("the first argument of bundleTimeline()", bundle, "a redacted bundle");
  }
  const history = bundle.history(choice);
  const { facts, timelines } = runOf(bundle, choice.runId);
  const found = timelines.find(({ generation }) => generation === history.generation);
  if (found?.trace === undefined || found.trace === null) return null;
  const events = history.events.length;
  const traced = {
    ...history,
    hash: history.version,
    versionLabel: facts.versionLabel,
    attempt: history.attempt ?? 1,
    firstSeq: history.events[0]?.seq ?? 0,
  };
  return shownTrace(found.trace, traced, { events, at: events, tasks: [], replayed: "subprocess" });
}
