-- Runs that have begun are claimed before those that are to be started: a sleep that ends does not wait
-- for the starts before it. A due run is in one of two indexes, so that it is written as before.

drop index {schema}.runs_due;

create index runs_due on {schema}.runs (wake_at)
  where wake_at is not null and started_at is not null;

create index runs_to_start on {schema}.runs (wake_at)
  where wake_at is not null and started_at is null;
