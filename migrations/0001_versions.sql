-- Versions: which versions of which workflows exist, and the bytes of their modules.
--
-- modules              The bytes of archived modules and packages, by content: one row per SHA-256,
--                      shared by all versions.
-- workflow_versions    One row per version. `hash` is the SHA-256 of `manifest`, so the row certifies
--                      itself. `contract` says which signals a version takes and whether it checks its
--                      input; null where it takes anything. `load_crashes` counts the nodes that died
--                      while they imported the version.
-- version_modules      The archived bytes that a version needs. Its foreign keys hold that no version
--                      lacks its bytes and that no bytes are deleted under a version.
-- version_packages     Which npm packages a version has in the archive, as one text. Their packed files
--                      are rows of `modules`, which `version_modules` ties to the version.
-- workflow_specifiers  Every specifier of a version; a look-up takes the newest. A run and a generation
--                      hold the short id of such a row in place of a hash and a specifier. All rows of
--                      a version have the same `collected_at`: when its bytes were removed, since no
--                      run needed them. No run starts on it until it is registered again (PIN-1 of
--                      `src/store/versions/collect.ts`).
-- workflows            The current version of each name: the first registration sets it, later only
--                      an explicit activation does.
-- version_loads        What a node says about a version: it imports it now, or it can't load it.
-- denied               SHA-256 digests of versions and of modules that no node executes.
-- version_signatures   What keys signed: one row per version and key, also of versions that are not
--                      registered yet or any more. A row is a claim: nodes verify it with their keys.

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
  contract json,
  archived boolean not null,
  load_crashes integer not null default 0 check (load_crashes >= 0),
  registered_at timestamptz(3) not null default clock_timestamp()
);

-- Pages of versions, the newest first: of one workflow, and of all.
create index workflow_versions_by_workflow
  on {schema}.workflow_versions (workflow, registered_at, hash);
create index workflow_versions_by_age on {schema}.workflow_versions (registered_at, hash);

create table {schema}.version_modules (
  hash text not null references {schema}.workflow_versions (hash) on delete cascade,
  sha256 text not null references {schema}.modules (sha256),
  primary key (hash, sha256)
);

create index version_modules_by_sha256 on {schema}.version_modules (sha256);

create table {schema}.version_packages (
  hash text primary key references {schema}.workflow_versions (hash) on delete cascade,
  list text not null
);

create table {schema}.workflow_specifiers (
  id integer generated always as identity constraint workflow_specifiers_id unique,
  hash text not null references {schema}.workflow_versions (hash) on delete cascade,
  specifier text not null,
  first_seen timestamptz not null default clock_timestamp(),
  last_seen timestamptz not null default clock_timestamp(),
  collected_at timestamptz(3),
  primary key (hash, specifier)
);

create index workflow_specifiers_by_specifier on {schema}.workflow_specifiers using hash (specifier);

-- Finds the id of a version under a specifier, and makes the row where the version was not registered
-- with that specifier. It refuses a version whose bytes were removed, as a foreign key would, and
-- waits for a transaction that removes them (PIN-1).
create function {schema}.specifier_id_of(version text, name text) returns integer
language plpgsql as $$
declare
  found_id integer;
  collected timestamptz;
begin
  loop
    select id, collected_at into found_id, collected from {schema}.workflow_specifiers
    where hash = version and specifier = name for key share;
    if found and collected is null then
      return found_id;
    end if;
    if not found then
      perform from {schema}.workflow_versions where hash = version for key share;
      select max(collected_at) into collected from {schema}.workflow_specifiers where hash = version;
    end if;
    if collected is not null then
      raise foreign_key_violation using message = 'the bytes of version ' || version || ' were removed';
    end if;
    insert into {schema}.workflow_specifiers (hash, specifier, last_seen)
    values (version, name, '-infinity') on conflict do nothing;
  end loop;
end $$;

create table {schema}.workflows (
  name text primary key,
  current_hash text not null references {schema}.workflow_versions (hash)
);

create table {schema}.version_loads (
  node text not null,
  hash text not null references {schema}.workflow_versions (hash) on delete cascade,
  state text not null check (state in ('loading', 'failed')),
  reason json,
  noted_at timestamptz(3) not null default clock_timestamp(),
  primary key (node, hash),
  constraint version_loads_reason check ((state = 'failed') = (reason is not null))
);

-- The nodes that can't load a version.
create index version_loads_failed on {schema}.version_loads (hash, node) where state = 'failed';

create table {schema}.denied (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  reason text not null,
  denied_by text,
  denied_at timestamptz(3) not null default clock_timestamp()
);

create table {schema}.version_signatures (
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  key text not null check (key ~ '^[0-9a-f]{32}$'),
  workflow text not null,
  signature text not null check (signature ~ '^[A-Za-z0-9_-]{86}$'),
  added_at timestamptz(3) not null default clock_timestamp(),
  primary key (hash, key)
);
