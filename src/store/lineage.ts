/**
 * Keeps lineage: children, the notices of ends between parents and children, and generations.
 *
 * - LINEAGE-1, notified once: the statement that ends a run marks it, and the transaction that
 *   notifies its parent and its children removes the mark. Any node may do so. If the parent has
 *   since begun a new generation that requests the same child, it is notified once more.
 *   Forks that adopted the run are notified with its parent (FORK-2 of `forks.ts`), and so are
 *   those of a run that its parent's end has stopped.
 * - LINEAGE-2, one order: a transaction locks the rows of several runs in ascending order of id.
 * - LINEAGE-3, no late child: starting a child locks its parent's row, so a child is inserted
 *   before its parent's end, or not at all; and only for who holds the parent (OPENED-1), so a node that
 *   has lost it starts no child that the parent's code may not ask for any more. If the parent is to receive the end of an ended child
 *   again, the statement locks that child before it inserts a missing one, so retention removes no
 *   child that a parent found.
 * - LINEAGE-4, no message from an earlier generation: the statement that begins a generation
 *   deletes the ends of the last one's activities. If one commits between the statement's snapshot
 *   and its lock on the run's row, the statement writes nothing and is repeated.
 *
 * @module
 */

import { failPoint } from "../base/failpoint.ts";
import { Awaits } from "./awaits.ts";
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
import { type EndedRow, LINEAGE_STATEMENTS, type StoppedRow } from "./lineage_statements.ts";
import { Places } from "./limits/places.ts";
import type { SchemaName } from "./schema/name.ts";
import type { SqlDriver, SqlSession } from "./sql/driver.ts";
import { storable } from "./sql/fragments.ts";
import type { Prepared } from "./sql/statement.ts";
import { whereRegistered } from "./versions/registered.ts";

const STOPPED = encodeError(new CancelledError("its parent has ended"));

