/**
 * Lineage: children, their parents' ends, and generations.
 *
 * - LINEAGE-1, notified once: the statement that ends a run marks it, and the transaction that
 *   notifies its parent and its children removes the mark. Any node may do so. If the parent has
 *   begun a new generation since, which requests the same child, it is notified once more.
 * - LINEAGE-2, one order: rows of several runs are locked by rising id.
 * - LINEAGE-3, no late child: starting a child locks its parent's row, so the child exists before
 *   its parent's end, or not at all.
 *
 * @module
 */

import { legibleJson } from "../base/text.ts";
import { CancelledError } from "../base/errors.ts";
import { encodeError } from "../base/values_failure.ts";
import type {
  ChildStart,
  Continuation,
  GenerationEnd,
  LineageStore,
  NewChild,
  RunRetry,
  SettledRuns,
  WokenRun,
} from "../ports/lineage.ts";
import { ENDED } from "./runs/fragments.ts";
import type { SqlDriver, SqlSession, SqlValue } from "./sql/driver.ts";
import type { SchemaName } from "./schema/name.ts";
import {
  arrayLiteral,
  CLOCK,
  milliseconds,
  POLICY,
  specifierIdOf,
  storable,
  TIMEOUT,
  timestamp,
} from "./sql/fragments.ts";

/**
 * Ends a generation and begins the next, behind a fence. When repeated, it returns what it has
 * done.
 */
function nextGeneration(fence: string, changes: string): string {
  return `
    with clock as materialized (select ${CLOCK} as at),
    old as materialized (
      select * from {schema}.runs
      where id = $1::bigint and token = $2::bigint and next_seq = $3::integer
        and generation = $4::integer${fence}
      for update
    ),
    kept as (
      insert into {schema}.generations (
        run, generation, first_seq, next_seq, specifier_id, seed, input, started_at, ended_at
      )
      select id, generation, first_seq, next_seq, specifier_id, seed, input, started_at, at
      from old cross join clock
    ),
    requeued as (
      insert into {schema}.inbox (run, kind, name, payload)
      select old.id, 'signal', signal.name, signal.payload::json
      from old cross join unnest($6::text[], $7::text[]) as signal (name, payload)
    ),
    given_up as (
      delete from {schema}.tasks as task using old where task.run = old.id
    ),
    unheard as (
      delete from {schema}.inbox as message using old
      where message.run = old.id and message.kind = 'activity'
    ),
    continued as (
      update {schema}.runs as run set
        generation = run.generation + 1,
        first_seq = run.next_seq,
        delivered_seq = null,
        seed = $5,
        claims_since_progress = 0,
        ${changes}
      from old cross join clock
      where run.id = old.id
      returning clock.at
    )
    select ${milliseconds("at")} as at from continued
    union all
    select ${milliseconds("coalesce(started_at, start_at)")} from {schema}.runs
    where id = $1::bigint and generation = $4::integer + 1`;
}

/**
 * Keys of the parents of `$1`, and of those children of `$2` for which a condition holds. As an
 * array they are looked up in the primary key; a disjunction would read all runs.
 */
function relatives(condition: string): string {
  return `array(
    select parent from {schema}.runs where id = any($1::bigint[]) and parent is not null
    union
    select id from {schema}.runs where parent = any($2::bigint[]) and ${condition}
  )`;
}

