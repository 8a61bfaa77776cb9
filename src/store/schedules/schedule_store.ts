/**
 * Schedules.
 *
 * - SCHEDULE-1, one transaction: a schedule's row is locked, a pure function decides, and what it decides
 *   is written together with the runs that it starts. So a planned time is neither lost nor started
 *   twice, wherever a node dies.
 * - SCHEDULE-2, lock, then look: the row is read by a statement after the one that locked it, so that the
 *   decision sees what the lock's last holder did, its runs included.
 * - SCHEDULE-3, alone: a firing that the database refuses is put off by itself; all others continue.
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import { isContinuumError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { firingId } from "../../base/run_ids.ts";
import type { PlaceRequest } from "../../ports/limits.ts";
import type { NewRun } from "../../ports/rows.ts";
import type {
  BlockedFiring,
  Decide,
  NewSchedule,
  ScheduleDecision,
  ScheduleFilter,
  ScheduleKey,
  ScheduleRow,
  ScheduleSpec,
  ScheduleStore,
  StuckSchedule,
} from "../../ports/schedules.ts";
import { RunInserts } from "../runs/inserts.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { storable } from "../sql/fragments.ts";
import { isRefusal } from "../sql/sqlstate.ts";
import type { Prepared } from "../sql/statement.ts";
import { whereRegistered } from "../versions/registered.ts";
import { parsed, type RawSchedule, READ_STATEMENTS } from "./read_statements.ts";
import {
  type ProgressParameters,
  type SpecParameters,
  WRITE_STATEMENTS,
} from "./write_statements.ts";

const STATEMENTS = { ...READ_STATEMENTS, ...WRITE_STATEMENTS };

/** Locks schedules. */
type Lock = (session: SqlSession) => Promise<readonly { readonly id: number }[]>;
type OnFailure = Parameters<ScheduleStore["fire"]>[2];
interface Fired {
  readonly looked: number;
  readonly started: readonly string[];
}

