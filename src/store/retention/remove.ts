/**
 * Retention: removes runs, generations and results that are old enough, in steps that are bounded
 * in what they read, remove and lock.
 *
 * - REMOVAL-1, nothing that lives: a run goes only when it has ended, when its parent has been notified,
 *   and when that parent's present generation can't ask for it again: a parent whose node fails
 *   before the history says that it started a child starts it once more, and must find it. A run that is reopened
 *   after it was looked at stays: the statement that removes runs looks again, under their locks.
 * - REMOVAL-2, whole generations: a history is never cut within a generation. A run too large for one step
 *   loses its earlier generations first; it is a run all the while.
 * - REMOVAL-3, one at a time: steps that nodes take by themselves hold an advisory lock while they remove.
 *   It spares the database; the rows' locks, which no step waits for, keep anything from being
 *   counted twice.
 *
 * Runs are looked at in the order of their creation: no index holds anything that their end
 * changes, so that it stays a heap-only update.
 *
 * @module
 */

import type {
  Pruned,
  PrunePlace,
  PruneScope,
  PruneStep,
  PruneStepOptions,
  Removal,
  RetentionStore,
} from "../../ports/retention.ts";
import { isStorable } from "../../base/text.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import type { Prepared } from "../sql/statement.ts";
import { type PlannedRun, RETENTION_STATEMENTS } from "./statements.ts";

/** Of one step. */
const MOST_SEEN = 10_000;
const MOST_RUNS = 200;
const MOST_EVENTS = 10_000;
const MOST_GENERATIONS = 1_000;
const MOST_RESULTS = 1_000;

const NOTHING = { runs: 0, generations: 0, events: 0, keys: 0 };

