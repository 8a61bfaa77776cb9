/**
 * What is asked of a store about trouble: of all namespaces, and bounded in what it reads. Times
 * are milliseconds of the database's clock since the epoch.
 *
 * @module
 */

import type { StuckState } from "./rows.ts";

/** What a node takes from queues. */
export interface Serves {
  /** The queues. */
  readonly queues: readonly string[];
  /** The activities that it registered by name. */
  readonly activities: readonly string[];
}

/** Runs of one version that share some trouble. */
export interface TroubledRuns {
  /** The version. */
  readonly hash: string;
  /** The workflow's logical name. */
  readonly workflow: string;
  /** The version's label for people. */
  readonly label: string | null;
  /** How many were counted. */
  readonly runs: number;
  /** Whether there may be more: counting is bounded. */
  readonly more: boolean;
  /** Since when, the one that has it longest. */
  readonly since: number;
}

/** Runs that are parked. */
export interface StuckRuns extends TroubledRuns {
  /** As what. */
  readonly state: StuckState;
}

/** Runs that are due, and that nobody has taken who can load their version. */
export interface DueRuns extends TroubledRuns {
  /** How many of them have been due for too long. */
  readonly late: number;
}

/** Tasks of one queue that nobody has taken for too long who can load their version. */
export interface WaitingTasks {
  /** The queue. */
  readonly queue: string;
  /** The activity. */
  readonly name: string;
  /** The version that its code is pinned to; `null`: what the executing node registered. */
  readonly hash: string | null;
  /** How many were counted. */
  readonly tasks: number;
  /** Since when, the one that waits longest. */
  readonly since: number;
}

/** Activities of one name and queue that have failed three times or more, and are still tried. */
export interface FailingTasks {
  /** The activity. */
  readonly name: string;
  /** The queue. */
  readonly queue: string;
  /** How many were counted. */
  readonly tasks: number;
  /** The most failed attempts of one. */
  readonly attempts: number;
  /** When the oldest was asked for. */
  readonly since: number;
  /** When one is tried again; `null`: all are under way. */
  readonly nextAt: number | null;
  /** What an attempt of the one with the most attempts threw last, encoded; `null`: not known. */
  readonly error: string | null;
}

/** What shows trouble. */
export interface HealthStore {
  /** The nodes that are alive; `serves` is `null` where a node has not said it. */
  nodes(): Promise<{ readonly id: string; readonly serves: Serves | null }[]>;
  /**
   * Parked runs, by version and state.
   *
   * @param most How many are read at most of each specifier of a version.
   */
  stuck(most: number): Promise<StuckRuns[]>;
  /**
   * Runs that are due, by version: those that have been so for longest, and those held by a node
   * that has noted it can't load their version.
   *
   * @param most How many are read at most of either.
   * @param lateMs What is too long, in milliseconds.
   */
  due(most: number, lateMs: number): Promise<DueRuns[]>;
  /**
   * Tasks whose attempts go on failing, by activity and queue.
   *
   * @param most How many are read at most.
   */
  failing(most: number): Promise<FailingTasks[]>;
  /**
   * Tasks that wait in their queues, by activity and version: those that would be taken first, and
   * those held by a node that has noted it can't load their version.
   *
   * @param most How many are read at most of each queue, and of those that are held.
   * @param lateMs What is too long, in milliseconds.
   */
  waiting(most: number, lateMs: number): Promise<WaitingTasks[]>;
}
