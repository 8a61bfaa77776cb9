-- History: what happened in a run, and the messages that it has not consumed yet.
--
-- events      The history of each run, append-only. It has no foreign key: a row is only ever written
--             under the fencing token of the run's own row, and the check would cost every insert.
--             Kinds are an enumeration: four bytes in place of a name. Asks and their answers are
--             named by the ask's id, published values by their own name: an index finds them by it,
--             the last one first.
-- inbox       Messages that the run has not consumed yet. `position` says which activity ended,
--             `digest` is that of its input, `trace` is the sender's trace context. A run that is
--             paused, or about to be, has a message of kind 'pause', which stays until it is resumed.
-- deliveries  Delivery ids, kept after their message: sending a signal twice with one id is sending
--             it once. Of an ask the id is its own, and the name is empty.
-- awaits      Which run waits for what of another run: its end, a value that it publishes, or its
--             answer to an ask. The transaction that notifies the waiting run deletes the row. No
--             foreign key: an insertion would wait for the row of a second run.

create type {schema}.event_kind as enum (
  'step.completed', 'step.failed', 'activity.completed', 'activity.failed', 'timer.fired',
  'signal.received', 'signal.timeout', 'ask.received', 'transaction.completed', 'transaction.failed',
  'child.completed', 'child.failed', 'call.completed', 'call.failed', 'cancel.requested',
  'attempt.failed', 'patched', 'attributes.set', 'status.set', 'ask.answered',
  'ask.failed', 'value.published', 'payload.refused', 'version.changed'
);

create table {schema}.events (
  run bigint not null,
  seq integer not null check (seq >= 0),
  position integer,
  at timestamptz(3) not null,
  kind {schema}.event_kind not null,
  name text not null,
  digest text,
  payload json,
  primary key (run, seq)
);

create index events_by_name on {schema}.events (run, name, (-seq))
  where kind in ('ask.received', 'ask.answered', 'ask.failed', 'value.published');

create table {schema}.inbox (
  id bigint generated always as identity primary key,
  run bigint not null references {schema}.runs (id) on delete cascade,
  kind text not null check (
    kind in (
      'signal', 'ask', 'cancel', 'activity.completed', 'activity.failed', 'child', 'awaited',
      'pause'
    )
  ),
  name text not null,
  payload json,
  position integer,
  digest text,
  trace text,
  sent_at timestamptz(3) not null default clock_timestamp()
);

create index inbox_by_run on {schema}.inbox (run, id);

create table {schema}.deliveries (
  run bigint not null references {schema}.runs (id) on delete cascade,
  kind text not null,
  name text not null,
  delivery_id text not null,
  message bigint not null,
  constraint deliveries_once primary key (run, kind, name, delivery_id)
);

create table {schema}.awaits (
  awaited bigint not null,
  run bigint not null,
  position integer not null,
  kind text not null check (kind in ('end', 'value', 'answer')),
  name text not null,
  constraint awaits_once primary key (awaited, run, position)
);

create index awaits_by_run on {schema}.awaits (run);
