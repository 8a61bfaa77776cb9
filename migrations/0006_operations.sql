-- Operations: what people and programs did to runs and versions.
--
-- operations  One row per act, written by those who act, in the order of their time. `actor` is a name
--             that the caller claimed, unless `is_proven`: then the face that took the request had
--             authenticated it. `target` says what was acted upon, `before` and `after` how it was and
--             became. `outcome` is a word: `done`, or the code of the error.

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

create index operations_by_target on {schema}.operations (target, id);
