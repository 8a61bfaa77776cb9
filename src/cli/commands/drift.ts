/**
 * How a trace says where code and history diverge.
 *
 * @module
 */

import type { TraceOfRun } from "../../operate/runs.ts";

/**
 * The lines for people; none if the code replays its history.
 *
 * @param trace A trace, or where a run waits.
 */
export function* driftLines(trace: Pick<TraceOfRun, "drift" | "refused">): Iterable<string> {
  if (trace.drift !== null) yield `drift: ${trace.drift.message}`;
  if (trace.refused !== null) yield `refused: ${trace.refused.message}`;
}