/** {@linkcode RetentionStore} in SQL. */
export class Retention implements RetentionStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof RETENTION_STATEMENTS>;
  readonly #lock: string;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(RETENTION_STATEMENTS);
    this.#lock = `${schema.channel}/retention`;
  }

  /** See {@linkcode RetentionStore.step}. */
  async step(
    scope: PruneScope,
    from: PrunePlace,
    { limit = Infinity, dryRun = false, alone = false }: PruneStepOptions = {},
  ): Promise<PruneStep | null> {
    const most = Math.min(limit, MOST_RUNS);
    const planned = await this.#plan(scope, from, most);
    const batch = dryRun ? planned : withinBounds(planned);
    const last = batch.at(-1);
    if (last === undefined) return { ...NOTHING, next: null };
    const isAll = batch.length === planned.length && planned.length < most && last.nth < MOST_SEEN;
    const next = isAll ? null : { at: last.at, id: last.id };
    if (dryRun) return { ...sum(batch), next };
    const lock = alone ? this.#lock : null;
    const first = batch[0]!;
    if (first.ends && first.events > MOST_EVENTS && first.generations > 0) { // REMOVAL-2
      const shed = await this.#shed([first], null, lock);
      if (shed === null) return null;
      if (shed.generations > 0) return { ...NOTHING, ...shed, next: from };
    }
    return await this.#carryOut(scope, batch, lock, { from, next });
  }

  /** Where living runs have more generations than one step takes, the next one begins here again. */
  async #carryOut(
    { namespace, generationsBefore }: PruneScope,
    batch: readonly PlannedRun[],
    lock: string | null,
    { from, next }: { readonly from: PrunePlace; readonly next: PrunePlace | null },
  ): Promise<PruneStep | null> {
    const living = batch.filter(({ ends, generations }) => !ends && generations > 0);
    const shed = await this.#shed(living, generationsBefore, lock);
    if (shed === null) return null;
    const gone = await this.#remove(namespace, batch.filter(({ ends }) => ends), lock);
    if (gone === null) return null;
    const { runs, generations, events, keys } = sum(gone);
    const hasMore = shed.generations > 0 && shed.generations < sum(living).generations;
    return {
      runs,
      generations: generations + shed.generations,
      events: events + shed.events,
      keys,
      next: hasMore ? from : next,
    };
  }

  /**
   * See {@linkcode RetentionStore.remove}. The statement waits for the run's row and holds no other
   * row meanwhile.
   *
   * @param counted Called in the transaction that removes the run, if there is one to remove.
   */
  async remove(
    namespace: string,
    runId: string,
    counted?: (session: SqlSession) => Promise<void>,
  ): Promise<Removal> {
    if (!isStorable(runId)) return { status: "not_found" };
    const removed = { ...NOTHING };
    while (true) {
      const [run] = await this.#sql.find.query(this.#driver, { runId, namespace });
      if (run === undefined) return { status: "not_found" };
      if (!run.ended) return { status: "live", state: run.state };
      if (run.unsettled) return { status: "unsettled" };
      if (run.awaitedBy !== null) return { status: "awaited", parent: run.awaitedBy }; // REMOVAL-1
      if (run.events > MOST_EVENTS && run.generations > 0) { // REMOVAL-2
        const shed = await this.#shed([run], null, null);
        removed.generations += shed!.generations;
        removed.events += shed!.events;
        continue;
      }
      const one = { ids: [run.id], namespace, lock: null };
      const remove = async (session: SqlSession) => {
        const [removal] = await this.#sql.removeOne.query(session, one);
        return removal!.gone !== "[]";
      };
      const isGone = await (counted === undefined
        ? remove(this.#driver)
        : this.#driver.transaction(async (session) => {
          const isGone = await remove(session);
          if (isGone) {
            await counted(session);
          }
          return isGone;
        }));
      if (!isGone) {
        continue; // another call was faster: the next look shows what it did
      }
      return {
        status: "removed",
        runs: 1,
        generations: removed.generations + run.generations,
        events: removed.events + run.events,
        keys: run.keys,
      };
    }
  }

  /** See {@linkcode RetentionStore.results}. */
  async results(
    namespace: string,
    name: string | null,
    before: number,
    { limit = Infinity, dryRun = false, alone = false }: PruneStepOptions = {},
  ): Promise<{ results: number; more: boolean } | null> {
    const asked = { namespace, name, before };
    if (dryRun) {
      const [row] = await this.#sql.countResults.query(this.#driver, asked);
      return { results: Math.min(row!.results, limit), more: false };
    }
    const most = Math.min(limit, MOST_RESULTS);
    const lock = alone ? this.#lock : null;
    const [row] = await this.#sql.results.query(this.#driver, { ...asked, limit: most, lock });
    const { mine, results } = row!;
    return mine ? { results, more: results === most } : null;
  }

  /** See {@linkcode RetentionStore.namespaces}. */
  async namespaces(): Promise<string[]> {
    const rows = await this.#sql.namespaces.query(this.#driver);
    return rows.map(({ namespace }) => namespace);
  }

  async #plan(scope: PruneScope, from: PrunePlace, limit: number): Promise<PlannedRun[]> {
    const { namespace, workflow, runsBefore, states, generationsBefore } = scope;
    const { plan, planDefault } = this.#sql;
    return await (namespace === "default" ? planDefault : plan).query(this.#driver, {
      namespace,
      workflow,
      runsBefore,
      states,
      generationsBefore,
      fromAt: from.at,
      fromId: from.id,
      mostSeen: MOST_SEEN,
      limit,
    });
  }

  /** Those of the runs that were removed. */
  async #remove(
    namespace: string,
    runs: readonly PlannedRun[],
    lock: string | null,
  ): Promise<readonly PlannedRun[] | null> {
    if (runs.length === 0) return [];
    const ids = runs.map(({ id }) => id);
    const [row] = await this.#sql.remove.query(this.#driver, { ids, namespace, lock });
    const { mine, gone } = row!;
    if (!mine) return null;
    const removed = new Set(JSON.parse(gone) as number[]);
    return runs.filter(({ id }) => removed.has(id));
  }

  /** Removes generations that were over by then; `null`: all earlier ones. */
  async #shed(
    runs: readonly PlannedRun[],
    before: number | null,
    lock: string | null,
  ): Promise<Pick<Pruned, "generations" | "events"> | null> {
    if (runs.length === 0) return { generations: 0, events: 0 };
    const [row] = await this.#sql.shed.query(this.#driver, {
      ids: runs.map(({ id }) => id),
      before,
      mostGenerations: MOST_GENERATIONS,
      mostEvents: MOST_EVENTS,
      lock,
    });
    const { mine, ...shed } = row!;
    return mine ? shed : null;
  }
}

/** As many as one step takes: the first at least, since nothing smaller can be done. */
function withinBounds(planned: readonly PlannedRun[]): readonly PlannedRun[] {
  let events = 0;
  const end = planned.findIndex((run, index) => {
    events += run.events;
    return index > 0 && events > MOST_EVENTS;
  });
  return end < 0 ? planned : planned.slice(0, end);
}

function sum(runs: readonly PlannedRun[]): Pruned {
  const sum = { runs: 0, generations: 0, events: 0, keys: 0 };
  for (const { ends, generations, events, keys } of runs) {
    if (ends) sum.runs++;
    sum.generations += generations;
    sum.events += events;
    sum.keys += keys;
  }
  return sum;
}
