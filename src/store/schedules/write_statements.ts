/**
 * The statements that write schedules. See `src/store/schedules/schedule_store.ts` for the
 * invariants.
 *
 * @module
 */

import { CLOCK, pinnable, timestamp } from "../sql/fragments.ts";
import {
  BIGINTS,
  BOOLEANS,
  INTEGERS,
  nullable,
  NUMBER,
  TEXT,
  TEXTS,
  unnested,
} from "../sql/parameters.ts";
import { NO_ROWS, rows, statement, type ValuesOf } from "../sql/statement.ts";
import { CURABLE, GOING_ON } from "./read_statements.ts";

/** How many runs of a schedule are kept after they have ended. */
const KEPT_RUNS = 50;

/** What a caller sets in a schedule. */
const SPEC = {
  workflow: TEXT,
  hash: nullable(TEXT),
  specifier: nullable(TEXT),
  input: TEXT,
  attributes: TEXT,
  rules: TEXT,
  policy: nullable(TEXT),
};

/** The parameters of what a caller sets. */
export type SpecParameters = ValuesOf<typeof SPEC>;

/** How far schedules have come, a list for each column. */
const PROGRESS = {
  id: BIGINTS,
  state: TEXTS,
  trouble: TEXTS,
  planned: BIGINTS,
  fireAt: BIGINTS,
  held: BIGINTS,
  failures: INTEGERS,
  started: BIGINTS,
  triggered: BIGINTS,
  skipped: BIGINTS,
  missed: BIGINTS,
  troubleCode: TEXTS,
  troubleVersion: TEXTS,
};

/** The parameters of how far schedules have come. */
export type ProgressParameters = ValuesOf<typeof PROGRESS>;

/** The runs that schedules have started, a list for each column. */
const MADE = { schedule: BIGINTS, planned: BIGINTS, manual: BOOLEANS, run: BIGINTS, runId: TEXTS };

/** The statements that write schedules. */
export const WRITE_STATEMENTS = {
  create: statement(
    {
      namespace: TEXT,
      id: TEXT,
      ...SPEC,
      state: TEXT,
      trouble: nullable(TEXT),
      planned: nullable(NUMBER),
      fireAt: nullable(NUMBER),
      troubleCode: nullable(TEXT),
      troubleVersion: nullable(TEXT),
    },
    rows<{ readonly id: number }>(),
    `
  insert into {schema}.schedules (
    namespace, schedule_id, workflow, hash, specifier, input, attributes, rules, policy, state,
    trouble, planned_at, fire_at, trouble_code, trouble_version
  )
  values (
    $namespace, $id, $workflow, ${pinnable("$hash")}, $specifier, $input::text::json,
    $attributes::text::jsonb, $rules::text::json, $policy::text::jsonb, $state,
    $trouble::text::json, ${timestamp("$planned::bigint")}, ${timestamp("$fireAt::bigint")},
    $troubleCode, $troubleVersion
  )
  on conflict (namespace, schedule_id) do nothing
  returning id`,
  ),

  spec: statement(
    { key: NUMBER, ...SPEC },
    NO_ROWS,
    `
  update {schema}.schedules set
    workflow = $workflow,
    hash = ${pinnable("$hash")},
    specifier = $specifier,
    input = $input::text::json,
    attributes = $attributes::text::jsonb,
    rules = $rules::text::json,
    policy = $policy::text::jsonb
  where id = $key::bigint`,
  ),

  delete: statement(
    { id: TEXT, namespace: TEXT },
    rows<{ readonly id: number }>(),
    `
  delete from {schema}.schedules
  where schedule_id = $id and namespace = $namespace returning id`,
  ),

  progress: statement(
    PROGRESS,
    NO_ROWS,
    `
  update {schema}.schedules as schedule set
    state = given.state,
    trouble = given.trouble::json,
    trouble_code = given.trouble_code,
    trouble_version = given.trouble_version,
    planned_at = ${timestamp("given.planned")},
    fire_at = ${timestamp("given.fire_at")},
    held_at = ${timestamp("given.held")},
    failures = given.failures,
    started = given.started,
    triggered = given.triggered,
    skipped = given.skipped,
    missed = given.missed
  from ${unnested("given", PROGRESS)}
  where schedule.id = given.id`,
  ),

  // A planned time that was started before, under other rules, was started.
  note: statement(
    MADE,
    NO_ROWS,
    `
  insert into {schema}.schedule_runs (schedule, planned_at, manual, fired_at, run, run_id)
  select made.schedule, ${timestamp("made.planned")}, made.manual, clock.at, made.run, made.run_id
  from ${unnested("made", MADE)}
  cross join (select ${CLOCK} as at) as clock
  on conflict on constraint schedule_runs_once do nothing`,
  ),

  prune: statement(
    { schedules: BIGINTS },
    NO_ROWS,
    `
  delete from {schema}.schedule_runs as made
  using (
    select schedule, planned_at, manual,
      row_number() over (partition by schedule order by fired_at desc, planned_at desc) as place
    from {schema}.schedule_runs where schedule = any($schedules::bigint[])
  ) as old
  where old.place > ${KEPT_RUNS} and made.schedule = old.schedule
    and made.planned_at = old.planned_at and made.manual = old.manual
    and not exists (
      select from {schema}.runs as run where run.id = made.run and run.ended_at is null
    )`,
  ),

  release: statement(
    {},
    NO_ROWS,
    `
  update {schema}.schedules set fire_at = ${CLOCK}
  where id in (
    select schedule.id from {schema}.schedules as schedule
    where schedule.held_at is not null and schedule.state = 'active' and schedule.failures = 0
      and (schedule.fire_at is null or schedule.fire_at > clock_timestamp())
      and not exists (${GOING_ON})
    for update of schedule skip locked
  )`,
  ),

  revive: statement(
    {},
    NO_ROWS,
    `
  update {schema}.schedules set
    state = 'active', trouble = null, trouble_code = null, trouble_version = null,
    fire_at = ${CLOCK}
  where id in (
    select schedule.id from {schema}.schedules as schedule
    join {schema}.workflows as named on named.name = schedule.workflow
    where ${CURABLE}
    for update of schedule skip locked
  )`,
  ),
};
