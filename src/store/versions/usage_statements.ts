/**
 * The statements that say how versions are used: pages of the registry.
 *
 * - USAGE-1, bounded: a page costs the same however many runs there are. The runs of a version that
 *   have not ended are those in runs_at_rest, and those that `leases` lists (RUN-2); each version's
 *   are counted up to a limit.
 *
 * @module
 */

import { milliseconds, timestamp } from "../sql/fragments.ts";
import { BOOLEAN, nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";
import type { VersionUsage } from "../../ports/version_usage.ts";

/** A version's use as the database returns it: JSON columns are text. */
export type RawUsage = Omit<VersionUsage, "specifiers" | "denied" | "refusals"> & {
  readonly specifiers: string;
  readonly denied: string | null;
  readonly refusals: string;
};

/** The runs that nodes execute, by specifier. A node's bundles may name a run several times. */
export const HELD_RUNS = `held as materialized (
    select run.specifier_id, count(*)::integer as runs, min(run.created_at) as oldest
    from (
      select distinct lease.node, unnest(lease.runs) as id from {schema}.leases as lease
    ) as given
    join {schema}.runs as run on run.id = given.id and run.node = given.node
    group by run.specifier_id
  )`;

/**
 * The versions that a denial names, by their own digest or by that of a member. A version that is
 * not archived lists its members in its manifest alone (MANIFEST-1).
 */
export const BARRED = `barred as materialized (
    select distinct on (hash) * from (
      select version.hash, denied.*
      from {schema}.denied as denied
      join {schema}.workflow_versions as version on version.hash = denied.sha256
      union all
      select member.hash, denied.*
      from {schema}.denied as denied
      join {schema}.version_modules as member on member.sha256 = denied.sha256
      union all
      select version.hash, denied.*
      from {schema}.denied as denied
      join {schema}.workflow_versions as version
        on not version.archived
        and strpos(version.manifest, chr(10) || 'member ' || denied.sha256 || ' ') > 0
    ) as barred
    order by hash, denied_at, sha256
  )`;

/** Whether runs of `pins.ids` have not ended. */
export const IS_LIVE = `(
      exists (select from held where held.specifier_id = any(pins.ids))
      or exists (
        select from {schema}.runs as run where run.specifier_id = any(pins.ids) and run.rests
      )
    )`;

/** Whether a schedule that can still fire is pinned to `version`. */
export const IS_SCHEDULED = `exists (
      select from {schema}.schedules as schedule
      where schedule.hash = version.hash and schedule.state not in ('done', 'cancelled')
    )`;

/** Whether a stored run, or an earlier generation of one, is pinned to one of `pins.ids`. */
export const IS_USED = `(
      exists (select from {schema}.runs as run where run.specifier_id = any(pins.ids))
      or exists (
        select from {schema}.generations as earlier where earlier.specifier_id = any(pins.ids)
      )
    )`;

export const IS_CURRENT = `exists (
      select from {schema}.workflows as name
      where name.name = version.workflow and name.current_hash = version.hash
    )`;

/** Runs are parked because no node has the version, or each live node says that it can't load it. */
const IS_MISSING = `(
      exists (
        select from {schema}.runs as run
        where run.specifier_id = any(pins.ids) and run.lacks_version
      )
      or (select count(*) from alive) > 0 and not exists (
        select from alive where not exists (
          select from {schema}.version_loads as load
          where load.node = alive.id and load.hash = version.hash and load.state = 'failed'
        )
      )
    )`;

const STATE = `case
      when version.hash in (select hash from barred) then 'denied'
      when (${IS_LIVE} or ${IS_SCHEDULED}) and ${IS_MISSING} then 'missing'
      when ${IS_CURRENT} then 'current'
      when ${IS_LIVE} or ${IS_SCHEDULED} then 'draining'
      when ${IS_USED} then 'drained'
      else 'unused'
    end`;

/** A page, by a condition on `version`. The sub-selects with an offset are evaluated once a row. */
function page(which: string): string {
  return `
  with alive as materialized (
    select id from {schema}.nodes where expires_at >= clock_timestamp()
  ),
  ${HELD_RUNS},
  ${BARRED},
  listed as materialized (
    select version.hash, version.workflow, version.label, version.archived, version.registered_at,
      pins.ids, facts.state, ${IS_CURRENT} as is_current
    from {schema}.workflow_versions as version
    cross join lateral (
      select array(
        select pin.id from {schema}.workflow_specifiers as pin where pin.hash = version.hash
      ) as ids offset 0
    ) as pins
    cross join lateral (select ${STATE} as state offset 0) as facts
    where ${which} and ($isCurrent::boolean is null or ${IS_CURRENT} = $isCurrent::boolean)
      and ($states::text[] is null or facts.state = any($states::text[]))
      and ($beforeAt::float8 is null
        or (version.registered_at, version.hash) < (${timestamp("$beforeAt::float8")}, $beforeHash))
    order by version.registered_at desc, version.hash desc limit $limit::integer
  )
  select listed.hash, listed.workflow, listed.label, listed.archived, listed.state,
    listed.is_current as "isCurrent", ${milliseconds("listed.registered_at")} as "registeredAt",
    (
      select coalesce(json_agg(specifier order by last_seen desc, specifier), '[]')::text
      from {schema}.workflow_specifiers as known where known.hash = listed.hash
    ) as specifiers,
    least(
      $most::integer,
      coalesce((select sum(held.runs) from held where held.specifier_id = any(listed.ids)), 0)
        + (select count(*) from (
          select from {schema}.runs as run
          where run.specifier_id = any(listed.ids) and run.rests limit $most::integer
        ) as resting)
    )::integer as live,
    ${
    milliseconds(`least(
      (select min(held.oldest) from held where held.specifier_id = any(listed.ids)),
      (
        select min(first.created_at) from unnest(listed.ids) as pin (id) cross join lateral (
          select run.created_at from {schema}.runs as run
          where run.specifier_id = pin.id and run.rests order by run.created_at limit 1
        ) as first
      )
    )`)
  } as "oldestLive",
    ${
    milliseconds(`(
      select max(last.created_at) from unnest(listed.ids) as pin (id) cross join lateral (
        select run.created_at from {schema}.runs as run
        where run.specifier_id = pin.id order by run.created_at desc limit 1
      ) as last
    )`)
  } as "lastStart",
    (
      select count(*)::integer from {schema}.schedules as schedule
      where schedule.hash = listed.hash and schedule.state not in ('done', 'cancelled')
    ) as schedules,
    (
      select coalesce(sum(octet_length(module.bytes)), 0)::float8
      from {schema}.version_modules as member join {schema}.modules as module using (sha256)
      where member.hash = listed.hash
    ) as bytes,
    (select count(*)::integer from alive) as nodes,
    (
      select coalesce(json_agg(
        json_build_object('node', load.node, 'reason', load.reason) order by load.node
      ), '[]')::text
      from alive join {schema}.version_loads as load on load.node = alive.id
      where load.hash = listed.hash and load.state = 'failed'
    ) as refusals,
    (
      select json_build_object(
        'sha256', barred.sha256, 'reason', barred.reason, 'by', barred.denied_by,
        'at', ${milliseconds("barred.denied_at")}
      )::text from barred where barred.hash = listed.hash
    ) as denied
  from listed order by listed.registered_at desc, listed.hash desc`;
}

const PAGE = {
  states: nullable(TEXTS),
  isCurrent: nullable(BOOLEAN),
  beforeAt: nullable(NUMBER),
  beforeHash: TEXT,
  limit: NUMBER,
  most: NUMBER,
};

/** The statements that say how versions are used. */
export const USAGE_STATEMENTS = {
  page: statement(
    { ...PAGE, prefix: TEXT },
    rows<RawUsage>(),
    page("starts_with(version.hash, $prefix)"),
  ),
  pageOf: statement(
    { ...PAGE, prefix: TEXT, workflow: TEXT },
    rows<RawUsage>(),
    page("version.workflow = $workflow and starts_with(version.hash, $prefix)"),
  ),
};