/** {@linkcode ScheduleStore} in SQL. */
export class Schedules implements ScheduleStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;
  readonly #inserts: RunInserts;

  /**
   * Prepares the statements on schedules.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
    this.#inserts = new RunInserts(schema);
  }

  /** See {@linkcode ScheduleStore.create}. */
  async create(
    make: (now: number) => NewSchedule | Promise<NewSchedule>,
  ): Promise<boolean> {
    const [clock] = await this.#sql.now.query(this.#driver);
    const { spec, progress: { state, trouble, planned, fireAt } } = await make(clock!.now);
    const given = {
      namespace: storable("a namespace", spec.namespace),
      id: storable("a schedule's id", spec.id),
      ...specParameters(spec),
      state,
      trouble: trouble === null ? null : legibleJson(trouble),
      planned,
      fireAt,
      troubleCode: trouble?.code ?? null,
      troubleVersion: trouble?.version ?? null,
    };
    const pin = () => this.#sql.create.query(this.#driver, given);
    return (await whereRegistered(pinsOf(spec), pin)).length > 0;
  }

  /** See {@linkcode ScheduleStore.get}. */
  async get({ namespace, id }: ScheduleKey): Promise<ScheduleRow | null> {
    if (!isStorable(id) || !isStorable(namespace)) return null;
    const [row] = await this.#sql.get.query(this.#driver, { id, namespace });
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode ScheduleStore.list}. */
  async list(filter: ScheduleFilter): Promise<ScheduleRow[]> {
    const { namespace, workflow = null, states, version: hash = null, after = null, limit } =
      filter;
    if (![namespace, workflow ?? "", hash ?? "", after ?? ""].every(isStorable)) return [];
    const asked = { namespace, workflow, states: states ?? null, hash, after, limit };
    const rows = await this.#sql.list.query(this.#driver, asked);
    return rows.map(parsed);
  }

  /** See {@linkcode ScheduleStore.change}. */
  async change({ namespace, id }: ScheduleKey, decide: Decide): Promise<string[] | null> {
    if (!isStorable(id) || !isStorable(namespace)) return null;
    return await this.#driver.transaction(async (session) => {
      const lock: Lock = (session) => this.#sql.lock.query(session, { id, namespace });
      const [row] = await this.#locked(session, lock);
      if (row === undefined) return null;
      return await this.#write(session, [[row, await decide(parsed(row), row.now)]]);
    });
  }

  /** See {@linkcode ScheduleStore.delete}. */
  async delete({ namespace, id }: ScheduleKey): Promise<boolean> {
    if (!isStorable(id) || !isStorable(namespace)) return false;
    return (await this.#sql.delete.query(this.#driver, { id, namespace })).length > 0;
  }

  /** See {@linkcode ScheduleStore.fire}. */
  async fire(limit: number, decide: Decide, onFailure: OnFailure): Promise<Fired> {
    const keys: number[] = [];
    try {
      const lock: Lock = (session) => this.#sql.lockDue.query(session, { limit });
      return await this.#fire(lock, decide, onFailure, keys);
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
    const started: string[] = [];
    for (const key of keys) started.push(...await this.#fireAlone(key, decide, onFailure));
    return { looked: keys.length, started };
  }

  /** SCHEDULE-3 */
  async #fireAlone(key: number, decide: Decide, onFailure: OnFailure): Promise<readonly string[]> {
    const lock: Lock = (session) => this.#sql.lockOneDue.query(session, { key });
    try {
      return (await this.#fire(lock, decide, onFailure)).started;
    } catch (error) {
      if (!isRefused(error)) throw error;
      const refuse = () => {
        throw error;
      };
      return (await this.#fire(lock, refuse, onFailure)).started;
    }
  }

  /** SCHEDULE-1. `keys` gets to know which schedules were locked, also where that ends in an error. */
  #fire(
    lock: Lock,
    decide: Decide,
    onFailure: OnFailure,
    keys: number[] = [],
  ): Promise<Fired> {
    return this.#driver.transaction(async (session) => {
      const rows = await this.#locked(session, lock);
      keys.splice(0, keys.length, ...rows.map(({ key }) => key));
      const decisions: [RawSchedule, ScheduleDecision][] = [];
      for (const raw of rows) {
        const row = parsed(raw);
        try {
          decisions.push([raw, await decide(row, raw.now)]);
        } catch (error) {
          decisions.push([raw, { progress: await onFailure(row, error, raw.now), starts: [] }]);
        }
      }
      return { looked: rows.length, started: await this.#write(session, decisions) };
    });
  }

  /** See {@linkcode ScheduleStore.release}. */
  async release(): Promise<BlockedFiring[]> {
    await this.#sql.revive.query(this.#driver);
    await this.#sql.release.query(this.#driver);
    const rows = await this.#sql.blocked.query(this.#driver);
    return rows.map(({ rules, runIds, ...row }) => ({
      ...row,
      overlap: JSON.parse(rules).overlap,
      runIds: JSON.parse(runIds),
    }));
  }

  /** See {@linkcode ScheduleStore.nextFire}. */
  async nextFire(): Promise<number | null> {
    return (await this.#sql.nextFire.query(this.#driver))[0]?.at ?? null;
  }

  /** See {@linkcode ScheduleStore.pinned}. */
  async pinned(): Promise<string[]> {
    return (await this.#sql.pinned.query(this.#driver)).map(({ hash }) => hash);
  }

  /** See {@linkcode ScheduleStore.stuck}. */
  async stuck(): Promise<StuckSchedule[]> {
    const rows = await this.#sql.stuck.query(this.#driver);
    return rows.map(({ trouble, ...key }) => {
      const { message, details } = JSON.parse(trouble);
      return { ...key, reason: message, ...(details === undefined ? {} : { details }) };
    });
  }

  /** SCHEDULE-2 */
  async #locked(session: SqlSession, lock: Lock): Promise<RawSchedule[]> {
    const locked = await lock(session);
    if (locked.length === 0) return [];
    return await this.#sql.read.query(session, { keys: locked.map(({ id }) => id) });
  }

  /** The ids of the runs that were started. */
  async #write(
    session: SqlSession,
    decisions: readonly (readonly [RawSchedule, ScheduleDecision])[],
  ): Promise<string[]> {
    if (decisions.length === 0) return [];
    for (const [{ key }, { spec }] of decisions) {
      if (spec === undefined) continue;
      const pin = () => this.#sql.spec.query(session, { key, ...specParameters(spec) });
      await whereRegistered(pinsOf(spec), pin);
    }
    await this.#sql.progress.query(session, progressParameters(decisions));
    const starts = decisions.flatMap((
      [row, { starts, manual = false, input = row.input, place }],
    ) =>
      starts.map((planned) => {
        return { row, planned, manual, input, place, runId: firingId(row.id, planned, manual) };
      })
    );
    if (starts.length === 0) return [];
    // A run with that id that is there already is the one: what starts is the same for everybody.
    const runs = await this.#inserts.insertInto(starts.map(newRun), session);
    await this.#sql.note.query(session, {
      schedule: starts.map(({ row }) => row.key),
      planned: starts.map(({ planned }) => planned),
      manual: starts.map(({ manual }) => manual),
      run: runs.map(({ id }) => id),
      runId: starts.map(({ runId }) => runId),
    });
    const schedules = [...new Set(starts.map(({ row }) => row.key))];
    await this.#sql.prune.query(session, { schedules });
    return starts.map(({ runId }) => runId);
  }
}

