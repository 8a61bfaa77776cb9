/**
 * The statements with which callers and operators change a run.
 *
 * @module
 */

import { CLOCK } from "../sql/fragments.ts";
import { BOOLEAN, TEXT, TEXTS } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";
import { ENDED, IDLE_STATE } from "./fragments.ts";

/** The statements that change a run. */
export const CHANGE_STATEMENTS = {
  watch: statement(
    { runId: TEXT, namespace: TEXT },
    NO_ROWS,
    `
  update {schema}.runs set watched = true
  where run_id = $runId and namespace is not distinct from $namespace and not watched and ended_at is null`,
  ),

  unpark: statement(
    { runId: TEXT, namespace: TEXT },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set
    state = ${IDLE_STATE},
    stuck_reason = null,
    wake_at = greatest(${CLOCK}, start_at),
    claims_since_progress = 0
  where run_id = $runId and namespace is not distinct from $namespace and stuck_reason is not null
  returning id`,
  ),

  end: statement(
    { runId: TEXT, state: TEXT, error: TEXT, onlyStuck: BOOLEAN, namespace: TEXT },
    NO_ROWS,
    `
  with ended as (
  update {schema}.runs set
    state = $state,
    error = $error::text::json,
    ${ENDED},
    must_notify = parent is not null or has_children
  where run_id = $runId and namespace is not distinct from $namespace and ended_at is null
    and (not $onlyStuck::boolean or stuck_reason is not null)
  returning id
  )
  delete from {schema}.tasks as task using ended where task.run = ended.id`,
  ),

  setAttributes: statement(
    { runId: TEXT, namespace: TEXT, removed: TEXTS, set: TEXT },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set attributes = (attributes - $removed::text[]) || $set::text::jsonb
  where run_id = $runId and namespace is not distinct from $namespace
  returning id`,
  ),
};
