/**
 * Runs: what anyone may do to them.
 *
 * - RUN-1, no lease of the dead: whatever gives a run to a node holds that node's row first, so that
 *   the run can't be given to a node which is being buried.
 * - RUN-2, a lease is noted: the same statement names the run in `leases`, where a burial looks.
 * - RUN-3, one fact: a message and the waking of its run are one statement. Messages of one run are
 *   numbered under its row's lock, so their ids rise in the order in which they can be seen.
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import type {
  ClaimedRun,
  EventRow,
  GenerationRow,
  InsertedRun,
  Lease,
  NewRun,
  RunRow,
  StuckReason,
} from "../../ports/rows.ts";
import type { AttributesChange } from "../../base/attributes.ts";
import type { RunCondition, RunQuery } from "../../ports/run_query.ts";
import type {
  ClaimOptions,
  Delivery,
  HeldRun,
  Message,
  MovedTask,
  RunFilter,
  RunStore,
} from "../../ports/store.ts";
import { Batcher } from "../../base/batcher.ts";
import { Deliveries } from "./deliveries.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { VersionNotRegisteredError } from "../errors.ts";
import { callerSession } from "../sql/caller_transaction.ts";
import { RunInserts } from "./inserts.ts";
import { countStatement, queryStatement } from "./query_statements.ts";
import { NEXT_WAKE, runStatements } from "./statements.ts";
import { TEXTS } from "../sql/parameters.ts";
import { type Prepared, rows, statement } from "../sql/statement.ts";
import type { SchemaName } from "../schema/name.ts";
import { arrayLiteral, storable } from "../sql/fragments.ts";
import { isForeignKeyViolation, isUniqueViolation } from "../sql/sqlstate.ts";
import type { VersionPin } from "../../ports/version_ref.ts";

/** A run as the database gives it: JSON columns are text. */
type RawRun = Omit<RunRow, "stuckReason" | "waits" | "attributes"> & {
  readonly attributes: string;
  readonly stuckReason: string | null;
  readonly waits: string | null;
};

interface DeliveredRow {
  readonly id: number;
  readonly state: RunRow["state"];
  readonly node: string | null;
  readonly hash: string;
  readonly ended: boolean;
  readonly message: number | null;
}

const STATEMENTS = {
  nextWake: statement({ excluded: TEXTS }, rows<{ readonly at: number }>(), NEXT_WAKE),
};

interface Moved {
  readonly status: "moved";
  readonly hash: string;
}

/** {@linkcode RunStore} in SQL. */
export class Runs implements RunStore {
  /** See {@linkcode RunStore.namespace}. */
  readonly namespace: string;
  readonly #driver: SqlDriver;
  readonly #schema: SchemaName;
  readonly #sql: ReturnType<typeof runStatements>;
  readonly #statements: Prepared<typeof STATEMENTS>;
  readonly #inserts: RunInserts;
  readonly #deliveries: Deliveries;
  readonly #versions: Batcher<string, string | null>;

