/**
 * Schedules.
 *
 * - SCHEDULE-1, one transaction: a schedule's row is locked, a pure function decides, and what it decides
 *   is written together with the runs that it starts. So a planned time is neither lost nor started
 *   twice, wherever a node dies.
 * - SCHEDULE-2, lock, then look: the row is read by a statement after the one that locked it, so that the
 *   decision sees what the lock's last holder did, its runs included.
 * - SCHEDULE-3, alone: a firing that the database refuses is put off by itself; others go on.
 *
 * @module
 */

import { isStorable, legibleJson } from "../../base/text.ts";
import { isContinuumError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { firingId } from "../../base/run_ids.ts";
import type { NewRun } from "../../ports/rows.ts";
import type {
  BlockedFiring,
  Decide,
  ScheduleDecision,
  ScheduleFilter,
  ScheduleKey,
  ScheduleRow,
  ScheduleSpec,
  ScheduleStore,
} from "../../ports/schedules.ts";
import type { Progress } from "../../schedule/firing.ts";
import type { SqlDriver, SqlSession, SqlValue } from "../sql/driver.ts";
import { RunInserts } from "../runs/inserts.ts";
import { scheduleStatements } from "./statements.ts";
import type { SchemaName } from "../schema/name.ts";
import { arrayLiteral, storable } from "../sql/fragments.ts";
import { isRefusal } from "../sql/sqlstate.ts";

/** A schedule as the database gives it: JSON columns are text. */
type RawSchedule =
  & Omit<ScheduleRow, "pin" | "rules" | "progress" | "version" | "runs">
  & Omit<Progress, "trouble">
  & {
    readonly hash: string | null;
    readonly specifier: string | null;
    readonly rules: string;
    readonly trouble: string | null;
    readonly versionHash: string | null;
    readonly versionSpecifier: string;
    readonly checksInput: boolean;
    readonly runs: string;
    readonly now: number;
  };

type Statement = keyof ReturnType<typeof scheduleStatements>;
type OnFailure = (row: ScheduleRow, error: unknown, now: number) => Progress;
interface Fired {
  readonly looked: number;
  readonly started: readonly string[];
}

/** {@linkcode ScheduleStore} in SQL. */
export class Schedules implements ScheduleStore {
  readonly #driver: SqlDriver;
  readonly #sql: ReturnType<typeof scheduleStatements>;
  readonly #inserts: RunInserts;

  /**
   * Prepares the statements on schedules.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = scheduleStatements(schema);
    this.#inserts = new RunInserts(schema);
  }

  /** See {@linkcode ScheduleStore.create}. */
  async create(
    make: (now: number) => { readonly spec: ScheduleSpec; readonly progress: Progress },
  ): Promise<boolean> {
    const [clock] = await this.#query<{ now: number }>(this.#driver, "now");
    const { spec, progress: { state, trouble, planned, fireAt } } = make(clock!.now);
    const created = await this.#query(this.#driver, "create", [
      storable("a namespace", spec.namespace),
      storable("a schedule's id", spec.id),
      ...specValues(spec),
      state,
      trouble === null ? null : legibleJson(trouble),
      planned,
      fireAt,
      trouble?.code ?? null,
      trouble?.version ?? null,
    ]);
    return created.length > 0;
  }

  /** See {@linkcode ScheduleStore.get}. */
  async get({ namespace, id }: ScheduleKey): Promise<ScheduleRow | null> {
    if (!isStorable(id) || !isStorable(namespace)) return null;
    const [row] = await this.#query<RawSchedule>(this.#driver, "get", [id, namespace]);
    return row === undefined ? null : parsed(row);
  }

  /** See {@linkcode ScheduleStore.list}. */
  async list(filter: ScheduleFilter): Promise<ScheduleRow[]> {
    const { namespace, workflow = null, states, after = null, limit } = filter;
    if (![namespace, workflow ?? "", after ?? ""].every(isStorable)) return [];
    const rows = await this.#query<RawSchedule>(this.#driver, "list", [
      namespace,
      workflow,
      states === undefined ? null : arrayLiteral(states),
      after,
      limit,
    ]);
    return rows.map(parsed);
  }

  /** See {@linkcode ScheduleStore.change}. */
  async change({ namespace, id }: ScheduleKey, decide: Decide): Promise<string[] | null> {
    if (!isStorable(id) || !isStorable(namespace)) return null;
    return await this.#driver.transaction(async (session) => {
      const [row] = await this.#locked(session, "lock", [id, namespace]);
      if (row === undefined) return null;
      return await this.#write(session, [[row, decide(parsed(row), row.now)]]);
    });
  }

  /** See {@linkcode ScheduleStore.fire}. */
  async fire(limit: number, decide: Decide, onFailure: OnFailure): Promise<Fired> {
    const keys: number[] = [];
    try {
      return await this.#fire("lockDue", limit, decide, onFailure, keys);
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
    const started: string[] = [];
    for (const key of keys) started.push(...await this.#fireAlone(key, decide, onFailure));
    return { looked: keys.length, started };
  }

  /** SCHEDULE-3 */
  async #fireAlone(key: number, decide: Decide, onFailure: OnFailure): Promise<readonly string[]> {
    try {
      return (await this.#fire("lockOneDue", key, decide, onFailure)).started;
    } catch (error) {
      if (!isRefused(error)) throw error;
      const refuse = () => {
        throw error;
      };
      return (await this.#fire("lockOneDue", key, refuse, onFailure)).started;
    }
  }

  /** SCHEDULE-1. `keys` gets to know which schedules were locked, also where that ends in an error. */
  #fire(
    lock: "lockDue" | "lockOneDue",
    which: number,
    decide: Decide,
    onFailure: OnFailure,
    keys: number[] = [],
  ): Promise<Fired> {
    return this.#driver.transaction(async (session) => {
      const rows = await this.#locked(session, lock, [which]);
      keys.splice(0, keys.length, ...rows.map(({ key }) => key));
      const decisions = rows.map((raw): [RawSchedule, ScheduleDecision] => {
        const row = parsed(raw);
        try {
          return [raw, decide(row, raw.now)];
        } catch (error) {
          return [raw, { progress: onFailure(row, error, raw.now), starts: [] }];
        }
      });
      return { looked: rows.length, started: await this.#write(session, decisions) };
    });
  }

  /** See {@linkcode ScheduleStore.release}. */
  async release(): Promise<BlockedFiring[]> {
    await this.#query(this.#driver, "revive");
    await this.#query(this.#driver, "release");
    const rows = await this.#query<
      Omit<BlockedFiring, "overlap" | "runIds"> & {
        readonly rules: string;
        readonly runIds: string;
      }
    >(this.#driver, "blocked");
    return rows.map(({ rules, runIds, ...row }) => ({
      ...row,
      overlap: JSON.parse(rules).overlap,
      runIds: JSON.parse(runIds),
    }));
  }

  /** See {@linkcode ScheduleStore.nextFire}. */
  async nextFire(): Promise<number | null> {
    return (await this.#query<{ at: number }>(this.#driver, "nextFire"))[0]?.at ?? null;
  }

  /** See {@linkcode ScheduleStore.pinned}. */
  async pinned(): Promise<string[]> {
    return (await this.#query<{ hash: string }>(this.#driver, "pinned")).map(({ hash }) => hash);
  }

  /** See {@linkcode ScheduleStore.stuck}. */
  async stuck(): Promise<(ScheduleKey & { readonly reason: string })[]> {
    const rows = await this.#query<ScheduleKey & { readonly trouble: string }>(
      this.#driver,
      "stuck",
    );
    return rows.map(({ trouble, ...key }) => ({ ...key, reason: JSON.parse(trouble).message }));
  }

  /** SCHEDULE-2 */
  async #locked(
    session: SqlSession,
    lock: "lock" | "lockDue" | "lockOneDue",
    values: readonly SqlValue[],
  ): Promise<RawSchedule[]> {
    const locked = await this.#query<{ id: number }>(session, lock, values);
    if (locked.length === 0) return [];
    return await this.#query(session, "read", [arrayLiteral(locked.map(({ id }) => id))]);
  }

  /** The ids of the runs that were started. */
  async #write(
    session: SqlSession,
    decisions: readonly (readonly [RawSchedule, ScheduleDecision])[],
  ): Promise<string[]> {
    if (decisions.length === 0) return [];
    for (const [{ key }, { spec }] of decisions) {
      if (spec !== undefined) await this.#query(session, "spec", [key, ...specValues(spec)]);
    }
    await this.#query(session, "progress", progressValues(decisions));
    const starts = decisions.flatMap(([row, { starts, manual = false, input = row.input }]) =>
      starts.map((planned) => {
        return { row, planned, manual, input, runId: firingId(row.id, planned, manual) };
      })
    );
    if (starts.length === 0) return [];
    // A run with that id that is there already is the one: what starts is the same for everybody.
    const runs = await this.#inserts.insertInto(starts.map(newRun), session);
    await this.#query(session, "note", [
      arrayLiteral(starts.map(({ row }) => row.key)),
      arrayLiteral(starts.map(({ planned }) => planned)),
      arrayLiteral(starts.map(({ manual }) => String(manual))),
      arrayLiteral(runs.map(({ id }) => id)),
      arrayLiteral(starts.map(({ runId }) => runId)),
    ]);
    await this.#query(session, "prune", [
      arrayLiteral([...new Set(starts.map(({ row }) => row.key))]),
    ]);
    return starts.map(({ runId }) => runId);
  }

  #query<Row>(
    session: SqlSession,
    statement: Statement,
    values: readonly SqlValue[] = [],
  ): Promise<Row[]> {
    return session.query(this.#sql[statement], values);
  }
}

