-- Nodes and runs: who is alive, what there is to do, and what happened.
--
-- nodes          One heartbeat row per open engine, under an id that is never used twice. Only a
--                node whose row is gone (buried or closed) has lost its runs.
-- version_loads  Notes of a node about a version: it is importing it now, or it can't load it.
-- runs           One row per run. What changes stands together, after what does not: the log of an
--                update holds all between the first change and the last. No index holds a column
--                that an append or an end changes, so these stay heap-only (HOT) updates. One flush
--                may update every row of a page, before what the last one left can be cleared away:
--                two thirds of it are left free for that.
-- leases         Where to look for the runs of a node: what it took, a bundle a row. What gives runs
--                to a node adds one, each heartbeat makes one of all that it still holds, a burial
--                frees what they name. runs.node says who holds a run: an index on it would see every
--                run come and go. runs.told says how far the code of the present generation had been
--                given its history when that was last written: the seq after the last delivery, 0
--                before the first; null: never. Lines that the code logs up to there were logged.
-- events         The history of each run, append-only. No foreign key: rows are only ever written
--                behind the fence on the run's own row, and the check would cost every insert.
--                Kinds are an enumeration: four bytes in place of a name.
-- inbox          Messages to a run that its owner has not consumed yet.
-- deliveries     Delivery ids seen, kept beyond the message: sending one twice is sending it once.

create table {schema}.nodes (
  id text primary key,
  name text not null,
  started_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz not null
) with (fillfactor = 50);

create table {schema}.version_loads (
  node text not null,
  hash text not null references {schema}.workflow_versions (hash) on delete cascade,
  state text not null check (state in ('loading', 'failed')),
  reason json,
  noted_at timestamptz(3) not null default clock_timestamp(),
  primary key (node, hash),
  constraint version_loads_reason check ((state = 'failed') = (reason is not null))
);

create table {schema}.runs (
  id bigint generated always as identity primary key,
  created_at timestamptz(3) not null default clock_timestamp(),
  code integer not null constraint runs_code references {schema}.workflow_specifiers (id),
  run_id text not null constraint runs_run_id unique,
  workflow text not null,
  seed text not null,
  input json not null,

  started_at timestamptz(3),
  generation integer not null default 0 check (generation >= 0),
  next_seq integer not null default 0 check (next_seq >= 0),
  told integer,
  wake_seq integer not null default 0 check (wake_seq >= 0),
  claims_since_progress smallint not null default 0 check (claims_since_progress >= 0),
  watched boolean not null default false,
  lacks_code boolean generated always as (state = 'stuck_unknown_version') stored,
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

  constraint runs_state check (state in (
    'pending', 'running', 'suspended', 'completed', 'failed', 'cancelled', 'terminated',
    'stuck_unknown_version', 'stuck_nondeterminism', 'stuck_poisoned'
  )),
  constraint runs_running_is_leased check (
    (state = 'running') = (node is not null) and (node is null) = (token is null)
  ),
  constraint runs_pending_has_no_history check (state <> 'pending' or next_seq = 0),
  constraint runs_active_has_started check (
    state not in ('running', 'suspended') or started_at is not null
  ),
  constraint runs_ended check (
    (state in ('completed', 'failed', 'cancelled', 'terminated')) = (ended_at is not null)
  ),
  constraint runs_result check ((state = 'completed') = (result is not null)),
  constraint runs_error check (
    (state in ('failed', 'cancelled', 'terminated')) = (error is not null)
  ),
  constraint runs_stuck check ((state like 'stuck\_%') = (stuck_reason is not null)),
  constraint runs_waits check (waits is null or state = 'suspended'),
  constraint runs_wakes_only_idle check (wake_at is null or state in ('pending', 'suspended')),
  constraint runs_pending_is_due check (state <> 'pending' or wake_at is not null)
) with (fillfactor = 33, autovacuum_vacuum_scale_factor = 0.05);

-- All that a claimer reads. By runs_wakes_only_idle it holds what can be claimed and nothing else:
-- running, stuck and ended runs never stand in its way.
create index runs_due on {schema}.runs (wake_at) where wake_at is not null;

-- The runs that a registration revives. The column repeats a state, so that the index does not see
-- the others come and go.
create index runs_without_code on {schema}.runs (code) where lacks_code;

create table {schema}.leases (
  id bigint generated always as identity primary key,
  node text not null,
  runs bigint[] not null
);

create index leases_by_node on {schema}.leases (node);

create type {schema}.event_kind as enum (
  'run.completed', 'run.failed', 'activity.completed', 'activity.failed', 'timer.fired',
  'signal.received', 'signal.timeout', 'transaction.completed', 'transaction.failed',
  'child.completed', 'child.failed', 'call.completed', 'call.failed', 'cancel.requested',
  'attempt.failed', 'patched', 'attributes.set', 'status.set', 'payload.refused', 'version_changed'
);

create table {schema}.events (
  run bigint not null,
  seq integer not null check (seq >= 0),
  position integer,
  at timestamptz(3) not null,
  kind {schema}.event_kind not null,
  name text not null,
  digest text,
  payload json,
  primary key (run, seq)
);

create table {schema}.inbox (
  id bigint generated always as identity primary key,
  run bigint not null references {schema}.runs (id) on delete cascade,
  kind text not null check (kind in ('signal', 'cancel')),
  name text not null,
  payload json,
  sent_at timestamptz(3) not null default clock_timestamp()
);

create index inbox_by_run on {schema}.inbox (run, id);

create table {schema}.deliveries (
  run bigint not null references {schema}.runs (id) on delete cascade,
  kind text not null,
  name text not null,
  delivery_id text not null,
  message bigint not null,
  constraint deliveries_once primary key (run, kind, name, delivery_id)
);
