/**
 * The statements on children, ends and generations. See `src/store/lineage.ts` for the invariants.
 *
 * @module
 */

import type { ChildStart, WokenRun } from "../ports/lineage.ts";
import { AWAITING } from "./awaits.ts";
import { END_OF_CHILD, ENDED, EXECUTES_NOTHING } from "./runs/fragments.ts";
import { CLOCK, milliseconds, POLICY, specifierIdOf, TIMEOUT, timestamp } from "./sql/fragments.ts";
import { BIGINTS, FLOATS, nullable, NUMBER, TEXT, TEXTS, unnested } from "./sql/parameters.ts";
import { NO_ROWS, rows, statement } from "./sql/statement.ts";

/** A run that has ended, and whose relatives have not been notified yet. */
export interface EndedRow {
  /** The run's key; `null`: not a run, but that others are marked which have not ended. */
  readonly id: number | null;
  /** Whether it has started children. */
  readonly hasChildren: boolean;
  /** Whether a run started it. */
  readonly hasParent: boolean;
  /** Whether other runs may await something of it. */
  readonly isAwaited: boolean;
}

/** A child that ended since its parent ended. */
export type StoppedRow = WokenRun & { readonly mustNotify: boolean };

/** What every end of a generation takes. */
const GENERATION_END = {
  run: NUMBER,
  token: NUMBER,
  next: NUMBER,
  generation: NUMBER,
  seed: TEXT,
  signalNames: TEXTS,
  signalPayloads: TEXTS,
};

/** The children to start, a list for each column. */
const CHILDREN = {
  parent: BIGINTS,
  token: BIGINTS,
  close: TEXTS,
  runId: TEXTS,
  workflow: TEXTS,
  hash: TEXTS,
  specifier: TEXTS,
  input: TEXTS,
  seed: TEXTS,
  policy: TEXTS,
  attributes: TEXTS,
  delay: FLOATS,
  trace: TEXTS,
};

/** The writer still holds the run, in the generation and with the history that it knows. */
const HELD_GENERATION = `id = $run::bigint and token = $token::bigint
        and next_seq = $next::integer and generation = $generation::integer`;

/**
 * LINEAGE-4: the row has the `wake_seq` that this statement's snapshot has, so the snapshot has all
 * messages of the run. A scalar sub-select reads the snapshot, also where the row was locked later.
 */
const ALL_READ = `
        and wake_seq = (select seen.wake_seq from {schema}.runs as seen where seen.id = $run::bigint)`;

/**
 * Ends a generation and begins the next, behind a fence. When repeated, it returns what it has
 * done.
 */
function nextGeneration(fence: string, changes: string): string {
  return `
    with clock as materialized (select ${CLOCK} as at),
    old as materialized (
      select * from {schema}.runs
      where ${HELD_GENERATION}${fence}
      for update
    ),
    kept as (
      insert into {schema}.generations (
        run, generation, first_seq, next_seq, specifier_id, seed, input, started_at, ended_at, attempt
      )
      select id, generation, first_seq, next_seq, specifier_id, seed, input, started_at, at, attempt
      from old cross join clock
    ),
    requeued as (
      insert into {schema}.inbox (run, kind, name, payload)
      select old.id, 'signal', signal.name, signal.payload::json
      from old cross join unnest($signalNames::text[], $signalPayloads::text[]) as signal (name, payload)
    ),
    given_up as (
      delete from {schema}.tasks as task using old where task.run = old.id
    ),
    unlocked as (
      update {schema}.places as place set state = 'over', turn = null, due_at = clock.at
      from old cross join clock
      where old.has_children and place.run = old.id and place.position >= 0
      returning place.run, place.told_by
    ),
    untold as (
      delete from {schema}.inbox as message using unlocked
      where message.run = unlocked.run and message.kind = 'signal'
        and message.name = unlocked.told_by
    ),
    unread as (
      delete from {schema}.inbox as message using old
      where message.run = old.id and message.kind in ('activity.completed', 'activity.failed')
    ),
    continued as (
      update {schema}.runs as run set
        generation = run.generation + 1,
        first_seq = run.next_seq,
        delivered_seq = null,
        seed = $seed,
        claims_since_progress = 0,
        must_notify = run.is_awaited,
        ${changes}
      from old cross join clock
      where run.id = old.id
      returning clock.at
    )
    select ${milliseconds("at")} as at from continued
    union all
    select ${milliseconds("coalesce(started_at, start_at)")} from {schema}.runs
    where id = $run::bigint and generation = $generation::integer + 1`;
}

