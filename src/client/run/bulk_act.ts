/**
 * Acts on many runs: cancels, terminates, signals, pauses, resumes or deletes what a query finds.
 *
 * - BULKACT-1, once each: a batch and its count are one transaction (BULK-3). A signal carries the
 *   job's id as the id of its delivery, so a run that was reached twice has received it once.
 * - BULKACT-2: runs are deleted one by one, as `runs.delete` does, since a history may be large. Each
 *   is counted in the transaction that removes it: what was deleted is not found again.
 *
 * @module
 */

import { CancelledError, isContinuumError } from "../../base/errors.ts";
import { failPoint } from "../../base/failpoint.ts";
import { encode } from "../../base/values.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { ActedRun, BulkDeed, BulkPart, JobBatch, JobKind } from "../../ports/bulk.ts";
import { END_STATES, type RunRow, type RunState } from "../../ports/rows.ts";
import type { Facts } from "../../ports/operations.ts";
import type { RunCondition } from "../../ports/run_query.ts";
import type { CancelRequest } from "../../replay/history.ts";
import { settleAll, settleEnded } from "../../store/settle_ended.ts";
import type { ClientContext } from "../context.ts";
import { jobHeld, runAwaited } from "../errors.ts";
import { advance, type Candidate } from "./bulk_batch.ts";
import { LIVE } from "./bulk_job.ts";
import type { PlannedRun } from "./bulk_options.ts";
import type { ReadWork } from "./bulk_work_options.ts";
import type { ReadAct } from "./bulk_act_options.ts";
import { BulkWork, type Driven, type Step, type WorkPlan } from "./bulk_work.ts";
import { pauseRequest } from "./pause.ts";

/** What is done to many runs by one call. */
export type ActKind = Exclude<JobKind, "upgrade">;

/**
 * What became of a run that a call acts on:
 *
 * - `done`: it was done to the run.
 * - `found`: it would be done; the call was a dry run.
 * - `changed`: it can't be done any more: the run has ended, was removed, or was in that state already.
 * - `refused`: the run does not allow it; `cause` says why.
 * - `busy`: another transaction had locked the run for longer than the caller's patience.
 *
 * @category Runs
 */
export type ActVerdictKind = "done" | "found" | "changed" | "refused" | "busy";

/**
 * What became of a run that a call acts on.
 *
 * @category Runs
 */
export interface ActVerdict {
  /** What became of it. */
  readonly verdict: ActVerdictKind;
  /** The run's id. */
  readonly id: string;
  /** Its namespace. */
  readonly namespace: string;
  /** Its workflow; `null`: the run was removed meanwhile. */
  readonly workflow: string | null;
  /** Its state before; `null`: the run was removed meanwhile. */
  readonly state: RunState | null;
  /** Why it refused the act; `null`: it did not. */
  readonly cause: { readonly code: string; readonly message: string } | null;
}

/** What a job does; it never changes. */
interface ActPlan extends WorkPlan, Pick<ReadAct, "where" | "reason"> {
  readonly runs: null;
  /** The signal; `null`: something else is done. */
  readonly signal: string | null;
  /** Its payload, encoded. */
  readonly payload: string | null;
}

/** The signal that an act sends. */
export interface ActSignal {
  /** Its name. */
  readonly name: string;
  /** Its payload, encoded, as no schema has checked it yet. */
  readonly payload: string;
}

/** The dependencies of an act on many runs. */
export type ActContext = Pick<
  ClientContext,
  "clock" | "contracts" | "log" | "operator" | "runs" | "store" | "telemetry" | "wakeups"
>;

/** What is known of a candidate before the batch. */
type Found =
  | { readonly kind: "ready"; readonly deed: BulkDeed | "delete" }
  | { readonly kind: "changed" | "done" | "found" }
  | { readonly kind: "refused"; readonly error: Error & { readonly code: string } };

const NO_VERDICTS: Readonly<Record<ActVerdictKind, number>> = {
  done: 0,
  found: 0,
  changed: 0,
  refused: 0,
  busy: 0,
};

/** The runs to which a deed may be done. */
const STATES: Readonly<Record<ActKind, readonly string[]>> = {
  cancel: LIVE,
  terminate: LIVE,
  signal: LIVE,
  pause: LIVE.filter((state) => state !== "paused"),
  // Runs in the last states may be about to be paused.
  resume: ["paused", "running", ...LIVE.filter((state) => state.startsWith("stuck_"))],
  delete: END_STATES,
};

/** Errors that say why a run refuses a deed. */
const REFUSALS = [
  ...["UNDECLARED_SIGNAL", "INVALID_SIGNAL_PAYLOAD", "VERSION_UNAVAILABLE"] as const,
  ...["SCHEMA_FAILED", "NOT_SERIALIZABLE"] as const,
];

