/**
 * The statements that insert runs. See `src/store/runs/inserts.ts` for the rules that they keep.
 *
 * @module
 */

import { SEPARATOR } from "../../base/run_ids.ts";
import type { RunState } from "../../ports/rows.ts";
import { IN_TRANSACTION } from "../sql/caller_transaction.ts";
import { AWAITED } from "../retention/statements.ts";
import { ENDED, noted } from "./fragments.ts";
import { deliveryName } from "./message_statements.ts";
import {
  CLOCK,
  milliseconds,
  POLICY,
  specifierIdOf,
  TIMEOUT,
  timestamp,
} from "../sql/fragments.ts";
import { BIGINTS, FLOATS, TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { rows, statement, type ValuesOf } from "../sql/statement.ts";

/** A run that a start inserted. */
export interface InsertRow {
  readonly id: number;
  readonly namespace: string;
  readonly runId: string;
  readonly at: number;
  readonly due?: number | null;
  readonly deadline?: number | null;
  readonly policy?: string | null;
}

/** A run whose id a start asked for. */
export interface TakenRow extends InsertRow {
  readonly workflow: string;
  readonly state: RunState;
  readonly seed: string;
  readonly token: number | null;
}

/** The run that holds an idempotency key. */
export interface KeyRow {
  readonly namespace: string;
  readonly workflow: string;
  readonly key: string;
  readonly runId: string;
  readonly digest: string;
}

/** A run that was ended to be replaced, and the node that executes it. */
interface EndedRow {
  readonly id: number;
  readonly node: string | null;
}

/** The id that a run gave up. */
interface GivenUpRow {
  readonly namespace: string;
  readonly runId: string;
}

/** The runs to insert, a list for each column. */
const GIVEN = {
  namespace: TEXTS,
  runId: TEXTS,
  workflow: TEXTS,
  hash: TEXTS,
  specifier: TEXTS,
  input: TEXTS,
  seed: TEXTS,
  node: TEXTS,
  token: BIGINTS,
  startAt: FLOATS,
  delay: FLOATS,
  attributes: TEXTS,
  key: TEXTS,
  digest: TEXTS,
  sends: TEXTS,
  signal: TEXTS,
  payload: TEXTS,
  delivery: TEXTS,
  policy: TEXTS,
  trace: TEXTS,
};

/** The starts that may replace a run, a list for each column. */
const REPLACING = {
  namespace: TEXTS,
  runId: TEXTS,
  seed: TEXTS,
  workflow: TEXTS,
  key: TEXTS,
  replaces: TEXTS,
};

const IDS = { namespace: TEXTS, runId: TEXTS };

const KEYED = { namespace: TEXTS, workflow: TEXTS, key: TEXTS };

/**
 * INSERT-2: runs whose id is known by now stay out. Each is looked for by itself, in the index: as a join
 * it would be planned by how many runs there are thought to be.
 */
const NEW_ID = `
    where (
      select known.id from {schema}.runs as known
      where known.run_id = given.run_id and known.namespace = given.namespace
    ) is null`;

/** INSERT-2, where a failure would cost more than a record in the log for each row, that confirms it. */
const UNLESS_TAKEN = `
    on conflict (run_id, namespace) do nothing`;

/** INSERT-1: runs whose key is known by now stay out. */
const NEW_KEY = `
    where given.key is null or not exists (
      select from {schema}.idempotency_keys as known
      where known.namespace = given.namespace and known.workflow = given.workflow
        and known.key = given.key
    )`;

/** INSERT-1: keys and first signals of the runs that went in. */
const COMPANIONS = `,
  keyed as (
    insert into {schema}.idempotency_keys (
      namespace, workflow, key, run_id, input_digest, created_at
    )
    select given.namespace, given.workflow, given.key, given.run_id, given.digest, created_at
    from inserted join given using (namespace, run_id)
    where given.key is not null
    order by given.key collate "C", given.workflow collate "C", given.namespace collate "C"
  ),
  sent as (
    insert into {schema}.inbox (run, kind, name, payload, trace)
    select inserted.id, given.sends, given.signal, given.payload::json, given.trace
    from inserted join given using (namespace, run_id)
    where given.signal is not null
    returning id, run
  ),
  delivered as (
    insert into {schema}.deliveries (run, kind, name, delivery_id, message)
    select sent.run, given.sends, ${deliveryName("given.sends", "given.signal")}, given.delivery,
      sent.id
    from sent join inserted on inserted.id = sent.run join given using (namespace, run_id)
    where given.delivery is not null
  )`;

/**
 * Rows go in by their ids and keys, so that two batches wait for each other in one direction. Most
 * starts have no companions, and do not pay for them.
 */
function insert(
  newcomers: string,
  unlessTaken: string,
  companions: string,
  condition = "",
): string {
  return `
  with clock as materialized (select ${CLOCK} as at${condition}),
  given as materialized (
    select * from ${unnested("given", GIVEN)}
  ),
  alive as materialized (
    select id from {schema}.nodes where id in (select node from given) order by id for key share
  ),
  wanted as materialized (
    select given.*, clock.at, alive.id as owner, greatest(
      clock.at,
      coalesce(${timestamp("start_at")}, clock.at + given.delay * interval '1 millisecond')
    ) as due
    from given cross join clock left join alive on alive.id = given.node${newcomers}
  ),
  timed as materialized (
    select wanted.*, owner is not null and due = at as leased, ${POLICY} as decided from wanted
  ),
  inserted as (
    insert into {schema}.runs (
      namespace, run_id, workflow, specifier_id, input, seed, state, node, token,
      claims_since_progress, wake_seq, wake_at, start_at, created_at, started_at, attributes,
      policy, deadline, trace
    )
    select namespace, run_id, workflow, ${specifierIdOf("timed")}, input::json, seed,
      case when leased then 'running' else 'pending' end,
      case when leased then owner end,
      case when leased then token end,
      case when leased then 1 else 0 end,
      case when signal is null then 0 else 1 end,
      case when not leased then due end,
      case when due > at then due end,
      at,
      case when leased then at end,
      coalesce(attributes::jsonb, '{}'),
      decided,
      due + ${TIMEOUT},
      trace
    from timed
    order by run_id collate "C", namespace collate "C"${unlessTaken}
    returning id, namespace, run_id, created_at, wake_at, node, deadline, policy
  ),
  ${noted("select node, id from inserted where node is not null")}${companions}
  select id, namespace, run_id as "runId", ${milliseconds("created_at")} as at,
    ${milliseconds("wake_at")} as due, ${milliseconds("deadline")} as deadline,
    policy::text as policy
  from inserted`;
}

/**
 * INSERT-4: the runs that give way, by rising id, unless they are what this start has written (INSERT-3), or
 * its key says that there is nothing to start.
 */
const GIVING_WAY = `
  select run.id from {schema}.runs as run join ${
  unnested("given", REPLACING)
} using (namespace, run_id)
  where given.replaces is not null and run.seed <> given.seed
    and not exists (
      select from {schema}.generations as first
      where first.run = run.id and first.generation = 0 and first.seed = given.seed
    )
    and not exists (
      select from {schema}.idempotency_keys as known
      where known.namespace = given.namespace and known.workflow = given.workflow
        and known.key = given.key
    )`;

/** INSERT-4: ends those that live, as `terminate` does. A child is its parent's to end. */
const terminate = (condition: string) => `
  with ended as (
    update {schema}.runs as run set
      state = 'terminated',
      error = $error::text::json,
      ${ENDED},
      must_notify = run.has_children or run.is_awaited
    from {schema}.runs as before
    where ${condition} and run.id = before.id and run.ended_at is null and run.parent is null
      and run.id in (
      ${GIVING_WAY} and given.replaces = 'any' and run.ended_at is null and run.parent is null
      order by run.id for update of run
    )
    returning run.id, before.node
  ),
  given_up as (
    delete from {schema}.tasks as task using ended where task.run = ended.id
  )
  select id, node from ended`;

/**
 * INSERT-4: an ended run gives its id up, and takes its keys along. A child keeps it if its parent may
 * ask for it again, or has not been notified of its end.
 */
const rename = (condition: string) => `
  with renamed as (
    update {schema}.runs as run set run_id = run.run_id || '${SEPARATOR}was.' || run.id
    where ${condition} and run.id in (
      ${GIVING_WAY} and run.ended_at is not null and (
        run.parent is null or not run.must_notify and not ${AWAITED}
      )
      order by run.id for update of run
    )
    returning run.namespace, run.run_id,
      left(run.run_id, -length('${SEPARATOR}was.' || run.id)) as former
  ),
  moved as (
    update {schema}.idempotency_keys as known set run_id = renamed.run_id
    from renamed where known.namespace = renamed.namespace and known.run_id = renamed.former
  )
  select namespace, former as "runId" from renamed`;

/** The statements that insert runs; `...Within`: those that write in one transaction alone. */
export const INSERT_STATEMENTS = {
  insert: statement(GIVEN, rows<InsertRow>(), insert(NEW_ID, "", "")),
  insertAll: statement(GIVEN, rows<InsertRow>(), insert(NEW_KEY, UNLESS_TAKEN, COMPANIONS)),
  insertWithin: statement(
    { ...GIVEN, xid: TEXT },
    rows<InsertRow>(),
    insert(NEW_KEY, UNLESS_TAKEN, COMPANIONS, ` where ${IN_TRANSACTION}`),
  ),
  terminate: statement({ ...REPLACING, error: TEXT }, rows<EndedRow>(), terminate("true")),
  terminateWithin: statement(
    { ...REPLACING, error: TEXT, xid: TEXT },
    rows<EndedRow>(),
    terminate(IN_TRANSACTION),
  ),
  rename: statement(REPLACING, rows<GivenUpRow>(), rename("true")),
  renameWithin: statement({ ...REPLACING, xid: TEXT }, rows<GivenUpRow>(), rename(IN_TRANSACTION)),

  // INSERT-3: the seed is that of the first generation, also where the run has continued as new.
  taken: statement(
    IDS,
    rows<TakenRow>(),
    `
  select id, namespace, run_id as "runId", ${
      milliseconds("coalesce(started_at, created_at)")
    } as at,
    ${milliseconds("wake_at")} as due, ${milliseconds("deadline")} as deadline,
    policy::text as policy, workflow, state, token, coalesce((
      select first.seed from {schema}.generations as first
      where first.run = run.id and first.generation = 0
    ), seed) as seed
  from ${unnested("given", IDS)}
  join {schema}.runs as run using (namespace, run_id)`,
  ),

  keys: statement(
    KEYED,
    rows<KeyRow>(),
    `
  select namespace, workflow, key, run_id as "runId", input_digest as digest
  from ${unnested("given", KEYED)}
  join {schema}.idempotency_keys as known using (namespace, workflow, key)`,
  ),
};

/** The parameters of the statements that insert. */
export type InsertParameters = ValuesOf<typeof GIVEN>;
