/**
 * The statements that say how versions are used: pages of the registry.
 *
 * - USAGE-1, bounded: a page costs the same however many runs there are. The runs of a version that
 *   have not ended are those in runs_at_rest, and those that `leases` lists (RUN-2); each version's
 *   are counted up to a limit.
 * - USAGE-2, from the few: a page of versions in a state begins with the versions that are denied,
 *   needed or current. Whether runs use one of the others is one look-up.
 *
 * @module
 */

import { milliseconds, timestamp } from "../sql/fragments.ts";
import { BOOLEAN, nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement, type ValuesOf } from "../sql/statement.ts";
import type { VersionUsage } from "../../ports/version_usage.ts";

/** A version's use as the database returns it: JSON columns are text. */
export type RawUsage = Omit<VersionUsage, "specifiers" | "denied" | "refusals" | "signatures"> & {
  readonly specifiers: string;
  readonly signatures: string;
  readonly denied: string | null;
  readonly refusals: string;
};

/** So many signatures of a version are listed: anyone who writes to the database may add any. */
const MOST_SIGNATURES = 20;

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

/**
 * Whether rows of a table refer to one of `pins.ids`. The next entry of the index answers it: where
 * most rows refer to few versions, a plan that searches for an equal one may read the whole table.
 */
const isReferredTo = (table: string, condition = "") =>
  `exists (
        select from unnest(pins.ids) as pin (id)
        where pin.id = (
          select next.specifier_id from {schema}.${table} as next
          where next.specifier_id >= pin.id${condition} order by next.specifier_id limit 1
        )
      )`;

/** Whether runs of `pins.ids` have not ended. */
export const IS_LIVE = `(
      exists (select from held where held.specifier_id = any(pins.ids))
      or ${isReferredTo("runs", " and next.rests")}
    )`;

/** Whether a schedule that can still fire is pinned to `version`. */
export const IS_SCHEDULED = `exists (
      select from {schema}.schedules as schedule
      where schedule.hash = version.hash and schedule.state not in ('done', 'cancelled')
    )`;

/** Whether a stored run, or an earlier generation of one, is pinned to one of `pins.ids`. */
export const IS_USED = `(
      ${isReferredTo("runs")}
      or ${isReferredTo("generations")}
    )`;

export const IS_CURRENT = `exists (
      select from {schema}.workflows as name
      where name.name = version.workflow and name.current_hash = version.hash
    )`;

/** The denial that names `version` or one of its members, the oldest first. See {@linkcode BARRED}. */
const DENIAL = `(
      select denied.* from {schema}.denied as denied where denied.sha256 = version.hash
      union all
      select denied.*
      from {schema}.version_modules as member
      join {schema}.denied as denied on denied.sha256 = member.sha256
      where member.hash = version.hash
      union all
      select denied.* from {schema}.denied as denied
      where not version.archived
        and strpos(version.manifest, chr(10) || 'member ' || denied.sha256 || ' ') > 0
      order by denied_at, sha256 limit 1
    )`;

/** Runs are parked because no node has the version, or each live node says that it can't load it. */
const IS_MISSING = `(
      exists (
        select from {schema}.runs as run
        where run.specifier_id = any(pins.ids) and run.lacks_version
      )
      or (select count(*) from alive) between 1 and (
        select count(*) from {schema}.version_loads as load
        where load.hash = version.hash and load.state = 'failed'
          and load.node in (select id from alive)
      )
    )`;

/** The three facts of a version's state that can be looked up for one, or read for all. */
interface StateFacts {
  readonly denied: string;
  readonly needed: string;
  readonly current: string;
}

function stateBy({ denied, needed, current }: StateFacts): string {
  return `case
      when ${denied} then 'denied'
      when ${needed} and ${IS_MISSING} then 'missing'
      when ${current} then 'current'
      when ${needed} then 'draining'
      when ${IS_USED} then 'drained'
      else 'unused'
    end`;
}

/** USAGE-1: for the versions of a page, each fact is looked up. */
const LOOKED_UP: StateFacts = {
  denied: "denial.sha256 is not null",
  needed: `(${IS_LIVE} or ${IS_SCHEDULED})`,
  current: "version.is_current",
};

