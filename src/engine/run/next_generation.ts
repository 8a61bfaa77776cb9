/**
 * The end of a generation that is not the end of its run: the run continues as new, or is retried.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { GenerationEnd } from "../../ports/lineage.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { Execution } from "../../replay/machine.ts";
import type { Outcome } from "../../replay/turn.ts";
import { type ExitOrReload, LOST } from "./exit.ts";
import { policyOf, policyText } from "../../workflow/run_policy.ts";
import type { NodeContext } from "../node_context.ts";
import { restOf } from "./policies.ts";
import type { RunRecord } from "./record.ts";

/** The parts of the node that the end of a generation uses. */
type Context = Pick<NodeContext, "databaseRetry" | "log" | "store" | "code">;

/** The outcome of code that continues as new. */
type Continued = Extract<Outcome, { kind: "continued" }>;

/** The version and input of the next generation. */
interface Target extends VersionPin {
  /** Its encoded input, as that version validated it. */
  readonly input: string;
}

/**
 * Continues a run as new: the run, row and lease stay the same, and a new history begins.
 *
 * @param record The run.
 * @param outcome The result of its code.
 * @param execution The execution that has ended: signals that it did not consume are kept.
 * @param context What it needs from the node.
 * @returns `reload`: the record is in its next generation; else how the run left.
 */
export async function continueAsNew(
  record: RunRecord,
  outcome: Continued,
  execution: Execution,
  { databaseRetry, store: { lineage }, code, log }: Context,
): Promise<ExitOrReload> {
  const ending = endOf(record, execution);
  const begin = async () => {
    const target = await targetOf(record.run, outcome, { code, databaseRetry, log });
    if ("refused" in target) return target;
    const { versioning } = outcome;
    const at = await lineage.continueAsNew({ ...ending, ...target, versioning });
    return at === null ? null : { ...target, startedAt: at };
  };
  const continued = await databaseRetry.run(
    "continue a run as new",
    () => code.pinning?.(begin) ?? begin(),
  );
  if (record.isLost || !continued) return LOST;
  if ("refused" in continued) {
    return await record.leave({ to: "failed", result: null, error: continued.refused });
  }
  const { seed, generation } = ending;
  const { policy } = record.run;
  const { versioning } = outcome;
  const first = { attempt: 1, began: true, deliveredSeq: null, claims: 1 };
  record.startGeneration({
    ...record.run,
    ...continued,
    ...first,
    policy: versioning === null ? policy : policyText(policyOf(policy), { versioning }),
    seed,
    generation: generation + 1,
  });
  return "reload";
}

/**
 * Suspends a run that failed until its next attempt, which is another generation with the same
 * input (EXECUTOR-3 of `executor.ts`). A message that arrived after the inbox was read may be a
 * cancellation, and then no attempt follows.
 *
 * @param record The run.
 * @param error The error that its function threw, encoded.
 * @param at When the next attempt is due, in milliseconds of database time.
 * @param execution The execution that has ended: signals that it did not consume are kept.
 * @param context What it needs from the node.
 * @returns How the run left; `reload`: the history has events that were not read.
 */
export async function tryAgain(
  record: RunRecord,
  error: string,
  at: number,
  execution: Execution,
  { databaseRetry, store: { lineage } }: Context,
): Promise<ExitOrReload> {
  const waits = restOf(record.run.attempt + 1, at);
  while (!record.isLost) {
    const { wakeSeq } = record.inbox;
    const next = {
      ...endOf(record, execution),
      ...record.trail,
      wakeSeq,
      at,
      waits,
      failure: error,
    };
    const isResting = await databaseRetry.run(
      "let a run rest before its next attempt",
      () => lineage.retry(next),
    );
    if (isResting === undefined) return LOST;
    if (isResting) return { kind: "suspended", wakeAt: at };
    const loaded = await record.load(record.next);
    if (loaded === undefined) return LOST;
    if (loaded.events.length > 0) return "reload";
    if (record.inbox.cancellation !== undefined) {
      return await record.leave({ to: "failed", result: null, error });
    }
  }
  return LOST;
}

function endOf({ run, next }: RunRecord, { unconsumed }: Execution): GenerationEnd {
  const { id, namespace, token, generation } = run;
  // An ask that was received and not answered stays with the generation that received it.
  const signals = unconsumed.flatMap(({ kind, name, payload }) =>
    kind === "signal.received" ? { name, payload } : []
  );
  return { run: id, namespace, token, generation, next, seed: randomId(), signals };
}

/**
 * Chooses the version of the next generation, and validates the input against it. If the current
 * version refuses the input, the run stays on its own version, as after an upgrade whose history
 * does not replay. `refused`: the run's own version refuses the input too, with the encoded error.
 */
async function targetOf(
  { runId, workflow, hash, specifier }: ClaimedRun,
  { input, version }: Continued,
  { code, databaseRetry, log }: Pick<Context, "code" | "databaseRetry" | "log">,
): Promise<Target | { readonly refused: string }> {
  const current = version === "current" ? await code.current(workflow) : undefined;
  if (current !== undefined && current.hash !== hash) {
    try {
      return { ...current, input: await code.checkInput(current.hash, input) };
    } catch (error) {
      throwUnlessFinal(error, databaseRetry);
      log.warn("Run {run} continues as new on the version that it has: {error}", {
        run: runId,
        error,
      });
    }
  }
  try {
    return { hash, specifier, input: await code.checkInput(hash, input) };
  } catch (error) {
    throwUnlessFinal(error, databaseRetry);
    return { refused: encodeError(error) };
  }
}

function throwUnlessFinal(error: unknown, databaseRetry: Context["databaseRetry"]): void {
  if (!isContinuumError(error) || databaseRetry.isTransient(error)) throw error;
}
