/**
 * What all changes of many runs have in common: they go batch by batch, in the order of creation, and
 * the database keeps them as a job, which another call can continue.
 *
 * - BULKWORK-1: each batch writes how far the job is in the transaction that changes the runs (BULK-3),
 *   so each run is changed and counted once, whichever process drives the job, and when it dies.
 * - BULKWORK-2: nothing waits for a run. One whose row is locked, or that a node holds where that
 *   matters, is returned to after all others, until the caller's patience is over.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { fencingToken, randomId } from "../../base/ids.ts";
import { processName } from "../../base/process_name.ts";
import type { BulkStore, JobKind, JobLease, JobRow } from "../../ports/bulk.ts";
import type { Action, Facts } from "../../ports/operations.ts";
import type { RunCondition } from "../../ports/run_query.ts";
import type { ClientContext } from "../context.ts";
import { isTime, type Place, readCursor, writeCursor } from "../cursor.ts";
import { jobHeld, jobNotFound } from "../errors.ts";
import { type OperatedContext, warn } from "../operated.ts";
import type { JobProgress } from "./bulk_job.ts";
import { type Candidate, plannedOf } from "./bulk_batch.ts";
import type { PlannedRun } from "./bulk_options.ts";
import type { ReadWork } from "./bulk_work_options.ts";

/** How many runs are read and changed together. */
export const BATCH = 200;

/** How long a job stays held after its driver's last sign of life. */
const LEASE_MS = 60_000;

/** An operator who continues a job within this time continues the same deed. */
const SAME_DEED_MS = 60_000;

/** The pauses between two looks at runs that could not be changed, in milliseconds. */
const PAUSE_MS = { first: 50, most: 1_000 };

/** What every plan of a job says. */
export interface WorkPlan {
  /** The runs of a plan; `null`: all that its conditions select. */
  readonly runs: readonly PlannedRun[] | null;
  /** The most runs to examine; `null`: all. */
  readonly limit: number | null;
}

/** A job that this process drives. */
export interface Driven<Plan> {
  readonly plan: Plan;
  readonly namespace: string;
  /** `null`: a dry run. */
  readonly lease: JobLease | null;
  progress: JobProgress;
}

/** A place in a job's work. */
export interface Step {
  /** Whether runs that can't be changed now get a verdict, and are not returned to. */
  readonly isLast: boolean;
  /** Whether this is the last batch of runs that were not examined before; `null`: they were. */
  readonly isThrough: boolean | null;
}

/** The dependencies. */
export type WorkContext = Pick<ClientContext, "clock" | "log" | "operator" | "runs"> & {
  /** The store. */
  readonly store: OperatedContext["store"];
};

/**
 * A change of many runs, such as {@linkcode Runs.upgrade}: iterating over it changes the runs, and
 * gives a verdict for each when it is durable.
 *
 * @category Runs
 */
export interface BulkChange<Result> extends AsyncIterable<Result> {
  /**
   * The id of the job, with which another call continues it; `null`: a dry run, of which the database
   * keeps nothing.
   */
  readonly job: string | null;
  /**
   * After the iteration of a dry run: leads to the runs after those that it examined, by the option
   * `cursor`. `null`: all were examined.
   */
  readonly cursor: string | null;
}

/** Changes many runs. */
export abstract class BulkWork<
  New extends { readonly cursor: string | null },
  Plan extends WorkPlan,
  Result,
