-- Runs: which nodes are alive, what there is to execute, and who executes it.
--
-- nodes             One row per open engine, which renews it at each heartbeat. Its id is never used
--                   twice. A node has lost its runs only when its row is gone: the node closed, or
--                   another node expired it. `serves` names the queues whose tasks the node takes and
--                   the activities that it registered by name; null where it has not said. `offers`
--                   has the hashes of versions for which other nodes had parked runs, and whose code
--                   this node has found: they give such runs back instead of parking them. `loaded`
--                   has the hashes of the versions in its memory, at most 1,000, as of its last
--                   heartbeat at which they were others; null before the first.
-- runs              One row per run, in three groups of columns:
--                   1. What the start said. `parent`, `parent_close` and `depth` say whose child the
--                      run is, and what happens to it when its parent ends. `policy` holds timeout and
--                      retry policy, `deadline` follows from it. A fork has the key of its original in
--                      `origin`, also when that is removed, and in `fork_of` what its replay needs.
--                   2. What changes now and then. `first_seq` is where the history of the present
--                      generation begins; `attempt` counts the generations that began because the one
--                      before failed, and `failure` is what that one threw. `has_children` says that
--                      its end concerns others: children, or those who wait for a place that it
--                      has (`places`). `must_notify` marks an
--                      ended run whose parent does not know yet, or whose children have not received
--                      their policy yet, and a run that has what another run awaits: another
--                      transaction notifies them, so that no transaction waits for a second run's
--                      row while it holds one. `is_awaited` says that other runs may await something.
--                   3. What an append or an end changes. These columns stand together, because the log
--                      of an update holds everything between the first changed byte and the last.
--                      `delivered_seq` says how far the code of the present generation had been given
--                      its history when that was last written: the seq after the last delivery, 0
--                      before the first, null: never. Lines that the code logs up to there were logged.
--                   `trouble_at` says since when an operator should look at the run: it is parked, or
--                   it failed. `rests` is true while no node holds a run that has not ended. Both are
--                   null in a run that a node executes and in one that completed, so neither an append
--                   nor such an end changes them. So is `halted`, which is true in runs that were
--                   cancelled or terminated, are paused or wait for admission. `trace` is the trace context of the start.
--                   No index holds a column that an append or an end changes, so these updates are
--                   heap-only (HOT). One flush may update every row of a page before Postgres can
--                   clear the old rows away: fillfactor leaves two thirds of a page free for that.
--                   Ids compare by their bytes, so that runs_run_id finds those that begin with a text.
-- generations       What a run was before it continued as new. Events never move.
-- adoptions         Children whose end a fork receives, too: those that its original has started and
--                   that had not ended by the fork's point. A child may be removed before its adopter.
-- leases            Where to look for the runs of a node: a claim adds a bundle of run ids, each
--                   heartbeat makes one bundle of all that the node still holds, and the expiry of a
--                   node frees the runs that its bundles name. `runs.node` alone says who holds a run:
--                   an index on it would be written for every claim and every end.
-- idempotency_keys  Keys of starts, kept after their runs: a late retry still finds its run's id.

create table {schema}.nodes (
  id text primary key,
  name text not null,
  started_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz not null,
  serves json,
  offers text[] not null default '{}',
  loaded text[]
) with (fillfactor = 50);

create table {schema}.runs (
  id bigint generated always as identity primary key,
  created_at timestamptz(3) not null default clock_timestamp(),
  specifier_id integer not null constraint runs_specifier references {schema}.workflow_specifiers (id),
  run_id text collate "C" not null,
  namespace text not null default 'default',
  workflow text not null,
  seed text not null,
  input json not null,
  trace text,
  attributes jsonb not null default '{}',
  start_at timestamptz(3),
  parent bigint,
  parent_close text check (parent_close in ('abandon', 'cancel', 'terminate')),
  depth smallint not null default 0 check (depth >= 0),
  origin bigint,
  fork_of json,
  policy jsonb,
  deadline timestamptz(3),

  first_seq integer not null default 0,
  attempt integer not null default 1 check (attempt >= 1),
  failure json,
  custom_status json,
  has_children boolean not null default false,
  must_notify boolean not null default false,
  is_awaited boolean not null default false,

  started_at timestamptz(3),
  generation integer not null default 0 check (generation >= 0),
  next_seq integer not null default 0 check (next_seq >= 0),
  delivered_seq integer,
  wake_seq integer not null default 0 check (wake_seq >= 0),
  claims_since_progress smallint not null default 0 check (claims_since_progress >= 0),
  watched boolean not null default false,
  lacks_version boolean generated always as (state = 'stuck_unknown_version') stored,
  rests boolean generated always as (
    case when state <> 'running' and ended_at is null then true end
  ) stored,
  trouble_at timestamptz(3) generated always as (
    case when stuck_reason is not null then since when state = 'failed' then ended_at end
  ) stored,
  halted boolean generated always as (
    case when state in ('cancelled', 'terminated', 'paused', 'queued') then true end
  ) stored,
  given_back boolean generated always as (
    case when state = 'pending' and started_at is not null then true end
  ) stored,
  token bigint check (token between 0 and 9007199254740991),
  wake_at timestamptz(3),
  since timestamptz(3),
  ended_at timestamptz(3),
  state text not null,
  node text,
  waits json,
  result json,
  error json,
  stuck_reason json,

  constraint runs_run_id unique (run_id, namespace),
  constraint runs_attributes check (jsonb_typeof(attributes) = 'object'),
  constraint runs_parent check ((parent is null) = (parent_close is null)),
  constraint runs_origin check ((origin is null) = (fork_of is null)),
  constraint runs_deadline check ((deadline is null) = (policy->'timeout' is null)),
  constraint runs_first_seq check (first_seq between 0 and next_seq),
  constraint runs_failure check ((attempt > 1) = (failure is not null)),
  constraint runs_notifies_ended check (not must_notify or ended_at is not null or is_awaited),
  constraint runs_state check (state in (
    'pending', 'running', 'suspended', 'paused', 'queued', 'completed', 'failed', 'cancelled',
    'terminated',
    'stuck_unknown_version', 'stuck_nondeterminism', 'stuck_poisoned'
  )),
  constraint runs_running_is_leased check (
    (state = 'running') = (node is not null) and (node is null) = (token is null)
  ),
  -- A suspended run without started_at rests between two attempts: its present one has done nothing.
  constraint runs_running_has_started check (state <> 'running' or started_at is not null),
  constraint runs_pending_has_no_history check (state <> 'pending' or next_seq = 0),
  constraint runs_pending_is_due check (state <> 'pending' or wake_at is not null),
  constraint runs_wakes_only_idle check (wake_at is null or state in ('pending', 'suspended')),
  constraint runs_waits check (waits is null or state in ('suspended', 'paused')),
  constraint runs_ended check (
    (state in ('completed', 'failed', 'cancelled', 'terminated')) = (ended_at is not null)
  ),
  constraint runs_result check ((state = 'completed') = (result is not null)),
  constraint runs_error check (
    (state in ('failed', 'cancelled', 'terminated')) = (error is not null)
  ),
  constraint runs_stuck check ((state like 'stuck\_%') = (stuck_reason is not null))
) with (fillfactor = 33, autovacuum_vacuum_scale_factor = 0.05);

