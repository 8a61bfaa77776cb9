-- Operations: what people and programs did to runs, versions and schedules.
--
-- operations  One row per act of an operator. An act that is one transaction writes its row in it. One
--             that is several writes its row first, with the outcome `begun`, and its end into the same
--             row. `actor` is a name that the caller claimed, unless `is_proven`: then the face that
--             took the request had authenticated it. `target` says what was acted upon, `before` and
--             `after` how it was and became. `outcome` is `done`, `begun`, `stopped`, or the code of
--             the error that refused the act.

create table {schema}.operations (
  id bigint generated always as identity primary key,
  at timestamptz(3) not null default clock_timestamp(),
  actor text not null,
  is_proven boolean not null default false,
  action text not null,
  namespace text,
  target text not null,
  reason text,
  before json,
  after json,
  outcome text not null
);

create index operations_by_time on {schema}.operations (at, id);

create index operations_by_target on {schema}.operations (target, at, id);

create index operations_by_namespace on {schema}.operations (namespace, at, id);

create index operations_by_actor on {schema}.operations (actor, namespace, at, id);

create index operations_by_action on {schema}.operations (action, namespace, at, id);
