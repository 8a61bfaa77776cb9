/**
 * Asks the code of a run for its state: a dry-run replay of its history, and a query at its end.
 *
 * @module
 */

import type { Drain } from "../replay/drain.ts";
import type { HistoryEvent } from "../replay/history.ts";
import type { QueryAnswer } from "../replay/queries.ts";
import type { RunStart } from "../replay/turn.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";
import { executionOf } from "../workflow/execute.ts";

/** What a run is asked. */
export interface QueryRequest {
  /** The run's start. */
  readonly start: RunStart;
  /** Its whole history. */
  readonly events: readonly HistoryEvent[];
  /** The name of the query. */
  readonly name: string;
  /** Its encoded argument. */
  readonly arg: string;
}

/** What is answered; `stopped`: the code does not replay the history, and why. */
export type QueryReply = QueryAnswer | { readonly kind: "stopped"; readonly why: string };

/**
 * Asks the code of a run.
 *
 * @param definition The code.
 * @param request The run, and the query.
 * @param drain How the execution drains its microtasks.
 * @returns The answer.
 */
export async function queryOn(
  definition: WorkflowDefinition<never, unknown>,
  { start, events, name, arg }: QueryRequest,
  drain: Drain,
): Promise<QueryReply> {
  const execution = executionOf(definition, start, { drain });
  const { drift, refused } = await execution.turn(events);
  const stopped = drift ?? refused;
  return stopped === null ? execution.query(name, arg) : { kind: "stopped", why: stopped.message };
}
