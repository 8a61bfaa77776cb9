/**
 * Changes of many runs, and the jobs that they are parts of.
 *
 * - BULK-1, the fence: a run is moved only if no node holds it, it has not ended, and its generation
 *   and the length of its history are those that the caller proved. One statement compares and
 *   moves, so a process that dies leaves each run moved or unmoved, and holds none.
 * - BULK-2, no waiting: a run whose row another session has locked is not moved.
 * - BULK-3, counted once: the runs of a batch and the progress of its job are one transaction. A
 *   driver that has lost the job changes neither.
 *
 * @module
 */

import type {
  BulkStore,
  JobLease,
  JobRow,
  JobSummary,
  MovedRun,
  NewJob,
  RunMove,
} from "../../ports/bulk.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import { whereRegistered } from "../versions/registered.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import type { Prepared } from "../sql/statement.ts";
import { BULK_STATEMENTS } from "./statements.ts";

/** Rolls a transaction back whose job another process drives. */
class JobLost extends Error {}

/** {@linkcode BulkStore} in SQL. */
export class Bulk implements BulkStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof BULK_STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(BULK_STATEMENTS);
  }

  /** See {@linkcode BulkStore.move}. */
  async move(
    pin: VersionPin,
    moves: readonly RunMove[],
    job?: {
      readonly lease: JobLease;
      readonly progress: (moved: ReadonlySet<number>) => string;
    },
  ): Promise<readonly MovedRun[] | "lost"> {
    if (job === undefined) return await this.#move(this.#driver, pin, moves);
    try {
      return await this.#driver.transaction(async (session) => {
        const moved = await this.#move(session, pin, moves);
        const progress = job.progress(new Set(moved.map(({ id }) => id)));
        const written = await this.#sql.progress.query(session, { ...job.lease, progress });
        if (written.length === 0) throw new JobLost(); // BULK-3
        return moved;
      });
    } catch (error) {
      if (error instanceof JobLost) return "lost";
      throw error;
    }
  }

  async #move(
    session: SqlSession,
    { hash, specifier }: VersionPin,
    moves: readonly RunMove[],
  ): Promise<readonly MovedRun[]> {
    if (moves.length === 0) return [];
    const tasks = moves.flatMap(({ id, tasks }) => tasks.map((task) => ({ id, ...task })));
    const given = {
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
    return await whereRegistered([hash], () => this.#sql.move.query(session, given));
  }

  /** See {@linkcode BulkStore.create}. */
  async create({ id, ...job }: NewJob, lease: JobLease): Promise<void> {
    await this.#sql.create.query(this.#driver, { ...job, ...lease, job: id });
  }

  /** See {@linkcode BulkStore.take}. */
  async take(driver: string, lease: JobLease): Promise<JobRow | null> {
    const [row] = await this.#sql.take.query(this.#driver, { driver, ...lease });
    return row ?? null;
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
