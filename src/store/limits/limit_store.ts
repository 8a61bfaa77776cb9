/**
 * Limits: queues of runs, and locks. Both are places that so many may have at once.
 *
 * - LIMIT-1, one hand: a transaction that gives a place, or takes one back, has locked the limit's row,
 *   and looks in a later statement, which sees what the holder before has committed.
 * - LIMIT-2, rows count: how many have a place is counted in `places`. There is no counter that a crash
 *   could leave wrong. A rate has permits, which the transaction that gives places takes.
 * - LIMIT-3, no place is lost: a run that has a place, or waits for one, has `has_children` set, so its
 *   end, however it comes, sets `must_notify`, and the transaction that notifies its relatives
 *   (LINEAGE-1) marks its places as over. Every node looks for such marks at its heartbeats. A run is
 *   not removed before that.
 * - LIMIT-4, in turn: a higher priority comes first. Among equals each key gets one place in turn, so a
 *   key with many runs delays the others by one run each. Within a key the first to come is first.
 * - LIMIT-5, a run that waits is not due: it is `queued`, without a time, so no claim sees it. The
 *   transaction that gives it the last place that it waits for makes it due.
 * - LIMIT-6, order of locks: a limit's row, then rows of runs by rising id, then places. The
 *   transactions that end runs lock runs and then places.
 * - LIMIT-7: a lock that no run holds or waits for has no row.
 *
 * @module
 */

import type {
  LimitRound,
  LimitRow,
  LimitStore,
  LockChange,
  LockRequest,
  PlaceRow,
} from "../../ports/limits.ts";
import type { LimitTerms } from "../../workflow/limit.ts";
import type { WokenRun } from "../../ports/lineage.ts";
import { failPoint } from "../../base/failpoint.ts";
import { isStorable, legibleJson } from "../../base/text.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { storable } from "../sql/fragments.ts";
import type { Prepared } from "../sql/statement.ts";
import { LIMIT_STATEMENTS, type ListedLimit, type LockedLimit } from "./statements.ts";

/** The most limits of one look. */
const MOST_LIMITS = 100;

/** The most places that one transaction puts into line. */
const MOST_ARRIVALS = 1_000;

/** The most places that one transaction gives, and so the most runs that it locks. */
const MOST_GRANTS = 100;

/** Where counting those that wait stops. */
const MOST_COUNTED = 10_000;

const NO_PLACE: LockChange = { isHeld: false, woken: [] };