const STATEMENTS = {
  startChildren: `
    with given as materialized (
      select * from unnest(
        $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $10::text[]
      ) with ordinality
        as given (parent, close, run_id, workflow, hash, specifier, input, seed, policy, place)
    ),
    marked as (
      update {schema}.runs set has_children = true
      where id in (select parent from given) and ended_at is null
      returning id, namespace, depth
    ),
    wanted as materialized (
      select given.*, parent.namespace, parent.depth + 1 as depth, ${CLOCK} as at
      from given join marked as parent on parent.id = given.parent
    ),
    timed as materialized (
      select wanted.*, ${POLICY} as decided from wanted where depth <= $9::integer
    ),
    inserted as (
      insert into {schema}.runs (
        namespace, run_id, workflow, specifier_id, input, seed, state, wake_at, created_at,
        parent, parent_close, depth, policy, deadline
      )
      select namespace, run_id, workflow, ${
    specifierIdOf("timed")
  }, input::json, seed, 'pending', at,
        at, parent, close, depth, decided, at + ${TIMEOUT}
      from timed
      order by run_id collate "C", namespace collate "C", place
      on conflict (run_id, namespace) do nothing
      returning run_id, parent, workflow
    ),
    ended as (
      update {schema}.runs as child set must_notify = true
      from wanted
      where child.run_id = wanted.run_id and child.namespace = wanted.namespace
        and child.parent = wanted.parent and child.workflow = wanted.workflow
        and child.ended_at is not null and not child.must_notify
        and not exists (
          select from {schema}.inbox as message
          where message.run = child.parent and message.kind = 'child'
            and message.name = child.run_id
        )
      returning child.run_id, child.parent
    )
    select place::integer,
      case
        when depth > $9::integer then 'too_deep'
        when (run_id, parent, workflow) in (select * from inserted) then 'started'
        when (run_id, parent) in (select * from ended) then 'ended'
        when exists (
          select from {schema}.runs as run
          where run.run_id = wanted.run_id and run.namespace = wanted.namespace
            and run.parent = wanted.parent and run.workflow = wanted.workflow
        ) then 'started'
        else 'taken'
      end as outcome
    from wanted`,

  continueAsNew: nextGeneration(
    "",
    `specifier_id = {schema}.specifier_id_of($8, $9),
        input = $10::text::json,
        started_at = clock.at,
        attempt = 1,
        failure = null`,
  ),

  retry: nextGeneration(
    " and wake_seq = $8::integer",
    `state = 'suspended',
        node = null,
        token = null,
        started_at = null,
        start_at = ${timestamp("$9::float8")},
        wake_at = ${timestamp("$9::float8")},
        since = clock.at,
        waits = $10::text::json,
        attempt = run.attempt + 1,
        failure = $11::text::json`,
  ),

  ended: `
    select id, has_children as "hasChildren", parent is not null as "hasParent"
    from {schema}.runs where must_notify order by id limit $1::integer for update skip locked`,

  lockWoken: `
    select id from {schema}.runs
    where ended_at is null and id = any(${relatives("ended_at is null")})
    order by id for update`,

  tell: `
    with told as (
      insert into {schema}.inbox (run, kind, name, payload)
      select parent.id, 'child', child.run_id, json_build_object(
        'state', child.state, 'result', child.result::text, 'error', child.error::text
      )
      from {schema}.runs as child
      join {schema}.runs as parent on parent.id = child.parent and parent.ended_at is null
      where child.id = any($1::bigint[])
    ),
    asked as (
      insert into {schema}.inbox (run, kind, name, payload)
      select child.id, 'cancel', '', json_build_object('reason', 'its parent has ended')
      from {schema}.runs as child
      where child.parent = any($2::bigint[]) and child.parent_close = 'cancel'
        and child.ended_at is null
    )
    update {schema}.runs as run set
      wake_seq = wake_seq + 1,
      wake_at = case
        when state = 'suspended' and started_at is null
          and (run.parent = any($2::bigint[]) and run.parent_close = 'cancel') is not true
        then wake_at
        when state in ('pending', 'suspended') then least(wake_at, ${CLOCK})
      end
    where run.ended_at is null and run.id = any(${relatives("parent_close = 'cancel'")})
    returning run.id, run.node`,

  stop: `
    with stopped as (
      update {schema}.runs set
        state = case when parent_close = 'terminate' then 'terminated' else 'cancelled' end,
        error = $2::text::json,
        ${ENDED},
        must_notify = has_children
      where parent = any($1::bigint[]) and ended_at is null
        and (parent_close = 'terminate' or parent_close = 'cancel' and stuck_reason is not null)
      returning id, node, has_children
    ),
    given_up as (
      delete from {schema}.tasks as task using stopped where task.run = stopped.id
    )
    select id, node, has_children as "hasChildren" from stopped`,

  hasChild: `
    select exists (
      select from {schema}.runs
      where run_id = $2 and namespace is not distinct from $3 and parent = $1::bigint
        and ended_at is null
    ) as has`,

  settle: `update {schema}.runs set must_notify = false where id = any($1::bigint[])`,
};

interface EndedRow {
  readonly id: number;
  readonly hasChildren: boolean;
  readonly hasParent: boolean;
}

type StoppedRow = WokenRun & Pick<EndedRow, "hasChildren">;

const STOPPED = encodeError(new CancelledError("its parent has ended"));

/** {@linkcode LineageStore} in SQL. */
export class Lineage implements LineageStore {
  readonly #driver: SqlDriver;
  readonly #sql: Record<keyof typeof STATEMENTS, string>;

