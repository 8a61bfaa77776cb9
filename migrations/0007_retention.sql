-- Retention: what finds the data that may go.
--
-- Ended runs are looked for along the indexes on creation, which their end does not change. What goes with
-- a run is found by the run; two things are not, without these indexes.

-- The idempotency keys of a run, which go with it.
create index idempotency_keys_by_run on {schema}.idempotency_keys (run_id, namespace);

-- Results of activities by age: they belong to no run.
create index activity_results_by_age on {schema}.activity_results (namespace, stored_at);
