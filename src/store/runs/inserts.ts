/**
 * Inserting runs, each at most once.
 *
 * - RUN-1 of `run_store.ts`: whatever gives a run to a node holds that node's row first.
 * - INSERT-1, one run a key: key, run and first signal are one statement. If another
 *   transaction commits the same key meanwhile, the statement fails as a whole; repeated, it sees
 *   that key.
 * - INSERT-2, one run an id: so it is with ids, too, except in transactions, which a failure would spoil.
 * - INSERT-3, one's own is known again: a start draws a seed at random. A row that has it is what this
 *   very start has written, its answer being lost, so a start may be tried again whatever became of
 *   it.
 * - INSERT-4, one takes the other's place: where a start is to replace a run, that gives its id up, ends
 *   if it lives, and the new run is there, all in one transaction. Nothing is removed: the earlier
 *   run is `<id>>was.<n>` from then on, and what its end sets off goes by its key. If another start takes
 *   the new run's idempotency key meanwhile, there is no new run, and nothing gives way.
 *
 * @module
 */

import type { InsertedRun, NewRun } from "../../ports/rows.ts";
import { END_STATES } from "../../ports/rows.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { savepoint, within } from "../sql/caller_transaction.ts";
import {
  INSERT_STATEMENTS,
  type InsertParameters,
  type InsertRow,
  type KeyRow,
  type TakenRow,
} from "./insert_statements.ts";
import { Places } from "../limits/places.ts";
import type { SchemaName } from "../schema/name.ts";
import { storable } from "../sql/fragments.ts";
import { isContention, isForeignKeyViolation, isUniqueViolation } from "../sql/sqlstate.ts";
import type { Prepared } from "../sql/statement.ts";
import { versionNotRegistered } from "../errors.ts";

/** Each repetition follows the commit of another start: so many in a row mean that none is visible. */
const MAX_TRIES = 20;

/** What a run ended with that another one replaced. */
const REPLACED = encodeError(new Error("Terminated: another run was started in its place"));

/** Each repetition follows another start that came between two statements. */
const REPLACING_TRIES = 5;

/** A run with its namespace decided. */
type Placed = NewRun & { readonly namespace: string };

/** The runs that starts met, by what they have in common with them. */
interface Known {
  readonly keys: Map<string, KeyRow>;
  readonly taken: Map<string, TakenRow>;
}

type Ended = NonNullable<InsertedRun["ended"]>;

/** The runs that a statement inserted, what the others met, and the runs that were ended for them. */
interface PlacedRuns {
  readonly created: Map<string, InsertRow>;
  readonly known: Known;
  readonly ended?: Ended;
}

/** INSERT-4: rolls back what gave way to a run that is not inserted. */
class KeyTakenMeanwhile extends Error {
  override readonly message = "Cannot start run: other starts took its idempotency key repeatedly";
}

/** Inserts runs. */
export class RunInserts {
  readonly #sql: Prepared<typeof INSERT_STATEMENTS>;
  readonly #places: Places;

  /**
   * Prepares the statements.
   *
   * @param schema Where the tables are.
   */
  constructor(schema: SchemaName) {
    this.#sql = schema.prepare(INSERT_STATEMENTS);
    this.#places = new Places(schema);
  }

  /**
   * Inserts runs; see {@linkcode RunStore.insert}.
   *
   * @param runs The runs, each with its namespace.
   * @param driver Where to.
   * @returns What became of each, in the same order.
   */
  insert(runs: readonly Placed[], driver: SqlDriver): Promise<InsertedRun[]> {
    if (runs.some(({ place }) => place !== undefined)) return this.#queue(runs, driver);
    if (runs.some(({ replaces }) => replaces !== undefined)) return this.#replace(runs, driver);
    const isPlain = runs.every(({ key, signal }) => key === undefined && signal === undefined);
    const statement = isPlain ? this.#sql.insert : this.#sql.insertAll;
    return this.#insert(runs, driver, (parameters) => statement.query(driver, parameters));
  }

  /**
   * Inserts runs in a transaction, which stays usable.
   *
   * @param runs The runs, each with its namespace.
   * @param session The transaction.
   * @returns What became of each, in the same order.
   */
  async insertInto(runs: readonly Placed[], session: SqlSession): Promise<InsertedRun[]> {
    const inserted = await this.#insert(
      runs,
      session,
      (parameters) => keeping(runs, session, () => this.#sql.insertAll.query(session, parameters)),
    );
    return await this.#asking(runs, inserted, session);
  }

