-- Lineage: runs that start others, and runs that go on as new.
--
-- runs         parent and parent_close say whose child a run is, and what follows for it when its
--              parent ends; depth bounds the chain. aftermath marks an ended run that has still to
--              tell its parent, or to apply its children's policies: another transaction does that,
--              so that nobody waits for a second run's row while holding one.
--              first_seq is where the present generation's history begins: continuing as new
--              moves it to the end, and events never move.
-- generations  What a run was before it continued as new.

alter table {schema}.runs
  add column parent bigint,
  add column parent_close text check (parent_close in ('abandon', 'cancel', 'terminate')),
  add column depth smallint not null default 0 check (depth >= 0),
  add column has_children boolean not null default false,
  add column aftermath boolean not null default false,
  add column first_seq integer not null default 0,
  add constraint runs_parent check ((parent is null) = (parent_close is null)),
  add constraint runs_first_seq check (first_seq between 0 and next_seq),
  add constraint runs_aftermath check (not aftermath or ended_at is not null);

-- The children whose parent has ended.
create index runs_by_parent on {schema}.runs (parent) where parent is not null;

-- Ended runs that have still something to tell.
create index runs_with_aftermath on {schema}.runs (id) where aftermath;

create table {schema}.generations (
  run bigint not null references {schema}.runs (id) on delete cascade,
  generation integer not null check (generation >= 0),
  first_seq integer not null,
  next_seq integer not null,
  code integer not null references {schema}.workflow_specifiers (id),
  seed text not null,
  input json not null,
  started_at timestamptz(3) not null,
  ended_at timestamptz(3) not null,
  primary key (run, generation)
);

alter table {schema}.inbox
  drop constraint inbox_kind_check,
  add constraint inbox_kind_check check (kind in ('signal', 'cancel', 'child'));
