/**
 * Moves many runs to another version, batch by batch.
 *
 * - UPGRADE-1: a run is moved only after its history, as it is when it moves, replayed on the target
 *   (BULK-1). No run is held while it is replayed.
 * - UPGRADE-2: a run that sleeps is not woken, unless the target's code waits for something else
 *   than the run's row says, or has something to write.
 *
 * @module
 */

import { failPoint } from "../../base/failpoint.ts";
import type { JobLease, MovedRun, RunMove } from "../../ports/bulk.ts";
import type { Facts } from "../../ports/operations.ts";
import type { RunCondition } from "../../ports/run_query.ts";
import type { Store } from "../../ports/store.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import type { Versions } from "../../version/versions.ts";
import { VersionNotFoundError } from "../../version/load_errors.ts";
import type { ClientContext } from "../context.ts";
import type { OperatedContext } from "../operated.ts";
import { jobHeld, noNodeCanLoad } from "../errors.ts";
import { NO_VERDICTS, type Verdict } from "../versions/verdict.ts";
import {
  advance,
  type Candidate,
  type Finding,
  findingOf,
  isAsPlanned,
  kindOf,
  verdictOn,
} from "./bulk_batch.ts";
import { type JobPlan, LIVE } from "./bulk_job.ts";
import {
  type BulkUpgradeOptions,
  type PlannedRun,
  readBulkOptions,
  type ReadPlan,
} from "./bulk_options.ts";
import { BulkWork, type Driven, type Step } from "./bulk_work.ts";
import type { Prover } from "./prover.ts";
import { findVersion, refuseDenied } from "./upgrade.ts";

/** The dependencies of an upgrade of many runs. */
export type UpgradesContext =
  & Pick<ClientContext, "clock" | "dryRuns" | "log" | "operator" | "runs" | "wakeups">
  & {
    /** The store. */
    readonly store: OperatedContext["store"] & Pick<Store, "health" | "journal">;
    /** Resolves specifiers, and registers a target again that was removed meanwhile. */
    readonly versions: Pick<Versions, "pinning" | "record">;
  };

/** An upgrade of many runs: iterating over it moves them, and gives a verdict for each. */
export class BulkUpgrade extends BulkWork<ReadPlan, JobPlan, Verdict> {
  protected override readonly counts = NO_VERDICTS;
  readonly #context: UpgradesContext;
  #prover!: Prover;

  /**
   * Made by {@linkcode Runs.upgrade}.
   *
   * @param options Which runs, and where to.
   * @param context Its dependencies.
   */
  constructor(options: BulkUpgradeOptions, context: UpgradesContext) {
    super("upgrade", readBulkOptions(options), context);
    this.#context = context;
  }

  /** Finds the target. */
  protected override async plan({ target, where, runs, limit }: ReadPlan): Promise<JobPlan> {
    const { store } = this.#context;
    const name = "to" in target ? target.to : await store.versions.current(target.workflow);
    const version = name === null ? null : await findVersion(name, this.#context);
    if (version === null) {
      const wanted = "to" in target ? target.to : target.workflow;
      throw new VersionNotFoundError(wanted, "upgrade runs");
    }
    const pin = { hash: version.hash, specifier: version.specifiers[0] ?? "" };
    return { target: pin, workflow: version.workflow, where, runs, limit };
  }

  /** The live runs of the target's workflow that are on other versions. */
  protected override conditions({ target, workflow, where }: JobPlan): readonly RunCondition[] {
    return [
      { kind: "field", field: "workflow", comparison: "eq", values: [workflow] },
      { kind: "field", field: "version", comparison: "ne", values: [target.hash] },
      { kind: "field", field: "state", comparison: "in", values: LIVE },
      ...where === null ? [] : [where],
    ];
  }

  /** The runs of the target's workflow. */
  protected override namedConditions({ workflow }: JobPlan): readonly RunCondition[] {
    return [{ kind: "field", field: "workflow", comparison: "eq", values: [workflow] }];
  }

  /** The target. */
  protected override details({ target, workflow }: JobPlan): Facts {
    return { to: target.hash, workflow };
  }

  /** The target, and which runs. */
  protected override tie({ target, where }: JobPlan): unknown {
    return [target.hash, where];
  }

  /** Makes what replays histories on the target. */
  protected override async prepare(
    { plan }: Driven<JobPlan>,
    stack: AsyncDisposableStack,
  ): Promise<void> {
    const { hash } = plan.target;
    const { store, dryRuns } = this.#context;
    await refuseDenied(hash, "upgrade runs", store);
    await this.#refuseUnloadable(hash);
    this.#prover = stack.use(dryRuns.prover(hash, store.journal));
    await this.#prover.prepare();
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

  /** Replays a batch, and moves what can be moved. */
  protected override async *step(
    job: Driven<JobPlan>,
    batch: readonly Candidate[],
    { isLast, isThrough }: Step,
  ): AsyncIterable<Verdict> {
    const findings = await this.#find(job, batch);
    const taken = this.#upToLastFailure(findings);
    const candidates = batch.slice(0, taken);
    const moves = findings.slice(0, taken).flatMap((found) => "move" in found ? [found.move] : []);
    await failPoint("bulk.proven", { job: this.job, runs: taken });
    this.throwIfAborted();
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

  async #find(job: Driven<JobPlan>, batch: readonly Candidate[]): Promise<Finding[]> {
    const isDry = job.lease === null;
    const known = batch.map((candidate): Finding | null => {
      const { row } = candidate;
      if (row === undefined || !isAsPlanned(candidate, job.plan.target)) return { kind: "changed" };
      return row.node !== null && !isDry ? { kind: "busy" } : null;
    });
    const rows = batch.flatMap(({ row }, index) => known[index] === null ? [row!] : []);
    const proven = new Map((await this.#prover.prove(rows)).map((found) => [found.row.id, found]));
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
      if (this.failed()) return index + 1;
    }
    return findings.length;
  }
}

function earliest(moved: readonly MovedRun[]): number | null {
  let first: number | null = null;
  for (const { wakeAt } of moved) {
    if (wakeAt !== null && (first === null || wakeAt < first)) first = wakeAt;
  }
  return first;
}
