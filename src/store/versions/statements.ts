/**
 * The statements on versions and their bytes. See `src/store/versions/version_store.ts` for the
 * invariants.
 *
 * @module
 */

import type { NeededVersionRow, VersionRow } from "../../ports/rows.ts";
import { released } from "../runs/fragments.ts";
import { CLOCK, milliseconds, pinnable, specifierIdsOf } from "../sql/fragments.ts";
import { BOOLEAN, BYTES, nullable, TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";

/** A version as the database returns it: JSON columns are text. */
export type RawVersion = Omit<VersionRow, "specifiers" | "contract"> & {
  readonly specifiers: string;
  readonly contract: string | null;
};

const RELEASED = released("runs.id");

const VERSION = `
  select version.hash, version.workflow, version.label, version.manifest, version.archived,
    version.contract::text as contract, version.load_crashes as "loadCrashes",
    (
      select ${
  milliseconds("max(removed.collected_at)")
} from {schema}.workflow_specifiers as removed
      where removed.hash = version.hash
    ) as "collectedAt",
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

/** Whether a row of `denied` bars a version: see `hashesOf` of `denial_store.ts`. */
function bars(hash: string): string {
  return `(denied.sha256 = ${hash} or exists (
      select from {schema}.version_modules as member
      where member.hash = ${hash} and member.sha256 = denied.sha256
    ) or exists (
      select from {schema}.workflow_versions as bare
      where bare.hash = ${hash} and not bare.archived
        and strpos(bare.manifest, chr(10) || 'member ' || denied.sha256 || ' ') > 0
    ))`;
}

const BLOBS = { sha256: TEXTS, bytes: BYTES };

/** A version to be registered. */
export const REGISTERED = {
  hash: TEXT,
  workflow: TEXT,
  label: nullable(TEXT),
  manifest: TEXT,
  archived: BOOLEAN,
  contract: nullable(TEXT),
};

/** The statements on versions. */
export const VERSION_STATEMENTS = {
  // Blobs that are stored and are what their name says need not be sent.
  sound: statement(
    { sha256: TEXTS },
    rows<{ readonly sha256: string }>(),
    `
  select sha256 from {schema}.modules
  where sha256 = any($sha256::text[]) and encode(sha256(bytes), 'hex') = sha256`,
  ),

  store: statement(
    BLOBS,
    NO_ROWS,
    `
  insert into {schema}.modules (sha256, bytes)
  select sha256, bytes from ${unnested("blob", BLOBS)}
  order by sha256 collate "C"
  on conflict (sha256) do update set bytes = excluded.bytes
    where modules.bytes <> excluded.bytes`,
  ),

  // No row comes back if nothing had to change; `xmax` is 0 in a row that is new. Runs may start on
  // the version again if its bytes had been removed (PIN-1).
  register: statement(
    REGISTERED,
    rows<{ readonly created: boolean }>(),
    `
  with startable as (
    update {schema}.workflow_specifiers set collected_at = null
    where hash = $hash and collected_at is not null
  )
  insert into {schema}.workflow_versions (hash, workflow, label, manifest, archived, contract)
  values ($hash, $workflow, $label, $manifest, $archived::boolean, $contract::text::json)
  on conflict (hash) do update set
    manifest = excluded.manifest,
    archived = workflow_versions.archived or excluded.archived,
    contract = excluded.contract
    where workflow_versions.manifest <> excluded.manifest
      or workflow_versions.contract::text is distinct from excluded.contract::text
      or (excluded.archived and not workflow_versions.archived)
  returning xmax = 0 as created`,
  ),

  members: statement(
    { hash: TEXT, sha256: TEXTS },
    NO_ROWS,
    `
  insert into {schema}.version_modules (hash, sha256)
  select $hash, sha256 from unnest($sha256::text[]) as member (sha256) order by sha256 collate "C"
  on conflict do nothing`,
  ),

  packages: statement(
    { hash: TEXT, list: TEXT },
    NO_ROWS,
    `
  insert into {schema}.version_packages (hash, list) values ($hash, $list)
  on conflict (hash) do update set list = excluded.list
    where version_packages.list <> excluded.list`,
  ),

  packageList: statement(
    { hash: TEXT },
    rows<{ readonly list: string }>(),
    "select list from {schema}.version_packages where hash = $hash",
  ),

  // Says whether the version comes in its own right for the first time.
  specifier: statement(
    { hash: TEXT, specifier: TEXT },
    rows<{ readonly first: boolean }>(),
    `
  with known as (
    select from {schema}.workflow_specifiers where hash = $hash and last_seen > '-infinity'
  )
  insert into {schema}.workflow_specifiers (hash, specifier) values ($hash, $specifier)
  on conflict (hash, specifier) do update set last_seen = clock_timestamp()
  returning not exists (select from known) as first`,
  ),

  // A version that is known only as part of another one was never seen under that specifier itself.
  partSpecifier: statement(
    { hash: TEXT, specifier: TEXT },
    NO_ROWS,
    `
  insert into {schema}.workflow_specifiers (hash, specifier, last_seen)
  values ($hash, $specifier, '-infinity') on conflict do nothing`,
  ),

  firstCurrent: statement(
    { workflow: TEXT, hash: TEXT },
    NO_ROWS,
    `
  insert into {schema}.workflows (name, current_hash) values ($workflow, $hash) on conflict (name) do nothing`,
  ),

  newCurrent: statement(
    { workflow: TEXT, hash: TEXT },
    NO_ROWS,
    `
  insert into {schema}.workflows (name, current_hash) values ($workflow, $hash)
  on conflict (name) do update set current_hash = excluded.current_hash`,
  ),

  offer: statement(
    { node: TEXT, hash: TEXT },
    NO_ROWS,
    `
  update {schema}.nodes set offers = array_append(offers, $hash::text)
  where id = $node and $hash::text <> all(offers)`,
  ),

  offered: statement(
    { node: TEXT, hash: TEXT },
    rows<{ readonly node: string }>(),
    `
  select id as node from {schema}.nodes
  where id <> $node and $hash::text = any(offers) and expires_at >= clock_timestamp() limit 1`,
  ),

  // DENIAL-2 of `version/denials.ts`.
  revive: statement(
    { hash: TEXT },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set
    state = ${RELEASED.state},
    stuck_reason = null,
    wake_at = ${RELEASED.wakeAt},
    claims_since_progress = 0
  where specifier_id = any(${specifierIdsOf("array[$hash]")}) and lacks_version
    and not exists (select from {schema}.denied where ${bars("$hash")})
  returning id`,
  ),

  get: statement({ hash: TEXT }, rows<RawVersion>(), `${VERSION} where version.hash = $hash`),

  list: statement(
    { workflow: nullable(TEXT) },
    rows<RawVersion>(),
    `${VERSION} where $workflow::text is null or version.workflow = $workflow
    order by version.registered_at desc, version.hash`,
  ),

  bySpecifier: statement(
    { specifier: TEXT },
    rows<RawVersion>(),
    `
  ${VERSION}
  where version.hash = (
    select hash from {schema}.workflow_specifiers where specifier = $specifier
    order by last_seen desc limit 1
  )`,
  ),

  blobs: statement(
    { sha256: TEXTS },
    rows<{ readonly sha256: string; readonly bytes: Uint8Array }>(),
    "select sha256, bytes from {schema}.modules where sha256 = any($sha256::text[])",
  ),

  current: statement(
    { workflow: TEXT },
    rows<{ readonly hash: string }>(),
    "select current_hash as hash from {schema}.workflows where name = $workflow",
  ),

  activate: statement(
    { workflow: TEXT, hash: TEXT },
    rows<{ readonly name: string }>(),
    `
  insert into {schema}.workflows (name, current_hash)
  select workflow, ${pinnable("version.hash")} from {schema}.workflow_versions as version
  where workflow = $workflow and hash = $hash
  on conflict (name) do update set current_hash = excluded.current_hash
  returning name`,
  ),

  stuck: statement(
    {},
    rows<{ readonly hash: string }>(),
    `select distinct pin.hash
    from {schema}.runs as run join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
    where run.lacks_version order by pin.hash`,
  ),

  // A run that a node holds does not rest, and stands in a bundle of `leases`.
  needed: statement(
    {},
    rows<NeededVersionRow>(),
    `
  with held as (
    select distinct held.id from {schema}.leases as lease cross join unnest(lease.runs) as held (id)
  ),
  live as (
    select specifier_id, count(*) as runs, min(created_at) as oldest
    from {schema}.runs where rests group by specifier_id
    union all
    select run.specifier_id, count(*), min(run.created_at)
    from held join {schema}.runs as run on run.id = held.id
    where run.state = 'running' group by run.specifier_id
  ),
  need as (
    select pin.hash, live.runs, live.oldest, 0 as schedules, false as succeeds
    from live join {schema}.workflow_specifiers as pin on pin.id = live.specifier_id
    union all
    select coalesce(schedule.hash, workflow.current_hash), 0, null, 1, false
    from {schema}.schedules as schedule
      left join {schema}.workflows as workflow on workflow.name = schedule.workflow
    where schedule.state not in ('done', 'cancelled')
    union all
    select workflow.current_hash, 0, null, 0, true
    from {schema}.workflows as workflow where workflow.name in (
      select version.workflow
      from live join {schema}.workflow_specifiers as pin on pin.id = live.specifier_id
        join {schema}.workflow_versions as version on version.hash = pin.hash
    )
  )
  select version.hash, version.workflow, version.label, sum(need.runs)::integer as live,
    ${milliseconds("min(need.oldest)")} as oldest, sum(need.schedules)::integer as schedules,
    bool_or(need.succeeds) as succeeds
  from need join {schema}.workflow_versions as version on version.hash = need.hash
  group by version.hash
  order by live desc, schedules desc, version.hash`,
  ),

  // RUN-1 for notes: an expired node writes none, so that each is counted or deleted.
  loading: statement(
    { node: TEXT, hash: TEXT },
    rows<{ readonly crashes: number }>(),
    `
  with alive as materialized (select id from {schema}.nodes where id = $node for key share),
  noted as (
    insert into {schema}.version_loads (node, hash, state) select id, $hash, 'loading' from alive
    on conflict (node, hash) do update set state = 'loading', reason = null, noted_at = ${CLOCK}
  )
  select load_crashes as crashes from {schema}.workflow_versions where hash = $hash`,
  ),

  loaded: statement(
    { node: TEXT, hash: TEXT },
    NO_ROWS,
    "delete from {schema}.version_loads where node = $node and hash = $hash",
  ),

  failed: statement(
    { node: TEXT, hash: TEXT, reason: TEXT },
    NO_ROWS,
    `
  insert into {schema}.version_loads (node, hash, state, reason)
  select id, $hash, 'failed', $reason::text::json from {schema}.nodes where id = $node for key share
  on conflict (node, hash) do update set
    state = 'failed', reason = excluded.reason, noted_at = ${CLOCK}`,
  ),

  failures: statement(
    { hash: nullable(TEXT) },
    rows<{ readonly node: string; readonly hash: string; readonly reason: string }>(),
    `
  select load.node, load.hash, load.reason::text as reason
  from {schema}.version_loads as load join {schema}.nodes as node on node.id = load.node
  where load.state = 'failed' and node.expires_at >= clock_timestamp()
    and ($hash::text is null or load.hash = $hash)
  order by load.hash, load.node`,
  ),

  clearFailures: statement(
    { hash: TEXT },
    NO_ROWS,
    "update {schema}.workflow_versions set load_crashes = 0 where hash = $hash",
  ),
};