> implements BulkChange<Result> {
  /** See {@linkcode BulkChange.job}. */
  readonly job: string | null;
  readonly #options: ReadWork<New>;
  readonly #context: WorkContext;
  readonly #kind: JobKind;
  /** Runs that failed in this call. */
  #failures = 0;
  /** How many batches this call has examined. */
  #batches = 0;
  /** From when on this call stops at the end of a batch. */
  #pausesAt = Infinity;
  #cursor: string | null = null;
  /** The key of the entry of what an operator does. */
  #entry: number | undefined;

  /**
   * @param kind What is done.
   * @param options Which runs, and how far.
   * @param context The dependencies.
   */
  constructor(kind: JobKind, options: ReadWork<New>, context: WorkContext) {
    this.#kind = kind;
    this.#options = options;
    this.#context = context;
    const { work } = options;
    this.job = "job" in work ? work.job : options.dryRun ? null : randomId();
  }

  /** See {@linkcode BulkChange.cursor}. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Changes the runs. */
  async *[Symbol.asyncIterator](): AsyncIterator<Result> {
    const { signal, pauseMs } = this.#options;
    signal?.throwIfAborted();
    if (pauseMs !== null) this.#pausesAt = this.#context.clock.monotonic() + pauseMs;
    await using stack = new AsyncDisposableStack();
    const job = await this.#begin(stack);
    if (job === null) return;
    let isDone = false;
    if (job.lease !== null) {
      const { lease } = job;
      stack.defer(() => this.#release(lease, isDone));
      stack.defer(() => this.#finish(job, isDone));
    }
    yield* this.#examineAll(job);
    if (!this.#stops(job)) yield* this.#returnTo(job);
    isDone = job.progress.isThrough && job.progress.again.length === 0;
  }

  // ---- what differs ---------------------------------------------------------------------------

  /** The verdicts that there are, none of which was given yet. */
  protected abstract readonly counts: Readonly<Record<string, number>>;
  /** Completes the plan of a new job. */
  protected abstract plan(given: New): Promise<Plan>;
  /** Which runs the plan selects, beside those that it names. */
  protected abstract conditions(plan: Plan): readonly RunCondition[];
  /** Which of the runs that it names there may be. */
  protected abstract namedConditions(plan: Plan): readonly RunCondition[];
  /** What the entry of an operator's act says of the plan. */
  protected abstract details(plan: Plan): Facts;
  /** What a cursor of a dry run belongs to. */
  protected abstract tie(plan: Plan): unknown;
  /** Refuses a job that can't be carried out; what it needs is released with the stack. */
  protected abstract prepare(job: Driven<Plan>, stack: AsyncDisposableStack): Promise<void>;
  /** Changes a batch, and notes how far the job is. */
  protected abstract step(
    job: Driven<Plan>,
    batch: readonly Candidate[],
    step: Step,
  ): AsyncIterable<Result>;

  /** Counts a run that failed: `true` if the caller wants to stop there. */
  protected failed(): boolean {
    this.#failures++;
    return this.#hasFailed;
  }

  /** Throws the reason for which the caller has aborted the work. */
  protected throwIfAborted(): void {
    this.#options.signal?.throwIfAborted();
  }

  // ---- the job --------------------------------------------------------------------------------

  get #hasFailed(): boolean {
    return this.#failures >= this.#options.stopAfterFailures;
  }

  get #pauses(): boolean {
    const { pauseMs } = this.#options;
    const mayStop = this.#batches > 0 || pauseMs === 0 && this.job !== null;
    return mayStop && this.#context.clock.monotonic() >= this.#pausesAt;
  }

  /** Whether runs to return to are left to another call. Nothing remembers those of a dry run. */
  #stops({ lease }: Driven<Plan>): boolean {
    return this.#hasFailed || lease !== null && this.#pauses;
  }

  get #action(): Action {
    return `runs.${this.#kind}`;
  }

  /** `null`: the job has ended. */
  async #begin(stack: AsyncDisposableStack): Promise<Driven<Plan> | null> {
    const { work } = this.#options;
    const job = "job" in work ? await this.#resume(work.job) : await this.#plan(work);
    if (job === null) return null;
    try {
      await this.prepare(job, stack);
      if ("job" in work || job.lease === null) return job;
      const { namespace, plan, progress, lease } = job;
      const texts = { plan: JSON.stringify(plan), progress: JSON.stringify(progress) };
      const driver = processName("client");
      const created = { id: lease.job, kind: this.#kind, namespace, driver, ...texts };
      await this.#recorded(lease.job, namespace, async (bulk) => {
        await bulk.create(created, lease);
        return plan;
      });
      return job;
    } catch (error) {
      if ("job" in work) {
        await this.#finish(job, false);
        await this.#release(job.lease!, false);
      }
      throw error;
    }
  }

  /**
   * Creates or takes a job: for an operator, with an entry that says so. Who asks for one part after
   * the other has one entry for all.
   */
  async #recorded(
    job: string,
    namespace: string,
    work: (bulk: BulkStore) => Promise<Plan | null>,
    continues = () => false,
  ): Promise<void> {
    const { operator, store: { bulk, operations } } = this.#context;
    if (operator === undefined) return void await work(bulk); // OPERATED-1
    const details = (plan: Plan) => this.details(plan);
    const act = { action: this.#action, namespace, target: job, outcome: "begun" } as const;
    const recorded = await operations.record(
      operator,
      { ...act, details, continues },
      ({ bulk }) => work(bulk),
    );
    this.#entry = recorded?.entry;
  }

  /** An entry that could not be finished says that the work has begun. */
  async #finish(
    { lease, plan, progress, namespace }: Driven<Plan>,
    isDone: boolean,
  ): Promise<void> {
    if (this.#entry === undefined) return;
    const after = { ...this.details(plan), ...progress.counts };
    try {
      const outcome = isDone ? "done" : "stopped";
      await this.#context.store.operations.finish(this.#entry, outcome, after);
    } catch (error) {
      warn(this.#context.log, { action: this.#action, namespace, target: lease!.job }, error);
    }
  }

  /** A job that could not be released is free when its lease is over. */
  async #release(lease: JobLease, isDone: boolean): Promise<void> {
    try {
      await this.#context.store.bulk.release(lease, isDone);
    } catch (error) {
      this.#context.log.warn("Cannot release job {job}: {error}", { job: lease.job, error });
    }
  }

  async #plan(given: New & { readonly namespace: string | undefined }): Promise<Driven<Plan>> {
    const plan = await this.plan(given);
    const namespace = given.namespace ?? this.#context.runs.namespace;
    const lease = this.job === null ? null : leaseOf(this.job);
    const after = given.cursor === null ? null : this.#placeOf(given.cursor, plan, namespace);
    const { counts } = this;
    const progress = { after, examined: 0, isThrough: false, again: [], counts };
    return { plan, namespace, lease, progress };
  }

  async #resume(id: string): Promise<Driven<Plan> | null> {
    const lease = leaseOf(id);
    let row: JobRow | null = null;
    await this.#recorded(id, this.#context.runs.namespace, async (bulk) => {
      row = await bulk.take(this.#kind, processName("client"), lease);
      return row === null || row.endedAt !== null || row.driver !== null
        ? null
        : JSON.parse(row.plan);
    }, () => row !== null && row.idleMs < SAME_DEED_MS);
    return taken(id, row, lease);
  }

  // ---- which runs -----------------------------------------------------------------------------

  /** Examines each run once. */
  async *#examineAll(job: Driven<Plan>): AsyncIterable<Result> {
    while (!job.progress.isThrough && !this.#hasFailed && !this.#pauses) {
      const { limit, runs } = job.plan;
      const left = limit === null ? Infinity : limit - job.progress.examined;
      const wanted = Math.min(BATCH, left);
      const candidates = wanted === 0
        ? []
        : runs === null
        ? await this.#nextRows(job, wanted)
        : await this.#named(job, runs.slice(job.progress.examined).slice(0, wanted), true);
      const isThrough = candidates.length < BATCH;
      this.throwIfAborted();
      yield* this.step(job, candidates, { isLast: false, isThrough });
      this.#batches++;
      const hasMore = candidates.length === wanted || !job.progress.isThrough;
      this.#cursor = hasMore && job.lease === null ? this.#cursorOf(job) : null;
    }
  }

  async #nextRows(
    { plan, namespace, progress }: Driven<Plan>,
    limit: number,
  ): Promise<Candidate[]> {
    const rows = await this.#context.runs.in(namespace).query({
      where: { kind: "and", parts: [...this.conditions(plan)] },
      by: "createdAt",
      descending: false,
      after: progress.after,
      limit,
    });
    return rows.map((row) => ({ row, planned: plannedOf(row), isFenced: false }));
  }

  async #named(
    { plan, namespace }: Driven<Plan>,
    runs: readonly PlannedRun[],
    isFenced: boolean,
  ): Promise<Candidate[]> {
    if (runs.length === 0) return [];
    const values = runs.map(({ id }) => id);
    const parts: RunCondition[] = [
      ...this.namedConditions(plan),
      { kind: "field", field: "id", comparison: "in", values },
    ];
    const rows = await this.#context.runs.in(namespace).query({
      where: { kind: "and", parts },
      by: "createdAt",
      descending: false,
      after: null,
      limit: values.length,
    });
    const found = new Map(rows.map((row) => [row.runId, row]));
    return runs.map((planned) => ({ row: found.get(planned.id), planned, isFenced }));
  }

  /** BULKWORK-2: returns to runs that could not be changed, until the caller's patience is over. */
  async *#returnTo(job: Driven<Plan>): AsyncIterable<Result> {
    const { clock } = this.#context;
    const until = clock.monotonic() + this.#options.patienceMs;
    for (let pause = PAUSE_MS.first; job.progress.again.length > 0;) {
      const isLast = clock.monotonic() >= until || this.#pauses;
      for (let left = job.progress.again.length; left > 0 && !this.#stops(job);) {
        const batch = job.progress.again.slice(0, Math.min(left, BATCH));
        left -= batch.length;
        const candidates = await this.#named(job, batch, job.plan.runs !== null);
        this.throwIfAborted();
        yield* this.step(job, candidates, { isLast, isThrough: null });
        this.#batches++;
      }
      if (isLast || this.#stops(job)) return;
      if (job.progress.again.length > 0) await rest(clock, pause, this.#options.signal);
      pause = Math.min(2 * pause, PAUSE_MS.most);
    }
  }

  // ---- cursors of dry runs --------------------------------------------------------------------

  #tieOf(plan: Plan, namespace: string): string {
    return JSON.stringify([this.#action, namespace, this.tie(plan)]);
  }

  #cursorOf({ plan, namespace, progress: { after } }: Driven<Plan>): string | null {
    return after === null ? null : writeCursor([after.at, after.id], this.#tieOf(plan, namespace));
  }

  #placeOf(cursor: string, plan: Plan, namespace: string): JobProgress["after"] {
    const call = `${this.#action}()`;
    const [at, id] = readCursor(cursor, this.#tieOf(plan, namespace), call, isPlace);
    return { at, id };
  }
}

function taken<Plan>(id: string, row: JobRow | null, lease: JobLease): Driven<Plan> | null {
  if (row === null) throw jobNotFound(id);
  if (row.endedAt !== null) return null;
  if (row.driver !== null) throw jobHeld(id, row.driver, new Date(row.heldUntil!));
  const { namespace } = row;
  return { plan: JSON.parse(row.plan), namespace, lease, progress: JSON.parse(row.progress) };
}

function leaseOf(job: string): JobLease {
  return { job, token: fencingToken(), leaseMs: LEASE_MS };
}

function isPlace(place: Place): place is readonly [at: number, id: number] {
  const [at, id, ...more] = place;
  return more.length === 0 && isTime(at) && Number.isSafeInteger(id) && (id as number) >= 1;
}

async function rest(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  try {
    await promise;
  } finally {
    timer.cancel();
  }
}