/** {@linkcode LimitStore} in SQL. */
export class Limits implements LimitStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof LIMIT_STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(LIMIT_STATEMENTS);
  }

  /** See {@linkcode LimitStore.work}. */
  async work(): Promise<LimitRound> {
    const due = await this.#sql.due.query(this.#driver, { most: MOST_LIMITS });
    const woken: WokenRun[] = [];
    let more = due.length === MOST_LIMITS;
    for (const { id } of due) {
      more = await this.#arrange(id) || more;
      const given = await this.#driver.transaction(async (session) => {
        const [limit] = await this.#sql.lock.query(session, { id });
        return limit === undefined ? null : await this.#grant(session, limit, null);
      });
      if (given === null) continue;
      woken.push(...given.woken);
      more ||= given.more;
      await failPoint("limit.granted", { limit: id, runs: given.woken.length });
    }
    const [next] = await this.#sql.next.query(this.#driver);
    return { woken, more, next: next?.at ?? null };
  }

  /** Puts those that have come into line. `true`: more have come than one transaction takes. */
  async #arrange(id: number): Promise<boolean> {
    return await this.#driver.transaction(async (session) => {
      const [limit] = await this.#sql.lock.query(session, { id });
      if (limit === undefined) return false;
      const { keyAtOnce, keyRateCount } = limit;
      const most = MOST_ARRIVALS;
      const waiting = limit.due ? await this.#waitingKeys(session, id) : [];
      let arrived = 0;
      if (keyAtOnce === null && keyRateCount === null) {
        await this.#promote(session, limit, waiting); // there was a limit for keys
        arrived = (await this.#sql.line.query(session, { id, most })).length;
      } else {
        const touched = await this.#sql.behind.query(session, { id, most });
        arrived = touched.length;
        await this.#promote(session, limit, [...touched.map(({ key }) => key), ...waiting]);
      }
      if (limit.kind === "lock") await this.#sql.forget.query(session, { id }); // LIMIT-7
      return arrived >= most;
    });
  }

  async #waitingKeys(session: SqlSession, id: number): Promise<string[]> {
    return (await this.#sql.waitingKeys.query(session, { id })).map(({ key }) => key);
  }

  async #promote(session: SqlSession, limit: LockedLimit, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#sql.promote.query(session, {
      id: limit.id,
      keys,
      atOnce: limit.keyAtOnce,
      rateCount: limit.keyRateCount,
      rateMs: limit.keyRateMs,
    });
  }

  /**
   * Gives places to those whose turn it is.
   *
   * @param silent A place of which the answer of the call says it, and no message.
   */
  async #grant(
    session: SqlSession,
    limit: LockedLimit,
    silent: number | null,
  ): Promise<{ readonly woken: WokenRun[]; readonly places: number[]; readonly more: boolean }> {
    const { id, atOnce, paused } = limit;
    const nothing = { woken: [], places: [], more: false };
    if (paused) {
      await this.#sql.looked.query(session, { id, due: null });
      return nothing;
    }
    const permits = permitsOf(limit);
    const asked = { id, atOnce, permits, most: MOST_GRANTS };
    const candidates = await this.#sql.candidates.query(session, asked);
    if (candidates.length === 0) {
      const blocked = permits !== null && permits < 1;
      await this.#sql.looked.query(session, { id, due: blocked ? dueOf(limit, permits) : null });
      return nothing;
    }
    const runs = candidates.map(({ run }) => run);
    const found = await this.#sql.lockRuns.query(session, { runs }); // LIMIT-6
    const live = new Set(found.flatMap(({ id, ended }) => ended ? [] : [id]));
    const places = candidates.flatMap(({ id, run }) => live.has(run) ? [id] : []);
    const ended = candidates.flatMap(({ id, run }) => live.has(run) ? [] : [id]);
    const left = permits === null ? null : permits - places.length;
    const woken = await this.#sql.grant.query(session, {
      id,
      places,
      ended,
      silent,
      permits: left,
      due: left !== null && left < 1 ? dueOf(limit, left) : null,
    });
    const more = ended.length > 0 || candidates.length === MOST_GRANTS;
    return { woken, places, more };
  }

  /** See {@linkcode LimitStore.lock}. */
  async lock(request: LockRequest): Promise<LockChange | null> {
    const { run, token, position, namespace, atOnce } = request;
    const name = storable("the name of a lock", request.name);
    const toldBy = storable("the name of a signal", request.toldBy);
    return await this.#driver.transaction(async (session) => {
      const [made] = await this.#sql.lockByName.query(session, { namespace, name, atOnce });
      const { id } = made!;
      const claimed = await this.#sql.claimRun.query(session, { run, token });
      if (claimed.length === 0) {
        await this.#sql.forget.query(session, { id });
        return null;
      }
      const [place] = await this.#sql.request.query(session, { id, run, position, toldBy });
      const [limit] = await this.#sql.lock.query(session, { id });
      const { places, woken } = await this.#grant(session, limit!, place!.id);
      const isHeld = place!.held || places.includes(place!.id);
      if (isHeld) await this.#sql.untell.query(session, { run, toldBy });
      return { isHeld, woken };
    });
  }

  /** See {@linkcode LimitStore.unlock}. */
  async unlock(run: number, position: number): Promise<LockChange> {
    const [placed] = await this.#sql.placed.query(this.#driver, { run, position });
    if (placed === undefined) return NO_PLACE;
    return await this.#driver.transaction(async (session) => {
      const [limit] = await this.#sql.lock.query(session, { id: placed.limit });
      if (limit === undefined) return NO_PLACE;
      await this.#sql.giveUp.query(session, { run, position });
      const { woken } = await this.#grant(session, limit, null);
      await this.#sql.forget.query(session, { id: limit.id }); // LIMIT-7
      return { isHeld: false, woken };
    });
  }

  /** See {@linkcode LimitStore.list}. */
  async list(namespace: string, limit: number): Promise<LimitRow[]> {
    if (!isStorable(namespace)) return [];
    const rows = await this.#sql.list.query(this.#driver, {
      namespace,
      limit,
      most: MOST_COUNTED,
    });
    return rows.map(limitOf);
  }

  /** See {@linkcode LimitStore.pause}. */
  async pause(namespace: string, name: string, reason: string | null): Promise<boolean> {
    if (!isStorable(name) || !isStorable(namespace)) return false;
    const [clock] = await this.#driver.query<{ now: number }>(
      "select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now",
      [],
    );
    const paused = legibleJson({ reason, at: clock!.now });
    const given = { namespace, name, paused, isDue: false };
    return (await this.#sql.pause.query(this.#driver, given)).length > 0;
  }

  /** See {@linkcode LimitStore.resume}. */
  async resume(namespace: string, name: string): Promise<boolean> {
    if (!isStorable(name) || !isStorable(namespace)) return false;
    const given = { namespace, name, paused: null, isDue: true };
    return (await this.#sql.pause.query(this.#driver, given)).length > 0;
  }

  /** See {@linkcode LimitStore.placeOf}. */
  async placeOf(run: number): Promise<PlaceRow | null> {
    const [row] = await this.#sql.placeOf.query(this.#driver, { run, most: MOST_COUNTED });
    return row ?? null;
  }
}