/**
 * USAGE-2: for all versions, the facts are read from the few that are denied, needed or current. Of
 * the others, only those are looked at whose state may be asked for.
 */
const READ: StateFacts = {
  denied: "version.hash in (select hash from barred)",
  needed: "version.hash in (select hash from needed)",
  current:
    "(version.workflow, version.hash) in (select name, current_hash from {schema}.workflows)",
};

/** The versions that live runs or schedules need; pins of live runs are found along their index. */
const NEEDED = `live_pins as (
    (
      select run.specifier_id from {schema}.runs as run
      where run.rests order by run.specifier_id limit 1
    )
    union all
    select (
      select run.specifier_id from {schema}.runs as run
      where run.rests and run.specifier_id > live_pins.specifier_id
      order by run.specifier_id limit 1
    )
    from live_pins where live_pins.specifier_id is not null
  ),
  needed as materialized (
    select pin.hash
    from (select specifier_id from live_pins union select specifier_id from held) as live
    join {schema}.workflow_specifiers as pin on pin.id = live.specifier_id
    union
    select schedule.hash from {schema}.schedules as schedule
    where schedule.hash is not null and schedule.state not in ('done', 'cancelled')
  )`;

const PINS = `
    cross join lateral (
      select array(
        select pin.id from {schema}.workflow_specifiers as pin where pin.hash = version.hash
      ) as ids offset 0
    ) as pins`;

const VERSIONS = "{schema}.workflow_versions as version";

/** The versions that are current: there are as many as workflows. */
const CURRENT = `{schema}.workflows as name
    join ${VERSIONS} on version.hash = name.current_hash and version.workflow = name.name`;

interface Pages {
  /** The tables with the versions. */
  readonly from?: string;
  /** A condition on `version`. */
  readonly where?: string;
  /** Whether their states are asked for. */
  readonly byState?: boolean;
}

/** A page. The sub-selects with an offset are evaluated once a row. */
function page({ from = VERSIONS, where = "true", byState = false }: Pages): string {
  const inState = `
      and (
        $states::text[] && array['drained', 'unused'] or ${READ.needed} or ${READ.current}
        or ${READ.denied}
      )
      and facts.state = any($states::text[])`;
  return `
  with recursive alive as materialized (
    select id from {schema}.nodes where expires_at >= clock_timestamp()
  ),
  ${HELD_RUNS},${byState ? `${BARRED},${NEEDED},` : ""}
  listed as materialized (
    select version.*, ${IS_CURRENT} as is_current
    from ${from}${
    byState ? `${PINS} cross join lateral (select ${stateBy(READ)} as state offset 0) as facts` : ""
  }
    where ${where} and ($isCurrent::boolean is null or ${IS_CURRENT} = $isCurrent::boolean)
      and ($beforeAt::float8 is null
        or (version.registered_at, version.hash) < (${timestamp("$beforeAt::float8")}, $beforeHash))
      ${byState ? inState : ""}
    order by version.registered_at desc, version.hash desc limit $limit::integer
  )
  select version.hash, version.workflow, version.label, version.archived,
    ${stateBy(LOOKED_UP)} as state,
    version.is_current as "isCurrent", ${milliseconds("version.registered_at")} as "registeredAt",
    (
      select coalesce(json_agg(specifier order by last_seen desc, specifier), '[]')::text
      from {schema}.workflow_specifiers as known where known.hash = version.hash
    ) as specifiers,
    least(
      $most::integer,
      coalesce((select sum(held.runs) from held where held.specifier_id = any(pins.ids)), 0)
        + (select count(*) from (
          select from {schema}.runs as run
          where run.specifier_id = any(pins.ids) and run.rests limit $most::integer
        ) as resting)
    )::integer as live,
    ${
    milliseconds(`least(
      (select min(held.oldest) from held where held.specifier_id = any(pins.ids)),
      (
        select min(first.created_at) from unnest(pins.ids) as pin (id) cross join lateral (
          select run.created_at from {schema}.runs as run
          where run.specifier_id = pin.id and run.rests order by run.created_at limit 1
        ) as first
      )
    )`)
  } as "oldestLive",
    ${
    milliseconds(`(
      select max(last.created_at) from unnest(pins.ids) as pin (id) cross join lateral (
        select run.created_at from {schema}.runs as run
        where run.specifier_id = pin.id order by run.created_at desc limit 1
      ) as last
    )`)
  } as "lastStart",
    (
      select count(*)::integer from {schema}.schedules as schedule
      where schedule.hash = version.hash and schedule.state not in ('done', 'cancelled')
    ) as schedules,
    (
      select coalesce(sum(octet_length(module.bytes)), 0)::float8
      from {schema}.version_modules as member join {schema}.modules as module using (sha256)
      where member.hash = version.hash
    ) as bytes,
    (select count(*)::integer from alive) as nodes,
    (
      select coalesce(json_agg(
        json_build_object('node', load.node, 'reason', load.reason) order by load.node
      ), '[]')::text
      from {schema}.version_loads as load
      where load.hash = version.hash and load.state = 'failed'
        and load.node in (select id from alive)
    ) as refusals,
    (
      select coalesce(json_agg(signed), '[]')::text
      from (
        select workflow, hash, key, signature from {schema}.version_signatures as signed
        where signed.hash = version.hash order by key limit ${MOST_SIGNATURES}
      ) as signed
    ) as signatures,
    case when denial.sha256 is not null then json_build_object(
      'sha256', denial.sha256, 'reason', denial.reason, 'by', denial.denied_by,
      'at', ${milliseconds("denial.denied_at")}
    )::text end as denied
  from listed as version${PINS}
  left join lateral ${DENIAL} as denial on true
  order by version.registered_at desc, version.hash desc`;
}