/** An act on many runs: iterating over it acts, and says what became of each. */
export class BulkAct extends BulkWork<ReadAct, ActPlan, ActVerdict> {
  protected override readonly counts = NO_VERDICTS;
  readonly #kind: ActKind;
  readonly #signal: ActSignal | null;
  readonly #context: ActContext;
  /** The payload of the signal, as the schemas of versions made it, or why they refuse it. */
  readonly #checked = new Map<string, Promise<Found>>();

  /**
   * Made by {@linkcode Runs}.
   *
   * @param kind What is done.
   * @param options To which runs.
   * @param context Its dependencies.
   * @param signal What is sent.
   */
  constructor(
    kind: ActKind,
    options: ReadWork<ReadAct>,
    context: ActContext,
    signal: ActSignal | null = null,
  ) {
    super(kind, options, context);
    this.#kind = kind;
    this.#context = context;
    this.#signal = signal;
  }

  /** Says what is done. */
  protected override plan({ where, limit, reason }: ReadAct): Promise<ActPlan> {
    const { name = null, payload = null } = this.#signal ?? {};
    return Promise.resolve({ where, runs: null, limit, reason, signal: name, payload });
  }

  /** The runs to which it may be done. */
  protected override conditions({ where }: ActPlan): readonly RunCondition[] {
    const values = STATES[this.#kind];
    return [
      { kind: "field", field: "state", comparison: "in", values },
      ...where === null ? [] : [where],
    ];
  }

  /** Those that were found, whatever they have become. */
  protected override namedConditions(): readonly RunCondition[] {
    return [];
  }

  /** Why, and which signal. */
  protected override details({ reason, signal }: ActPlan): Facts {
    return { ...(reason === null ? {} : { reason }), ...(signal === null ? {} : { signal }) };
  }

  /** Which runs. */
  protected override tie({ where }: ActPlan): unknown {
    return where;
  }

  /** Nothing can be wrong with it. */
  protected override prepare(): Promise<void> {
    return Promise.resolve();
  }

  /** Acts on a batch. */
  protected override async *step(
    job: Driven<ActPlan>,
    batch: readonly Candidate[],
    { isLast, isThrough }: Step,
  ): AsyncIterable<ActVerdict> {
    const found = await Promise.all(batch.map((candidate) => this.#look(job, candidate)));
    const taken = this.#upToLastFailure(found);
    const candidates = batch.slice(0, taken);
    const before = job.progress;
    let verdicts: readonly ActVerdict[] = [];
    let after = before;
    const settle = (acted: ReadonlySet<number>, length = taken): string => {
      const candidates = batch.slice(0, length);
      const again: PlannedRun[] = [];
      const settled: ActVerdict[] = [];
      for (const [index, candidate] of candidates.entries()) {
        const known = found[index]!;
        const isDone = candidate.row !== undefined && acted.has(candidate.row.id);
        const verdict = isDone ? "done" : known.kind === "ready" ? "busy" : known.kind;
        if (verdict === "busy" && !isLast) again.push(candidate.planned);
        else if (!this.#isSilent(candidate, verdict)) {
          settled.push(verdictOf(candidate, verdict, known, job.namespace));
        }
      }
      verdicts = settled;
      after = advance(before, candidates, settled, again, {
        isThrough: isThrough === null ? null : isThrough && length === batch.length,
      });
      return JSON.stringify(after);
    };
    if (job.lease === null) settle(new Set());
    else await this.#act(job, candidates, found, settle);
    job.progress = after;
    for (const verdict of verdicts) yield verdict;
  }

  /** A run that was looked at only because it may have been about to be paused. */
  #isSilent({ row }: Candidate, verdict: ActVerdictKind): boolean {
    return this.#kind === "resume" && row !== undefined && row.state !== "paused" &&
      (verdict === "busy" || verdict === "found");
  }

  async #look(job: Driven<ActPlan>, { row }: Candidate): Promise<Found> {
    if (row === undefined || !STATES[this.#kind].includes(row.state)) return { kind: "changed" };
    const deed = await this.#deed(job, row);
    return deed.kind === "ready" && job.lease === null ? { kind: "found" } : deed;
  }

  async #deed({ plan, lease }: Driven<ActPlan>, row: RunRow): Promise<Found> {
    const { reason } = plan;
    switch (this.#kind) {
      case "cancel": {
        const request = encode({ reason } satisfies CancelRequest);
        const error = encodeError(new CancelledError(reason));
        return { kind: "ready", deed: { kind: "cancel", request, error } };
      }
      case "terminate": {
        const error = encodeError(new Error(reason ?? "Terminated by request"));
        return { kind: "ready", deed: { kind: "terminate", error } };
      }
      case "pause":
        return { kind: "ready", deed: { kind: "pause", request: pauseRequest(reason) } };
      case "resume":
        return { kind: "ready", deed: { kind: "resume" } };
      case "delete":
        return { kind: "ready", deed: "delete" };
      case "signal": {
        const known = this.#checked.get(row.hash);
        if (known !== undefined) return await known;
        const checked = this.#check(plan, row.hash, lease?.job ?? "");
        this.#checked.set(row.hash, checked);
        return await checked;
      }
    }
  }

  /** Lets the schema of a version check the signal. */
  async #check({ signal, payload }: ActPlan, version: string, job: string): Promise<Found> {
    const name = signal!;
    try {
      const checked = await this.#context.contracts.signalText(version, name, payload!);
      const deed = { kind: "signal", version, name, payload: checked, deliveryId: `job ${job}` };
      return { kind: "ready", deed: deed as BulkDeed };
    } catch (error) {
      if (REFUSALS.some((code) => isContinuumError(error, code))) {
        return { kind: "refused", error: error as Error & { readonly code: string } };
      }
      throw error;
    }
  }

  async #act(
    { lease, namespace }: Driven<ActPlan>,
    candidates: readonly Candidate[],
    found: Found[],
    settle: (acted: ReadonlySet<number>, length?: number) => string,
  ): Promise<void> {
    const parts = new Map<BulkDeed | string, BulkPart & { readonly ids: number[] }>();
    for (const [index, { row }] of candidates.entries()) {
      const known = found[index]!;
      if (known.kind !== "ready") continue;
      const { deed } = known;
      if (deed === "delete") {
        const progress = () => { // BULKACT-2
          found[index] = { kind: "done" };
          return settle(new Set(), index + 1);
        };
        found[index] = await this.#delete(row!, { lease: lease!, progress });
        await failPoint("bulk.deleted", { job: this.job, run: row!.runId });
        continue;
      }
      const key = "version" in deed ? deed.version : deed.kind;
      const part = parts.get(key) ?? { deed, ids: [] };
      part.ids.push(row!.id);
      parts.set(key, part);
    }
    await failPoint("bulk.found", { job: this.job, runs: candidates.length });
    const { store: { bulk } } = this.#context;
    const acted = await bulk.act(
      [...parts.values()],
      { lease: lease!, progress: settle },
      namespace,
    );
    if (acted === "lost") throw jobHeld(lease!.job, "another process", null);
    await failPoint("bulk.acted", { job: this.job, runs: acted.length });
    await this.#wake(acted, candidates);
  }

