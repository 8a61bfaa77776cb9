/**
 * A run's code, as its executor gets it, or why it does not.
 *
 * @module
 */

import type { ClaimedRun, StuckReason } from "../../ports/rows.ts";
import type { ActivityLike } from "../../replay/commands.ts";
import type { Execution, ExecutionOptions } from "../../replay/machine.ts";

/** A run's code, ready to be executed. */
export interface RunCode {
  /**
   * Makes an execution of the run.
   *
   * @param options `trace`: note where each effect is asked for; `wake`: the code did something
   * between two turns; `payloadBytes`: the most bytes of a value that the code passes;
   * `pulse`: told of its turns.
   */
  execute(
    run: ClaimedRun,
    options?: Pick<ExecutionOptions, "trace" | "wake" | "payloadBytes" | "pulse">,
  ): Execution;
  /**
   * Where in the version an activity is, so that any node can find it; `null`: no module exports
   * it, only this run's node can execute it. Absent: none can be found.
   */
  activityCode?(activity: ActivityLike): string | null;
}

/** Why a run's code is unavailable, and what follows for the run. */
export type CodeFailure =
  /** It may work later: give the run back for that long. */
  | { readonly kind: "passing"; readonly afterMs: number }
  /** This node can't; another may. */
  | { readonly kind: "node" }
  /** No node can load it, until something changes. */
  | { readonly kind: "lasting"; readonly reason: StuckReason };
