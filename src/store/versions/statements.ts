/**
 * The statements on versions and their bytes. See `src/store/versions/version_store.ts` for the
 * rules.
 *
 * @module
 */

import { IDLE_STATE } from "../runs/fragments.ts";
import type { SchemaName } from "../schema/name.ts";
import { CLOCK, milliseconds, specifierIdsOf } from "../sql/fragments.ts";

/** Blobs that are there and are what their name says: they need not be sent. */
const SOUND = `
  select sha256 from {schema}.modules
  where sha256 = any($1::text[]) and encode(sha256(bytes), 'hex') = sha256`;

const STORE = `
  insert into {schema}.modules (sha256, bytes)
  select sha256, bytes from unnest($1::text[], $2::bytea[]) as blob (sha256, bytes)
  order by sha256 collate "C"
  on conflict (sha256) do update set bytes = excluded.bytes
    where modules.bytes <> excluded.bytes`;

/** No row comes back where nothing was to be changed; `xmax` is 0 in a row that is new. */
const REGISTER = `
  insert into {schema}.workflow_versions (hash, workflow, label, manifest, archived, contract)
  values ($1, $2, $3, $4, $5::boolean, $6::text::json)
  on conflict (hash) do update set
    manifest = excluded.manifest,
    archived = workflow_versions.archived or excluded.archived,
    contract = excluded.contract
    where workflow_versions.manifest <> excluded.manifest
      or workflow_versions.contract::text is distinct from excluded.contract::text
      or (excluded.archived and not workflow_versions.archived)
  returning xmax = 0 as created`;

const MEMBERS = `
  insert into {schema}.version_modules (hash, sha256)
  select $1, sha256 from unnest($2::text[]) as member (sha256) order by sha256 collate "C"
  on conflict do nothing`;

/** Says whether the version comes in its own right for the first time. */
const SPECIFIER = `
  with known as (
    select from {schema}.workflow_specifiers where hash = $1 and last_seen > '-infinity'
  )
  insert into {schema}.workflow_specifiers (hash, specifier) values ($1, $2)
  on conflict (hash, specifier) do update set last_seen = clock_timestamp()
  returning not exists (select from known) as first`;

/** What is known only as part of another version was never seen under that specifier itself. */
const PART_SPECIFIER = `
  insert into {schema}.workflow_specifiers (hash, specifier, last_seen)
  values ($1, $2, '-infinity') on conflict do nothing`;

const FIRST_CURRENT = `
  insert into {schema}.workflows (name, current_hash) values ($1, $2) on conflict (name) do nothing`;

const NEW_CURRENT = `
  insert into {schema}.workflows (name, current_hash) values ($1, $2)
  on conflict (name) do update set current_hash = excluded.current_hash`;

const REVIVE = `
  update {schema}.runs set
    state = ${IDLE_STATE},
    stuck_reason = null,
    wake_at = ${CLOCK},
    claims_since_progress = 0
  where specifier_id = any(${specifierIdsOf("array[$1]")}) and lacks_version
  returning id`;

const VERSION = `
  select version.hash, version.workflow, version.label, version.manifest, version.archived,
    version.contract::text as contract, version.load_crashes as "loadCrashes",
    exists (
      select from {schema}.workflow_specifiers as own
      where own.hash = version.hash and own.last_seen > '-infinity'
    ) as "isOwnRight",
    ${milliseconds("version.registered_at")} as "registeredAt",
    (
      select coalesce(json_agg(specifier order by last_seen desc, specifier), '[]')::text
      from {schema}.workflow_specifiers as known where known.hash = version.hash
    ) as specifiers
  from {schema}.workflow_versions as version`;

const BY_SPECIFIER = `
  ${VERSION}
  where version.hash = (
    select hash from {schema}.workflow_specifiers where specifier = $1
    order by last_seen desc limit 1
  )`;

const ACTIVATE = `
  insert into {schema}.workflows (name, current_hash)
  select workflow, hash from {schema}.workflow_versions where workflow = $1 and hash = $2
  on conflict (name) do update set current_hash = excluded.current_hash
  returning name`;

/** RUN-1 for notes: a buried node writes none, so that each is counted or ended. */
const LOADING = `
  with alive as materialized (select id from {schema}.nodes where id = $1 for key share),
  noted as (
    insert into {schema}.version_loads (node, hash, state) select id, $2, 'loading' from alive
    on conflict (node, hash) do update set state = 'loading', reason = null, noted_at = ${CLOCK}
  )
  select load_crashes as crashes from {schema}.workflow_versions where hash = $2`;

const FAILED = `
  insert into {schema}.version_loads (node, hash, state, reason)
  select id, $2, 'failed', $3::text::json from {schema}.nodes where id = $1 for key share
  on conflict (node, hash) do update set
    state = 'failed', reason = excluded.reason, noted_at = ${CLOCK}`;

const FAILURES = `
  select load.node, load.hash, load.reason::text as reason
  from {schema}.version_loads as load join {schema}.nodes as node on node.id = load.node
  where load.state = 'failed' and node.expires_at >= clock_timestamp()
    and ($1::text is null or load.hash = $1)
  order by load.hash, load.node`;

/**
 * The statements on versions in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function versionStatements(
  schema: SchemaName,
): Record<
  | "sound"
  | "store"
  | "register"
  | "members"
  | "specifier"
  | "partSpecifier"
  | "firstCurrent"
  | "newCurrent"
  | "revive"
  | "get"
  | "list"
  | "bySpecifier"
  | "blobs"
  | "current"
  | "activate"
  | "stuck"
  | "loading"
  | "loaded"
  | "failed"
  | "failures"
  | "clearFailures",
  string
> {
  return schema.fillAll({
    sound: SOUND,
    store: STORE,
    register: REGISTER,
    members: MEMBERS,
    specifier: SPECIFIER,
    partSpecifier: PART_SPECIFIER,
    firstCurrent: FIRST_CURRENT,
    newCurrent: NEW_CURRENT,
    revive: REVIVE,
    get: `${VERSION} where version.hash = $1`,
    list: `${VERSION} where $1::text is null or version.workflow = $1
      order by version.registered_at desc, version.hash`,
    bySpecifier: BY_SPECIFIER,
    blobs: "select sha256, bytes from {schema}.modules where sha256 = any($1::text[])",
    current: "select current_hash as hash from {schema}.workflows where name = $1",
    activate: ACTIVATE,
    stuck: `select distinct pin.hash
      from {schema}.runs as run join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
      where run.lacks_version order by pin.hash`,
    loading: LOADING,
    loaded: "delete from {schema}.version_loads where node = $1 and hash = $2",
    failed: FAILED,
    failures: FAILURES,
    clearFailures: "update {schema}.workflow_versions set load_crashes = 0 where hash = $1",
  });
}