-- All that a claimer reads. By runs_wakes_only_idle they hold the runs that can be claimed and no
-- others. Runs that have begun have an index of their own and are claimed first, so that a sleep that
-- ends does not wait for the starts before it. A due run stands in one of the two.
create index runs_due on {schema}.runs (wake_at)
  where wake_at is not null and started_at is not null;
create index runs_to_start on {schema}.runs (wake_at)
  where wake_at is not null and started_at is null;

-- Pending runs that stand in runs_due, among the many that wait for a time. A start writes no entry.
create index runs_given_back on {schema}.runs (wake_at) where given_back;

-- The runs that a registration revives. The column repeats a state, so that the index is not written
-- for the other runs.
create index runs_without_version on {schema}.runs (specifier_id) where lacks_version;

-- The runs of a version, the newest first, and what a version may not be deleted under.
create index runs_by_specifier on {schema}.runs (specifier_id, created_at, id);

-- The runs of a version that have not ended. Those that nodes hold stand in `leases`.
create index runs_at_rest on {schema}.runs (specifier_id, created_at) where rests;

-- What needs a look, the newest first.
create index runs_in_trouble on {schema}.runs (namespace, trouble_at, id)
  where trouble_at is not null;

-- The runs that were stopped or paused, or wait for admission, the newest first.
create index runs_halted on {schema}.runs (namespace, created_at, id) where halted;

-- Parked runs by version, for health().
create index runs_stuck on {schema}.runs (specifier_id) where stuck_reason is not null;

-- Paths with a value, for equality and membership; the operator class keeps it small.
create index runs_by_attributes on {schema}.runs using gin (attributes jsonb_path_ops)
  with (fastupdate = on) where attributes <> '{}';

-- Pages of a namespace, the newest first; most databases have only the default one. A query says by a
-- literal which index it wants. For a planner without statistics, one index that begins with the
-- namespace would look as good as runs_run_id for a run's id and namespace, and it would read the
-- whole namespace.
create index runs_by_creation on {schema}.runs (created_at, id) where namespace = 'default';
create index runs_by_namespace on {schema}.runs (namespace, created_at, id)
  where namespace <> 'default';

-- The children of a parent, and the forks of a run, the newest first.
create index runs_by_parent on {schema}.runs (parent, created_at, id) where parent is not null;
create index runs_by_origin on {schema}.runs (origin, created_at, id) where origin is not null;

-- Runs of which others have not been notified yet.
create index runs_to_notify on {schema}.runs (id) where must_notify;

create table {schema}.generations (
  run bigint not null references {schema}.runs (id) on delete cascade,
  generation integer not null check (generation >= 0),
  first_seq integer not null,
  next_seq integer not null,
  specifier_id integer not null references {schema}.workflow_specifiers (id),
  seed text not null,
  input json not null,
  started_at timestamptz(3) not null,
  ended_at timestamptz(3) not null,
  attempt integer not null default 1 check (attempt >= 1),
  primary key (run, generation)
);

create index generations_by_specifier on {schema}.generations (specifier_id);

create table {schema}.adoptions (
  child bigint not null,
  run bigint not null references {schema}.runs (id) on delete cascade,
  constraint adoptions_once primary key (child, run)
);

create index adoptions_by_run on {schema}.adoptions (run);

create table {schema}.leases (
  id bigint generated always as identity primary key,
  node text not null,
  runs bigint[] not null
);

create index leases_by_node on {schema}.leases (node);

create table {schema}.idempotency_keys (
  namespace text not null,
  workflow text not null,
  key text not null,
  run_id text collate "C" not null,
  input_digest text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint idempotency_keys_once primary key (namespace, workflow, key)
);

-- The keys of a run, which retention deletes with it.
create index idempotency_keys_by_run on {schema}.idempotency_keys (run_id, namespace);
