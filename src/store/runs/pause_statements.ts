/**
 * The statements that pause runs and let them continue.
 *
 * - PAUSE-1, one fact: a run is to be paused while its inbox holds a message of kind `pause`. A run
 *   that no node holds becomes `paused` in the statement that writes the message. A node that holds
 *   it, or claims it later, reads the message and pauses it before it executes anything more. So an
 *   expiry, an upgrade or a revival may move the run, and it is paused again.
 * - PAUSE-2, no attempt: with the message, the run's tasks that wait for an attempt are held, and a
 *   task whose attempt ends is held, too. Attempts under way end, and their results are kept.
 * - PAUSE-3, no resumption is lost: both statements raise `wake_seq`, so a node that is about to pause
 *   a run reads the inbox again (JOURNAL-5).
 *
 * @module
 */

import type { PausedRun } from "../../ports/store.ts";
import { CLOCK, milliseconds, readFirst } from "../sql/fragments.ts";
import { BIGINTS, NUMBER, TEXT } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";
import { after } from "../tasks/fragments.ts";
import { pauseMessage, released } from "./fragments.ts";

const GIVEN = { ids: BIGINTS };

const RELEASED = released("run.id");

/** The live runs among `$ids` for which a condition holds, locked in order (LINEAGE-2). */
function held(condition: string, skips: boolean): string {
  return `
  held as materialized (
    select run.id from {schema}.runs as run
    where run.id = any($ids::bigint[]) and run.ended_at is null and ${condition}
    order by run.id for update of run${skips ? " skip locked" : ""}
  )`;
}

/** PAUSE-2. */
function holdTasks(of: string): string {
  return `
    update {schema}.tasks as task set state = 'held', expires_at = null
    from ${of} where task.run = run.id and task.state = 'ready'`;
}

function pause(skips: boolean): string {
  return `
  with ${held(`not ${pauseMessage("run.id")}`, skips)},
  paused as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      state = case when run.node is null and run.stuck_reason is null then 'paused' else run.state end,
      since = case when run.node is null and run.stuck_reason is null then ${CLOCK} else run.since end,
      wake_at = null
    from ${readFirst("held", "id")} where run.id = held.id
    returning run.id, run.node
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload)
    select id, 'pause', '', $payload::text::json from paused
  ),
  tasks as (${holdTasks("paused as run")})
  select id, node, null::bigint as "wakeAt" from paused`;
}

function resume(skips: boolean): string {
  return `
  with ${held(pauseMessage("run.id"), skips)},
  clock as materialized (select ${CLOCK} as at),
  resumed as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      state = case when run.state = 'paused' then ${RELEASED.state} else run.state end,
      wake_at = case when run.state = 'paused' then ${RELEASED.wakeAt} else run.wake_at end,
      waits = null
    from ${readFirst("held", "id")}, clock where run.id = held.id
    returning run.id, run.node, run.wake_at
  ),
  gone as (
    delete from {schema}.inbox as message using resumed
    where message.run = resumed.id and message.kind = 'pause'
  ),
  tasks as (
    update {schema}.tasks as task set
      state = 'ready',
      expires_at = least(
        greatest(clock.at, task.available_at) + ${after("task.wait_ms")}, task.closes_at
      )
    from resumed, clock where task.run = resumed.id and task.state = 'held'
  )
  select id, node, ${milliseconds("wake_at")} as "wakeAt" from resumed`;
}

/** The statements; `...Free`: those that leave out runs whose rows another session holds. */
export const PAUSE_STATEMENTS = {
  pause: statement({ ...GIVEN, payload: TEXT }, rows<PausedRun>(), pause(false)),
  pauseFree: statement({ ...GIVEN, payload: TEXT }, rows<PausedRun>(), pause(true)),
  resume: statement(GIVEN, rows<PausedRun>(), resume(false)),
  resumeFree: statement(GIVEN, rows<PausedRun>(), resume(true)),

  pauseOf: statement(
    { id: NUMBER },
    rows<{ readonly request: string; readonly at: number }>(),
    `
  select message.payload::text as request, ${milliseconds("message.sent_at")} as at
  from {schema}.inbox as message
  where message.run = $id::bigint and message.kind = 'pause'`,
  ),

  // PAUSE-2: tasks that its node had written before it read the message.
  holdTasks: statement(
    GIVEN,
    NO_ROWS,
    holdTasks("(select unnest($ids::bigint[]) as id) as run") + ` and ${pauseMessage("run.id")}`,
  ),
};
