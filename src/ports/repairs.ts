/**
 * What the client requires of a store to repair what `health()` finds. Every repair is fenced: it
 * changes a row only if the row is as it was when the repair was planned. The same transaction
 * records it in the table of operations.
 *
 * @module
 */

import type { Operator } from "./operations.ts";
import type { StuckState } from "./rows.ts";
import type { TaskKey } from "./tasks.ts";

/** A parked run, as it was seen. */
export interface ParkedRun {
  /** The internal key. */
  readonly id: number;
  /** The id that users see. */
  readonly runId: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The version that it is pinned to. */
  readonly hash: string;
  /** The state in which it is parked. */
  readonly state: StuckState;
  /** Since when. */
  readonly since: number;
  /** The length of its history, all generations included. */
  readonly nextSeq: number;
}

/** A task that waits for its next attempt, as it was seen. */
export interface QueuedRetry extends TaskKey {
  /** The run's id. */
  readonly runId: string;
  /** The run's namespace. */
  readonly namespace: string;
  /** The activity. */
  readonly name: string;
  /** The number of the next attempt. */
  readonly attempt: number;
  /** When it is due. */
  readonly availableAt: number;
}

/** An ended run whose parent or children have not been notified. */
export interface UnnotifiedRun {
  /** The internal key. */
  readonly id: number;
  /** The id that users see. */
  readonly runId: string;
  /** Its namespace. */
  readonly namespace: string;
}

/** A node that is not alive, as it was seen. */
export interface DeadNode {
  /** The node. */
  readonly id: string;
  /** When its lease ended; `null`: it has no row. */
  readonly expiredAt: number | null;
}

/** An operator's mark on a finding. */
export interface Acknowledged {
  /** The finding. */
  readonly fingerprint: string;
  /** Who marked it. */
  readonly actor: string;
  /** Why. */
  readonly reason: string | null;
  /** When. */
  readonly at: number;
}

/** Plans and executes repairs. */
export interface RepairStore {
  /**
   * Parked runs of one state, by version.
   *
   * @param state The state.
   * @param most The limit of runs.
   */
  parked(state: StuckState, most: number): Promise<ParkedRun[]>;
  /**
   * Lets parked runs continue.
   *
   * @param runs The runs, as they were seen.
   * @param operator Who does so, and why.
   * @returns The internal keys of those that continue. The others have changed, or are locked.
   */
  unpark(runs: readonly ParkedRun[], operator: Operator): Promise<number[]>;
  /**
   * Tasks that failed three times or more and wait for an attempt that is not due yet.
   *
   * @param most The limit of rows read.
   */
  queuedRetries(most: number): Promise<QueuedRetry[]>;
  /**
   * Makes the next attempts of tasks due now.
   *
   * @param tasks The tasks, as they were seen.
   * @param operator Who does so, and why.
   * @returns Those that are due now. The others have changed, or are locked.
   */
  retryNow(tasks: readonly QueuedRetry[], operator: Operator): Promise<TaskKey[]>;
  /**
   * Ended runs whose parent or children have not been notified.
   *
   * @param most The limit of rows read.
   * @param lateMs How long ago a run may have ended, in milliseconds, before it is listed.
   */
  unnotified(most: number, lateMs: number): Promise<UnnotifiedRun[]>;
  /**
   * Records that the parents and children of ended runs are about to be notified.
   *
   * @param runs The internal keys of the runs.
   * @param operator Who does so, and why.
   * @returns Those of them that have not been notified yet.
   */
  noteUnnotified(runs: readonly number[], operator: Operator): Promise<number[]>;
  /**
   * Frees the runs and tasks of nodes that are not alive, as another node would.
   *
   * @param nodes The nodes, as they were seen.
   * @param operator Who does so, and why.
   * @returns The nodes that were released. The others have renewed their lease, or are being expired.
   */
  release(nodes: readonly DeadNode[], operator: Operator): Promise<string[]>;
  /** The marks on findings. */
  acknowledged(fingerprints: readonly string[]): Promise<Acknowledged[]>;
}