  /**
   * Inserts runs in a caller's transaction, or not at all (GUEST-1); see
   * {@linkcode RunStore.insertInto}.
   *
   * @param runs The runs, each with its namespace.
   * @param session The caller's transaction.
   * @param xid Its id.
   * @returns What became of each, in the same order.
   * @throws {DatabaseError} (`TRANSACTION_OVER`) If it is over.
   */
  async insertWithin(
    runs: readonly Placed[],
    session: SqlSession,
    xid: string,
  ): Promise<InsertedRun[]> {
    const query = (parameters: InsertParameters) =>
      within(
        session,
        xid,
        () =>
          keeping(
            runs,
            session,
            () => this.#sql.insertWithin.query(session, { ...parameters, xid }),
          ),
      );
    const inserted = await this.#insert(runs, session, query, xid);
    return await this.#asking(runs, inserted, session);
  }

  /** LIMIT-5: in one transaction, runs are inserted, and wait for their places. */
  async #queue(runs: readonly Placed[], driver: SqlDriver): Promise<InsertedRun[]> {
    if (runs.some(({ replaces }) => replaces !== undefined)) {
      return await this.#replace(runs, driver);
    }
    return await driver.transaction((session) => this.insertInto(runs, session));
  }

  /** Lets the runs wait that were inserted, and that wait for a place. */
  async #asking(
    runs: readonly Placed[],
    inserted: InsertedRun[],
    session: SqlSession,
  ): Promise<InsertedRun[]> {
    const placed = runs.flatMap(({ namespace, runId, place }, index) =>
      place !== undefined && inserted[index]!.created ? [{ namespace, runId, place }] : []
    );
    if (placed.length === 0) return inserted;
    const queued = new Set((await this.#places.ask(session, placed)).map(placeOf));
    return inserted.map((row, index) => {
      if (!queued.has(placeOf(runs[index]!)) || !row.created) return row;
      return { ...row, due: null, queued: row.due ?? row.at };
    });
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

  /** INSERT-4. */
  async #placeInstead(
    runs: readonly Placed[],
    firsts: readonly Placed[],
    session: SqlSession,
    query: (parameters: InsertParameters) => Promise<InsertRow[]>,
    xid: string | undefined,
  ): Promise<PlacedRuns> {
    const place = async () => {
      const { ended, givenUp } = await this.#clear(firsts, session, xid);
      const placed = await this.#place(runs, firsts, session, query);
      const isInVain = keyed.some((run) =>
        givenUp.has(placeOf(run)) && !placed.created.has(placeOf(run))
      );
      if (isInVain) throw new KeyTakenMeanwhile();
      return { ...placed, ended };
    };
    const keyed = firsts.filter(({ key, replaces }) => key !== undefined && replaces !== undefined);
    if (keyed.length === 0) return await place();
    for (let tries = 1;; tries++) {
      try {
        return await savepoint(session, place);
      } catch (error) {
        if (!(error instanceof KeyTakenMeanwhile) || tries === REPLACING_TRIES) throw error;
      }
    }
  }

  /**
   * INSERT-4. Returns the runs that were ended, with the nodes that execute them, and the ids that
   * were given up.
   */
  async #clear(
    runs: readonly Placed[],
    session: SqlSession,
    xid: string | undefined,
  ): Promise<{ readonly ended: Ended; readonly givenUp: ReadonlySet<string> }> {
    const { terminate, terminateWithin, rename, renameWithin } = this.#sql;
    const replacing = {
      namespace: runs.map(({ namespace }) => namespace),
      runId: runs.map(({ runId }) => storable("a run id", runId)),
      seed: runs.map(({ seed }) => seed),
      workflow: runs.map(({ workflow }) => workflow),
      key: runs.map(({ key }) => key?.key ?? null),
      replaces: runs.map(({ replaces }) => replaces ?? null),
    };
    const ending = { ...replacing, error: REPLACED };
    const ended = xid === undefined
      ? await terminate.query(session, ending)
      : await terminateWithin.query(session, { ...ending, xid });
    const renamed = xid === undefined
      ? await rename.query(session, replacing)
      : await renameWithin.query(session, { ...replacing, xid });
    return {
      ended: ended.map(({ id, node }) => ({ id: Number(id), node })),
      givenUp: new Set(renamed.map(placeOf)),
    };
  }

  async #insert(
    runs: readonly Placed[],
    session: SqlSession,
    query: (parameters: InsertParameters) => Promise<InsertRow[]>,
    xid?: string,
  ): Promise<InsertedRun[]> {
    const firsts = firstOfEach(runs);
    const isReplacing = firsts.some(({ replaces }) => replaces !== undefined);
    const { created, known, ended } = isReplacing
      ? await this.#placeInstead(runs, firsts, session, query, xid)
      : await this.#place(runs, firsts, session, query);
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

  /**
   * Inserts runs, and reads what the others met. Retention may remove that between the two
   * statements: then the start is repeated.
   */
  async #place(
    runs: readonly Placed[],
    firsts: readonly Placed[],
    session: SqlSession,
    query: (parameters: InsertParameters) => Promise<InsertRow[]>,
  ): Promise<PlacedRuns> {
    const created = new Map<string, InsertRow>();
    let open = firsts;
    for (let tries = 1;; tries++) {
      const parameters = parametersOf(open);
      for (const row of await this.#add(open, () => query(parameters))) {
        created.set(placeOf(row), exact(row));
      }
      const known = await this.#known(runs, created, session);
      open = firsts.filter((run) =>
        !created.has(placeOf(run)) && !known.taken.has(placeOf(run)) && !known.keys.has(keyOf(run))
      );
      if (open.length === 0) return { created, known };
      if (tries === MAX_TRIES) {
        throw new Error(`Cannot start run: what it met was removed ${tries} times in a row`);
      }
    }
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
          throw versionNotRegistered([...new Set(runs.map(({ hash }) => hash))], error);
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
  ): Promise<Known> {
    const keys = new Map<string, KeyRow>();
    const taken = new Map<string, TakenRow>();
    const others = runs.filter((run) => !created.has(placeOf(run)));
    const keyed = others.filter(({ key }) => key !== undefined);
    if (keyed.length > 0) {
      const rows = await this.#sql.keys.query(session, {
        namespace: keyed.map(({ namespace }) => namespace),
        workflow: keyed.map(({ workflow }) => workflow),
        key: keyed.map(({ key }) => key!.key),
      });
      for (const row of rows) keys.set(JSON.stringify([row.namespace, row.workflow, row.key]), row);
    }
    const rest = others.filter((run) =>
      run.key === undefined || (keys.get(keyOf(run))?.runId ?? run.runId) === run.runId
    );
    if (rest.length > 0) {
      const rows = await this.#sql.taken.query(session, {
        namespace: rest.map(({ namespace }) => namespace),
        runId: rest.map(({ runId }) => runId),
      });
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

