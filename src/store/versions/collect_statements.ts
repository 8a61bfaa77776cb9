/**
 * The statements that remove old versions. See `src/store/versions/collect.ts` for the invariants.
 *
 * @module
 */

import type { CollectionVerdict, RemovedModules } from "../../ports/collection.ts";
import { CLOCK, milliseconds, timestamp } from "../sql/fragments.ts";
import { nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";
import {
  BARRED,
  HELD_RUNS,
  IS_CURRENT,
  IS_LIVE,
  IS_SCHEDULED,
  IS_USED,
} from "./usage_statements.ts";

/** COLLECT-3 */
const GRACE = "interval '1 day'";

const SCOPE = { before: NUMBER, keep: NUMBER };

/**
 * The facts that a verdict takes, beside those on `version` and `pins.ids`. Whatever refers to a version
 * without a foreign key is read once for a statement: the tasks of runs that have moved to another
 * version, and unfinished upgrades.
 */
const FACTS = `${HELD_RUNS},
  ${BARRED},
  tasked as materialized (
    select distinct task.hash from {schema}.tasks as task where task.hash is not null
  ),
  targets as materialized (
    select job.plan::text as plan from {schema}.bulk_jobs as job where job.ended_at is null
  )`;

/** The modules that a version lists. The manifest is the only list of one that has no bytes (MANIFEST-1). */
const membersOf = (version: string) =>
  `(
      select left(line, 64) as sha256
      from unnest((string_to_array(${version}.manifest, chr(10) || 'member '))[2:]) as line
    ) as member`;

/**
 * COLLECT-4: those of `candidate` that contain all modules of a version which only parts of others
 * brought. Versions with a module that no candidate contains are left out first. A pair of versions
 * is compared only if the first contains that module of the second that the fewest contain: most
 * versions share most of their modules.
 */
const VOUCHING = `of_candidate as materialized (
    select candidate.hash, member.sha256
    from candidate cross join lateral ${membersOf("candidate")}
  ),
  part as materialized (
    select part.hash, part.manifest from {schema}.workflow_versions as part
    where exists (select from candidate) and not exists (
      select from {schema}.workflow_specifiers as own
      where own.hash = part.hash and own.last_seen > '-infinity'
    )
  ),
  inside as materialized (
    select part.hash, part.manifest from part where not exists (
      select from ${membersOf("part")}
      where member.sha256 not in (select sha256 from of_candidate)
    )
  ),
  rarest as materialized (
    select distinct on (inside.hash) inside.hash, member.sha256
    from inside cross join lateral ${membersOf("inside")} join (
      select sha256, count(*) as versions from of_candidate group by sha256
    ) as known using (sha256)
    order by inside.hash, known.versions, member.sha256
  ),
  vouching as materialized (
    select distinct candidate.hash
    from rarest
    join of_candidate using (sha256)
    join candidate on candidate.hash = of_candidate.hash and candidate.hash <> rarest.hash
    join inside on inside.hash = rarest.hash
    where not exists (
      select from ${membersOf("inside")}
      where strpos(candidate.manifest, chr(10) || 'member ' || member.sha256 || ' ') = 0
    )
  )`;

/** The verdicts on versions, by a condition on `version`, before COLLECT-4. */
function verdicts(which: string, rest = ""): string {
  return `${FACTS},
  listed as materialized (
    select version.hash, version.workflow, version.label, version.manifest, version.registered_at,
      used.at as used_at, bare.is as is_bare,
      case
        when ${IS_CURRENT} then 'current'
        when ${IS_LIVE} or version.hash in (select hash from tasked)
          or exists (select from targets where strpos(targets.plan, version.hash) > 0) then 'needed'
        when ${IS_SCHEDULED} then 'scheduled'
        when version.hash in (select hash from barred) then 'denied'
        when used.at > ${timestamp("$before::float8")} then 'recent'
        when (
          select count(*) from (
            select from {schema}.workflow_versions as newer
            where newer.workflow = version.workflow
              and (newer.registered_at, newer.hash) > (version.registered_at, version.hash)
            limit $keep::integer
          ) as newer
        ) < $keep::integer then 'newest'
        when not ${IS_USED} and not exists (
          select from {schema}.schedules as schedule where schedule.hash = version.hash
        ) then 'row'
        when bare.is then 'held'
        else 'bytes'
      end as verdict
    from {schema}.workflow_versions as version
    cross join lateral (
      select array(
        select pin.id from {schema}.workflow_specifiers as pin where pin.hash = version.hash
      ) as ids offset 0
    ) as pins
    cross join lateral (
      select not exists (
        select from {schema}.version_modules as member where member.hash = version.hash
      ) as is offset 0
    ) as bare
    cross join lateral (
      select greatest(
        version.registered_at,
        (
          select max(nullif(seen.last_seen, '-infinity')) from {schema}.workflow_specifiers as seen
          where seen.hash = version.hash
        ),
        (
          select max(last.created_at) from unnest(pins.ids) as pin (id) cross join lateral (
            select run.created_at from {schema}.runs as run
            where run.specifier_id = pin.id order by run.created_at desc limit 1
          ) as last
        )
      ) as at offset 0
    ) as used
    where ${which}${rest}
  )`;
}

/** A verdict as the caller gets it. */
const verdictOf = (from: string, verdict: string) =>
  `${from}.hash, ${from}.workflow, ${from}.label, ${verdict} as verdict,
    not ${from}.is_bare as archived, ${milliseconds(`${from}.registered_at`)} as "registeredAt",
    ${milliseconds(`date_trunc('milliseconds', ${from}.used_at)`)} as "usedAt"`;

/** COLLECT-2: modules that no version refers to. */
const ORPHANED = `
    not exists (
      select from {schema}.version_modules as member where member.sha256 = module.sha256
    )
    and module.stored_at < ${CLOCK} - ${GRACE}`;

/** The statements that remove old versions. */
export const COLLECT_STATEMENTS = {
  plan: statement(
    { ...SCOPE, afterAt: nullable(NUMBER), afterHash: TEXT, limit: NUMBER },
    rows<CollectionVerdict>(),
    `
  with ${
      verdicts(
        `($afterAt::float8 is null
      or (version.registered_at, version.hash) > (${timestamp("$afterAt::float8")}, $afterHash))`,
        `
    order by version.registered_at, version.hash limit $limit::integer`,
      )
    }
  select ${verdictOf("listed", "listed.verdict")} from listed
  order by listed.registered_at, listed.hash`,
  ),

  vouching: statement(
    { hashes: TEXTS },
    rows<{ readonly hash: string }>(),
    `
  with candidate as materialized (
    select hash, manifest from {schema}.workflow_versions where hash = any($hashes::text[])
  ),
  ${VOUCHING}
  select hash from vouching`,
  ),

  weigh: statement(
    { hashes: TEXTS },
    rows<RemovedModules>(),
    `
  with doomed as materialized (select unnest($hashes::text[]) as hash)
  select count(*)::integer as modules, coalesce(sum(octet_length(module.bytes)), 0)::float8 as bytes
  from {schema}.modules as module
  where module.stored_at < ${CLOCK} - ${GRACE} and not exists (
    select from {schema}.version_modules as member
    where member.sha256 = module.sha256 and member.hash not in (select hash from doomed)
  )`,
  ),

  // COLLECT-1: versions that another transaction holds are left out.
  lockVersions: statement(
    { hashes: TEXTS },
    rows<{ readonly hash: string }>(),
    `
  select hash from {schema}.workflow_versions where hash = any($hashes::text[])
  order by hash for update skip locked`,
  ),

  // COLLECT-1: so are versions that a transaction has pinned something to. No specifier comes in
  // meanwhile: it would wait for the version's row.
  lockSpecifiers: statement(
    { hashes: TEXTS },
    rows<{ readonly hash: string }>(),
    `
  with pin as materialized (
    select pin.id, pin.hash from {schema}.workflow_specifiers as pin
    where pin.hash = any($hashes::text[]) order by pin.id for update skip locked
  )
  select hash from pin group by hash having count(*) = (
    select count(*) from {schema}.workflow_specifiers as every where every.hash = pin.hash
  )`,
  ),

  remove: statement(
    { ...SCOPE, hashes: TEXTS },
    rows<CollectionVerdict>(),
    `
  with ${verdicts("version.hash = any($hashes::text[])")},
  candidate as materialized (
    select hash, manifest from listed where verdict = 'row'
  ),
  ${VOUCHING},
  judged as materialized (
    select listed.*,
      case
        when listed.verdict <> 'row' or listed.hash not in (select hash from vouching)
        then listed.verdict
        when listed.is_bare then 'contains'
        else 'bytes'
      end as becomes
    from listed
  ),
  gone as (
    delete from {schema}.workflow_versions as version using judged
    where version.hash = judged.hash and judged.becomes = 'row'
  ),
  emptied as (
    delete from {schema}.version_modules as member using judged
    where member.hash = judged.hash and judged.becomes = 'bytes'
  ),
  unlisted as (
    delete from {schema}.version_packages as list using judged
    where list.hash = judged.hash and judged.becomes = 'bytes'
  ),
  marked as (
    update {schema}.workflow_versions as version set archived = false
    from judged where version.hash = judged.hash and judged.becomes = 'bytes'
  ),
  closed as (
    update {schema}.workflow_specifiers as pin set collected_at = ${CLOCK}
    from judged where pin.hash = judged.hash and judged.becomes = 'bytes'
  )
  select ${verdictOf("judged", "judged.becomes")} from judged
  where judged.becomes in ('bytes', 'row')
  order by judged.registered_at, judged.hash`,
  ),

  sweep: statement(
    { after: TEXT, limit: NUMBER },
    rows<RemovedModules & { readonly last: string | null }>(),
    `
  with doomed as materialized (
    select module.sha256, octet_length(module.bytes) as bytes from {schema}.modules as module
    where module.sha256 > $after and ${ORPHANED}
    order by module.sha256 limit $limit::integer
    for update of module skip locked
  ),
  gone as (
    delete from {schema}.modules as module
    using (select * from doomed order by sha256) as doomed where module.sha256 = doomed.sha256
  )
  select count(*)::integer as modules, coalesce(sum(bytes), 0)::float8 as bytes,
    max(sha256) as last
  from doomed`,
  ),
};