/** {@linkcode LineageStore} in SQL. */
export class Lineage implements LineageStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof LINEAGE_STATEMENTS>;
  readonly #places: Places;
  readonly #awaits: Awaits;

  /**
   * Prepares the statements.
   *
   * @param driver The driver.
   * @param schema The schema of the tables.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(LINEAGE_STATEMENTS);
    this.#places = new Places(schema);
    this.#awaits = new Awaits(driver, schema);
  }

  /** See {@linkcode LineageStore.startChildren}. */
  async startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]> {
    const outcomes = await this.#startChildren(children, maxDepth);
    // A statement does not see what another transaction commits while it runs, but the next
    // statement does. That may be this very child, inserted by an earlier attempt.
    const again = children.filter((_, index) => outcomes[index] === "taken");
    if (again.length === 0) return outcomes;
    const seen = await this.#startChildren(again, maxDepth);
    return outcomes.map((outcome) => outcome === "taken" ? seen.shift()! : outcome);
  }

  /**
   * An id alone does not identify a child: several parents, in several namespaces, may request it.
   */
  async #startChildren(children: readonly NewChild[], maxDepth: number): Promise<ChildStart[]> {
    const given = {
      parent: children.map(({ parent }) => parent),
      token: children.map(({ token }) => token ?? null),
      close: children.map(({ close }) => close),
      runId: children.map(({ runId }) => storable("a run id", runId)),
      workflow: children.map(({ workflow }) => storable("a workflow's name", workflow)),
      hash: children.map(({ hash }) => hash),
      specifier: children.map(({ specifier }) => storable("a specifier", specifier)),
      input: children.map(({ input }) => storable("an input", input)),
      seed: children.map(({ seed }) => seed),
      policy: children.map(({ policy }) => policy ?? null),
      attributes: children.map(({ attributes }) => attributes ?? null),
      delay: children.map(({ delayMs }) => delayMs ?? null),
      trace: children.map(({ trace }) => trace ?? null),
      maxDepth,
    };
    const hashes = children.map(({ hash }) => hash);
    const placed = children.flatMap(({ place, namespace, runId }) =>
      place === undefined ? [] : [{ place, namespace: namespace ?? "default", runId }]
    );
    const start = (session: SqlSession) => this.#sql.startChildren.query(session, given);
    const pin = placed.length === 0
      ? () => start(this.#driver)
      : () =>
        this.#driver.transaction(async (session) => {
          const started = await start(session);
          await this.#places.ask(session, placed);
          return started;
        });
    const rows = await whereRegistered(hashes, pin);
    const outcomes = new Map(rows.map(({ place, outcome }) => [place, outcome]));
    return children.map((_, index) => outcomes.get(index + 1) ?? "taken");
  }

  /** See {@linkcode LineageStore.hasChild}. */
  async hasChild(
    { id, namespace }: { readonly id: number; readonly namespace: string },
    runId: string,
  ): Promise<boolean> {
    const parameters = { parent: id, runId, namespace };
    const [row] = await this.#sql.hasChild.query(this.#driver, parameters);
    return row!.has;
  }

  /** See {@linkcode LineageStore.continueAsNew}. */
  async continueAsNew(next: Continuation): Promise<number | null> {
    const parameters = {
      ...endOf(next),
      hash: next.hash,
      specifier: storable("a specifier", next.specifier),
      input: storable("an input", next.input),
      versioning: next.versioning ?? null,
    };
    while (true) {
      const pin = () => this.#sql.continueAsNew.query(this.#driver, parameters);
      const [row] = await whereRegistered([next.hash], pin);
      if (row === undefined) return null;
      if (row.at !== null) return row.at; // LINEAGE-4
    }
  }

  /** See {@linkcode LineageStore.retry}. */
  async retry(next: RunRetry): Promise<boolean> {
    const rows = await this.#sql.retry.query(this.#driver, {
      ...endOf(next),
      wakeSeq: next.wakeSeq,
      at: next.at,
      waits: legibleJson(next.waits),
      failure: storable("an error", next.failure),
      trace: next.trace ?? null,
    });
    return rows.length > 0;
  }

  /** See {@linkcode LineageStore.settleEnded}. */
  async settleEnded(limit: number): Promise<SettledRuns> {
    await failPoint("end.unnotified");
    const { isLive, ...settled } = await this.#settleEnded(limit);
    if (!isLive) return settled;
    const { woken, more } = await this.#awaits.settleLive(limit);
    return { ...settled, woken: [...settled.woken, ...woken], more: settled.more || more };
  }

  async #settleEnded(limit: number): Promise<SettledRuns & { readonly isLive: boolean }> {
    return await this.#driver.transaction(async (session) => { // LINEAGE-1
      const rows = await this.#sql.ended.query(session, { limit });
      const ended = rows.filter(isRun);
      const isLive = ended.length < rows.length;
      if (ended.length === 0) return { woken: [], more: false, freed: false, isLive };
      const { stopped, adopted, notified, told, freed } = await this.#notify(ended, session);
      return {
        woken: [...stopped, ...notified, ...told],
        more: ended.length === limit || adopted || stopped.some(({ mustNotify }) => mustNotify),
        freed,
        isLive,
      };
    });
  }

  async #notify(
    ended: readonly EndedRun[],
    session: SqlSession,
  ): Promise<{
    readonly stopped: StoppedRow[];
    readonly adopted: boolean;
    readonly notified: WokenRun[];
    readonly told: WokenRun[];
    readonly freed: boolean;
  }> {
    const children = ended.filter((run) => run.hasParent).map(({ id }) => id);
    const parents = ended.filter((run) => run.hasChildren).map(({ id }) => id);
    const awaited = ended.filter((run) => run.isAwaited).map(({ id }) => id);
    const woken = { children, parents, ids: awaited };
    const held = await this.#sql.lockWoken.query(session, woken); // LINEAGE-2
    const stopped = await this.#sql.stop.query(session, { parents, error: STOPPED });
    const ids = stopped.map(({ id }) => id);
    const adopted = ids.length === 0 ? [] : await this.#sql.markAdopted.query(session, { ids });
    const notified = await this.#sql.notify.query(session, { children, parents });
    const told = await this.#awaits.tell(awaited, held.map(({ id }) => id), session);
    const freed = parents.length > 0 && await this.#places.free(session, parents); // LIMIT-3
    await this.#sql.settle.query(session, { ids: ended.map(({ id }) => id) });
    await failPoint("end.notified");
    return { stopped, adopted: adopted.length > 0, notified, told, freed };
  }
}

type EndedRun = EndedRow & { readonly id: number };

function isRun(row: EndedRow): row is EndedRun {
  return row.id !== null;
}

function endOf({ run, token, next, generation, seed, signals }: GenerationEnd) {
  return {
    run,
    token,
    next,
    generation,
    seed,
    signalNames: signals.map(({ name }) => name),
    signalPayloads: signals.map(({ payload }) => payload),
  };
}