  /**
   * Prepares the statements.
   *
   * @param schema The schema of the tables.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.fillAll(STATEMENTS);
  }

  /** See {@linkcode LineageStore.startChildren}. */
  async startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]> {
    const outcomes = await this.#startChildren(children, maxDepth);
    // A statement does not see what another transaction commits meanwhile, but the next one does:
    // perhaps this very child, inserted by an earlier try.
    const again = children.filter((_, index) => outcomes[index] === "taken");
    if (again.length === 0) return outcomes;
    const seen = await this.#startChildren(again, maxDepth);
    return outcomes.map((outcome) => outcome === "taken" ? seen.shift()! : outcome);
  }

  /**
   * An id alone does not identify a child: several parents, in several namespaces, may request it.
   */
  async #startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]> {
    const rows = await this.#driver.query<{ place: number; outcome: ChildStart }>(
      this.#sql.startChildren,
      [
        arrayLiteral(children.map(({ parent }) => parent)),
        arrayLiteral(children.map(({ close }) => close)),
        arrayLiteral(children.map(({ runId }) => storable("a run id", runId))),
        arrayLiteral(children.map(({ workflow }) => storable("a workflow's name", workflow))),
        arrayLiteral(children.map(({ hash }) => hash)),
        arrayLiteral(children.map(({ specifier }) => storable("a specifier", specifier))),
        arrayLiteral(children.map(({ input }) => storable("an input", input))),
        arrayLiteral(children.map(({ seed }) => seed)),
        maxDepth,
        arrayLiteral(children.map(({ policy }) => policy ?? null)),
      ],
    );
    const outcomes = new Map(rows.map(({ place, outcome }) => [place, outcome]));
    return children.map((_, index) => outcomes.get(index + 1) ?? "taken");
  }

  /** See {@linkcode LineageStore.hasChild}. */
  async hasChild(
    { id, namespace }: { readonly id: number; readonly namespace: string },
    runId: string,
  ): Promise<boolean> {
    const [row] = await this.#driver.query<{ has: boolean }>(this.#sql.hasChild, [
      id,
      runId,
      namespace,
    ]);
    return row!.has;
  }

  /** See {@linkcode LineageStore.continueAsNew}. */
  async continueAsNew(next: Continuation): Promise<number | null> {
    const [row] = await this.#driver.query<{ at: number }>(this.#sql.continueAsNew, [
      ...generationValues(next),
      next.hash,
      storable("a specifier", next.specifier),
      storable("an input", next.input),
    ]);
    return row?.at ?? null;
  }

  /** See {@linkcode LineageStore.retry}. */
  async retry(next: RunRetry): Promise<boolean> {
    const rows = await this.#driver.query(this.#sql.retry, [
      ...generationValues(next),
      next.wakeSeq,
      next.at,
      legibleJson(next.waits),
      storable("an error", next.failure),
    ]);
    return rows.length > 0;
  }

  /** See {@linkcode LineageStore.settleEnded}. */
  async settleEnded(limit: number): Promise<SettledRuns> {
    return await this.#driver.transaction(async (session) => { // LINEAGE-1
      const ended = await session.query<EndedRow>(this.#sql.ended, [limit]);
      if (ended.length === 0) return { woken: [], more: false };
      const { stopped, told } = await this.#tell(ended, session);
      return {
        woken: [...stopped, ...told],
        more: ended.length === limit || stopped.some(({ hasChildren }) => hasChildren),
      };
    });
  }

  async #tell(
    ended: readonly EndedRow[],
    session: SqlSession,
  ): Promise<{ readonly stopped: StoppedRow[]; readonly told: WokenRun[] }> {
    const children = arrayLiteral(ended.filter((run) => run.hasParent).map(({ id }) => id));
    const parents = arrayLiteral(ended.filter((run) => run.hasChildren).map(({ id }) => id));
    await session.query(this.#sql.lockWoken, [children, parents]); // LINEAGE-2
    const stopped = await session.query<StoppedRow>(this.#sql.stop, [parents, STOPPED]);
    const told = await session.query<WokenRun>(this.#sql.tell, [children, parents]);
    await session.query(this.#sql.settle, [arrayLiteral(ended.map(({ id }) => id))]);
    return { stopped, told };
  }
}

function generationValues(next: GenerationEnd): SqlValue[] {
  return [
    next.run,
    next.token,
    next.next,
    next.generation,
    next.seed,
    arrayLiteral(next.signals.map(({ name }) => name)),
    arrayLiteral(next.signals.map(({ payload }) => payload)),
  ];
}
