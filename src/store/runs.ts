/**
 * Runs: what anyone may do to them.
 *
 * - L1, no lease of the dead: whatever gives a run to a node holds that node's row first, so that
 *   the run can't be given to a node which is being buried.
 * - W1, one fact: a message and the waking of its run are one statement. Messages of one run are
 *   numbered under its row's lock, so their ids rise in the order in which they can be seen.
 *
 * @module
 */

import type {
  ClaimedRun,
  EventRow,
  InsertedRun,
  Lease,
  NewRun,
  RunRow,
  StuckReason,
} from "../ports/rows.ts";
import type { ClaimOptions, Delivery, Message, RunFilter, RunStore } from "../ports/store.ts";
import type { SqlDriver } from "./driver.ts";
import { VersionNotRegisteredError } from "./errors.ts";
import { runStatements } from "./runs_sql.ts";
import type { SchemaName } from "./schema_name.ts";
import { arrayLiteral, isStorable, storable } from "./sql.ts";
import { isForeignKeyViolation, isUniqueViolation } from "./sqlstate.ts";

/** A run as the database gives it: JSON columns are text. */
type RawRun = Omit<RunRow, "stuckReason" | "waits"> & {
  readonly stuckReason: string | null;
  readonly waits: string | null;
};

interface KeyRow {
  id: number;
  runId: string;
  at: number;
}

/** {@linkcode RunStore} in SQL. */
export class Runs implements RunStore {
  readonly #driver: SqlDriver;
  readonly #sql: ReturnType<typeof runStatements>;

