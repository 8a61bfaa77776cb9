/**
 * Inserting runs, each at most once.
 *
 * - RUN-1 of `run_store.ts`: whatever gives a run to a node holds that node's row first.
 * - INSERT-1, one run a key: key, run and first signal are one statement. A key that somebody else
 *   commits meanwhile fails the statement as a whole; repeated, it sees that key.
 * - INSERT-2, one run an id: so it is with ids, too, except in transactions, which a failure would spoil.
 * - INSERT-3, one's own is known again: a start draws a seed at random. A row that has it is what this
 *   very start has written, its answer being lost, so a start may be tried again whatever became of
 *   it.
 * - INSERT-4, one takes the other's place: where a start is to replace a run, that gives its id up, ends
 *   if it lives, and the new run is there, all in one transaction. Nothing is removed: the earlier
 *   run is `<id>>was.<n>` from then on, and what its end sets off goes by its key.
 *
 * @module
 */

import type { InsertedRun, NewRun, RunState } from "../../ports/rows.ts";
import { END_STATES } from "../../ports/rows.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { VersionNotRegisteredError } from "../errors.ts";
import { savepoint, transactionId, within } from "../sql/caller_transaction.ts";
import { insertStatements } from "./insert_statements.ts";
import type { SchemaName } from "../schema/name.ts";
import { arrayLiteral, storable } from "../sql/fragments.ts";
import { isContention, isForeignKeyViolation, isUniqueViolation } from "../sql/sqlstate.ts";

/** Each repetition follows somebody else's success: so many in a row mean that nothing is seen. */
const MAX_TRIES = 20;

interface InsertRow {
  readonly id: number;
  readonly namespace: string;
  readonly runId: string;
  readonly at: number;
  readonly due?: number | null;
  readonly deadline?: number | null;
  readonly policy?: string | null;
}

interface TakenRow extends InsertRow {
  readonly workflow: string;
  readonly state: RunState;
  readonly seed: string;
  readonly token: number | null;
}

interface KeyRow {
  readonly namespace: string;
  readonly workflow: string;
  readonly key: string;
  readonly runId: string;
  readonly digest: string;
}

/** What a run ended with that another one replaced. */
const REPLACED = encodeError(new Error("Terminated: another run was started in its place"));

/** Each repetition follows somebody else's start in the moment between two statements. */
const REPLACING_TRIES = 5;

/** A run with its namespace decided. */
type Placed = NewRun & { readonly namespace: string };

/** Inserts runs. */
export class RunInserts {
  readonly #sql: ReturnType<typeof insertStatements>;

  /**
   * Prepares the statements.
   *
   * @param schema Where the tables are.
   */
  constructor(schema: SchemaName) {
    this.#sql = insertStatements(schema);
  }

  /**
   * Inserts runs; see {@linkcode RunStore.insert}.
   *
   * @param runs The runs, each with its namespace.
   * @param driver Where to.
   * @returns What became of each, in the same order.
   */
  insert(runs: readonly Placed[], driver: SqlDriver): Promise<InsertedRun[]> {
    if (runs.some(({ replaces }) => replaces !== undefined)) return this.#replace(runs, driver);
    const isPlain = runs.every(({ key, signal }) => key === undefined && signal === undefined);
    const text = isPlain ? this.#sql.insert : this.#sql.insertAll;
    return this.#insert(runs, driver, (values) => driver.query(text, values));
  }

