-- The registry and the archive: which versions of which workflows exist, and their bytes.
--
-- modules              Members' bytes, content-addressed: one row per SHA-256, shared by versions.
-- workflow_versions    One row per version. Its hash is the SHA-256 of its manifest, so the row
--                      certifies itself; load_crashes counts nodes that died while importing it.
-- version_modules      Which members a version needs from the archive. The keys tie both ends:
--                      no version without its bytes, no bytes taken from under a version.
-- workflow_specifiers  Every specifier that a version is known under; the newest wins a look-up. A row
--                      is also the code that a run is on: runs hold its id, which is short, in place
--                      of a hash and a specifier. code_of finds that id, and makes the row where a
--                      run comes under a name that its version was not registered with.
-- workflows            The current version of each name: set by a first registration, moved by hand.

create table {schema}.modules (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  bytes bytea not null,
  stored_at timestamptz(3) not null default clock_timestamp()
);

create table {schema}.workflow_versions (
  hash text primary key,
  workflow text not null,
  label text,
  manifest text not null,
  archived boolean not null,
  load_crashes integer not null default 0 check (load_crashes >= 0),
  registered_at timestamptz(3) not null default clock_timestamp()
);

create index workflow_versions_by_workflow on {schema}.workflow_versions (workflow, registered_at);

create table {schema}.version_modules (
  hash text not null references {schema}.workflow_versions (hash) on delete cascade,
  sha256 text not null references {schema}.modules (sha256),
  primary key (hash, sha256)
);

create index version_modules_by_sha256 on {schema}.version_modules (sha256);

create table {schema}.workflow_specifiers (
  id integer generated always as identity constraint workflow_specifiers_id unique,
  hash text not null references {schema}.workflow_versions (hash) on delete cascade,
  specifier text not null,
  first_seen timestamptz not null default clock_timestamp(),
  last_seen timestamptz not null default clock_timestamp(),
  primary key (hash, specifier)
);

create index workflow_specifiers_by_specifier on {schema}.workflow_specifiers using hash (specifier);

create function {schema}.code_of(version text, name text) returns integer language plpgsql as $$
declare
  code integer;
begin
  loop
    select id into code from {schema}.workflow_specifiers
    where hash = version and specifier = name;
    if found then
      return code;
    end if;
    insert into {schema}.workflow_specifiers (hash, specifier, last_seen)
    values (version, name, '-infinity') on conflict do nothing;
  end loop;
end $$;

create table {schema}.workflows (
  name text primary key,
  current_hash text not null references {schema}.workflow_versions (hash)
);
