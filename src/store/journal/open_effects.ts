/**
 * Reads what is open in runs: tasks, unread ends of activities, children and locks.
 *
 * - OPENED-1, of the owner alone: only the node that holds a run opens an effect. While no node holds
 *   it, a task may become an answer at the same position, and nothing is added.
 *
 * @module
 */

import { childRequestOf } from "../../base/run_ids.ts";
import type { OpenEffects } from "../../ports/rows.ts";
import type { OpenEffect } from "../../replay/open_effects.ts";
import { BIGINTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

interface OpenRow {
  readonly id: number;
  readonly generation: number;
  readonly effects: string | null;
  readonly locks: string | null;
  readonly children: string | null;
}

type Held = readonly [
  form: "task" | "answer",
  position: number,
  name: string,
  digest: string | null,
];

/** What requested a child: the seed of a later generation does not say it. */
const FIRST_SEED = `coalesce((
        select first.seed from {schema}.generations as first
        where first.run = child.id and first.generation = 0
      ), child.seed)`;

/** The statement. The children that a fork has adopted were requested by its original. */
export const OPEN_EFFECTS = statement(
  { runs: BIGINTS },
  rows<OpenRow>(),
  `
  select run.id, run.generation, (
    select json_agg(json_build_array(form, position, name, digest))::text from (
      select 'task' as form, task.position, task.name, task.digest from {schema}.tasks as task
      where task.run = run.id and task.generation = run.generation
      union all
      select 'answer', message.position, message.name, message.digest
      from {schema}.inbox as message
      where message.run = run.id and message.kind in ('activity.completed', 'activity.failed')
    ) as held
  ) as effects, (
    select json_agg(json_build_array(place.position, line.name))::text
    from {schema}.places as place join {schema}.limits as line on line.id = place.limit_id
    where place.run = run.id and place.position >= 0 and place.state not in ('over', 'gone')
  ) as locks, (
    select json_agg(json_build_array(child.seed, child.workflow))::text from (
      select ${FIRST_SEED} as seed, true as own, child.workflow, child.run_id, child.ended_at,
        child.must_notify
      from {schema}.runs as child where child.parent = run.id
      union all
      select ${FIRST_SEED}, false, child.workflow, child.run_id, child.ended_at, child.must_notify
      from {schema}.adoptions as adoption join {schema}.runs as child on child.id = adoption.child
      where adoption.run = run.id and run.generation = 0
    ) as child
    where (not child.own or starts_with(child.seed, run.seed || '/')) and (
      child.ended_at is null or child.must_notify or exists (
        select from {schema}.inbox as message
        where message.run = run.id and message.kind = 'child' and message.name = child.run_id
      )
    )
  ) as children
  from {schema}.runs as run where run.id = any($runs::bigint[])`,
);

/**
 * Makes what is open in a run of its row.
 *
 * @param row The row.
 * @returns The open effects.
 */
export function openOf({ id, generation, effects, locks, children }: OpenRow): OpenEffects {
  const held = list<Held>(effects).map(([form, position, name, digest]): OpenEffect => (
    { form, position, kind: "activity", name, digest }
  ));
  const locked = list<readonly [number, string]>(locks).map(([position, name]): OpenEffect => (
    { form: "lock", position, kind: "call", name: `lock ${name}`, digest: null }
  ));
  const started = list<readonly [string, string]>(children).flatMap(
    ([seed, name]): OpenEffect[] => {
      const request = childRequestOf(seed);
      return request === null ? [] : [{ form: "child", kind: "child", name, ...request }];
    },
  );
  return { id, generation, effects: [...held, ...locked, ...started] };
}

function list<Row>(text: string | null): Row[] {
  return text === null ? [] : JSON.parse(text);
}
