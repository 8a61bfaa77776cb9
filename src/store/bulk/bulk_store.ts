/**
 * Changes of many runs, and the jobs that they are parts of.
 *
 * - BULK-1, the fence: a run is moved only if no node holds it, it has not ended, its generation and
 *   the length of its history are those that the caller proved, and nothing is open in it that the
 *   caller did not prove (OPENED-1). One transaction locks the rows, looks at them and moves them, so a
 *   process that dies leaves each run moved or unmoved, and holds none.
 * - BULK-2, no waiting: a run whose row another session has locked is not moved.
 * - BULK-3, counted once: the runs of a batch and the progress of its job are one transaction. A
 *   driver that has lost the job changes neither.
 *
 * @module
 */

import type {
  ActedRun,
  BulkDeed,
  BulkPart,
  BulkStore,
  JobBatch,
  JobKind,
  JobLease,
  JobRow,
  JobSummary,
  MovedRun,
  NewJob,
  RunMove,
} from "../../ports/bulk.ts";
import type { Removal } from "../../ports/retention.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { OpenEffect } from "../../replay/open_effects.ts";
import type { PausedRun } from "../../ports/store.ts";
import { PAUSE_STATEMENTS } from "../runs/pause_statements.ts";
import { Retention } from "../retention/remove.ts";
import { whereRegistered } from "../versions/registered.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import type { Prepared } from "../sql/statement.ts";
import { storable } from "../sql/fragments.ts";
import { ACT_STATEMENTS } from "./act_statements.ts";
import { openOf } from "../journal/open_effects.ts";
import { BULK_STATEMENTS } from "./statements.ts";

/** What an open effect is, whether it is a task or an answer. */
function keyOf({ position, kind, name, digest }: OpenEffect): string {
  return JSON.stringify([position, kind, name, digest]);
}

/** Rolls a transaction back whose job another process drives. */
class JobLost extends Error {}

async function unlessLost<Result>(work: () => Promise<Result>): Promise<Result | "lost"> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JobLost) return "lost";
    throw error;
  }
}

