/**
 * Changes of many runs as jobs: what the database keeps of them.
 *
 * @module
 */

import type { BulkStore, JobKind, JobSummary } from "../../ports/bulk.ts";
import type { RunCondition, RunQuery } from "../../ports/run_query.ts";
import type { VersionPin } from "../../ports/version_ref.ts";
import { END_STATES, RUN_STATES } from "../../ports/rows.ts";
import type { PlannedRun } from "./bulk_options.ts";

/** What an upgrade does; it never changes. */
export interface JobPlan {
  /** The version that its runs are moved to. */
  readonly target: VersionPin;
  /** The target's workflow. */
  readonly workflow: string;
  /** Which of its runs; `null`: all. */
  readonly where: RunCondition | null;
  /** The runs of a plan; `null`: all that `where` selects. */
  readonly runs: readonly PlannedRun[] | null;
  /** The most runs to examine; `null`: all. */
  readonly limit: number | null;
}

/** The states of runs that have not ended. */
export const LIVE: readonly string[] = RUN_STATES.filter((state) =>
  !(END_STATES as readonly string[]).includes(state)
);

/** How far a job is. */
export interface JobProgress {
  /** The last run that was examined, by the time of its creation; `null`: none was. */
  readonly after: RunQuery["after"];
  /** How many runs of the plan, or of the limit, were examined. */
  readonly examined: number;
  /** Whether all runs were examined once. */
  readonly isThrough: boolean;
  /** The runs to return to. */
  readonly again: readonly PlannedRun[];
  /** The verdicts so far. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * A change of many runs, as the database keeps it.
 *
 * @category Runs
 */
export interface BulkJob {
  /** Its id, with which it is resumed. */
  readonly id: string;
  /** The namespace of its runs. */
  readonly namespace: string;
  /** What it does to them. */
  readonly kind: JobKind;
  /** The workflow of the runs that are upgraded; `null`: it does something else. */
  readonly workflow: string | null;
  /** The hash of the version that its runs are moved to; `null`: it does something else. */
  readonly to: string | null;
  /**
   * `running`: a process drives it. `paused`: it has not ended, and no process drives it.
   * `done`: all runs were examined.
   */
  readonly state: "running" | "paused" | "done";
  /** The process that drives it; `null`: none does. */
  readonly driver: string | null;
  /** How many runs were examined once. */
  readonly examined: number;
  /** How many of them wait to be examined again, since they could not be changed. */
  readonly again: number;
  /** By verdict, how many runs there were so far. */
  readonly counts: Readonly<Record<string, number>>;
  /** When it was created. */
  readonly createdAt: Date;
  /** When its progress was last written. */
  readonly updatedAt: Date;
  /** When it ended; `null`: it has not. */
  readonly endedAt: Date | null;
}

/**
 * Lists jobs.
 *
 * @param bulk The store.
 * @param namespace Whose jobs; `null`: those of all namespaces.
 * @param limit The most jobs.
 * @returns The jobs, the newest first.
 */
export async function listJobs(
  bulk: BulkStore,
  namespace: string | null,
  limit: number,
): Promise<BulkJob[]> {
  return (await bulk.jobs(namespace, limit)).map(jobOf);
}

function jobOf(row: JobSummary): BulkJob {
  return {
    id: row.id,
    namespace: row.namespace,
    kind: row.kind,
    workflow: row.workflow,
    to: row.to,
    state: row.endedAt !== null ? "done" : row.driver === null ? "paused" : "running",
    driver: row.driver,
    examined: row.examined,
    again: row.again,
    counts: JSON.parse(row.counts),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    endedAt: row.endedAt === null ? null : new Date(row.endedAt),
  };
}
