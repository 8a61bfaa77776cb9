-- Ingress: namespaces, idempotency keys, search attributes, and what a version demands of its input
-- and signals.
--
-- runs               A run's id is unique in its namespace. attributes are what queries search;
--                    custom_status is what the workflow says of itself; start_at is set where the
--                    caller wanted it to start later. None of them changes with an append, so
--                    appends stay heap-only (HOT).
-- workflow_versions  contract: which signals a version takes, and whether it checks its input; null
--                    where it takes anything.
-- idempotency_keys   Keys of starts, kept beyond their runs: a late retry still finds its run's id.

alter table {schema}.runs
  add column namespace text not null default 'default',
  add column start_at timestamptz(3),
  add column custom_status json,
  add column attributes jsonb not null default '{}',
  drop constraint runs_run_id,
  add constraint runs_run_id unique (run_id, namespace),
  add constraint runs_attributes check (jsonb_typeof(attributes) = 'object');

-- Paths with a value, for equality and membership; the operator class keeps it small.
create index runs_by_attributes on {schema}.runs using gin (attributes jsonb_path_ops)
  with (fastupdate = on) where attributes <> '{}';

-- Pages of a namespace, the newest first; most databases have only the default one. A question says
-- by a literal which side it is on. One index led by the namespace would look as good as runs_run_id
-- for a run's id and namespace to a planner without statistics, and read the namespace.
create index runs_by_creation on {schema}.runs (created_at, id) where namespace = 'default';
create index runs_by_namespace on {schema}.runs (namespace, created_at, id)
  where namespace <> 'default';

alter table {schema}.workflow_versions add column contract json;

create table {schema}.idempotency_keys (
  namespace text not null,
  workflow text not null,
  key text not null,
  run_id text not null,
  input_digest text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint idempotency_keys_once primary key (namespace, workflow, key)
);
