/**
 * Moves many runs to another version, batch by batch.
 *
 * - UPGRADE-1: a run is moved only after its history, as it is when it moves, replayed on the target
 *   (BULK-1). No run is held while it is replayed.
 * - UPGRADE-2: a run that sleeps is not woken, unless the target's code waits for something else
 *   than the run's row says, or has something to write.
 * - UPGRADE-3: the job in the database is written with each batch (BULK-3), so each run is moved and
 *   counted once, whichever process drives the job, and when it dies.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { failPoint } from "../../base/failpoint.ts";
import { fencingToken, randomId } from "../../base/ids.ts";
import { processName } from "../../base/process_name.ts";
import type { BulkStore, JobLease, JobRow, MovedRun, RunMove } from "../../ports/bulk.ts";
import type { RunCondition } from "../../ports/run_query.ts";
import type { Store } from "../../ports/store.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { Versions } from "../../version/versions.ts";
import { VersionNotFoundError } from "../../version/load_errors.ts";
import type { ClientContext } from "../context.ts";
import { isTime, type Place, readCursor, writeCursor } from "../cursor.ts";
import { type OperatedContext, warn } from "../operated.ts";
import { jobHeld, jobNotFound, noNodeCanLoad } from "../errors.ts";
import type { Verdict } from "../versions/verdict.ts";
import {
  advance,
  type Candidate,
  type Driven,
  type Finding,
  findingOf,
  isAsPlanned,
  kindOf,
  plannedOf,
  verdictOn,
} from "./bulk_batch.ts";
import { type JobPlan, type JobProgress, NO_PROGRESS } from "./bulk_job.ts";
import {
  type BulkUpgradeOptions,
  type PlannedRun,
  type ReadBulk,
  readBulkOptions,
  type ReadPlan,
} from "./bulk_options.ts";
import type { Prover } from "./prover.ts";
import { findVersion, refuseDenied } from "./upgrade.ts";

/** How many runs are read, replayed and moved together. */
const BATCH = 200;

/** How long a job stays held after its driver's last sign of life. */
const LEASE_MS = 60_000;

/** An operator who continues a job within this time continues the same deed. */
const SAME_DEED_MS = 60_000;

/** The pauses between two looks at runs that nodes execute, in milliseconds. */
const PAUSE_MS = { first: 50, most: 1_000 };

/** States of runs that have not ended. */
const LIVE = [
  ...["pending", "running", "suspended"],
  ...["stuck_unknown_version", "stuck_nondeterminism", "stuck_poisoned"],
];

/** The dependencies of an upgrade of many runs. */
export type UpgradesContext =
  & Pick<ClientContext, "clock" | "dryRuns" | "log" | "operator" | "runs" | "wakeups">
  & {
    /** The store. */
    readonly store: OperatedContext["store"] & Pick<Store, "health" | "journal">;
    /** Resolves specifiers, and registers a target again that was removed meanwhile. */
    readonly versions: Pick<Versions, "pinning" | "record">;
  };

/**
 * An upgrade of many runs, from {@linkcode Runs.upgrade}: iterating over it moves the runs, and gives
 * a verdict for each when it is durable.
 *
 * @category Runs
 */
export class BulkUpgrade implements AsyncIterable<Verdict> {
  /**
   * The id of the job, with which another call resumes it; `null`: a dry run, of which the database
   * keeps nothing.
   */
  readonly job: string | null;
  readonly #options: ReadBulk;
  readonly #context: UpgradesContext;
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
   * Made by {@linkcode Runs.upgrade}.
   *
   * @param options Which runs, and where to.
   * @param context Its dependencies.
   */
  constructor(options: BulkUpgradeOptions, context: UpgradesContext) {
    this.#options = readBulkOptions(options);
    this.#context = context;
    const { work } = this.#options;
    this.job = "job" in work ? work.job : work.dryRun ? null : randomId();
  }