  async #delete({ runId, namespace }: RunRow, job: JobBatch): Promise<Found> {
    const { store, wakeups } = this.#context;
    while (true) {
      const removal = await store.bulk.remove(namespace, runId, job);
      if (removal === "lost") throw jobHeld(job.lease.job, "another process", null);
      switch (removal.status) {
        case "removed":
          return { kind: "done" };
        case "unsettled":
          await settleAll(store, wakeups);
          continue;
        case "awaited":
          return { kind: "refused", error: runAwaited(runId, removal.parent) };
        default:
          return { kind: "changed" };
      }
    }
  }

  /** Tells nodes, waiting callers and relatives what has changed. */
  async #wake(acted: readonly ActedRun[], candidates: readonly Candidate[]): Promise<void> {
    const { wakeups, telemetry, store, log } = this.#context;
    const held = acted.filter(({ node }) => node !== null);
    if (held.length > 0) wakeups.wakeRuns(held);
    const due = acted.reduce((first, { wakeAt }) => Math.min(first, wakeAt ?? Infinity), Infinity);
    if (due < Infinity) wakeups.due(due);
    const rows = new Map(candidates.map(({ row }) => [row?.id, row]));
    const ended = acted.filter((run) => run.ended);
    const state = this.#kind === "cancel" ? "cancelled" : "terminated";
    for (const { id } of ended) {
      const row = rows.get(id)!;
      telemetry?.endedOutside(row, state);
      wakeups.ended(row.runId, true);
    }
    if (ended.length === 0) return;
    try {
      await settleEnded(store.lineage, wakeups);
    } catch (error) { // nodes do the same at one of their heartbeats
      log.warn("Cannot notify the relatives of the runs of job {job}: {error}", {
        job: this.job,
        error,
      });
    }
  }

  /** How many of a batch count: none after the failure at which the caller wants to stop. */
  #upToLastFailure(found: readonly Found[]): number {
    const at = found.findIndex(({ kind }) => kind === "refused" && this.failed());
    return at < 0 ? found.length : at + 1;
  }
}

function verdictOf(
  { row, planned }: Candidate,
  verdict: ActVerdictKind,
  found: Found,
  namespace: string,
): ActVerdict {
  const { workflow = null, state = null } = row ?? {};
  const cause = found.kind === "refused"
    ? { code: found.error.code, message: found.error.message }
    : null;
  return { verdict, id: planned.id, namespace, workflow, state, cause };
}
