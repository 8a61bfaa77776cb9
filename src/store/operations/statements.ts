/**
 * The statements on the entries of what operators do. See `src/store/operations/operation_store.ts`
 * for the invariants.
 *
 * @module
 */

import type { OperationRow, TargetKind } from "../../ports/operations.ts";
import { milliseconds, timestamp } from "../sql/fragments.ts";
import { BOOLEAN, nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";

/** Who acts, and why, as parameters of a statement. */
export const OPERATOR = { actor: TEXT, isProven: BOOLEAN, reason: nullable(TEXT) };

/** The columns of an entry that say who acts, and why. */
export const OPERATOR_COLUMNS = "actor, is_proven, reason";

/** The values of {@linkcode OPERATOR_COLUMNS}. */
export const OPERATOR_VALUES = "$actor::text, $isProven::boolean, $reason::text";

const PRUNABLE = `
  from {schema}.operations as entry
  where entry.at <= ${timestamp("$before::float8")} and (
    entry.action <> 'health.acknowledge' or exists (
      select from {schema}.operations as later
      where later.target = entry.target and later.action = entry.action
        and (later.at, later.id) > (entry.at, entry.id)
    )
  )`;

const LIST = {
  namespace: TEXT,
  actions: nullable(TEXTS),
  since: nullable(NUMBER),
  afterAt: nullable(NUMBER),
  afterId: nullable(NUMBER),
  limit: NUMBER,
};

const COLUMNS = `
  entry.id, ${milliseconds("entry.at")} as at, entry.actor, entry.is_proven as "isProven",
  entry.action, entry.namespace, entry.target, entry.reason, entry.before::text as before,
  entry.after::text as after, entry.outcome`;

const PAGE = `
    and ($since::float8 is null or entry.at >= ${timestamp("$since::float8")})
    and ($afterAt::float8 is null or
      (entry.at, entry.id) < (${timestamp("$afterAt::float8")}, $afterId::bigint))`;

/** A plan that holds for all parameters would use one index, so there is a statement for each. */
const OF_ACTIONS = "and ($actions::text[] is null or entry.action = any($actions::text[]))";

const NEWEST = "order by entry.at desc, entry.id desc limit $limit::integer";

/**
 * The newest entries of the namespace, and the newest of none, each along an index that begins with
 * what `condition` compares, and then has the namespace. A test for null gives an index no order,
 * so the namespace is named in the order.
 */
function ofNamespace(condition: string): string {
  const part = (space: string) =>
    `(
    select ${COLUMNS} from {schema}.operations as entry
    where entry.namespace ${space} ${condition} ${PAGE}
    order by entry.namespace desc, entry.at desc, entry.id desc limit $limit::integer)`;
  return `${part("= $namespace")} union all ${part("is null")}`;
}

function list(condition: string): string {
  return `select entry.* from (${ofNamespace(`${condition} ${OF_ACTIONS}`)}) as entry ${NEWEST}`;
}

/** The entries of a target are few. */
function listOfTarget(condition: string): string {
  return `select ${COLUMNS} from {schema}.operations as entry
  where (entry.namespace is null or entry.namespace = $namespace) and entry.target = $target
    ${condition} ${PAGE} ${OF_ACTIONS}
  ${NEWEST}`;
}

/** The statements on entries. */
export const OPERATION_STATEMENTS = {
  insert: statement(
    {
      ...OPERATOR,
      action: TEXT,
      namespace: nullable(TEXT),
      target: TEXT,
      before: nullable(TEXT),
      after: nullable(TEXT),
      outcome: TEXT,
    },
    rows<{ readonly id: number }>(),
    `
  insert into {schema}.operations
    (${OPERATOR_COLUMNS}, action, namespace, target, before, after, outcome)
  values (${OPERATOR_VALUES}, $action, $namespace, $target, $before::text::json,
    $after::text::json, $outcome)
  returning id`,
  ),

  finish: statement(
    { entry: NUMBER, outcome: TEXT, after: TEXT },
    NO_ROWS,
    `
  update {schema}.operations set outcome = $outcome, after = $after::text::json
  where id = $entry::bigint`,
  ),

  takeUp: statement(
    { ...OPERATOR, action: TEXT, namespace: nullable(TEXT), target: TEXT, outcome: TEXT },
    rows<{ readonly id: number }>(),
    `
  update {schema}.operations as entry set outcome = $outcome
  where entry.outcome = 'stopped' and entry.actor = $actor::text
    and entry.is_proven = $isProven::boolean and entry.reason is not distinct from $reason::text
    and entry.id = (
      select last.id from {schema}.operations as last
      where last.target = $target and last.action = $action
        and last.namespace is not distinct from $namespace::text
      order by last.at desc, last.id desc limit 1
    )
  returning entry.id`,
  ),

  list: statement(LIST, rows<OperationRow>(), list("")),

  // The newest entries of each action, along the index; of those the newest.
  listOfActions: statement(
    { ...LIST, actions: TEXTS },
    rows<OperationRow>(),
    `select entry.* from unnest($actions::text[]) as wanted (action)
  cross join lateral (${ofNamespace("and entry.action = wanted.action")}) as entry
  ${NEWEST}`,
  ),

  listOfTarget: statement(
    { ...LIST, target: TEXT },
    rows<OperationRow>(),
    listOfTarget(""),
  ),

  listOfActor: statement(
    { ...LIST, actor: TEXT },
    rows<OperationRow>(),
    list("and entry.actor = $actor"),
  ),

  listOfBoth: statement(
    { ...LIST, target: TEXT, actor: TEXT },
    rows<OperationRow>(),
    listOfTarget("and entry.actor = $actor"),
  ),

  prune: statement(
    { before: NUMBER, limit: NUMBER },
    rows<{ readonly id: number }>(),
    `
  delete from {schema}.operations where id = any(array(
    select entry.id ${PRUNABLE}
    order by entry.at limit $limit::integer for update of entry skip locked
  )) returning id`,
  ),

  countPrunable: statement(
    { before: NUMBER },
    rows<{ readonly count: number }>(),
    `select count(*)::integer as count ${PRUNABLE}`,
  ),
};

/** How a target is, by its id and its namespace. The locks are what OPERATION-2 is about. */
const FACTS = { target: TEXT, namespace: nullable(TEXT) };

/** A target's facts, as JSON. */
type FactsRow = { readonly facts: string };

/** The statements that read how targets are. */
export const FACT_STATEMENTS = {
  run: statement(
    FACTS,
    rows<FactsRow>(),
    `
  select json_build_object(
    'state', run.state, 'version', pin.hash, 'generation', run.generation
  )::text as facts
  from {schema}.runs as run
  join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  where run.run_id = $target and run.namespace = $namespace
  for no key update of run`,
  ),

  schedule: statement(
    FACTS,
    rows<FactsRow>(),
    `
  select json_build_object('state', state)::text as facts
  from {schema}.schedules where schedule_id = $target and namespace = $namespace for no key update`,
  ),

  workflow: statement(
    FACTS,
    rows<FactsRow>(),
    `
  select json_build_object('current', current_hash)::text as facts
  from {schema}.workflows where name = $target and $namespace::text is null for no key update`,
  ),

  digest: statement(
    FACTS,
    rows<FactsRow>(),
    `
  select json_build_object('denied', true, 'reason', reason, 'by', denied_by)::text as facts
  from {schema}.denied where sha256 = $target and $namespace::text is null for update`,
  ),
} satisfies Partial<Record<TargetKind, unknown>>;

/** The mark that was set last on each finding. */
export const ACKNOWLEDGED = statement(
  { fingerprints: TEXTS },
  rows<{
    readonly fingerprint: string;
    readonly actor: string;
    readonly reason: string | null;
    readonly at: number;
  }>(),
  `
  select distinct on (entry.target) entry.target as fingerprint, entry.actor, entry.reason,
    ${milliseconds("entry.at")} as at
  from {schema}.operations as entry
  where entry.target = any($fingerprints::text[]) and entry.action = 'health.acknowledge'
  order by entry.target, entry.at desc, entry.id desc`,
);