  /**
   * After the iteration of a dry run: leads to the runs after those that it examined, by the option
   * `cursor`. `null`: all were examined.
   */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Moves the runs. */
  async *[Symbol.asyncIterator](): AsyncIterator<Verdict> {
    const { signal, pauseMs } = this.#options;
    signal?.throwIfAborted();
    if (pauseMs !== null) this.#pausesAt = this.#context.clock.monotonic() + pauseMs;
    await using stack = new AsyncDisposableStack();
    const driven = await this.#begin(stack);
    if (driven === null) return;
    const { job, prover } = driven;
    let isDone = false;
    if (job.lease !== null) {
      const { lease } = job;
      stack.defer(() => this.#release(lease, isDone));
      stack.defer(() => this.#finish(job, isDone));
    }
    yield* this.#examineAll(job, prover);
    if (!this.#stops(job)) yield* this.#returnTo(job, prover);
    isDone = job.progress.isThrough && job.progress.again.length === 0;
  }

  get #hasFailed(): boolean {
    return this.#failures >= this.#options.stopAfterFailures;
  }

  get #pauses(): boolean {
    const { pauseMs } = this.#options;
    const mayStop = this.#batches > 0 || pauseMs === 0 && this.job !== null;
    return mayStop && this.#context.clock.monotonic() >= this.#pausesAt;
  }

  /** Whether runs to return to are left to another call. Nothing remembers those of a dry run. */
  #stops({ lease }: Driven): boolean {
    return this.#hasFailed || lease !== null && this.#pauses;
  }

  // ---- the job --------------------------------------------------------------------------------

