/**
 * Runs: what anyone may do to them.
 *
 * - RUN-1, no lease for an expired node: each statement that gives a run to a node locks that node's
 *   row first, so that no node is expired while it is given a run.
 * - RUN-2, a lease is noted: the same statement names the run in `leases`, where the node that expires
 *   another one looks.
 * - RUN-3, one fact: a message and the waking of its run are one statement. Messages of one run are
 *   numbered under its row's lock, so their ids rise in the order in which they can be seen.
 * - RUN-4, an end that was received stays: only the end of a failed run is removed, and only if no
 *   other run has received it. A statement of its own locks the run first. It waits for a transaction
 *   that is notifying the run's relatives, or for a fork that adopts it; the next one sees either. It
 *   also locks the children that the run waits for: those whose ends were lost while the run had
 *   failed are received with the reopening, the others when they are notified.
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
  RunRelatives,
  RunRow,
  StuckReason,
} from "../../ports/rows.ts";
import type { AttributesChange } from "../../base/attributes.ts";
import type { AskRow, Awaited, PublishedRow, PublishedValue } from "../../ports/answers.ts";
import type { RunCondition, RunQuery } from "../../ports/run_query.ts";
import type {
  ClaimOptions,
  Delivery,
  HeldRun,
  Message,
  Patience,
  PausedRun,
  Reopening,
  RunFilter,
  RunStore,
  VersionChange,
} from "../../ports/store.ts";
import { Batcher } from "../../base/batcher.ts";
import { Answers } from "./answers.ts";
import { AWAIT, FORGET } from "../awaits.ts";
import { CHANGE_STATEMENTS } from "./change_statements.ts";
import { Deliveries } from "./deliveries.ts";
import { RunInserts } from "./inserts.ts";
import { LEASE_STATEMENTS } from "./lease_statements.ts";
import { MESSAGE_STATEMENTS } from "./message_statements.ts";
import {
  type BoundText,
  countStatement,
  type Narrow,
  narrowCountStatement,
  narrowStatement,
  queryStatement,
} from "./query_statements.ts";
import { parsed, type RawRun, READ_STATEMENTS } from "./read_statements.ts";
import { PAUSE_STATEMENTS } from "./pause_statements.ts";
import { Places } from "../limits/places.ts";
import { NOTIFY } from "../notices.ts";
import type { SchemaName } from "../schema/name.ts";
import { callerSession, callerTransaction } from "../sql/caller_transaction.ts";
import { withOwnSettings } from "../sql/own_settings.ts";
import { bounded } from "../sql/bounded.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { storable } from "../sql/fragments.ts";
import { isUniqueViolation } from "../sql/sqlstate.ts";
import type { Prepared } from "../sql/statement.ts";
import { whereRegistered } from "../versions/registered.ts";

const STATEMENTS = {
  ...LEASE_STATEMENTS,
  ...MESSAGE_STATEMENTS,
  ...READ_STATEMENTS,
  ...CHANGE_STATEMENTS,
  ...PAUSE_STATEMENTS,
  await: AWAIT,
  forget: FORGET,
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
  readonly #sql: Prepared<typeof STATEMENTS>;
  readonly #inserts: RunInserts;
  readonly #places: Places;
  readonly #deliveries: Deliveries;
  readonly #answers: Answers;
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
    this.#sql = schema.prepare(STATEMENTS);
    this.#inserts = new RunInserts(schema);
    this.#places = new Places(schema);
    this.#deliveries = new Deliveries(driver, schema, namespace);
    this.#answers = new Answers(driver, schema, namespace);
    this.#versions = new Batcher(async (runIds) => {
      const asked = [...new Set(runIds)];
      const rows = await this.#sql.version.query(driver, { runIds: asked, namespace });
      const found = new Map(rows.map(({ runId, hash }) => [runId, hash]));
      return runIds.map((runId) => found.get(runId) ?? null);
    });
  }

  /** See {@linkcode RunStore.in}. */
  in(namespace: string): Runs {
    return namespace === this.namespace ? this : new Runs(this.#driver, this.#schema, namespace);
  }

  /**
   * See {@linkcode RunStore.insert}. A run whose leasing node has expired is inserted as
   * pending: its writer finds out at its first commit.
   */
  insert(runs: readonly NewRun[]): Promise<InsertedRun[]> {
    return this.#inserts.insert(runs.map((run) => this.#placed(run)), this.#driver);
  }

  /** See {@linkcode RunStore.insertInto}. */
  async insertInto(transaction: unknown, runs: readonly NewRun[]): Promise<InsertedRun[]> {
    const session = callerSession(transaction);
    const placed = runs.map((run) => this.#placed(run));
    const { xid, foreign } = await callerTransaction(session);
    return await withOwnSettings(session, foreign, async () => {
      const inserted = await this.#inserts.insertWithin(placed, session, xid);
      const dues = inserted.flatMap(({ due }) => due ?? []);
      const notices: unknown[] = [];
      if (dues.length > 0) {
        notices.push({ kind: "due", at: dues.reduce((first, due) => Math.min(first, due)) });
      }
      if (inserted.some(({ queued }) => queued !== undefined)) notices.push({ kind: "limits" });
      if (notices.length > 0) {
        // Postgres sends them when the caller commits.
        const payloads = notices.map((notice) => JSON.stringify(["transaction", notice]));
        await NOTIFY.query(session, { channel: this.#schema.channel, payloads });
      }
      return inserted;
    });
  }

  #placed(run: NewRun): NewRun & { readonly namespace: string } {
    return { ...run, namespace: run.namespace ?? this.namespace };
  }

  /** See {@linkcode RunStore.claim}. */
  claim({ node, limit, excluded, startsFirst }: ClaimOptions): Promise<ClaimedRun[]> {
    const { claim, claimStarts } = this.#sql;
    return (startsFirst === true ? claimStarts : claim).query(this.#driver, {
      node,
      limit,
      excluded,
    });
  }

  /** See {@linkcode RunStore.held}. */
  held(node: string, ids: readonly number[]): Promise<ClaimedRun[]> {
    return this.#sql.held.query(this.#driver, { node, ids });
  }

  /** See {@linkcode RunStore.giveBack}. */
  async giveBack(node: string, held: readonly HeldRun[]): Promise<number> {
    const given = await this.#sql.giveBack.query(this.#driver, {
      node,
      ids: held.map(({ id }) => id),
      tokens: held.map(({ token }) => token),
    });
    return given.length;
  }

  /** See {@linkcode RunStore.nextWake}. */
  async nextWake(excluded: readonly string[]): Promise<number | null> {
    const [row] = await this.#sql.nextWake.query(this.#driver, { excluded });
    return row?.at ?? null;
  }

  /** See {@linkcode RunStore.woken}. */
  async woken(node: string): Promise<number[]> {
    return (await this.#sql.woken.query(this.#driver, { node })).map(({ id }) => id);
  }

  /** See {@linkcode RunStore.deliver}. A duplicate is one even when the run has ended since. */
  async deliver(runId: string, message: Message): Promise<Delivery> {
    while (true) {
      const delivery = await this.#deliver(null, runId, message);
      // Another run took the id while the message was on its way to the one that had it (INSERT-4).
      if (delivery.status !== "moved") return delivery;
    }
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
    const { namespace } = this;
    const { kind, payload } = message;
    const name = storable("a signal's name", message.name);
    const deliveryId = message.deliveryId === undefined
      ? null
      : storable("a delivery id", message.deliveryId);
    const { trace = null } = message;
    const outgoing = { runId, kind, name, payload, deliveryId, version, trace };
    const delivered = await this.#deliveries.add(outgoing);
    if (delivered !== undefined) return { status: "delivered", ...delivered };
    try {
      const [row] = await this.#sql.deliver.query(this.#driver, { ...outgoing, namespace });
      if (row !== undefined) return { status: "delivered", ...row };
    } catch (error) {
      // The same delivery, sent twice at once: the other one has won.
      if (!isUniqueViolation(error)) throw error;
    }
    const sent = { runId, kind, name, deliveryId, namespace };
    const [run] = await this.#sql.delivered.query(this.#driver, sent);
    if (run === undefined) return { status: "not_found" };
    const { state, node, hash, ended } = run;
    if (run.message !== null) {
      return { status: "duplicate", message: run.message, run: run.id, node };
    }
    return ended ? { status: "ended", state } : { status: "moved", hash };
  }

  /** See {@linkcode RunStore.answer}. */
  async answer(runId: string, ask: string): Promise<AskRow | null> {
    return isStorable(runId) && isStorable(ask) ? await this.#answers.answer(runId, ask) : null;
  }

  /** See {@linkcode RunStore.published}. */
  async published(runId: string, name: string): Promise<PublishedRow | null> {
    return isStorable(runId) && isStorable(name)
      ? await this.#answers.published(runId, name)
      : null;
  }

  /** See {@linkcode RunStore.values}. */
  async values(runId: string): Promise<PublishedValue[]> {
    return isStorable(runId) ? await this.#answers.values(runId) : [];
  }

  /** See {@linkcode RunStore.await}. */
  async await(runId: string, awaited: Awaited): Promise<boolean> {
    const { namespace } = this;
    if (!isStorable(runId)) return false;
    const rows = await this.#sql.await.query(this.#driver, { runId, namespace, ...awaited });
    return rows.length > 0;
  }

  /** See {@linkcode RunStore.forget}. */
  async forget(run: number, position: number): Promise<void> {
    await this.#sql.forget.query(this.#driver, { run, position });
  }

  /** See {@linkcode RunStore.get}. */
  async get(runId: string, options: { watch?: boolean } = {}): Promise<RunRow | null> {
    if (!isStorable(runId)) return null;
    const { namespace } = this;
    // First the mark, then the look: an end after the mark is notified, one before it is seen.
    if (options.watch) await this.#sql.watch.query(this.#driver, { runId, namespace });
    const [row] = await this.#sql.get.query(this.#driver, { runId, namespace });
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode RunStore.untaken}. */
  async untaken(
    run: number,
    kinds: readonly ("signal" | "ask")[] = ["signal", "ask"],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#sql.untaken.query(this.#driver, { run, kinds });
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
    const { namespace } = this;
    const asked = { runId, from, limit, namespace, generation };
    return await this.#sql.history.query(this.#driver, asked);
  }

  /** See {@linkcode RunStore.generations}. */
  async generations(runId: string, from: number, limit: number): Promise<GenerationRow[]> {
    if (!isStorable(runId)) return [];
    const { namespace } = this;
    return await this.#sql.generations.query(this.#driver, { runId, from, limit, namespace });
  }

  /** See {@linkcode RunStore.list}. */
  async list({ workflow, hash, states, everywhere, limit }: RunFilter): Promise<RunRow[]> {
    const rows = await this.#sql.list.query(this.#driver, {
      workflow: workflow ?? null,
      hash: hash ?? null,
      states: states ?? null,
      namespace: everywhere === true ? null : this.namespace,
      limit,
    });
    return rows.map(parsed);
  }

  /** See {@linkcode RunStore.unpark}. */
  async unpark(runId: string): Promise<boolean> {
    if (!isStorable(runId)) return false;
    const { namespace } = this;
    return (await this.#sql.unpark.query(this.#driver, { runId, namespace })).length > 0;
  }

  /** See {@linkcode RunStore.pause}. */
  async pause(id: number, request: string): Promise<PausedRun | null> {
    const [row] = await this.#sql.pause.query(this.#driver, { ids: [id], payload: request });
    return row ?? null;
  }

  /** See {@linkcode RunStore.resume}. */
  async resume(id: number): Promise<PausedRun | null> {
    const [row] = await this.#sql.resume.query(this.#driver, { ids: [id] });
    return row ?? null;
  }

  /** See {@linkcode RunStore.pauseOf}. */
  async pauseOf(id: number): Promise<{ readonly request: string; readonly at: number } | null> {
    const [row] = await this.#sql.pauseOf.query(this.#driver, { id });
    return row ?? null;
  }

  /** See {@linkcode RunStore.holdTasks}. */
  async holdTasks(id: number): Promise<void> {
    await this.#sql.holdTasks.query(this.#driver, { ids: [id] });
  }

  /** See {@linkcode RunStore.end}. */
  async end(
    runId: string,
    state: "cancelled" | "terminated",
    error: string,
    { onlyStuck }: { onlyStuck: boolean },
  ): Promise<RunRow | null> {
    if (!isStorable(runId)) return null;
    const { namespace } = this;
    await this.#sql.end.query(this.#driver, { runId, state, error, onlyStuck, namespace });
    return await this.get(runId);
  }

  /** See {@linkcode RunStore.seize}. */
  async seize(
    runId: string,
    { node, token }: Lease,
  ): Promise<(ClaimedRun & { readonly state: RunRow["state"] }) | null> {
    if (!isStorable(runId)) return null;
    const { namespace } = this;
    const [row] = await this.#sql.seize.query(this.#driver, { node, token, runId, namespace });
    return row ?? null;
  }

  /** See {@linkcode RunStore.settle}. A parked state needs its reason; others ignore it. */
  async settle(
    id: number,
    { node, token }: Lease,
    outcome:
      | VersionChange
      | { readonly back: RunRow["state"]; readonly reason: StuckReason | null },
  ): Promise<boolean> {
    const seized = { id, node, token };
    if ("back" in outcome) {
      const { back, reason } = outcome;
      const parked = back.startsWith("stuck_") ? legibleJson(reason) : null;
      const returned = { ...seized, state: back, reason: parked };
      return (await this.#sql.putBack.query(this.#driver, returned)).length > 0;
    }
    const parameters = { ...seized, ...pinParameters(outcome) };
    const pin = () => this.#sql.pin.query(this.#driver, parameters);
    return (await whereRegistered([outcome.pin.hash], pin)).length > 0;
  }

  /** See {@linkcode RunStore.repin}. */
  async repin(held: HeldRun, node: string, next: number, change: VersionChange): Promise<boolean> {
    const parameters = { ...held, node, next, ...pinParameters(change) };
    const pin = () => this.#sql.repin.query(this.#driver, parameters);
    return (await whereRegistered([change.pin.hash], pin)).length > 0;
  }

  /** See {@linkcode RunStore.reopen}. */
  async reopen({ pin, locks, ...reopening }: Reopening): Promise<boolean> {
    const { hash, specifier } = pin;
    const { id, awaited } = reopening;
    const reopened = { ...reopening, hash, specifier };
    const reopen = () =>
      this.#driver.transaction(async (session) => {
        await this.#sql.lockAwaited.query(session, { id, awaited });
        const rows = await this.#sql.reopen.query(session, reopened);
        if (rows.length > 0) await this.#places.askAgain(session, id, null, locks);
        return rows;
      });
    const rows = await whereRegistered([hash], reopen);
    return rows.length > 0;
  }

  /** See {@linkcode RunStore.version}. */
  async version(runId: string): Promise<string | null> {
    return isStorable(runId) ? await this.#versions.add(runId) : null;
  }

  /** See {@linkcode RunStore.setAttributes}. One statement: merges at the same time both survive. */
  async setAttributes(runId: string, { set, remove }: AttributesChange): Promise<boolean> {
    if (!isStorable(runId)) return false;
    const change = { runId, namespace: this.namespace, removed: remove, set };
    return (await this.#sql.setAttributes.query(this.#driver, change)).length > 0;
  }

  /** See {@linkcode RunStore.query}. */
  async query(query: RunQuery, patience?: Patience): Promise<RunRow[]> {
    return await bounded(this.#driver, patience, async (session) => {
      const narrow = await this.#narrow(narrowStatement(query, this.namespace), session);
      const page = queryStatement(query, this.namespace, narrow);
      return (await this.#ask<RawRun>(page, session)).map(parsed);
    });
  }

  /** What few runs have, of all that is asked for; `null`: nothing. */
  async #narrow(few: BoundText | null, session: SqlSession): Promise<Narrow | null> {
    if (few === null) return null;
    const [found] = await this.#ask<{ readonly narrow: Narrow | null }>(few, session);
    return found!.narrow;
  }

  #ask<Row>({ text, values }: BoundText, session: SqlSession): Promise<Row[]> {
    return session.query<Row>(this.#schema.fill(text), values);
  }

  /** See {@linkcode RunStore.relatives}. */
  async relatives(runIds: readonly string[], limit: number): Promise<RunRelatives[]> {
    const known = runIds.filter(isStorable);
    const { namespace } = this;
    return await this.#sql.relatives.query(this.#driver, { runIds: known, namespace, limit });
  }

  /** See {@linkcode RunStore.count}. */
  async count(
    where: RunCondition | null,
    limit?: number,
    patience?: Patience,
  ): Promise<number> {
    const [row] = await bounded(this.#driver, patience, async (session) => {
      const few = limit === undefined ? null : narrowCountStatement(where, this.namespace);
      const narrow = await this.#narrow(few, session);
      const asked = countStatement(where, this.namespace, limit, narrow);
      return await this.#ask<{ readonly count: number }>(asked, session);
    });
    return row!.count;
  }
}

function pinParameters({ pin: { hash, specifier }, payload, tasks = [] }: VersionChange) {
  return {
    hash,
    specifier,
    payload,
    positions: tasks.map(({ position }) => position),
    definitions: tasks.map(({ definition }) => definition),
  };
}