/**
 * Keys of the parents of `$children`, and of those children of `$parents` for which a condition
 * holds. As an array they are looked up in the primary key; a disjunction would read all runs.
 */
function relatives(condition: string): string {
  return `array(
    select parent from {schema}.runs where id = any($children::bigint[]) and parent is not null
    union
    select run from {schema}.adoptions where child = any($children::bigint[])
    union
    select id from {schema}.runs where parent = any($parents::bigint[]) and ${condition}
  )`;
}

/** The statements on lineage. */
export const LINEAGE_STATEMENTS = {
  startChildren: statement(
    { ...CHILDREN, maxDepth: NUMBER },
    rows<{ readonly place: number; readonly outcome: ChildStart }>(),
    `
    with given as materialized (
      select * from ${unnested("given", CHILDREN, "place")}
    ),
    marked as (
      update {schema}.runs as run set has_children = true
      from (select distinct parent, token from given) as asked
      where run.id = asked.parent and (asked.token is null or asked.token = run.token)
        and run.ended_at is null
      returning run.id, run.token, run.namespace, run.depth, run.generation
    ),
    wanted as materialized (
      select given.*, parent.namespace, parent.depth + 1 as depth, parent.generation, ${CLOCK} as at
      from given join marked as parent
        on parent.id = given.parent and (given.token is null or given.token = parent.token)
    ),
    timed as materialized (
      select wanted.*, ${POLICY} as decided,
        at + coalesce(delay, 0) * interval '1 millisecond' as due
      from wanted where depth <= $maxDepth::integer
    ),
    ended as (
      update {schema}.runs as child set must_notify = true
      from wanted
      where child.run_id = wanted.run_id and child.namespace = wanted.namespace
        and child.parent = wanted.parent and child.workflow = wanted.workflow
        and child.ended_at is not null and not child.must_notify
        and not exists (
          select from {schema}.inbox as message
          where message.run = child.parent and message.kind = 'child'
            and message.name = child.run_id
        )
      returning child.run_id, child.parent
    ),
    inserted as (
      insert into {schema}.runs (
        namespace, run_id, workflow, specifier_id, input, seed, state, wake_at, start_at,
        created_at, parent, parent_close, depth, attributes, policy, deadline, trace
      )
      select namespace, run_id, workflow, ${
      specifierIdOf("timed")
    }, input::json, seed, 'pending', due, case when due > at then due end,
        at, parent, close, depth, coalesce(attributes::jsonb, '{}'), decided, due + ${TIMEOUT}, trace
      from timed where (select count(*) from ended) >= 0
      order by run_id collate "C", namespace collate "C", place
      on conflict (run_id, namespace) do nothing
      returning run_id, parent, workflow
    )
    select place::integer,
      case
        when depth > $maxDepth::integer then 'too_deep'
        when (run_id, parent, workflow) in (select * from inserted) then 'started'
        when (run_id, parent) in (select * from ended) then 'ended'
        when exists (
          select from {schema}.runs as run
          where run.run_id = wanted.run_id and run.namespace = wanted.namespace
            and run.parent = wanted.parent and run.workflow = wanted.workflow
        ) then 'started'
        when wanted.generation = 0 and exists (
          select from {schema}.adoptions as adoption
          join {schema}.runs as run on run.id = adoption.child
          where adoption.run = wanted.parent and run.run_id = wanted.run_id
            and run.namespace = wanted.namespace and run.workflow = wanted.workflow
            and (run.ended_at is null or run.must_notify or exists (
              select from {schema}.inbox as message
              where message.run = wanted.parent and message.kind = 'child'
                and message.name = run.run_id
            ))
        ) then 'started'
        else 'taken'
      end as outcome
    from wanted`,
  ),

  continueAsNew: statement(
    {
      ...GENERATION_END,
      hash: TEXT,
      specifier: TEXT,
      input: TEXT,
      versioning: nullable(TEXT),
    },
    rows<{ readonly at: number | null }>(),
    `${
      nextGeneration(
        ALL_READ,
        `specifier_id = {schema}.specifier_id_of($hash, $specifier),
        input = $input::text::json,
        policy = case
          when $versioning::text is null then run.policy
          else coalesce(run.policy, '{}') || jsonb_build_object('versioning', $versioning::text)
        end,
        started_at = clock.at,
        attempt = 1,
        failure = null`,
      )
    }
    union all
    select null from {schema}.runs
    where ${HELD_GENERATION} and not exists (select from continued)`,
  ),

  retry: statement(
    {
      ...GENERATION_END,
      wakeSeq: NUMBER,
      at: NUMBER,
      waits: TEXT,
      failure: TEXT,
      trace: nullable(TEXT),
    },
    rows<{ readonly at: number }>(),
    nextGeneration(
      " and wake_seq = $wakeSeq::integer",
      `state = 'suspended',
        node = null,
        token = null,
        started_at = null,
        start_at = ${timestamp("$at::float8")},
        wake_at = ${timestamp("$at::float8")},
        since = clock.at,
        waits = $waits::text::json,
        attempt = run.attempt + 1,
        failure = $failure::text::json,
        trace = coalesce($trace, run.trace)`,
    ),
  ),

  ended: statement(
    { limit: NUMBER },
    rows<EndedRow>(),
    `
    with ended as materialized (
      select id, has_children, parent is not null as has_parent, is_awaited
      from {schema}.runs where must_notify and ended_at is not null
      order by id limit $limit::integer for update skip locked
    )
    select id, has_children as "hasChildren", has_parent as "hasParent",
      is_awaited as "isAwaited"
    from ended
    union all
    select null, false, false, true
    where exists (select from {schema}.runs where must_notify and ended_at is null)`,
  ),

  lockWoken: statement(
    { children: BIGINTS, parents: BIGINTS, ids: BIGINTS },
    rows<{ readonly id: number }>(),
    `
    select id from {schema}.runs
    where ended_at is null
      and id = any(${relatives("ended_at is null")} || array(${AWAITING}))
    order by id for update`,
  ),

  notify: statement(
    { children: BIGINTS, parents: BIGINTS },
    rows<WokenRun>(),
    `
    with notified as (
      insert into {schema}.inbox (run, kind, name, payload)
      select parent.id, 'child', child.run_id, ${END_OF_CHILD}
      from {schema}.runs as child
      join (
        select id as child, parent as run from {schema}.runs where id = any($children::bigint[])
        union
        select child, run from {schema}.adoptions where child = any($children::bigint[])
      ) as told on told.child = child.id
      join {schema}.runs as parent on parent.id = told.run and parent.ended_at is null
      where child.id = any($children::bigint[])
    ),
    cancel_requested as (
      insert into {schema}.inbox (run, kind, name, payload)
      select child.id, 'cancel', '', json_build_object('reason', 'its parent has ended')
      from {schema}.runs as child
      where child.parent = any($parents::bigint[]) and child.parent_close = 'cancel'
        and child.ended_at is null
    )
    update {schema}.runs as run set
      wake_seq = wake_seq + 1,
      wake_at = case
        when state = 'suspended' and started_at is null
          and (run.parent = any($parents::bigint[]) and run.parent_close = 'cancel') is not true
        then wake_at
        when state in ('pending', 'suspended') then least(wake_at, ${CLOCK})
      end
    where run.ended_at is null and run.id = any(${relatives("parent_close = 'cancel'")})
    returning run.id, run.node`,
  ),

  stop: statement(
    { parents: BIGINTS, error: TEXT },
    rows<StoppedRow>(),
    `
    with stopped as (
      update {schema}.runs set
        state = case when parent_close = 'terminate' then 'terminated' else 'cancelled' end,
        error = $error::text::json,
        ${ENDED},
        must_notify = has_children or is_awaited
      where parent = any($parents::bigint[]) and ended_at is null
        and (
          parent_close = 'terminate' or parent_close = 'cancel' and ${EXECUTES_NOTHING}
        )
      returning id, node, must_notify
    ),
    given_up as (
      delete from {schema}.tasks as task using stopped where task.run = stopped.id
    )
    select id, node, must_notify as "mustNotify" from stopped`,
  ),

  // A statement of its own: `stop` has locked the runs, so this one sees every adoption (FORK-2).
  markAdopted: statement(
    { ids: BIGINTS },
    rows<{ readonly id: number }>(),
    `
    update {schema}.runs as run set must_notify = true
    where id = any($ids::bigint[])
      and exists (select from {schema}.adoptions as adoption where adoption.child = run.id)
    returning id`,
  ),

  hasChild: statement(
    { parent: NUMBER, runId: TEXT, namespace: TEXT },
    rows<{ readonly has: boolean }>(),
    `
    select exists (
      select from {schema}.runs
      where run_id = $runId and namespace is not distinct from $namespace and parent = $parent::bigint
        and ended_at is null
    ) as has`,
  ),

  settle: statement(
    { ids: BIGINTS },
    NO_ROWS,
    `
    update {schema}.runs set must_notify = false, is_awaited = false where id = any($ids::bigint[])`,
  ),
};
