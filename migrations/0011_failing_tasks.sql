-- Activities that go on failing, for health(): only those that have failed several times are in the
-- index, so that others are written as before.

create index tasks_failing on {schema}.tasks (name) where attempt > 3;