/** How many permits a limit has now; `null`: it has no rate. */
function permitsOf({ rateCount, rateMs, permits, refilledAt, now }: LockedLimit): number | null {
  if (rateCount === null || rateMs === null) return null;
  if (permits === null || refilledAt === null) return rateCount;
  return Math.min(rateCount, permits + rateCount * (now - refilledAt) / rateMs);
}

/** When a limit has its next permit. */
function dueOf({ now, rateCount, rateMs }: LockedLimit, permits: number): number {
  return now + Math.ceil((1 - permits) * rateMs! / rateCount!);
}

function limitOf(row: ListedLimit): LimitRow {
  const { namespace, name, held, waiting, since, paused } = row;
  const rate = (count: number | null, ms: number | null) =>
    count === null || ms === null ? {} : { per: { count, ms } };
  const perKey = {
    ...(row.keyAtOnce === null ? {} : { atOnce: row.keyAtOnce }),
    ...rate(row.keyRateCount, row.keyRateMs),
  };
  return {
    namespace,
    name,
    ...(row.atOnce === null ? {} : { atOnce: row.atOnce }),
    ...rate(row.rateCount, row.rateMs),
    ...(Object.keys(perKey).length === 0 ? {} : { perKey }),
    held,
    waiting,
    since,
    paused: paused === null ? null : JSON.parse(paused),
  };
}

/**
 * Parameters that define the queues of starts.
 *
 * @param limits The queues, each with its namespace; of several with one name the last counts.
 * @returns A list for each column.
 */
export function definitions(
  limits: readonly { readonly namespace: string; readonly limit: LimitTerms }[],
) {
  const distinct = new Map(
    limits.map((given) => [JSON.stringify([given.namespace, given.limit.name]), given]),
  );
  const all = [...distinct.values()];
  const column = <T>(value: (limit: LimitTerms) => T | undefined) =>
    all.map(({ limit }) => value(limit) ?? null);
  return {
    namespace: all.map(({ namespace }) => namespace),
    name: all.map(({ limit }) => storable("the name of a limit", limit.name)),
    atOnce: column(({ atOnce }) => atOnce),
    rateCount: column(({ per }) => per?.count),
    rateMs: column(({ per }) => per?.ms),
    keyAtOnce: column(({ perKey }) => perKey?.atOnce),
    keyRateCount: column(({ perKey }) => perKey?.per?.count),
    keyRateMs: column(({ perKey }) => perKey?.per?.ms),
  };
}
