/**
 * The entries of what operators do.
 *
 * - OPERATION-1, with the deed: an act that is one transaction and its entry are written together or
 *   not at all. So a role that may not write the table of operations can't act as an operator.
 * - OPERATION-2, as it was: how a target was is read under its lock, before the deed, in the same
 *   transaction; so nothing comes between what the entry says and the deed.
 * - OPERATION-3, savepoints: a statement of a deed that fails is undone alone, as it would be outside of
 *   a transaction, since stores continue after some failures.
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import {
  type Act,
  ACTIONS,
  type Facts,
  type OperationQuery,
  type OperationRow,
  type OperationStore,
  type Operator,
  type Recorded,
  type RecordedAct,
} from "../../ports/operations.ts";
import type { DeedStore } from "../../ports/store.ts";
import { Bulk } from "../bulk/bulk_store.ts";
import { Forks } from "../forks.ts";
import { Retention } from "../retention/remove.ts";
import { Runs } from "../runs/run_store.ts";
import { Schedules } from "../schedules/schedule_store.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession, SqlValue } from "../sql/driver.ts";
import { storable } from "../sql/fragments.ts";
import type { Prepared } from "../sql/statement.ts";
import { Denials } from "../versions/denial_store.ts";
import { VersionSignatures } from "../versions/signature_store.ts";
import { Versions } from "../versions/version_store.ts";
import { FACT_STATEMENTS, OPERATION_STATEMENTS } from "./statements.ts";

/** {@linkcode OperationStore} in SQL. */
export class Operations implements OperationStore<DeedStore> {
  readonly #driver: SqlDriver;
  readonly #schema: SchemaName;
  readonly #inside: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #sql: Prepared<typeof OPERATION_STATEMENTS>;
  readonly #facts: Prepared<typeof FACT_STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param inside Runs the callback of a transaction (INSIDE-1).
   */
  constructor(
    driver: SqlDriver,
    schema: SchemaName,
    inside: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    this.#driver = driver;
    this.#schema = schema;
    this.#inside = inside;
    this.#sql = schema.prepare(OPERATION_STATEMENTS);
    this.#facts = schema.prepare(FACT_STATEMENTS);
  }