function newRun(
  { row, runId, input, place }: {
    readonly row: RawSchedule;
    readonly runId: string;
    readonly input: string;
    readonly place: PlaceRequest | undefined;
  },
): NewRun & { readonly namespace: string } {
  const { namespace, workflow, versionHash, versionSpecifier, attributes, policy } = row;
  const seed = randomId();
  const version = { hash: versionHash!, specifier: versionSpecifier };
  const queued = place === undefined ? {} : { place };
  const run = { namespace, runId, workflow, ...version, input, seed, attributes, ...queued };
  return policy === null ? run : { ...run, policy };
}

function isRefused(error: unknown): boolean {
  return isRefusal(error) || isContinuumError(error, "VERSION_NOT_REGISTERED");
}

function pinsOf({ pin }: ScheduleSpec): readonly string[] {
  return pin === null ? [] : [pin.hash];
}

function specParameters(spec: ScheduleSpec): SpecParameters {
  const { workflow, pin, input, attributes, rules, policy } = spec;
  return {
    workflow: storable("a workflow's name", workflow),
    hash: pin?.hash ?? null,
    specifier: pin?.specifier ?? null,
    input: storable("an input", input),
    attributes,
    rules: legibleJson(rules),
    policy,
  };
}

function progressParameters(
  decisions: readonly (readonly [RawSchedule, ScheduleDecision])[],
): ProgressParameters {
  const all = decisions.map(([, { progress }]) => progress);
  return {
    id: decisions.map(([{ key }]) => key),
    state: all.map(({ state }) => state),
    trouble: all.map(({ trouble }) => trouble === null ? null : legibleJson(trouble)),
    planned: all.map(({ planned }) => planned),
    fireAt: all.map(({ fireAt }) => fireAt),
    held: all.map(({ held }) => held),
    failures: all.map(({ failures }) => failures),
    started: all.map(({ started }) => started),
    triggered: all.map(({ triggered }) => triggered),
    skipped: all.map(({ skipped }) => skipped),
    missed: all.map(({ missed }) => missed),
    troubleCode: all.map(({ trouble }) => trouble?.code ?? null),
    troubleVersion: all.map(({ trouble }) => trouble?.version ?? null),
  };
}
