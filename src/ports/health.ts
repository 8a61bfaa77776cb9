/**
 * What the engine requires of a store to find trouble, in all namespaces. Each query reads a
 * bounded number of rows. Times are milliseconds of the database's clock since the epoch.
 *
 * @module
 */

import type { RunState, StuckState } from "./rows.ts";

/** What a node serves. */
export interface Serves {
  /** The queues from which it claims tasks. */
  readonly queues: readonly string[];
  /** The activities that it registered by name. */
  readonly activities: readonly string[];
  /** How many tasks it executes at a time; absent: it executes none. */
  readonly concurrency?: number;
  /** The ids of the keys of `trust.keys`; absent: it executes versions without a signature. */
  readonly keys?: readonly string[];
  /** `false`: it executes no run; it is a client that holds one for a moment. */
  readonly executes?: false;
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

/** A node that is alive. */
export interface FleetNode {
  /** Its id. */
  readonly id: string;
  /** Its name, for people. */
  readonly name: string;
  /** What it serves; `null`: it did not report it. */
  readonly serves: Serves | null;
  /** When it opened. */
  readonly startedAt: number;
  /** When its lease is over. */
  readonly expiresAt: number;
  /** How many tasks it has leased. */
  readonly tasks: number;
  /** The versions in its memory, at most 1,000; `null`: it has not reported them. */
  readonly loaded: readonly string[] | null;
  /** The versions that it can't load. */
  readonly cannotLoad: readonly string[];
}

/** A queue that holds tasks. */
export interface QueueLoad {
  /** Its name. */
  readonly name: string;
  /** How many tasks are ready: at most as many as were to be counted. */
  readonly ready: number;
  /** How many of those have a time before which no node takes them. */
  readonly delayed: number;
  /** When the oldest of the others became available; `null`: there is none. */
  readonly oldest: number | null;
  /** How many tasks are leased to nodes. */
  readonly executing: number;
}

/** A node that holds work, and whose lease is over, or whose row is gone. */
export interface ExpiredNode {
  /** The node. */
  readonly id: string;
  /** When its lease ended; `null`: it has no row. */
  readonly expiredAt: number | null;
}

/** Ended runs whose parent or children have not been notified for too long. */
export interface UnnotifiedEnds {
  /** How many were counted. */
  readonly runs: number;
  /** Whether there may be more. */
  readonly more: boolean;
  /** When the first of them ended. */
  readonly since: number;
}

/** A schedule that should have fired. */
export interface LateSchedule {
  /** Its namespace. */
  readonly namespace: string;
  /** Its id. */
  readonly id: string;
  /** When a node should have looked at it. */
  readonly fireAt: number;
}

/** Tasks of one activity and queue whose time is over, and that no node has ended. */
export interface ExpiredTasks {
  /** The activity. */
  readonly name: string;
  /** The queue. */
  readonly queue: string;
  /** How many were counted. */
  readonly tasks: number;
  /** When the time of the first was over. */
  readonly since: number;
}

/** Queries that find trouble. */
export interface HealthStore {
  /** The nodes that are alive, the oldest first. */
  fleet(): Promise<FleetNode[]>;
  /**
   * How many runs have not ended, by state, in all namespaces.
   *
   * @param most Where counting stops, for each state. Of suspended runs, it reads at most three
   * times as many rows.
   */
  live(most: number): Promise<{ readonly state: RunState; readonly runs: number }[]>;
  /** The queues that hold tasks; of each, it counts at most `most` ready tasks. */
  queues(most: number): Promise<QueueLoad[]>;
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
  /**
   * Nodes that are not alive and hold runs or tasks.
   *
   * @param most The limit of rows read.
   * @param lateMs How long a lease may be over, in milliseconds, before the node is listed.
   */
  expiredNodes(most: number, lateMs: number): Promise<ExpiredNode[]>;
  /**
   * Ended runs whose parent or children have not been notified; `null`: there are none.
   *
   * @param most The limit of rows read.
   * @param lateMs How long ago a run may have ended, in milliseconds, before it counts.
   */
  unnotifiedEnds(most: number, lateMs: number): Promise<UnnotifiedEnds | null>;
  /**
   * Schedules that should have fired, the latest ones last; at most 100.
   *
   * @param lateMs How late a schedule may be, in milliseconds, before it is listed.
   */
  lateSchedules(lateMs: number): Promise<LateSchedule[]>;
  /**
   * Tasks whose time is over, by activity and queue.
   *
   * @param most The limit of rows read.
   * @param lateMs How long the time may be over, in milliseconds, before a task counts.
   */
  expiredTasks(most: number, lateMs: number): Promise<ExpiredTasks[]>;
}
