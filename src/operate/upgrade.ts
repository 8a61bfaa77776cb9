/**
 * Upgrades of many runs: a plan, which is carried out only on runs that are as it has them, and jobs.
 *
 * @module
 */

import type { BulkJob } from "../client/run/bulk_job.ts";
import type { BulkUpgradeOptions, PlannedRun } from "../client/run/bulk_options.ts";
import {
  groupByCause,
  type Verdict,
  type VerdictGroup,
  type VerdictKind,
} from "../client/versions/verdict.ts";
import type { Duration } from "../base/duration.ts";
import { refuse } from "../base/arguments.ts";
import { jobNotFound } from "../client/errors.ts";
import type { Continuum } from "../continuum.ts";
import { given } from "./client.ts";
import { type Plain, plain } from "./plain.ts";
import { findVersion, wholeHash } from "./versions.ts";

export { groupByCause, type PlannedRun, type Verdict, type VerdictGroup, type VerdictKind };

/** Which runs are to be moved, and where to. */
export interface UpgradeRequest {
  /** The target: a version's hash, or its first digits, or a registered specifier. */
  readonly to?: string | undefined;
  /** In place of `to`: a workflow, for its current version. */
  readonly workflow?: string | undefined;
  /** Which runs; all live ones that are on other versions when omitted. */
  readonly where?: BulkUpgradeOptions["where"] | undefined;
  /** The most runs to examine. */
  readonly limit?: number | undefined;
  /** Stop after this many runs that do not replay. */
  readonly stopAfterFailures?: number | undefined;
  /** Stops the work. */
  readonly signal?: AbortSignal | undefined;
}

/** A plan: what was found, and what can be carried out. */
export interface UpgradePlan {
  /** The hash of the target. */
  readonly to: string | null;
  /** The verdicts. */
  readonly verdicts: readonly Verdict[];
  /** The runs that replay on the target, as they were. */
  readonly runs: readonly PlannedRun[];
}

/** A page of what {@linkcode planUpgrade} finds. */
export interface VerdictPage {
  /** The verdicts. */
  readonly verdicts: readonly Plain<Verdict>[];
  /** Leads to the next page; `null`: all runs were examined. */
  readonly cursor: string | null;
}

/** A part of the work, done. */
export interface UpgradePart {
  /** The id of the job. */
  readonly job: string;
  /** The verdicts of this part. */
  readonly verdicts: readonly Plain<Verdict>[];
}

/** Limits of the work, and how it is stopped. */
export interface UpgradeWork {
  /** Stop after this time, in milliseconds; one batch is examined at least, unless it is 0. */
  readonly pauseAfter?: number | undefined;
  /** How long to return to runs that nodes execute, in milliseconds. */
  readonly patience?: number | undefined;
  /** Stop after this many runs that do not replay. */
  readonly stopAfterFailures?: number | undefined;
  /** Stops the work; the job can be continued. */
  readonly signal?: AbortSignal | undefined;
}

/** Work under way. */
export interface RunningUpgrade {
  /** The id of the job. */
  readonly job: string;
  /** The verdicts, each when it is durable. */
  readonly verdicts: AsyncIterable<Verdict>;
}

/**
 * Finds out which runs could be moved. Changes nothing.
 *
 * @param client The client.
 * @param request Which runs.
 * @param onVerdict Called with the number of verdicts so far.
 * @returns The plan. `Runs.upgrade` lists the errors.
 */
export async function planUpgrade(
  client: Continuum,
  request: UpgradeRequest,
  onVerdict: (count: number) => void = () => {},
): Promise<UpgradePlan> {
  const verdicts: Verdict[] = [];
  const to = request.to === undefined ? undefined : await wholeHash(client, request.to);
  for await (const verdict of client.runs.upgrade({ ...given({ ...request, to }), dryRun: true })) {
    verdicts.push(verdict);
    onVerdict(verdicts.length);
  }
  const runs = verdicts.filter(({ verdict }) => verdict === "replays")
    .map(({ id, from, generation, events }) => ({ id, from, generation, events }));
  return { to: verdicts[0]?.to ?? null, verdicts, runs };
}

/**
 * Finds out for some runs whether they could be moved. Changes nothing.
 *
 * @param client The client.
 * @param request Which runs: at most `limit`.
 * @param page Where to continue, and after which time the page ends.
 * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor is of another request.
 */