  /** `null`: the job has ended. */
  async #begin(
    stack: AsyncDisposableStack,
  ): Promise<{ readonly job: Driven; readonly prover: Prover } | null> {
    const { work } = this.#options;
    const job = "job" in work ? await this.#resume(work.job) : await this.#plan(work);
    if (job === null) return null;
    try {
      const { hash } = job.plan.target;
      await refuseDenied(hash, "upgrade runs", this.#context.store);
      await this.#refuseUnloadable(hash);
      const { store: { journal }, dryRuns } = this.#context;
      const prover = stack.use(dryRuns.prover(hash, journal));
      await prover.prepare();
      if ("job" in work || job.lease === null) return { job, prover };
      const { namespace, plan, progress } = job;
      const texts = { plan: JSON.stringify(plan), progress: JSON.stringify(progress) };
      const driver = processName("client");
      const created = { id: job.lease.job, namespace, driver, ...texts };
      const { lease } = job;
      await this.#recorded(lease.job, namespace, async (bulk) => {
        await bulk.create(created, lease);
        return plan;
      });
      return { job, prover };
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
    work: (bulk: BulkStore) => Promise<JobPlan | null>,
    continues = () => false,
  ): Promise<void> {
    const { operator, store: { bulk, operations } } = this.#context;
    if (operator === undefined) return void await work(bulk); // OPERATED-1
    const details = ({ target, workflow }: JobPlan) => ({ to: target.hash, workflow });
    const act = { action: "runs.upgrade", namespace, target: job, outcome: "begun" } as const;
    const recorded = await operations.record(
      operator,
      { ...act, details, continues },
      ({ bulk }) => work(bulk),
    );
    this.#entry = recorded?.entry;
  }

  /** An entry that could not be finished says that the work has begun. */
  async #finish({ lease, plan, progress, namespace }: Driven, isDone: boolean): Promise<void> {
    if (this.#entry === undefined) return;
    const after = { to: plan.target.hash, workflow: plan.workflow, ...progress.counts };
    try {
      const outcome = isDone ? "done" : "stopped";
      await this.#context.store.operations.finish(this.#entry, outcome, after);
    } catch (error) {
      warn(this.#context.log, { action: "runs.upgrade", namespace, target: lease!.job }, error);
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

  async #plan(plan: ReadPlan): Promise<Driven> {
    const { target, where, runs, namespace, dryRun, limit, cursor } = plan;
    const { store } = this.#context;
    const name = "to" in target ? target.to : await store.versions.current(target.workflow);
    const version = name === null ? null : await findVersion(name, this.#context);
    if (version === null) {
      const wanted = "to" in target ? target.to : target.workflow;
      throw new VersionNotFoundError(wanted, "upgrade runs");
    }
    const pin = { hash: version.hash, specifier: version.specifiers[0] ?? "" };
    const driven = {
      plan: { target: pin, workflow: version.workflow, where, runs, limit },
      namespace: namespace ?? this.#context.runs.namespace,
      lease: dryRun ? null : leaseOf(this.job!),
    };
    const after = cursor === null ? null : placeOf(cursor, driven);
    return { ...driven, progress: { ...NO_PROGRESS, after } };
  }

  async #resume(id: string): Promise<Driven | null> {
    const lease = leaseOf(id);
    let row: JobRow | null = null;
    await this.#recorded(id, this.#context.runs.namespace, async (bulk) => {
      row = await bulk.take(processName("client"), lease);
      return row === null || row.endedAt !== null || row.driver !== null
        ? null
        : JSON.parse(row.plan);
    }, () => row !== null && row.idleMs < SAME_DEED_MS);
    return this.#taken(id, row, lease);
  }

  #taken(id: string, row: JobRow | null, lease: JobLease): Driven | null {
    if (row === null) throw jobNotFound(id);
    if (row.endedAt !== null) return null;
    if (row.driver !== null) throw jobHeld(id, row.driver, new Date(row.heldUntil!));
    const { namespace } = row;
    return { plan: JSON.parse(row.plan), namespace, lease, progress: JSON.parse(row.progress) };
  }

  /** A version that each live node has failed to load would leave its runs without a node. */
  async #refuseUnloadable(hash: string): Promise<void> {
    const { health, versions } = this.#context.store;
    const failures = await versions.failures(hash);
    if (failures.length === 0) return;
    const failed = new Map(failures.map(({ node, reason }) => [node, reason]));
    const nodes = (await health.nodes()).filter(({ serves }) =>
      serves === null || serves.queues.length > 0 || serves.activities.length > 0
    );
    if (nodes.length === 0 || !nodes.every(({ id }) => failed.has(id))) return;
    throw noNodeCanLoad(hash, Object.fromEntries(failed));
  }

  // ---- which runs -----------------------------------------------------------------------------

  /** Examines each run once. */
  async *#examineAll(job: Driven, prover: Prover): AsyncIterable<Verdict> {
    while (!job.progress.isThrough && !this.#hasFailed && !this.#pauses) {
      const { limit, runs } = job.plan;
      const left = limit === null ? Infinity : limit - job.progress.examined;
      const wanted = Math.min(BATCH, left);
      const candidates = wanted === 0
        ? []
        : runs === null
        ? await this.#nextRows(job, wanted)
        : await this.#planned(job, runs.slice(job.progress.examined).slice(0, wanted), true);
      const isThrough = candidates.length < BATCH;
      yield* this.#step(job, prover, candidates, { isLast: false, isThrough });
      this.#batches++;
      const hasMore = candidates.length === wanted || !job.progress.isThrough;
      this.#cursor = hasMore && job.lease === null ? cursorOf(job) : null;
    }
  }

  async #nextRows({ plan, namespace, progress }: Driven, limit: number): Promise<Candidate[]> {
    const { target, workflow, where } = plan;
    const parts: RunCondition[] = [
      { kind: "field", field: "workflow", comparison: "eq", values: [workflow] },
      { kind: "field", field: "version", comparison: "ne", values: [target.hash] },
      { kind: "field", field: "state", comparison: "in", values: LIVE },
      ...where === null ? [] : [where],
    ];
    const rows = await this.#context.runs.in(namespace).query({
      where: { kind: "and", parts },
      by: "createdAt",
      descending: false,
      after: progress.after,
      limit,
    });
    return rows.map((row) => ({ row, planned: plannedOf(row), isFenced: false }));
  }

  async #planned(
    { plan, namespace }: Driven,
    runs: readonly PlannedRun[],
    isFenced: boolean,
  ): Promise<Candidate[]> {
    if (runs.length === 0) return [];
    const values = runs.map(({ id }) => id);
    const parts: RunCondition[] = [
      { kind: "field", field: "workflow", comparison: "eq", values: [plan.workflow] },
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

  /** Returns to the runs that nodes executed, until the caller's patience is over. */
  async *#returnTo(job: Driven, prover: Prover): AsyncIterable<Verdict> {
    const { clock } = this.#context;
    const until = clock.monotonic() + this.#options.patienceMs;
    for (let pause = PAUSE_MS.first; job.progress.again.length > 0;) {
      const isLast = clock.monotonic() >= until || this.#pauses;
      for (let left = job.progress.again.length; left > 0 && !this.#stops(job);) {
        const batch = job.progress.again.slice(0, Math.min(left, BATCH));
        left -= batch.length;
        const candidates = await this.#planned(job, batch, job.plan.runs !== null);
        yield* this.#step(job, prover, candidates, { isLast, isThrough: null });
        this.#batches++;
      }
      if (isLast || this.#stops(job)) return;
      if (job.progress.again.length > 0) await rest(clock, pause, this.#options.signal);
      pause = Math.min(2 * pause, PAUSE_MS.most);
    }
  }

  // ---- one batch ------------------------------------------------------------------------------

  /**
   * Examines a batch, and moves what can be moved.
   *
   * @param isLast Whether runs that could not be examined get a verdict, and are not returned to.
   * @param isThrough Whether this is the last batch of runs that were not examined before; `null`:
   * they were.
   */
  async *#step(
    job: Driven,
    prover: Prover,
    batch: readonly Candidate[],
    { isLast, isThrough }: { readonly isLast: boolean; readonly isThrough: boolean | null },
  ): AsyncIterable<Verdict> {
    this.#options.signal?.throwIfAborted();
    const findings = await this.#find(job, prover, batch);
    const taken = this.#upToLastFailure(findings);
    const candidates = batch.slice(0, taken);
    const moves = findings.slice(0, taken).flatMap((found) => "move" in found ? [found.move] : []);
    await failPoint("bulk.proven", { job: this.job, runs: taken });
    this.#options.signal?.throwIfAborted();
    const before = job.progress;
    let verdicts: readonly Verdict[] = [];
    let after = before;
    const settle = (moved: ReadonlySet<number>): string => {
      const again: PlannedRun[] = [];
      const settled: Verdict[] = [];
      for (const [index, candidate] of candidates.entries()) {
        const kind = kindOf(findings[index]!, moved, job.lease === null);
        const isOpen = kind === "busy" || kind === "changed";
        if (!isLast && isOpen && isAsPlanned(candidate, job.plan.target)) {
          again.push(candidate.planned);
        } else settled.push(verdictOn(candidate, kind, findings[index]!, job));
      }
      verdicts = settled;
      after = advance(before, candidates, settled, again, {
        isThrough: isThrough === null ? null : isThrough && taken === batch.length,
      });
      return JSON.stringify(after);
    };
    if (job.lease === null) settle(new Set());
    else await this.#move(job.plan.target, job.lease, moves, settle);
    job.progress = after;
    for (const verdict of verdicts) yield verdict;
  }

  async #move(
    target: VersionPin,
    lease: JobLease,
    moves: readonly RunMove[],
    progress: (moved: ReadonlySet<number>) => string,
  ): Promise<void> {
    const { store: { bulk }, versions, wakeups } = this.#context;
    const moved = await versions.pinning(() => bulk.move(target, moves, { lease, progress }));
    if (moved === "lost") throw jobHeld(lease.job, "another process", null);
    const due = earliest(moved);
    if (due !== null) wakeups.due(due);
    await failPoint("bulk.moved", { job: lease.job, runs: moved.length });
  }

  async #find(job: Driven, prover: Prover, batch: readonly Candidate[]): Promise<Finding[]> {
    const isDry = job.lease === null;
    const known = batch.map((candidate): Finding | null => {
      const { row } = candidate;
      if (row === undefined || !isAsPlanned(candidate, job.plan.target)) return { kind: "changed" };
      return row.node !== null && !isDry ? { kind: "busy" } : null;
    });
    const rows = batch.flatMap(({ row }, index) => known[index] === null ? [row!] : []);
    const proven = new Map((await prover.prove(rows)).map((found) => [found.row.id, found]));
    return batch.map(({ row }, index): Finding => {
      const found = known[index];
      if (found) return found;
      return findingOf(proven.get(row!.id)!, job.plan.target, isDry);
    });
  }

  /** How many of a batch count: none after the failure at which the caller wants to stop. */
  #upToLastFailure(findings: readonly Finding[]): number {
    for (const [index, { kind }] of findings.entries()) {
      if (kind !== "drifts" && kind !== "no_code" && kind !== "no_answer") continue;
      this.#failures++;
      if (this.#hasFailed) return index + 1;
    }
    return findings.length;
  }
}

function leaseOf(job: string): JobLease {
  return { job, token: fencingToken(), leaseMs: LEASE_MS };
}

/** What a cursor of a dry run belongs to. */
function tieOf({ plan: { target, where }, namespace }: Omit<Driven, "progress">): string {
  return JSON.stringify(["runs.upgrade", namespace, target.hash, where]);
}

function cursorOf(job: Driven): string | null {
  const { after } = job.progress;
  return after === null ? null : writeCursor([after.at, after.id], tieOf(job));
}

function placeOf(cursor: string, job: Omit<Driven, "progress">): JobProgress["after"] {
  const [at, id] = readCursor(cursor, tieOf(job), "runs.upgrade()", isPlace);
  return { at, id };
}

function isPlace(place: Place): place is readonly [at: number, id: number] {
  const [at, id, ...more] = place;
  return more.length === 0 && isTime(at) && Number.isSafeInteger(id) && (id as number) >= 1;
}

function earliest(moved: readonly MovedRun[]): number | null {
  let first: number | null = null;
  for (const { wakeAt } of moved) {
    if (wakeAt !== null && (first === null || wakeAt < first)) first = wakeAt;
  }
  return first;
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
