-- Troubles of schedules.
--
-- schedules  trouble_code and trouble_version repeat what trouble says, so that what every node asks
--            all the time reads no text that somebody wrote.

alter table {schema}.schedules add column trouble_code text, add column trouble_version text;
