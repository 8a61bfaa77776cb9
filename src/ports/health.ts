/**
 * What the engine requires of a store to find trouble, in all namespaces. Each query reads a
 * bounded number of rows. Times are milliseconds of the database's clock since the epoch.
 *
 * @module
 */

import type { StuckState } from "./rows.ts";

/** What a node serves. */
export interface Serves {
  /** The queues from which it claims tasks. */
  readonly queues: readonly string[];
  /** The activities that it registered by name. */
  readonly activities: readonly string[];
}

/** Runs of one version that have the same trouble. */
export interface TroubledRuns {
  /** The version. */
  readonly hash: string;
  /** The workflow's logical name. */
  readonly workflow: string;
  /** The version's label for people. */
  readonly label: string | null;
  /** How many were counted. */
  readonly runs: number;
  /** Whether there may be more: the query counts a bounded number. */
  readonly more: boolean;
  /** When the trouble began for the run that has had it longest. */
  readonly since: number;
}

/** Runs that are parked. */
export interface StuckRuns extends TroubledRuns {
  /** The state in which they are parked. */
  readonly state: StuckState;
}

/** Runs that are due, and that no node has claimed which can load their version. */
export interface DueRuns extends TroubledRuns {
  /** How many of them have been due for longer than the limit. */
  readonly late: number;
}

/** Tasks of one queue that have waited too long for a node which can load their version. */
export interface WaitingTasks {
  /** The queue. */
  readonly queue: string;
  /** The activity. */
  readonly name: string;
  /** The version whose code executes it; `null`: the code that the executing node registered. */
  readonly hash: string | null;
  /** How many were counted. */
  readonly tasks: number;
  /** When the oldest became available. */
  readonly since: number;
}

/** Tasks of one activity and queue that have failed three times or more, and are still retried. */
export interface FailingTasks {
  /** The activity. */
  readonly name: string;
  /** The queue. */
  readonly queue: string;
  /** How many were counted. */
  readonly tasks: number;
  /** The highest number of failed attempts of one task. */
  readonly attempts: number;
  /** When the run of the oldest task requested it. */
  readonly since: number;
  /** When the next attempt is due; `null`: all tasks are being executed. */
  readonly nextAt: number | null;
  /** The last error of the task with the most attempts, encoded; `null`: unknown. */
  readonly error: string | null;
}

/** Queries that find trouble. */
export interface HealthStore {
  /** The nodes that are alive; `serves` is `null` if a node did not report it. */
  nodes(): Promise<{ readonly id: string; readonly serves: Serves | null }[]>;
  /**
   * Parked runs, by version and state.
   *
   * @param most The limit of rows read for each specifier of a version.
   */
  stuck(most: number): Promise<StuckRuns[]>;
  /**
   * Runs that are due, by version: those that have been due longest, and those held by a node that
   * has recorded that it can't load their version.
   *
   * @param most The limit of rows read for each of the two groups.
   * @param lateMs How long a run may be due, in milliseconds, before it counts as late.
   */
  due(most: number, lateMs: number): Promise<DueRuns[]>;
  /**
   * Tasks whose attempts keep failing, by activity and queue.
   *
   * @param most The limit of rows read.
   */
  failing(most: number): Promise<FailingTasks[]>;
  /**
   * Tasks that wait in their queues, by activity and version: those that nodes would claim first,
   * and those held by a node that has recorded that it can't load their version.
   *
   * @param most The limit of rows read for each queue, and for the held tasks.
   * @param lateMs How long a task may wait, in milliseconds, before it is reported.
   */
  waiting(most: number, lateMs: number): Promise<WaitingTasks[]>;
}
