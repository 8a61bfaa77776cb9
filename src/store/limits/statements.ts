/**
 * The statements on limits. See `src/store/limits/limit_store.ts` for the invariants.
 *
 * @module
 */

import type { PlaceRow } from "../../ports/limits.ts";
import type { WokenRun } from "../../ports/lineage.ts";
import { IDLE_STATE } from "../runs/fragments.ts";
import { CLOCK, milliseconds, timestamp } from "../sql/fragments.ts";
import {
  BIGINTS,
  BOOLEAN,
  FLOATS,
  INTEGERS,
  nullable,
  NUMBER,
  TEXT,
  TEXTS,
  unnested,
} from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";

/** A limit that this transaction has locked. */
export interface LockedLimit {
  readonly id: number;
  readonly kind: "runs" | "lock";
  readonly now: number;
  readonly atOnce: number | null;
  readonly rateCount: number | null;
  readonly rateMs: number | null;
  readonly keyAtOnce: number | null;
  readonly keyRateCount: number | null;
  readonly keyRateMs: number | null;
  readonly permits: number | null;
  readonly refilledAt: number | null;
  readonly paused: boolean;
  readonly due: boolean;
}

/** A limit as `list` reads it. */
export interface ListedLimit extends
  Pick<
    LockedLimit,
    "atOnce" | "rateCount" | "rateMs" | "keyAtOnce" | "keyRateCount" | "keyRateMs"
  > {
  readonly namespace: string;
  readonly name: string;
  readonly held: number;
  readonly waiting: number;
  readonly since: number | null;
  readonly paused: string | null;
}

const TERMS = `
  limits.at_once as "atOnce", limits.rate_count as "rateCount", limits.rate_ms as "rateMs",
  limits.key_at_once as "keyAtOnce", limits.key_rate_count as "keyRateCount",
  limits.key_rate_ms as "keyRateMs"`;

/** The queues that starts need, a list for each column. */
const DEFINED = {
  namespace: TEXTS,
  name: TEXTS,
  atOnce: INTEGERS,
  rateCount: INTEGERS,
  rateMs: FLOATS,
  keyAtOnce: INTEGERS,
  keyRateCount: INTEGERS,
  keyRateMs: FLOATS,
};

const DEFINED_COLUMNS = [
  "at_once",
  "rate_count",
  "rate_ms",
  "key_at_once",
  "key_rate_count",
  "key_rate_ms",
];

const listOf = (prefix: string) => DEFINED_COLUMNS.map((name) => `${prefix}${name}`).join(", ");

/** The turn after the last one of a key that waits or has a place, and after the limit's own. */
const LAST_TURN = (key: string) =>
  `greatest(
      (select limits.turn from {schema}.limits where limits.id = $id::bigint),
      (
        select max(other.turn) from {schema}.places as other
        where other.limit_id = $id::bigint and other.key = ${key}
          and other.state in ('waiting', 'held')
      )
    )`;

/** LIMIT-3: takes back the places of runs that have ended, and returns their keys. */
const TAKEN_BACK = `
  freed as (
    delete from {schema}.places
    where limit_id = $id::bigint and state = 'over' and position >= 0 returning key
  ),
  left_behind as (
    update {schema}.places set state = 'gone'
    where limit_id = $id::bigint and state = 'over' and position < 0 returning key
  )`;

const ARRIVED = `
  arrived as materialized (
    select id, key, priority from {schema}.places
    where limit_id = $id::bigint and state = 'new' and due_at <= (select clock_timestamp())
    order by due_at, id limit $most::integer
  )`;

/** What waits for a place, in whatever part of the line. */
const WAITS = "place.state in ('new', 'behind', 'waiting')";

/** When a node has to look at limits next, by three indexes. */
export const NEXT_LIMIT = `
  select ${milliseconds("least(places.at, limits.at, keys.at)")} as at from (
    select min(due_at) as at from {schema}.places where state in ('new', 'over')
  ) as places, (
    select min(due_at) as at from {schema}.limits where due_at is not null
  ) as limits, (
    select min(due_at) as at from {schema}.limit_keys where due_at is not null
  ) as keys`;