function newRun(
  { row, runId, input }: {
    readonly row: RawSchedule;
    readonly runId: string;
    readonly input: string;
  },
): NewRun & { readonly namespace: string } {
  const { namespace, workflow, versionHash, versionSpecifier, attributes, policy } = row;
  const seed = randomId();
  const version = { hash: versionHash!, specifier: versionSpecifier };
  const run = { namespace, runId, workflow, ...version, input, seed, attributes };
  return policy === null ? run : { ...run, policy };
}

function isRefused(error: unknown): boolean {
  return isRefusal(error) || isContinuumError(error, "VERSION_NOT_REGISTERED");
}

function specValues({ workflow, pin, input, attributes, rules, policy }: ScheduleSpec): SqlValue[] {
  return [
    storable("a workflow's name", workflow),
    pin?.hash ?? null,
    pin?.specifier ?? null,
    storable("an input", input),
    attributes,
    legibleJson(rules),
    policy,
  ];
}

function progressValues(
  decisions: readonly (readonly [RawSchedule, ScheduleDecision])[],
): SqlValue[] {
  const column = (value: (progress: Progress) => string | number | null) =>
    arrayLiteral(decisions.map(([, { progress }]) => value(progress)));
  return [
    arrayLiteral(decisions.map(([{ key }]) => key)),
    column(({ state }) => state),
    column(({ trouble }) => trouble === null ? null : legibleJson(trouble)),
    column(({ planned }) => planned),
    column(({ fireAt }) => fireAt),
    column(({ held }) => held),
    column(({ failures }) => failures),
    column(({ started }) => started),
    column(({ triggered }) => triggered),
    column(({ skipped }) => skipped),
    column(({ missed }) => missed),
    column(({ trouble }) => trouble?.code ?? null),
    column(({ trouble }) => trouble?.version ?? null),
  ];
}

function parsed(raw: RawSchedule): ScheduleRow {
  const { key, namespace, id, workflow, hash, specifier, input, attributes, policy, busy } = raw;
  const { state, planned, fireAt, held, failures, started, triggered, skipped, missed, createdAt } =
    raw;
  const trouble = raw.trouble === null ? null : JSON.parse(raw.trouble);
  return {
    key,
    namespace,
    id,
    workflow,
    pin: hash === null ? null : { hash, specifier: specifier! },
    input,
    attributes,
    policy,
    rules: JSON.parse(raw.rules),
    progress: {
      ...{ state, trouble, planned, fireAt, held, failures },
      ...{ started, triggered, skipped, missed },
    },
    version: raw.versionHash === null ? null : {
      hash: raw.versionHash,
      specifier: raw.versionSpecifier,
      checksInput: raw.checksInput,
    },
    busy,
    runs: JSON.parse(raw.runs),
    createdAt,
  };
}
