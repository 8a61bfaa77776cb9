-- Tasks: activities that wait for a node, or that a node executes.
--
-- tasks             One row per outstanding activity of a run. A `ready` task waits in its queue, a
--                   node executes a `leased` one, and an `external` one is completed by its token from
--                   outside. Each attempt draws a new token, which fences all that the attempt writes.
--                   The token stays when a node expires: the result of its attempt counts as long as
--                   no other attempt has begun. `hash` and `definition` pin the code (the version, and
--                   the module label and export in it); without them any node that registered the
--                   activity's name may execute the task. It has no foreign key to runs: the check
--                   would lock each run's row. `trace` is the trace context of the run's request. `digest` is
--                   that of the input, and `nth` counts the equal calls before it in its generation:
--                   name and digest say what the answer means, and `nth` makes the key of each its own.
-- queue_rates       Token buckets of queues whose rate is limited; all nodes share them.
-- activity_results  The first committed result of each idempotency key; it outlives the histories.

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
  definition text,
  key text,
  policy json,
  input json,
  failures json,
  heartbeat json,
  trace text,
  digest text,
  nth integer not null default 0 check (nth >= 0),
  primary key (run, position),
  constraint tasks_state check (state in ('ready', 'held', 'leased', 'external')),
  constraint tasks_leased_has_node check ((state = 'leased') = (node is not null)),
  constraint tasks_begun_has_token check (state in ('ready', 'held') or token is not null),
  constraint tasks_pinned check ((hash is null) = (definition is null))
) with (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000
);

-- All that a claimer reads.
create index tasks_ready on {schema}.tasks (queue, priority desc, available_at)
  where state = 'ready';

-- The tasks of a node: for its expiry, and to learn of cancellations.
create index tasks_of_node on {schema}.tasks (node) where node is not null;

-- Tasks with a deadline of any kind, or with no attempts left.
create index tasks_expiring on {schema}.tasks (expires_at) where expires_at is not null;

-- Activities that keep failing, for health(). The index holds only tasks that have failed several
-- times, so it is not written for the others.
create index tasks_failing on {schema}.tasks (name) where attempt > 3;

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

-- Results by age, for retention: they belong to no run.
create index activity_results_by_age on {schema}.activity_results (namespace, stored_at);