/** {@linkcode BulkStore} in SQL. */
export class Bulk implements BulkStore {
  readonly #driver: SqlDriver;
  readonly #schema: SchemaName;
  readonly #sql: Prepared<typeof BULK_STATEMENTS>;
  readonly #acts: Prepared<typeof ACT_STATEMENTS>;
  readonly #pauses: Prepared<typeof PAUSE_STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#schema = schema;
    this.#sql = schema.prepare(BULK_STATEMENTS);
    this.#acts = schema.prepare(ACT_STATEMENTS);
    this.#pauses = schema.prepare(PAUSE_STATEMENTS);
  }

  /** See {@linkcode BulkStore.move}. */
  async move(
    pin: VersionPin,
    moves: readonly RunMove[],
    job?: JobBatch,
  ): Promise<readonly MovedRun[] | "lost"> {
    const change = (session: SqlSession) => this.#move(session, pin, moves);
    return await (job === undefined ? this.#driver.transaction(change) : this.#within(job, change));
  }

  /** See {@linkcode BulkStore.act}. */
  async act(parts: readonly BulkPart[], job: JobBatch): Promise<readonly ActedRun[] | "lost"> {
    return await this.#within(job, async (session) => {
      const acted: ActedRun[] = [];
      for (const { deed, ids } of parts) acted.push(...await this.#act(session, deed, ids));
      return acted;
    });
  }

  /** See {@linkcode BulkStore.remove}. */
  async remove(namespace: string, runId: string, job: JobBatch): Promise<Removal | "lost"> {
    const retention = new Retention(this.#driver, this.#schema);
    return await unlessLost(() =>
      retention.remove(namespace, runId, (session) => this.#note(session, job, new Set()))
    );
  }

  async #act(
    session: SqlSession,
    deed: BulkDeed,
    ids: readonly number[],
  ): Promise<readonly ActedRun[]> {
    const { cancel, terminate, signal } = this.#acts;
    const { pauseFree, resumeFree } = this.#pauses;
    const live = (runs: readonly PausedRun[]) => runs.map((run) => ({ ...run, ended: false }));
    switch (deed.kind) {
      case "cancel":
        return await cancel.query(session, { ids, request: deed.request, error: deed.error });
      case "terminate":
        return await terminate.query(session, { ids, error: deed.error });
      case "signal": {
        const { version, payload } = deed;
        const name = storable("a signal's name", deed.name);
        const deliveryId = storable("a delivery id", deed.deliveryId);
        return await signal.query(session, { ids, version, name, payload, deliveryId });
      }
      case "pause":
        return live(await pauseFree.query(session, { ids, payload: deed.request }));
      case "resume":
        return live(await resumeFree.query(session, { ids }));
    }
  }

  /** BULK-3: changes runs, and writes the progress of their job with them. */
  async #within<Row extends { readonly id: number }>(
    job: JobBatch,
    change: (session: SqlSession) => Promise<readonly Row[]>,
  ): Promise<readonly Row[] | "lost"> {
    return await unlessLost(() =>
      this.#driver.transaction(async (session) => {
        const changed = await change(session);
        await this.#note(session, job, new Set(changed.map(({ id }) => id)));
        return changed;
      })
    );
  }

  /** Writes the progress of a job. */
  async #note(
    session: SqlSession,
    { lease, progress }: JobBatch,
    changed: ReadonlySet<number>,
  ): Promise<void> {
    const noted = { ...lease, progress: progress(changed) };
    if ((await this.#sql.progress.query(session, noted)).length === 0) throw new JobLost();
  }

  async #move(
    session: SqlSession,
    { hash, specifier }: VersionPin,
    given: readonly RunMove[],
  ): Promise<readonly MovedRun[]> {
    const moves = await this.#asProved(session, given);
    if (moves.length === 0) return [];
    const tasks = moves.flatMap(({ id, tasks }) => tasks.map((task) => ({ id, ...task })));
    const parameters = {
      hash,
      specifier,
      runs: moves.map(({ id }) => id),
      generations: moves.map(({ generation }) => generation),
      nexts: moves.map(({ next }) => next),
      payloads: moves.map(({ payload }) => payload),
      wakes: moves.map(({ wakes }) => wakes),
      taskRuns: tasks.map(({ id }) => id),
      positions: tasks.map(({ position }) => position),
      definitions: tasks.map(({ definition }) => definition),
    };
    return await whereRegistered([hash], () => this.#sql.move.query(session, parameters));
  }

  /** BULK-1: locks the runs that are free, and leaves out those in which something else is open. */
  async #asProved(session: SqlSession, moves: readonly RunMove[]): Promise<readonly RunMove[]> {
    if (moves.length === 0) return [];
    const free = await this.#sql.lock.query(session, { runs: moves.map(({ id }) => id) });
    const runs = free.map(({ id }) => id);
    if (runs.length === 0) return [];
    const open = new Map(
      (await this.#sql.open.query(session, { runs })).map((row) => [row.id, openOf(row).effects]),
    );
    return moves.filter(({ id, open: proved }) => {
      const known = new Set(proved.map(keyOf));
      return open.get(id)?.every((effect) => known.has(keyOf(effect))) === true;
    });
  }

  /** See {@linkcode BulkStore.create}. */
  async create({ id, ...job }: NewJob, lease: JobLease): Promise<void> {
    await this.#sql.create.query(this.#driver, { ...job, ...lease, job: id });
  }

  /** See {@linkcode BulkStore.take}. */
  async take(kind: JobKind, driver: string, lease: JobLease): Promise<JobRow | null> {
    const [row] = await this.#sql.take.query(this.#driver, { kind, driver, ...lease });
    return row ?? null;
  }

  /** See {@linkcode BulkStore.kindOf}. */
  async kindOf(job: string): Promise<JobKind | null> {
    const [row] = await this.#sql.kindOf.query(this.#driver, { job });
    return row?.kind ?? null;
  }

  /** See {@linkcode BulkStore.release}. */
  async release({ job, token }: JobLease, isDone: boolean): Promise<void> {
    await this.#sql.release.query(this.#driver, { job, token, isDone });
  }

  /** See {@linkcode BulkStore.jobs}. */
  async jobs(namespace: string | null, limit: number): Promise<JobSummary[]> {
    return await this.#sql.jobs.query(this.#driver, { namespace, limit });
  }
}
