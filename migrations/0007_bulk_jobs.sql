-- Bulk jobs: changes of many runs that take long, and that another process can continue.
--
-- bulk_jobs  One row per job. `plan` says what it does, and never changes. `progress` says how far it
--            is: one transaction changes it together with the runs that it counts. The process that
--            drives the job holds it by `token`, until `held_until`; one that has lost it changes nothing.

create table {schema}.bulk_jobs (
  id text primary key,
  kind text not null check (kind in (
    'upgrade', 'cancel', 'terminate', 'signal', 'delete', 'pause', 'resume'
  )),
  namespace text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  plan json not null,
  progress json not null,
  updated_at timestamptz(3) not null default clock_timestamp(),
  ended_at timestamptz(3),
  driver text,
  token bigint check (token between 0 and 9007199254740991),
  held_until timestamptz(3),
  constraint bulk_jobs_held check (
    (driver is null) = (token is null) and (driver is null) = (held_until is null)
  ),
  constraint bulk_jobs_ended check (ended_at is null or driver is null)
);