  /**
   * Inserts runs in a transaction, which stays usable.
   *
   * @param runs The runs, each with its namespace.
   * @param session The transaction.
   * @returns What became of each, in the same order.
   */
  insertInto(runs: readonly Placed[], session: SqlSession): Promise<InsertedRun[]> {
    return this.#insert(
      runs,
      session,
      (values) => keeping(runs, session, () => session.query(this.#sql.insertAll, values)),
    );
  }

  /**
   * Inserts runs in a caller's transaction, or not at all (GUEST-1); see
   * {@linkcode RunStore.insertInto}.
   *
   * @param runs The runs, each with its namespace.
   * @param session The caller's transaction.
   * @returns What became of each, in the same order.
   * @throws {TransactionOverError} If it is over.
   */
  async insertWithin(runs: readonly Placed[], session: SqlSession): Promise<InsertedRun[]> {
    const xid = await transactionId(session);
    const query = (values: readonly string[]) =>
      within(
        session,
        xid,
        () =>
          keeping(runs, session, () =>
            session.query<InsertRow>(this.#sql.insertWithin, [...values, xid])),
      );
    return await this.#insert(runs, session, query, xid);
  }

  /** INSERT-4. Of two starts at once, the later one sees what the earlier one has put there. */
  async #replace(runs: readonly Placed[], driver: SqlDriver): Promise<InsertedRun[]> {
    for (let tries = 1;; tries++) {
      const inserted = await driver.transaction((session) => this.insertInto(runs, session));
      const isMet = runs.length === 1 && inserted[0]?.taken !== undefined &&
        (runs[0]?.replaces === "any" || inserted[0].taken.isEnded);
      if (!isMet || tries === REPLACING_TRIES) return inserted;
    }
  }

  /** INSERT-4. The runs that were ended for it, and the nodes that execute them. */
  async #clear(
    runs: readonly Placed[],
    session: SqlSession,
    xid: string | undefined,
  ): Promise<InsertedRun["ended"]> {
    const [terminate, rename, ...own] = xid === undefined
      ? [this.#sql.terminate, this.#sql.rename]
      : [this.#sql.terminateWithin, this.#sql.renameWithin, xid];
    const values = [
      arrayLiteral(runs.map(({ namespace }) => namespace)),
      arrayLiteral(runs.map(({ runId }) => storable("a run id", runId))),
      arrayLiteral(runs.map(({ seed }) => seed)),
      arrayLiteral(runs.map(({ workflow }) => workflow)),
      arrayLiteral(runs.map(({ key }) => key?.key ?? null)),
      arrayLiteral(runs.map(({ replaces }) => replaces ?? null)),
    ];
    const ended = await session.query<{ id: number; node: string | null }>(
      terminate!,
      [...values, REPLACED, ...own],
    );
    await session.query(rename!, [...values, ...own]);
    return ended.map(({ id, node }) => ({ id: Number(id), node }));
  }

  async #insert(
    runs: readonly Placed[],
    session: SqlSession,
    query: (values: readonly string[]) => Promise<InsertRow[]>,
    xid?: string,
  ): Promise<InsertedRun[]> {
    const firsts = firstOfEach(runs);
    const isReplacing = firsts.some(({ replaces }) => replaces !== undefined);
    const ended = isReplacing ? await this.#clear(firsts, session, xid) : undefined;
    const values = parameters(firsts);
    const added = await this.#add(firsts, () => query(values));
    const created = new Map(added.map((row) => [placeOf(row), exact(row)]));
    const known = await this.#known(runs, created, session);
    const inserted = runs.map((run): InsertedRun => {
      const place = placeOf(run);
      const row = created.get(place);
      if (row !== undefined && created.delete(place)) {
        // the same id twice in one batch: the first stands
        known.taken.set(place, { ...row, ...run, state: "pending", token: null });
        return insertedRun(row);
      }
      const taken = known.taken.get(place);
      if (taken !== undefined && taken.seed === run.seed) return ownAgain(taken, run); // INSERT-3
      const key = run.key === undefined ? undefined : known.keys.get(keyOf(run));
      if (key === undefined && taken !== undefined) {
        const { id, at, workflow, state } = taken;
        const isEnded = (END_STATES as readonly string[]).includes(state);
        return { ...NOTHING, id, at, taken: { workflow, state, isEnded } };
      }
      const { runId, digest } = key!;
      const sameInput = digest === run.key?.digest;
      return { ...NOTHING, key: { runId, sameInput } };
    });
    return ended === undefined ? inserted : inserted.map((row) => ({ ...row, ended }));
  }

  /** INSERT-1, INSERT-2. */
  async #add(
    runs: readonly Placed[],
    query: () => Promise<InsertRow[]>,
  ): Promise<readonly InsertRow[]> {
    for (let tries = 1;; tries++) {
      try {
        return await query();
      } catch (error) {
        if (isForeignKeyViolation(error)) {
          throw new VersionNotRegisteredError([...new Set(runs.map(({ hash }) => hash))], error);
        }
        if (!isUniqueViolation(error) && !isContention(error) || tries === MAX_TRIES) throw error;
      }
    }
  }

  /** What stands in the way of the runs that were not inserted. */
  async #known(
    runs: readonly Placed[],
    created: ReadonlyMap<string, InsertRow>,
    session: SqlSession,
  ): Promise<{ keys: Map<string, KeyRow>; taken: Map<string, TakenRow> }> {
    const keys = new Map<string, KeyRow>();
    const taken = new Map<string, TakenRow>();
    const others = runs.filter((run) => !created.has(placeOf(run)));
    const keyed = others.filter(({ key }) => key !== undefined);
    if (keyed.length > 0) {
      const rows = await session.query<KeyRow>(this.#sql.keys, [
        arrayLiteral(keyed.map(({ namespace }) => namespace)),
        arrayLiteral(keyed.map(({ workflow }) => workflow)),
        arrayLiteral(keyed.map(({ key }) => key!.key)),
      ]);
      for (const row of rows) keys.set(JSON.stringify([row.namespace, row.workflow, row.key]), row);
    }
    const rest = others.filter((run) =>
      run.key === undefined || (keys.get(keyOf(run))?.runId ?? run.runId) === run.runId
    );
    if (rest.length > 0) {
      const rows = await session.query<TakenRow>(this.#sql.taken, [
        arrayLiteral(rest.map(({ namespace }) => namespace)),
        arrayLiteral(rest.map(({ runId }) => runId)),
      ]);
      for (const row of rows) taken.set(placeOf(row), exact(row));
    }
    return { keys, taken };
  }
}

