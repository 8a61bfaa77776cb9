/**
 * A run's code for its executor, or the reason why it is unavailable.
 *
 * @module
 */

import type { RetryPredicate } from "../../base/backoff.ts";
import type { ClaimedRun, StuckReason } from "../../ports/rows.ts";
import type { ActivityLike } from "../../replay/commands.ts";
import type { Execution, ExecutionOptions } from "../../replay/machine.ts";

/** A run's code, ready to be executed. */
export interface RunCode {
  /**
   * Creates an execution of the run.
   *
   * @param options `trace`: record where the code requests each effect; `wake`: called when the
   * code did something between two turns; `payloadBytes`: the most bytes of a value that the code
   * passes; `pulse`: notified when a turn begins and ends; `wantsSite`: which places to keep;
   * `logFacts`: what log lines say besides their own properties.
   */
  execute(
    run: ClaimedRun,
    options?: Pick<ExecutionOptions, "trace" | "wake" | "payloadBytes" | "pulse" | "wantsSite"> & {
      readonly logFacts?: () => Readonly<Record<string, string>>;
    },
  ): Execution;
  /**
   * Returns the label and export of an activity in the version, by which any node can find it;
   * `null`: no module exports it, so only this run's node can execute it. Absent: no activity can
   * be found.
   */
  activityCode?(activity: ActivityLike): string | null;
  /** The predicate of the definition's retry policy. */
  readonly retryIf?: RetryPredicate | undefined;
}

/** Why a run's code is unavailable, and what the executor does with the run. */
export type CodeFailure =
  /** It may become available: release the run for that long. */
  | { readonly kind: "passing"; readonly afterMs: number }
  /** This node can't load it; another may. */
  | { readonly kind: "node" }
  /** No node can load it until something changes. */
  | { readonly kind: "lasting"; readonly reason: StuckReason };