  /**
   * Prepares the statements on runs.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = runStatements(schema);
  }

  /**
   * See {@linkcode RunStore.insert}. A run whose leasing node has been buried is inserted as
   * pending: its writer finds out at its first commit.
   */
  async insert(runs: readonly NewRun[]): Promise<InsertedRun[]> {
    const added = await this.#add(runs).catch((error) => {
      if (!isForeignKeyViolation(error)) throw error;
      throw new VersionNotRegisteredError([...new Set(runs.map(({ hash }) => hash))], error);
    });
    const found = new Map(added.map((row) => [row.runId, { ...row, created: true }]));
    const taken = runs.map(({ runId }) => runId).filter((runId) => !found.has(runId));
    if (taken.length > 0) {
      for (const row of await this.#query<KeyRow>("taken", [arrayLiteral(taken)])) {
        found.set(row.runId, { ...row, created: false });
      }
    }
    return runs.map(({ runId }) => {
      const { id, at, created } = found.get(runId)!;
      // The same id twice in one batch: the first stands.
      found.set(runId, { id, runId, at, created: false });
      return { id, created, at };
    });
  }

  #add(runs: readonly NewRun[]): Promise<KeyRow[]> {
    return this.#query("insert", [
      arrayLiteral(runs.map((run) => storable("a run id", run.runId))),
      arrayLiteral(runs.map((run) => storable("a workflow's name", run.workflow))),
      arrayLiteral(runs.map((run) => run.hash)),
      arrayLiteral(runs.map((run) => storable("a specifier", run.specifier))),
      arrayLiteral(runs.map((run) => storable("an input", run.input))),
      arrayLiteral(runs.map((run) => storable("a seed", run.seed))),
      arrayLiteral(runs.map((run) => run.lease?.node ?? null)),
      arrayLiteral(runs.map((run) => run.lease?.token ?? null)),
    ]);
  }

  /** See {@linkcode RunStore.claim}. */
  claim({ node, limit, excluded }: ClaimOptions): Promise<ClaimedRun[]> {
    return this.#query("claim", [node, limit, arrayLiteral(excluded)]);
  }

  /** See {@linkcode RunStore.nextWake}. */
  async nextWake(excluded: readonly string[]): Promise<number | null> {
    const [row] = await this.#query<{ at: number }>("nextWake", [arrayLiteral(excluded)]);
    return row?.at ?? null;
  }

  /** See {@linkcode RunStore.woken}. */
  async woken(node: string): Promise<number[]> {
    return (await this.#query<{ id: number }>("woken", [node])).map(({ id }) => id);
  }

  /** See {@linkcode RunStore.deliver}. A duplicate is one even when the run has ended since. */
  async deliver(runId: string, message: Message): Promise<Delivery> {
    if (!isStorable(runId)) return { status: "not_found" };
    const { kind, payload } = message;
    const name = storable("a signal's name", message.name);
    const deliveryId = message.deliveryId === undefined
      ? null
      : storable("a delivery id", message.deliveryId);
    try {
      const [row] = await this.#query<{ id: number; node: string | null }>(
        "deliver",
        [runId, kind, name, payload, deliveryId],
      );
      if (row !== undefined) return { status: "delivered", ...row };
    } catch (error) {
      // The same delivery, sent twice at once: the other one has won.
      if (!isUniqueViolation(error)) throw error;
    }
    const [run] = await this.#query<
      { state: RunRow["state"]; node: string | null; message: number | null }
    >("delivered", [runId, kind, name, deliveryId]);
    if (run === undefined) return { status: "not_found" };
    const { state, node } = run;
    return run.message === null
      ? { status: "ended", state }
      : { status: "duplicate", id: run.message, node };
  }

  /** See {@linkcode RunStore.get}. */
  async get(runId: string, options: { watch?: boolean } = {}): Promise<RunRow | null> {
    if (!isStorable(runId)) return null;
    // First the mark, then the look: an end after the mark is told, one before it is seen.
    if (options.watch) await this.#query("watch", [runId]);
    const [row] = await this.#query<RawRun>("get", [runId]);
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode RunStore.history}. */
  async history(runId: string, from: number, limit: number): Promise<EventRow[]> {
    return isStorable(runId) ? await this.#query("history", [runId, from, limit]) : [];
  }

  /** See {@linkcode RunStore.list}. */
  async list({ workflow, hash, states, limit }: RunFilter): Promise<RunRow[]> {
    const rows = await this.#query<RawRun>("list", [
      workflow ?? null,
      hash ?? null,
      states === undefined ? null : arrayLiteral(states),
      limit,
    ]);
    return rows.map(parsed);
  }

  /** See {@linkcode RunStore.unpark}. */
  async unpark(runId: string): Promise<boolean> {
    return isStorable(runId) && (await this.#query("unpark", [runId])).length > 0;
  }

  /** See {@linkcode RunStore.end}. */
  async end(
    runId: string,
    state: "cancelled" | "terminated",
    error: string,
    { onlyStuck }: { onlyStuck: boolean },
  ): Promise<RunRow | null> {
    if (!isStorable(runId)) return null;
    await this.#query("end", [runId, state, error, onlyStuck]);
    return await this.get(runId);
  }

  /** See {@linkcode RunStore.seize}. */
  async seize(
    runId: string,
    { node, token }: Lease,
  ): Promise<(ClaimedRun & { readonly state: RunRow["state"] }) | null> {
    if (!isStorable(runId)) return null;
    const [row] = await this.#query<ClaimedRun & { readonly state: RunRow["state"] }>(
      "seize",
      [node, token, runId],
    );
    return row ?? null;
  }

  /** See {@linkcode RunStore.settle}. A parked state needs its reason; others ignore it. */
  async settle(
    id: number,
    { node, token }: Lease,
    outcome:
      | {
        readonly pin: { readonly hash: string; readonly specifier: string };
        readonly payload: string;
      }
      | { readonly back: RunRow["state"]; readonly reason: StuckReason | null },
  ): Promise<boolean> {
    const seized = [id, node, token] as const;
    if ("back" in outcome) {
      const { back, reason } = outcome;
      const parked = back.startsWith("stuck_") ? JSON.stringify(reason) : null;
      return (await this.#query("putBack", [...seized, back, parked])).length > 0;
    }
    const { pin, payload } = outcome;
    try {
      const rows = await this.#query("pin", [...seized, pin.hash, pin.specifier, payload]);
      return rows.length > 0;
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new VersionNotRegisteredError([pin.hash], error);
    }
  }

  #query<Row>(
    statement: keyof ReturnType<typeof runStatements>,
    values: Parameters<SqlDriver["query"]>[1],
  ): Promise<Row[]> {
    return this.#driver.query(this.#sql[statement], values);
  }
}

function parsed(row: RawRun): RunRow {
  return {
    ...row,
    stuckReason: row.stuckReason === null ? null : JSON.parse(row.stuckReason),
    waits: row.waits === null ? [] : JSON.parse(row.waits),
  };
}
