-- Health: what shows trouble without reading all runs.
--
-- nodes  serves: the queues whose tasks a node takes, and the activities that it registered by name;
--        null where it has not said. Written once, when the node opens.

alter table {schema}.nodes add column serves json;

-- Parked runs, by code. Neither the column nor the condition changes with an append or an end, so
-- these stay heap-only.
create index runs_stuck on {schema}.runs (code) where stuck_reason is not null;