  /** See {@linkcode OperationStore.record}. OPERATION-1, OPERATION-2. */
  async record<Result>(
    operator: Operator,
    act: RecordedAct<NonNullable<Result>>,
    deed: (store: DeedStore) => Promise<Result>,
  ): Promise<Recorded<NonNullable<Result>> | null> {
    const { outcome = "done", details } = act;
    return await this.#driver.transaction((session) =>
      this.#inside(async () => {
        const found = await this.#factsOf(session, act);
        const result = await deed(deedStore(new DeedDriver(this.#driver, session), this.#schema));
        if (result === null || result === undefined) return null;
        const became = { ...await this.#factsOf(session, act), ...details?.(result) };
        const after = Object.keys(became).length === 0 ? null : became;
        const before = act.before ?? found;
        const taken = act.continues?.(result) === true
          ? await this.#takeUp(session, operator, act, outcome)
          : undefined;
        return {
          result,
          entry: taken ?? await this.#insert(session, operator, act, outcome, before, after),
        };
      })
    );
  }

  /** See {@linkcode OperationStore.note}. */
  note(
    operator: Operator,
    act: Act,
    outcome: string,
    { before = null, after = null }: {
      readonly before?: Facts | null;
      readonly after?: Facts | null;
    } = {},
  ): Promise<number> {
    return this.#insert(this.#driver, operator, act, outcome, before, after);
  }

  /** See {@linkcode OperationStore.finish}. */
  async finish(entry: number, outcome: string, after: Facts): Promise<void> {
    await this.#sql.finish.query(this.#driver, { entry, outcome, after: legibleJson(after) });
  }

  /** See {@linkcode OperationStore.list}. */
  async list(query: OperationQuery): Promise<OperationRow[]> {
    const { target, actor, after, ...rest } = query;
    if (![target ?? "", actor ?? "", query.namespace].every(isStorable)) return [];
    const asked = { ...rest, afterAt: after?.at ?? null, afterId: after?.id ?? null };
    const { list, listOfActions, listOfTarget, listOfActor, listOfBoth } = this.#sql;
    if (target === null) {
      if (actor !== null) return await listOfActor.query(this.#driver, { ...asked, actor });
      const { actions } = asked;
      return actions === null
        ? await list.query(this.#driver, asked)
        : await listOfActions.query(this.#driver, { ...asked, actions });
    }
    return actor === null
      ? await listOfTarget.query(this.#driver, { ...asked, target })
      : await listOfBoth.query(this.#driver, { ...asked, target, actor });
  }

  /** See {@linkcode OperationStore.prune}. */
  async prune(before: number, limit: number): Promise<number> {
    return (await this.#sql.prune.query(this.#driver, { before, limit })).length;
  }

  /** See {@linkcode OperationStore.countPrunable}. */
  async countPrunable(before: number): Promise<number> {
    const [row] = await this.#sql.countPrunable.query(this.#driver, { before });
    return row!.count;
  }

  async #factsOf(session: SqlSession, { action, target, namespace }: Act): Promise<Facts | null> {
    const kind = ACTIONS[action];
    if (!(kind in this.#facts) || !isStorable(target)) return null;
    const statement = this.#facts[kind as keyof typeof FACT_STATEMENTS];
    const [row] = await statement.query(session, { target, namespace });
    return row === undefined ? null : JSON.parse(row.facts);
  }

  /** The key of an entry that is continued; `undefined`: there is none. */
  async #takeUp(
    session: SqlSession,
    operator: Operator,
    { action, namespace, target }: Act,
    outcome: string,
  ): Promise<number | undefined> {
    const given = { ...operator, action, namespace, target, outcome };
    const [row] = await this.#sql.takeUp.query(session, given);
    return row?.id;
  }

  async #insert(
    session: SqlSession,
    { actor, isProven, reason }: Operator,
    { action, namespace, target }: Act,
    outcome: string,
    before: Facts | null,
    after: Facts | null,
  ): Promise<number> {
    const [row] = await this.#sql.insert.query(session, {
      actor: storable("the name of an operator", actor),
      isProven,
      reason: reason === null ? null : storable("the reason of an operation", reason),
      action,
      namespace,
      target: storable("the target of an operation", target),
      before: before === null ? null : legibleJson(before),
      after: after === null ? null : legibleJson(after),
      outcome,
    });
    return row!.id;
  }
}

/** The parts of a store on a transaction; each is prepared when it is used. */
function deedStore(driver: SqlDriver, schema: SchemaName): DeedStore {
  return {
    get runs() {
      return new Runs(driver, schema);
    },
    get forks() {
      return new Forks(driver, schema);
    },
    get bulk() {
      return new Bulk(driver, schema);
    },
    get versions() {
      return new Versions(driver, schema);
    },
    get denials() {
      return new Denials(driver, schema);
    },
    get schedules() {
      return new Schedules(driver, schema);
    },
    get signatures() {
      return new VersionSignatures(driver, schema);
    },
    get retention() {
      return new Retention(driver, schema);
    },
  };
}

/** A transaction as the database of a deed (OPERATION-3). */
class DeedDriver implements SqlDriver {
  readonly exclusive: boolean;
  readonly #session: SqlSession;

  constructor({ exclusive }: SqlDriver, session: SqlSession) {
    this.exclusive = exclusive;
    this.#session = session;
  }

  get parametersAreText(): boolean {
    return this.#session.parametersAreText === true;
  }

  get impatient(): SqlSession {
    return this;
  }

  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
    return this.#undone(() => this.#session.query(text, values));
  }

  script(text: string): Promise<void> {
    return this.#undone(() => this.#session.script(text));
  }

  transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    return this.#undone(() => work(this));
  }

  close(): Promise<void> {
    return Promise.resolve(); // the transaction belongs to the caller
  }

  async #undone<Result>(ask: () => Promise<Result>): Promise<Result> {
    await this.#session.script("savepoint deed");
    try {
      const result = await ask();
      await this.#session.script("release savepoint deed");
      return result;
    } catch (error) {
      await this.#session.script("rollback to savepoint deed; release savepoint deed")
        .catch(() => {}); // the connection is lost, and with it the transaction
      throw error;
    }
  }
}
