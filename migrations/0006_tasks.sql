-- Activities that wait for a node, or are executed by one.
--
-- tasks             One row per outstanding activity of a run. `ready` rows wait in their queue,
--                   `leased` ones are executed by a node, `external` ones are completed by token
--                   from outside. The token is drawn anew for each attempt and is the fence of all
--                   that an attempt writes. It stays when a node is buried: the attempt's result is
--                   taken as long as nobody has begun the next one. hash and code pin the code (the
--                   version, and where in it); without them any node that registered the name may
--                   execute it. No foreign key to runs: the check would lock each run's row.
-- queue_rates       Token buckets of queues whose rate is limited, shared by all nodes.
-- activity_results  First committed result per idempotency key; outlives histories.

create table {schema}.tasks (
  run bigint not null,
  position integer not null check (position >= 0),
  generation integer not null,
  attempt integer not null check (attempt >= 1),
  max_attempts integer check (max_attempts >= 1),
  priority integer not null,
  token bigint check (token between 0 and 9007199254740991),
  available_at timestamptz(3) not null,
  scheduled_at timestamptz(3) not null,
  expires_at timestamptz(3),
  closes_at timestamptz(3),
  ends_at timestamptz(3),
  wait_ms float8 check (wait_ms >= 0),
  cancel_requested boolean not null default false,
  state text not null,
  node text,
  queue text not null,
  name text not null,
  hash text,
  code text,
  key text,
  policy json,
  input json,
  failures json,
  heartbeat json,
  primary key (run, position),
  constraint tasks_state check (state in ('ready', 'leased', 'external')),
  constraint tasks_leased_has_node check ((state = 'leased') = (node is not null)),
  constraint tasks_begun_has_token check (state = 'ready' or token is not null),
  constraint tasks_pinned check ((hash is null) = (code is null))
) with (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000
);

-- All that a claimer reads.
create index tasks_ready on {schema}.tasks (queue, priority desc, available_at)
  where state = 'ready';

-- The tasks of a node: for its burial, and to learn of cancellations.
create index tasks_of_node on {schema}.tasks (node) where node is not null;

-- Tasks that something happens to by itself: a deadline, or no attempts left.
create index tasks_expiring on {schema}.tasks (expires_at) where expires_at is not null;

create table {schema}.queue_rates (
  queue text primary key,
  permits float8 not null,
  granted integer not null default 0,
  refilled_at timestamptz not null
) with (fillfactor = 50);

create table {schema}.activity_results (
  namespace text not null,
  name text not null,
  key text not null,
  result json not null,
  stored_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3),
  constraint activity_results_once primary key (namespace, name, key)
);

-- How an activity ended is told to its run by message: position says which activity it was.
alter table {schema}.inbox
  add column position integer,
  drop constraint inbox_kind_check,
  add constraint inbox_kind_check check (kind in ('signal', 'cancel', 'activity', 'child'));