/** What is said of a run that was not inserted. */
const NOTHING = { id: 0, created: false, at: 0, due: null, deadline: null, policy: null };

/** Clients of others give a `bigint` as text. */
function exact<Row extends InsertRow>(row: Row): Row {
  const { id, at, due = null, deadline = null } = row;
  return {
    ...row,
    id: Number(id),
    at: Number(at),
    due: due === null ? null : Number(due),
    deadline: deadline === null ? null : Number(deadline),
  };
}

function insertedRun({ id, at, due, deadline, policy }: InsertRow): InsertedRun {
  return {
    id,
    created: true,
    at,
    due: due ?? null,
    deadline: deadline ?? null,
    policy: policy ?? null,
  };
}

/** INSERT-3: as the start would have heard; a run that is not under its lease any more is somebody's. */
function ownAgain(row: TakenRow, run: Placed): InsertedRun {
  const isHeld = row.token !== null && Number(row.token) === run.lease?.token;
  return insertedRun({ ...row, due: isHeld ? null : row.due ?? row.at });
}

/** A statement takes each id and each key once: the first stands. */
function firstOfEach(runs: readonly Placed[]): readonly Placed[] {
  if (runs.length === 1) return runs;
  const seen = new Set<string>();
  return runs.filter((run) => {
    const names = [placeOf(run), ...(run.key === undefined ? [] : [keyOf(run)])];
    if (names.some((name) => seen.has(name))) return false;
    for (const name of names) seen.add(name);
    return true;
  });
}

function placeOf({ namespace, runId }: Pick<Placed, "namespace" | "runId">): string {
  return JSON.stringify([namespace, runId]);
}

function keyOf({ namespace, workflow, key }: Placed): string {
  return JSON.stringify([namespace, workflow, key?.key]);
}

function parameters(runs: readonly Placed[]): string[] {
  return [
    arrayLiteral(runs.map((run) => storable("a namespace", run.namespace))),
    arrayLiteral(runs.map((run) => storable("a run id", run.runId))),
    arrayLiteral(runs.map((run) => storable("a workflow's name", run.workflow))),
    arrayLiteral(runs.map((run) => run.hash)),
    arrayLiteral(runs.map((run) => storable("a specifier", run.specifier))),
    arrayLiteral(runs.map((run) => storable("an input", run.input))),
    arrayLiteral(runs.map((run) => storable("a seed", run.seed))),
    arrayLiteral(runs.map((run) => run.lease?.node ?? null)),
    arrayLiteral(runs.map((run) => run.lease?.token ?? null)),
    arrayLiteral(runs.map((run) => run.startAt ?? null)),
    arrayLiteral(runs.map((run) => run.delayMs ?? null)),
    arrayLiteral(runs.map((run) => run.attributes ?? null)),
    arrayLiteral(runs.map(({ key }) => key ? storable("an idempotency key", key.key) : null)),
    arrayLiteral(runs.map((run) => run.key?.digest ?? null)),
    arrayLiteral(
      runs.map(({ signal }) => signal ? storable("a signal's name", signal.name) : null),
    ),
    arrayLiteral(runs.map((run) => run.signal?.payload ?? null)),
    arrayLiteral(
      runs.map(({ signal }) =>
        signal?.deliveryId === undefined ? null : storable("a delivery id", signal.deliveryId)
      ),
    ),
    arrayLiteral(runs.map((run) => run.policy ?? null)),
  ];
}

/** Only a key that is taken fails the statement. */
function keeping<T>(
  runs: readonly Placed[],
  session: SqlSession,
  query: () => Promise<T>,
): Promise<T> {
  return runs.some(({ key }) => key !== undefined) ? savepoint(session, query) : query();
}
