-- Limits: of how many things there may be so many at once, or in a time.
--
-- limits      One row per limit: of the runs of a queue ('runs'), or of the holders of a lock ('lock').
--             `at_once` and `rate_...` bound all of its places, `key_...` those of each key. `turn` is
--             the turn of the place that was given last. `due_at` says when a node has to look at it
--             although nothing happens, since a rate allows more then. A lock that no run holds or
--             waits for has no row.
-- places      One row for each that waits for a place, or has one: a run that waits for admission
--             (`position` -1), or a lock that a run has asked for at a position. States:
--             'new'      it waits, and no node has put it into line yet; from `due_at` on
--             'behind'   it waits for its key: as many of that key as may be are ahead
--             'waiting'  it waits in line, by priority and turn
--             'held'     it has its place
--             'over'     the run has ended, or gives it up; no node has taken the place back yet
--             'gone'     the run had its place, which fork and reopening ask for again
--             A run that may not continue before it has its place is `queued`, and the place `blocks`.
--             The place of a lock tells its run by a signal with the name `told_by`.
-- limit_keys  The permits of each key of a limit that has a rate for keys.

create table {schema}.limits (
  id bigint generated always as identity primary key,
  namespace text not null,
  kind text not null check (kind in ('runs', 'lock')),
  name text collate "C" not null,
  at_once integer check (at_once >= 1),
  rate_count integer check (rate_count >= 1),
  rate_ms double precision check (rate_ms > 0),
  key_at_once integer check (key_at_once >= 1),
  key_rate_count integer check (key_rate_count >= 1),
  key_rate_ms double precision check (key_rate_ms > 0),
  turn bigint not null default 0,
  permits double precision,
  refilled_at timestamptz,
  due_at timestamptz(3),
  paused json,
  constraint limits_name unique (name, namespace, kind),
  constraint limits_rate check ((rate_count is null) = (rate_ms is null)),
  constraint limits_key_rate check ((key_rate_count is null) = (key_rate_ms is null))
) with (fillfactor = 50);

create index limits_due on {schema}.limits (due_at) where due_at is not null;

create table {schema}.places (
  id bigint generated always as identity primary key,
  limit_id bigint not null references {schema}.limits (id),
  run bigint not null references {schema}.runs (id) on delete cascade,
  position integer not null default -1 check (position >= -1),
  key text collate "C" not null default '',
  priority integer not null default 0,
  turn bigint,
  state text not null check (state in ('new', 'behind', 'waiting', 'held', 'over', 'gone')),
  blocks boolean not null,
  told_by text,
  due_at timestamptz(3) not null default clock_timestamp(),
  constraint places_once unique (run, position),
  constraint places_in_line check ((state in ('waiting', 'held')) = (turn is not null))
) with (fillfactor = 50);

-- What has to be looked at, in order of time.
create index places_to_do on {schema}.places (due_at, limit_id) where state in ('new', 'over');

-- The line of each key, and the line of the limit.
create index places_behind on {schema}.places (limit_id, key, priority desc, id)
  where state = 'behind';
create index places_waiting on {schema}.places (limit_id, priority desc, turn, id)
  where state = 'waiting';

-- Who has a place, and what counts for a key.
create index places_held on {schema}.places (limit_id) where state = 'held';
create index places_of_key on {schema}.places (limit_id, key, turn)
  where state in ('waiting', 'held');

create table {schema}.limit_keys (
  limit_id bigint not null references {schema}.limits (id) on delete cascade,
  key text collate "C" not null,
  permits double precision not null,
  refilled_at timestamptz not null,
  due_at timestamptz(3),
  primary key (limit_id, key)
) with (fillfactor = 50);

create index limit_keys_due on {schema}.limit_keys (due_at) where due_at is not null;