/** The statements. */
export const LIMIT_STATEMENTS = {
  // The rows of other starts are not locked, unless the definition has changed.
  define: statement(
    DEFINED,
    NO_ROWS,
    `
  with given as materialized (select * from ${unnested("given", DEFINED)}),
  made as (
    insert into {schema}.limits (namespace, kind, name, ${listOf("")})
    select namespace, 'runs', name, ${listOf("")} from given
    order by name collate "C", namespace collate "C"
    on conflict (name, namespace, kind) do nothing
  )
  update {schema}.limits as limits set (${listOf("")}, due_at) = (
    ${listOf("given.")}, ${CLOCK}
  )
  from given
  where limits.name = given.name and limits.namespace = given.namespace and limits.kind = 'runs'
    and (${listOf("limits.")}) is distinct from (${listOf("given.")})`,
  ),

  due: statement(
    { most: NUMBER },
    rows<{ readonly id: number }>(),
    `
  select distinct id from (
    (
      select limit_id as id from {schema}.places
      where state in ('new', 'over') and due_at <= (select clock_timestamp())
      order by due_at limit $most::integer
    )
    union all
    (
      select id from {schema}.limits where due_at <= (select clock_timestamp())
      order by due_at limit $most::integer
    )
    union all
    (
      select limit_id from {schema}.limit_keys where due_at <= (select clock_timestamp())
      order by due_at limit $most::integer
    )
  ) as due order by id limit $most::integer`,
  ),

  next: statement({}, rows<{ readonly at: number | null }>(), NEXT_LIMIT),

  // LIMIT-1
  lock: statement(
    { id: NUMBER },
    rows<LockedLimit>(),
    `
  select id, kind, ${milliseconds("clock_timestamp()")} as now, ${TERMS}, permits,
    ${milliseconds("refilled_at")} as "refilledAt", paused is not null as paused,
    coalesce(due_at <= clock_timestamp(), false) as due
  from {schema}.limits where id = $id::bigint for no key update`,
  ),

  // LIMIT-1: the row of a lock, which is made with its first request.
  lockByName: statement(
    { namespace: TEXT, name: TEXT, atOnce: NUMBER },
    rows<{ readonly id: number }>(),
    `
  insert into {schema}.limits (namespace, kind, name, at_once)
  values ($namespace, 'lock', $name, $atOnce::integer)
  on conflict (name, namespace, kind) do update set at_once = excluded.at_once
  returning id`,
  ),

  // LIMIT-4: those of a key stand in line one after the other, and those of all keys take turns.
  line: statement(
    { id: NUMBER, most: NUMBER },
    rows<{ readonly id: number }>(),
    `
  with ${TAKEN_BACK}, ${ARRIVED},
  numbered as (
    select id, key, row_number() over (partition by key order by priority desc, id) as n
    from arrived
  )
  update {schema}.places as place set
    state = 'waiting',
    turn = ${LAST_TURN("numbered.key")} + numbered.n
  from numbered where place.id = numbered.id
  returning place.id`,
  ),

  // LIMIT-4: one that waits in line makes room for one of its key with a higher priority.
  behind: statement(
    { id: NUMBER, most: NUMBER },
    rows<{ readonly key: string }>(),
    `
  with ${TAKEN_BACK}, ${ARRIVED},
  outranked as (
    update {schema}.places as place set state = 'behind', turn = null
    from (select key, max(priority) as priority from arrived group by key) as come
    where place.limit_id = $id::bigint and place.key = come.key and place.state = 'waiting'
      and place.priority < come.priority
    returning place.key
  ),
  refunded as (
    update {schema}.limit_keys as known set permits = known.permits + back.n
    from (select key, count(*) as n from outranked group by key) as back
    where known.limit_id = $id::bigint and known.key = back.key
  ),
  stood as (
    update {schema}.places as place set state = 'behind'
    from arrived where place.id = arrived.id
  )
  select key from freed
  union select key from left_behind
  union select key from arrived
  union (
    select key from {schema}.limit_keys
    where limit_id = $id::bigint and due_at <= (select clock_timestamp())
    limit $most::integer
  )`,
  ),

  // The keys that wait: their terms have changed.
  waitingKeys: statement(
    { id: NUMBER },
    rows<{ readonly key: string }>(),
    `select distinct key from {schema}.places where limit_id = $id::bigint and state = 'behind'`,
  ),

  // LIMIT-2, for keys.
  promote: statement(
    {
      id: NUMBER,
      keys: TEXTS,
      atOnce: nullable(NUMBER),
      rateCount: nullable(NUMBER),
      rateMs: nullable(NUMBER),
    },
    NO_ROWS,
    `
  with asked as materialized (select distinct unnest($keys::text[]) collate "C" as key),
  rated as materialized (
    select asked.key, least($rateCount::float8, coalesce(
      known.permits + $rateCount::float8 *
        extract(epoch from clock_timestamp() - known.refilled_at) * 1000 / $rateMs::float8,
      $rateCount::float8
    )) as permits
    from asked left join {schema}.limit_keys as known
      on known.limit_id = $id::bigint and known.key = asked.key
  ),
  room as materialized (
    select rated.key, rated.permits, greatest(0, least(
      $atOnce::bigint - (
        select count(*) from {schema}.places as place
        where place.limit_id = $id::bigint and place.key = rated.key
          and place.state in ('waiting', 'held')
      ),
      floor(rated.permits)::bigint,
      1000
    )) as n
    from rated
  ),
  chosen as materialized (
    select place.id, room.key,
      row_number() over (partition by room.key order by place.priority desc, place.id) as nth
    from room cross join lateral (
      select first.id, first.priority from {schema}.places as first
      where first.limit_id = $id::bigint and first.key = room.key and first.state = 'behind'
      order by first.priority desc, first.id limit room.n
    ) as place
  ),
  counted as (
    select room.key, room.permits - count(chosen.id) as permits, count(chosen.id) as n
    from room left join chosen on chosen.key = room.key group by room.key, room.permits
  ),
  moved as (
    update {schema}.places as place set
      state = 'waiting',
      turn = ${LAST_TURN("chosen.key")} + chosen.nth
    from chosen where place.id = chosen.id
  )
  insert into {schema}.limit_keys as known (limit_id, key, permits, refilled_at, due_at)
  select $id::bigint, counted.key, counted.permits, clock_timestamp(), case
      when counted.permits < 1 and exists (
        select from {schema}.places as place
        where place.limit_id = $id::bigint and place.key = counted.key and place.state = 'behind'
          and place.id <> all(array(select chosen.id from chosen where chosen.key = counted.key))
      ) then clock_timestamp()
        + (1 - counted.permits) * $rateMs::float8 / $rateCount * interval '1 millisecond'
    end
  from counted where $rateCount::float8 is not null
  order by counted.key
  on conflict (limit_id, key) do update set
    permits = excluded.permits, refilled_at = excluded.refilled_at, due_at = excluded.due_at`,
  ),

  // LIMIT-2
  candidates: statement(
    { id: NUMBER, atOnce: nullable(NUMBER), permits: nullable(NUMBER), most: NUMBER },
    rows<{ readonly id: number; readonly run: number }>(),
    `
  select place.id, place.run from {schema}.places as place
  where place.limit_id = $id::bigint and place.state = 'waiting'
  order by place.priority desc, place.turn, place.id
  limit greatest(0, least($most::bigint, floor($permits::float8)::bigint, $atOnce::bigint - (
    select count(*) from {schema}.places as held
    where held.limit_id = $id::bigint and held.state = 'held'
  )))`,
  ),

  lockRuns: statement(
    { runs: BIGINTS },
    rows<{ readonly id: number; readonly ended: boolean }>(),
    `
  select id, ended_at is not null as ended from {schema}.runs
  where id = any($runs::bigint[]) order by id for update`,
  ),

  // LIMIT-5, and RUN-3 for the messages.
  grant: statement(
    {
      id: NUMBER,
      places: BIGINTS,
      ended: BIGINTS,
      silent: nullable(NUMBER),
      permits: nullable(NUMBER),
      due: nullable(NUMBER),
    },
    rows<WokenRun>(),
    `
  with clock as materialized (select ${CLOCK} as at),
  given_up as (
    update {schema}.places set state = 'over', turn = null, due_at = ${CLOCK}
    where id = any($ended::bigint[])
  ),
  held as (
    update {schema}.places set state = 'held' where id = any($places::bigint[])
    returning id, run, turn, blocks, told_by
  ),
  noted as (
    update {schema}.limits set
      turn = greatest(turn, (select max(held.turn) from held)),
      permits = $permits::float8,
      refilled_at = clock_timestamp(),
      due_at = ${timestamp("$due::float8")}
    where id = $id::bigint
  ),
  admitted as (
    update {schema}.runs as run set
      state = ${IDLE_STATE},
      wake_at = greatest(clock.at, run.start_at),
      since = clock.at
    from clock
    where run.id = any(array(select held.run from held where held.blocks))
      and run.state = 'queued' and not exists (
        select from {schema}.places as place
        where place.run = run.id and place.blocks and ${WAITS}
          and place.id <> all($places::bigint[])
      )
    returning run.id, run.node
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload)
    select held.run, 'signal', held.told_by, 'null' from held
    where not held.blocks and held.id is distinct from $silent::bigint
    order by held.id
  ),
  woken as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      wake_at = case
        when run.state in ('pending', 'suspended') then least(run.wake_at, clock.at)
      end
    from clock
    where run.id = any(array(
      select held.run from held
      where not held.blocks and held.id is distinct from $silent::bigint
    ))
    returning run.id, run.node
  )
  select id, node from admitted union all select id, node from woken`,
  ),

  // A row is written only where the look has changed something.
  looked: statement(
    { id: NUMBER, due: nullable(NUMBER) },
    NO_ROWS,
    `
  update {schema}.limits set due_at = ${timestamp("$due::float8")}
  where id = $id::bigint and due_at is distinct from ${timestamp("$due::float8")}`,
  ),

  // LIMIT-6: only the node that holds a run asks for its locks.
  claimRun: statement(
    { run: NUMBER, token: NUMBER },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set has_children = true
  where id = $run::bigint and token = $token::bigint and ended_at is null returning id`,
  ),

  request: statement(
    { id: NUMBER, run: NUMBER, position: NUMBER, toldBy: TEXT },
    rows<{ readonly id: number; readonly held: boolean }>(),
    `
  with made as (
    insert into {schema}.places (limit_id, run, position, state, turn, blocks, told_by)
    values ($id::bigint, $run::bigint, $position::integer, 'waiting', 0, false, $toldBy)
    on conflict (run, position) do nothing returning id
  )
  select id, false as held from made
  union all
  select id, state = 'held' from {schema}.places
  where run = $run::bigint and position = $position::integer`,
  ),

  // A repeated request answers by itself what a message would have said.
  untell: statement(
    { run: NUMBER, toldBy: TEXT },
    NO_ROWS,
    `
  delete from {schema}.inbox where run = $run::bigint and kind = 'signal' and name = $toldBy`,
  ),

  placed: statement(
    { run: NUMBER, position: NUMBER },
    rows<{ readonly limit: number }>(),
    `
  select limit_id as limit from {schema}.places
  where run = $run::bigint and position = $position::integer`,
  ),

  giveUp: statement(
    { run: NUMBER, position: NUMBER },
    NO_ROWS,
    `
  with gone as (
    delete from {schema}.places
    where run = $run::bigint and position = $position::integer returning run, told_by
  )
  delete from {schema}.inbox as message using gone
  where message.run = gone.run and message.kind = 'signal' and message.name = gone.told_by`,
  ),

  // LIMIT-7
  forget: statement(
    { id: NUMBER },
    NO_ROWS,
    `
  delete from {schema}.limits
  where id = $id::bigint and kind = 'lock'
    and not exists (select from {schema}.places as place where place.limit_id = $id::bigint)`,
  ),

  list: statement(
    { namespace: TEXT, limit: NUMBER, most: NUMBER },
    rows<ListedLimit>(),
    `
  select limits.namespace, limits.name, ${TERMS}, limits.paused::text as paused,
    (
      select count(*) from {schema}.places as place
      where place.limit_id = limits.id and place.state = 'held'
    )::integer as held,
    counted.waiting::integer as waiting, ${milliseconds("counted.since")} as since
  from {schema}.limits as limits cross join lateral (
    select count(*) as waiting, min(due_at) as since from (
      select place.due_at from {schema}.places as place
      where place.limit_id = limits.id and ${WAITS} limit $most::integer
    ) as first
  ) as counted
  where limits.namespace = $namespace and limits.kind = 'runs'
  order by limits.name limit $limit::integer`,
  ),

  pause: statement(
    { namespace: TEXT, name: TEXT, paused: nullable(TEXT), isDue: BOOLEAN },
    rows<{ readonly id: number }>(),
    `
  update {schema}.limits set
    paused = $paused::text::json,
    due_at = case when $isDue::boolean then ${CLOCK} else due_at end
  where namespace = $namespace and name = $name and kind = 'runs'
  returning id`,
  ),

  placeOf: statement(
    { run: NUMBER, most: NUMBER },
    rows<PlaceRow>(),
    `
  select limits.name, limits.kind, mine.key, mine.state <> 'waiting' as "isBehind",
    limits.paused is not null as "isPaused", (
      select count(*) from (
        select from {schema}.places as place
        where place.limit_id = mine.limit_id and place.state = 'waiting' and (
          mine.state <> 'waiting' or place.priority > mine.priority
          or place.priority = mine.priority and (place.turn, place.id) < (mine.turn, mine.id)
        )
        limit $most::integer
      ) as first
    )::integer + case when mine.state = 'waiting' then 0 else (
      select count(*) from (
        select from {schema}.places as place
        where place.limit_id = mine.limit_id and place.key = mine.key
          and place.state in ('behind', 'new')
          and (place.priority > mine.priority
            or place.priority = mine.priority and place.id < mine.id)
        limit $most::integer
      ) as first
    ) end::integer as ahead
  from {schema}.places as mine join {schema}.limits as limits on limits.id = mine.limit_id
  where mine.run = $run::bigint and mine.blocks and mine.state in ('new', 'behind', 'waiting')
  order by mine.position limit 1`,
  ),
};
