-- Schedules: what starts when, and what was started.
--
-- schedules      One row per schedule. `rules` is what the user asked for; the columns after `state`
--                say how far it has come. `planned_at` moves along the calendar; `fire_at` is when a
--                node looks at it, later than planned by jitter and retries; `held_at` is a planned
--                time whose run starts when the run before it has ended. `trouble_code` and
--                `trouble_version` repeat parts of `trouble`, so that the statements that every node
--                repeats read no text that a user wrote. `policy` is what the runs start with.
-- schedule_runs  What was started for which planned time: the key holds that no planned time starts
--                two runs. Retention keeps the latest, and those whose run has not ended.

create table {schema}.schedules (
  id bigint generated always as identity primary key,
  namespace text not null,
  schedule_id text collate "C" not null,
  workflow text not null,
  hash text constraint schedules_version references {schema}.workflow_versions (hash),
  specifier text,
  input json not null,
  attributes jsonb not null default '{}',
  rules json not null,
  policy jsonb,
  created_at timestamptz(3) not null default clock_timestamp(),

  state text not null,
  trouble json,
  trouble_code text,
  trouble_version text,
  planned_at timestamptz(3),
  fire_at timestamptz(3),
  held_at timestamptz(3),
  failures integer not null default 0,
  started bigint not null default 0,
  triggered bigint not null default 0,
  skipped bigint not null default 0,
  missed bigint not null default 0,

  constraint schedules_schedule_id unique (namespace, schedule_id),
  constraint schedules_state check (state in ('active', 'paused', 'stuck', 'done', 'cancelled')),
  constraint schedules_pin check ((hash is null) = (specifier is null)),
  constraint schedules_trouble check ((state = 'stuck') = (trouble is not null)),
  constraint schedules_only_active_fire check (fire_at is null or state = 'active'),
  constraint schedules_active_will_fire check (
    state <> 'active' or fire_at is not null or held_at is not null
  ),
  constraint schedules_over check (
    state not in ('done', 'cancelled') or (planned_at is null and held_at is null)
  )
);

-- All that a runner reads.
create index schedules_due on {schema}.schedules (fire_at) where fire_at is not null;

-- Firings that wait for the end of a run.
create index schedules_held on {schema}.schedules (id) where held_at is not null;

-- Schedules that a registration revives, and that people should look at.
create index schedules_stuck on {schema}.schedules (workflow) where state = 'stuck';

-- Versions in use.
create index schedules_pinned on {schema}.schedules (hash) where hash is not null;

create table {schema}.schedule_runs (
  schedule bigint not null references {schema}.schedules (id) on delete cascade,
  planned_at timestamptz(3) not null,
  manual boolean not null,
  fired_at timestamptz(3) not null,
  run bigint not null,
  run_id text not null,
  constraint schedule_runs_once primary key (schedule, planned_at, manual)
);