/**
 * INSERT-3: what the lost answer said. If the run is no longer under the lease of this start, its
 * due time is reported, so that a node looks for it.
 */
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

function parametersOf(runs: readonly Placed[]): InsertParameters {
  return {
    namespace: runs.map((run) => storable("a namespace", run.namespace)),
    runId: runs.map((run) => storable("a run id", run.runId)),
    workflow: runs.map((run) => storable("a workflow's name", run.workflow)),
    hash: runs.map((run) => run.hash),
    specifier: runs.map((run) => storable("a specifier", run.specifier)),
    input: runs.map((run) => storable("an input", run.input)),
    seed: runs.map((run) => storable("a seed", run.seed)),
    node: runs.map((run) => run.lease?.node ?? null),
    token: runs.map((run) => run.lease?.token ?? null),
    startAt: runs.map((run) => run.startAt ?? null),
    delay: runs.map((run) => run.delayMs ?? null),
    attributes: runs.map((run) => run.attributes ?? null),
    key: runs.map(({ key }) => key ? storable("an idempotency key", key.key) : null),
    digest: runs.map((run) => run.key?.digest ?? null),
    sends: runs.map(({ signal }) => signal ? signal.kind ?? "signal" : null),
    signal: runs.map(({ signal }) => signal ? storable("a signal's name", signal.name) : null),
    payload: runs.map((run) => run.signal?.payload ?? null),
    delivery: runs.map(({ signal }) =>
      signal?.deliveryId === undefined ? null : storable("a delivery id", signal.deliveryId)
    ),
    policy: runs.map((run) => run.policy ?? null),
    trace: runs.map((run) => run.trace ?? null),
  };
}

/** Only a key that is taken fails the statement. */
function keeping<T>(
  runs: readonly Placed[],
  session: SqlSession,
  query: () => Promise<T>,
): Promise<T> {
  return runs.some(({ key }) => key !== undefined) ? savepoint(session, query) : query();
}