export async function verdictPage(
  client: Continuum,
  request: UpgradeRequest,
  { cursor, pauseAfter }: { readonly cursor?: string | undefined; readonly pauseAfter: Duration },
): Promise<VerdictPage> {
  const to = request.to === undefined ? undefined : await wholeHash(client, request.to);
  const page = { cursor, pauseAfter, patience: "1s", dryRun: true } as const;
  const upgrade = client.runs.upgrade(given({ ...request, to, ...page }));
  const verdicts: Plain<Verdict>[] = [];
  for await (const verdict of upgrade) verdicts.push(plain(verdict));
  return { verdicts, cursor: upgrade.cursor };
}

/**
 * Moves the runs of a plan, each only if it is as the plan has it and its history still replays.
 *
 * @param client The client.
 * @param to The target.
 * @param plan The runs.
 * @param work Limits of the work.
 * @returns The work, which begins with the first verdict that is asked for.
 */
export function upgradeRuns(
  client: Continuum,
  to: string,
  plan: readonly PlannedRun[],
  work: UpgradeWork,
): RunningUpgrade {
  const verdicts = client.runs.upgrade({ to, plan, ...given(work) });
  return { job: verdicts.job!, verdicts };
}

/** The runs of a plan, and the target's workflow. */
export interface CheckedPlan {
  /** The hash of the target. */
  readonly to: string;
  /** Its workflow. */
  readonly workflow: string;
  /** The runs. */
  readonly runs: readonly PlannedRun[];
}

/**
 * Checks a plan that comes from elsewhere. Changes nothing.
 *
 * @param client The client.
 * @param to The target: a version's hash, or its first digits.
 * @param runs The runs.
 * @throws {InvalidArgumentError} If it is no plan.
 * @throws {VersionNotFoundError} If there is no such version.
 */
export async function checkUpgrade(
  client: Continuum,
  to: string,
  runs: unknown,
): Promise<CheckedPlan> {
  const { hash, workflow } = await findVersion(client, to);
  if (!Array.isArray(runs)) refuse("the runs of a plan", runs, "an array");
  const planned = (runs as PlannedRun[]).map((run) =>
    given({ id: run?.id, from: run?.from, generation: run?.generation, events: run?.events })
  ) as PlannedRun[];
  upgradeRuns(client, hash, planned, {}); // it checks them, and begins when it is iterated over
  return { to: hash, workflow, runs: planned };
}

/**
 * Does a part of the work.
 *
 * @param upgrade The work, with its limits.
 * @returns The verdicts of the part.
 */
export async function upgradePart({ job, verdicts }: RunningUpgrade): Promise<UpgradePart> {
  return { job, verdicts: await Array.fromAsync(verdicts, (verdict) => plain(verdict)) };
}

/**
 * Finds a job among the newest 1,000 of the client's namespace.
 *
 * @param client The client.
 * @param id Its id.
 * @throws {BulkJobError} (`JOB_NOT_FOUND`) If it is none of them.
 */
export async function findJob(client: Continuum, id: string): Promise<UpgradeJob> {
  const found = (await bulkJobs(client, 1_000)).find((job) => job.id === id);
  if (found === undefined || !isUpgrade(found)) throw jobNotFound(id);
  return found;
}

/**
 * Lists the upgrades among the newest jobs.
 *
 * @param client The client.
 * @param limit The most jobs.
 */
export async function upgradeJobs(client: Continuum, limit: number): Promise<UpgradeJob[]> {
  return (await bulkJobs(client, limit)).filter(isUpgrade);
}

function isUpgrade(job: Plain<BulkJob>): job is UpgradeJob {
  return job.workflow !== null && job.to !== null;
}

/** An upgrade of many runs. */
export type UpgradeJob = Plain<BulkJob> & { readonly workflow: string; readonly to: string };

/**
 * Continues a job.
 *
 * @param client The client.
 * @param job Its id.
 * @param work Limits of the work.
 * @returns The work.
 */
export function resumeUpgrade(client: Continuum, job: string, work: UpgradeWork): RunningUpgrade {
  return { job, verdicts: client.runs.upgrade({ job, ...given(work) }) };
}

/**
 * Lists jobs, the newest first.
 *
 * @param client The client.
 * @param limit The most jobs.
 * @param everywhere Whether those of all namespaces.
 */
export async function bulkJobs(
  client: Continuum,
  limit: number,
  everywhere = false,
): Promise<Plain<BulkJob>[]> {
  const options = { limit, ...(everywhere ? { namespace: null } : {}) };
  return (await client.runs.jobs(options)).map((job) => plain(job));
}