const PAGE = {
  isCurrent: nullable(BOOLEAN),
  beforeAt: nullable(NUMBER),
  beforeHash: TEXT,
  limit: NUMBER,
  most: NUMBER,
};

/** What the statements of pages have in common. */
export type PageOptions = ValuesOf<typeof PAGE>;

const OF_WORKFLOW = "version.workflow = $workflow";

/** A range, which the key finds: after a hexadecimal digit comes `g`. */
const BY_PREFIX = `version.hash >= $prefix and version.hash < $prefix || 'g'
      and ($workflow::text is null or ${OF_WORKFLOW})`;

const OF_CURRENT = `($workflow::text is null or ${OF_WORKFLOW})`;

/** The statements that say how versions are used. */
export const USAGE_STATEMENTS = {
  page: statement(PAGE, rows<RawUsage>(), page({})),
  pageOf: statement({ ...PAGE, workflow: TEXT }, rows<RawUsage>(), page({ where: OF_WORKFLOW })),
  pageBy: statement(
    { ...PAGE, workflow: nullable(TEXT), prefix: TEXT },
    rows<RawUsage>(),
    page({ where: BY_PREFIX }),
  ),
  pageIn: statement(
    { ...PAGE, states: TEXTS },
    rows<RawUsage>(),
    page({ byState: true }),
  ),
  pageOfIn: statement(
    { ...PAGE, workflow: TEXT, states: TEXTS },
    rows<RawUsage>(),
    page({ where: OF_WORKFLOW, byState: true }),
  ),
  pageByIn: statement(
    { ...PAGE, workflow: nullable(TEXT), prefix: TEXT, states: TEXTS },
    rows<RawUsage>(),
    page({ where: BY_PREFIX, byState: true }),
  ),
  pageCurrent: statement(
    { ...PAGE, workflow: nullable(TEXT) },
    rows<RawUsage>(),
    page({ from: CURRENT, where: OF_CURRENT }),
  ),

  currents: statement(
    { workflows: nullable(TEXTS) },
    rows<{ readonly workflow: string; readonly hash: string }>(),
    `select name as workflow, current_hash as hash from {schema}.workflows
    where $workflows::text[] is null or name = any($workflows::text[]) order by name`,
  ),
};