  /**
   * Prepares the statements on runs.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param namespace Whose runs.
   */
  constructor(driver: SqlDriver, schema: SchemaName, namespace = "default") {
    this.namespace = namespace;
    this.#driver = driver;
    this.#schema = schema;
    this.#sql = runStatements(schema);
    this.#statements = schema.prepare(STATEMENTS);
    this.#inserts = new RunInserts(schema);
    this.#deliveries = new Deliveries(driver, schema, namespace);
    this.#versions = new Batcher(async (runIds) => {
      const asked = arrayLiteral([...new Set(runIds)]);
      const rows = await this.#query<{ runId: string; hash: string }>("version", [
        asked,
        namespace,
      ]);
      const found = new Map(rows.map(({ runId, hash }) => [runId, hash]));
      return runIds.map((runId) => found.get(runId) ?? null);
    });
  }

  /** See {@linkcode RunStore.in}. */
  in(namespace: string): Runs {
    return namespace === this.namespace ? this : new Runs(this.#driver, this.#schema, namespace);
  }

  /**
   * See {@linkcode RunStore.insert}. A run whose leasing node has been buried is inserted as
   * pending: its writer finds out at its first commit.
   */
  insert(runs: readonly NewRun[]): Promise<InsertedRun[]> {
    return this.#inserts.insert(runs.map((run) => this.#placed(run)), this.#driver);
  }

  /** See {@linkcode RunStore.insertInto}. */
  async insertInto(transaction: unknown, runs: readonly NewRun[]): Promise<InsertedRun[]> {
    const session = callerSession(transaction);
    const placed = runs.map((run) => this.#placed(run));
    const inserted = await this.#inserts.insertWithin(placed, session);
    // Said when the caller commits, in his transaction: nobody else knows when that is.
    const dues = inserted.flatMap(({ due }) => due ?? []);
    if (dues.length > 0) {
      const at = dues.reduce((first, due) => Math.min(first, due));
      const notice = JSON.stringify(["transaction", { kind: "due", at }]);
      await session.query("select pg_notify($1::text, $2::text)", [this.#schema.channel, notice]);
    }
    return inserted;
  }

  #placed(run: NewRun): NewRun & { readonly namespace: string } {
    return { ...run, namespace: run.namespace ?? this.namespace };
  }

  /** See {@linkcode RunStore.claim}. */
  claim({ node, limit, excluded, startsFirst }: ClaimOptions): Promise<ClaimedRun[]> {
    return this.#query(startsFirst === true ? "claimStarts" : "claim", [
      node,
      limit,
      arrayLiteral(excluded),
    ]);
  }

  /** See {@linkcode RunStore.held}. */
  held(node: string, ids: readonly number[]): Promise<ClaimedRun[]> {
    return this.#query("held", [node, arrayLiteral(ids)]);
  }

  /** See {@linkcode RunStore.giveBack}. */
  async giveBack(node: string, held: readonly HeldRun[]): Promise<number> {
    const values = [
      node,
      arrayLiteral(held.map(({ id }) => id)),
      arrayLiteral(held.map(({ token }) => token)),
    ];
    return (await this.#query("giveBack", values)).length;
  }

  /** See {@linkcode RunStore.nextWake}. */
  async nextWake(excluded: readonly string[]): Promise<number | null> {
    const [row] = await this.#statements.nextWake.query(this.#driver, { excluded });
    return row?.at ?? null;
  }

  /** See {@linkcode RunStore.woken}. */
  async woken(node: string): Promise<number[]> {
    return (await this.#query<{ id: number }>("woken", [node])).map(({ id }) => id);
  }

  /** See {@linkcode RunStore.deliver}. A duplicate is one even when the run has ended since. */
  async deliver(runId: string, message: Message): Promise<Delivery> {
    return await this.#deliver(null, runId, message) as Delivery;
  }

  /** See {@linkcode RunStore.deliverTo}. */
  deliverTo(version: string, runId: string, message: Message): Promise<Delivery | Moved> {
    return this.#deliver(version, runId, message);
  }

  async #deliver(
    version: string | null,
    runId: string,
    message: Message,
  ): Promise<Delivery | Moved> {
    if (!isStorable(runId)) return { status: "not_found" };
    const { kind, payload } = message;
    const name = storable("a signal's name", message.name);
    const deliveryId = message.deliveryId === undefined
      ? null
      : storable("a delivery id", message.deliveryId);
    const outgoing = { runId, kind, name, payload, deliveryId, version };
    const delivered = await this.#deliveries.add(outgoing);
    if (delivered !== undefined) return { status: "delivered", ...delivered };
    try {
      const [row] = await this.#query<{ message: number; run: number; node: string | null }>(
        "deliver",
        [runId, kind, name, payload, deliveryId, version, this.namespace],
      );
      if (row !== undefined) return { status: "delivered", ...row };
    } catch (error) {
      // The same delivery, sent twice at once: the other one has won.
      if (!isUniqueViolation(error)) throw error;
    }
    const [run] = await this.#query<DeliveredRow>(
      "delivered",
      [runId, kind, name, deliveryId, this.namespace],
    );
    if (run === undefined) return { status: "not_found" };
    const { state, node, hash, ended } = run;
    if (run.message !== null) {
      return { status: "duplicate", message: run.message, run: run.id, node };
    }
    return ended ? { status: "ended", state } : { status: "moved", hash };
  }

  /** See {@linkcode RunStore.get}. */
  async get(runId: string, options: { watch?: boolean } = {}): Promise<RunRow | null> {
    if (!isStorable(runId)) return null;
    // First the mark, then the look: an end after the mark is told, one before it is seen.
    if (options.watch) await this.#query("watch", [runId, this.namespace]);
    const [row] = await this.#query<RawRun>("get", [runId, this.namespace]);
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode RunStore.untaken}. */
  async untaken(run: number): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#query<{ name: string; count: number }>("untaken", [run]);
    return new Map(rows.map(({ name, count }) => [name, count]));
  }

  /** See {@linkcode RunStore.history}. */
  async history(
    runId: string,
    from: number,
    limit: number,
    generation: number | null = null,
  ): Promise<EventRow[]> {
    if (!isStorable(runId)) return [];
    return await this.#query("history", [runId, from, limit, this.namespace, generation]);
  }

  /** See {@linkcode RunStore.generations}. */
  async generations(runId: string, from: number, limit: number): Promise<GenerationRow[]> {
    if (!isStorable(runId)) return [];
    return await this.#query("generations", [runId, from, limit, this.namespace]);
  }

  /** See {@linkcode RunStore.list}. */
  async list({ workflow, hash, states, everywhere, limit }: RunFilter): Promise<RunRow[]> {
    const rows = await this.#query<RawRun>("list", [
      workflow ?? null,
      hash ?? null,
      states === undefined ? null : arrayLiteral(states),
      limit,
      everywhere === true ? null : this.namespace,
    ]);
    return rows.map(parsed);
  }

  /** See {@linkcode RunStore.unpark}. */
  async unpark(runId: string): Promise<boolean> {
    return isStorable(runId) && (await this.#query("unpark", [runId, this.namespace])).length > 0;
  }

  /** See {@linkcode RunStore.end}. */
  async end(
    runId: string,
    state: "cancelled" | "terminated",
    error: string,
    { onlyStuck }: { onlyStuck: boolean },
  ): Promise<RunRow | null> {
    if (!isStorable(runId)) return null;
    await this.#query("end", [runId, state, error, onlyStuck, this.namespace]);
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
      [node, token, runId, this.namespace],
    );
    return row ?? null;
  }

  /** See {@linkcode RunStore.settle}. A parked state needs its reason; others ignore it. */
  async settle(
    id: number,
    { node, token }: Lease,
    outcome:
      | {
        readonly pin: VersionPin;
        readonly payload: string;
        readonly tasks?: readonly MovedTask[];
      }
      | { readonly back: RunRow["state"]; readonly reason: StuckReason | null },
  ): Promise<boolean> {
    const seized = [id, node, token] as const;
    if ("back" in outcome) {
      const { back, reason } = outcome;
      const parked = back.startsWith("stuck_") ? legibleJson(reason) : null;
      return (await this.#query("putBack", [...seized, back, parked])).length > 0;
    }
    const { pin, payload, tasks = [] } = outcome;
    try {
      const rows = await this.#query("pin", [
        ...seized,
        pin.hash,
        pin.specifier,
        payload,
        arrayLiteral(tasks.map(({ position }) => position)),
        arrayLiteral(tasks.map(({ definition }) => definition)),
      ]);
      return rows.length > 0;
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new VersionNotRegisteredError([pin.hash], error);
    }
  }

  /** See {@linkcode RunStore.version}. */
  async version(runId: string): Promise<string | null> {
    return isStorable(runId) ? await this.#versions.add(runId) : null;
  }

  /** See {@linkcode RunStore.setAttributes}. One statement: merges at the same time both survive. */
  async setAttributes(runId: string, { set, remove }: AttributesChange): Promise<boolean> {
    if (!isStorable(runId)) return false;
    const values = [runId, this.namespace, arrayLiteral(remove), set];
    return (await this.#query("setAttributes", values)).length > 0;
  }

  /** See {@linkcode RunStore.query}. */
  async query(query: RunQuery): Promise<RunRow[]> {
    const { text, values } = queryStatement(query, this.namespace);
    return (await this.#driver.query<RawRun>(this.#schema.fill(text), values)).map(parsed);
  }

  /** See {@linkcode RunStore.count}. */
  async count(where: RunCondition | null): Promise<number> {
    const { text, values } = countStatement(where, this.namespace);
    const [row] = await this.#driver.query<{ count: number }>(this.#schema.fill(text), values);
    return row!.count;
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
    attributes: JSON.parse(row.attributes),
    waits: row.waits === null ? [] : JSON.parse(row.waits),
  };
}
