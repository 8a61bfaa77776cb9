-- Policies of runs: how long one may take, and whether it is tried again.
--
-- runs       policy is decided at the start and stays for the run's life: what the start said, and
--            else what the version says. deadline follows from it. attempt counts the generations
--            that began because the one before failed; failure is what that one threw.
--            A run that has not been started yet has done nothing in its present attempt: it may be
--            suspended that way, resting between two attempts.
-- schedules  policy is what the runs of a schedule start with.

alter table {schema}.runs
  add column attempt integer not null default 1 check (attempt >= 1),
  add column deadline timestamptz(3),
  add column policy jsonb,
  add column failure json,
  drop constraint runs_active_has_started,
  add constraint runs_running_has_started check (state <> 'running' or started_at is not null),
  add constraint runs_failure check ((attempt > 1) = (failure is not null)),
  add constraint runs_deadline check ((deadline is null) = (policy->'timeout' is null));

alter table {schema}.schedules add column policy jsonb;
