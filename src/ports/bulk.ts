/**
 * What the client requires of a store to change many runs, and to continue that after a process has
 * died. Times are milliseconds of the database's clock since the epoch.
 *
 * @module
 */

import type { OpenEffect } from "../replay/open_effects.ts";
import type { MovedTask } from "./rows.ts";
import type { Removal } from "./retention.ts";
import type { VersionPin } from "./version_ref.ts";

/** A run that is moved to another version, if it is still as it was when its history was read. */
export interface RunMove {
  /** The internal key. */
  readonly id: number;
  /** The generation whose history was read. */
  readonly generation: number;
  /** The `seq` of the run's next event. */
  readonly next: number;
  /** What was open in it when that was proved: nothing else may be open when it moves. */
  readonly open: readonly OpenEffect[];
  /** The payload of the `version.changed` event. */
  readonly payload: string;
  /** Whether the run is due at once. Otherwise it stays as it is: asleep until its time. */
  readonly wakes: boolean;
  /** Its tasks whose code the target has. */
  readonly tasks: readonly MovedTask[];
}

/** A run that was moved. */
export interface MovedRun {
  /** The internal key. */
  readonly id: number;
  /** When it is due; `null`: no time is known. */
  readonly wakeAt: number | null;
}

/** The right to change a job: the driver's name, and a token that each take draws anew. */
export interface JobLease {
  /** The job. */
  readonly job: string;
  /** The fencing token, a random integer under 2^53. */
  readonly token: number;
  /** Milliseconds for which the job is held, from each statement of its driver on. */
  readonly leaseMs: number;
}

/**
 * What a job does to its runs.
 *
 * @category Runs
 */
export type JobKind =
  | "upgrade"
  | "cancel"
  | "terminate"
  | "signal"
  | "delete"
  | "pause"
  | "resume";

/** A job. */
export interface JobRow {
  /** Its id. */
  readonly id: string;
  /** The namespace whose runs it changes. */
  readonly namespace: string;
  /** What it does, as JSON that its driver wrote. */
  readonly plan: string;
  /** How far it is, as JSON that its driver wrote. */
  readonly progress: string;
  /** When it was created. */
  readonly createdAt: number;
  /** When its progress was last written. */
  readonly updatedAt: number;
  /** How long ago that was, in milliseconds. */
  readonly idleMs: number;
  /** When it ended; `null`: it has not. */
  readonly endedAt: number | null;
  /** Who drives it, for people; `null`: no process does. */
  readonly driver: string | null;
  /** Until when the driver holds it, unless it is renewed; `null`: no process drives it. */
  readonly heldUntil: number | null;
}

/** What a list shows of a job: its plan and the rest of its progress, which may be long, stay. */
export type JobSummary = Omit<JobRow, "idleMs" | "plan" | "progress"> & {
  /** What it does. */
  readonly kind: JobKind;
  /** The workflow of the runs that are upgraded; `null`: it does something else. */
  readonly workflow: string | null;
  /** The hash of the version that its runs are moved to; `null`: it does something else. */
  readonly to: string | null;
  /** How many runs were examined once. */
  readonly examined: number;
  /** How many of them wait to be examined again. */
  readonly again: number;
  /** The verdicts so far, as JSON. */
  readonly counts: string;
};

/** A job that is created, and held by its creator. */
export type NewJob = Pick<JobRow, "id" | "namespace" | "plan" | "progress"> & {
  /** What it does. */
  readonly kind: JobKind;
  /** Who drives it, for people. */
  readonly driver: string;
};

/** What is done to runs of a batch, each by its internal key. */
export type BulkDeed =
  | {
    /** Asks runs for their cancellation, and ends those that are parked. */
    readonly kind: "cancel";
    /** The request, encoded. */
    readonly request: string;
    /** The error with which parked runs end, encoded. */
    readonly error: string;
  }
  | {
    /** Ends runs at once. */
    readonly kind: "terminate";
    /** The error with which they end, encoded. */
    readonly error: string;
  }
  | {
    /** Sends a signal to runs that are on a version, each at most once. */
    readonly kind: "signal";
    /** The version. */
    readonly version: string;
    /** The signal's name. */
    readonly name: string;
    /** Its payload, encoded. */
    readonly payload: string;
    /** What makes each delivery unique. */
    readonly deliveryId: string;
  }
  | {
    /** Pauses runs. */
    readonly kind: "pause";
    /** Why, encoded. */
    readonly request: string;
  }
  | {
    /** Lets paused runs continue. */
    readonly kind: "resume";
  };

/** Runs to which the same is done. */
export interface BulkPart {
  /** What is done. */
  readonly deed: BulkDeed;
  /** Their internal keys. */
  readonly ids: readonly number[];
}

/** A run to which something was done. */
export interface ActedRun {
  /** The internal key. */
  readonly id: number;
  /** The node that executes it, or did; `null`: none. */
  readonly node: string | null;
  /** When it is due; `null`: it is not. */
  readonly wakeAt: number | null;
  /** Whether it has ended by this. */
  readonly ended: boolean;
}

/** The job that a batch is a part of. */
export interface JobBatch {
  /** The right to change the job. */
  readonly lease: JobLease;
  /** Computes the progress from the runs that were changed, by their keys. */
  readonly progress: (changed: ReadonlySet<number>) => string;
}

/** Changes of many runs. */
export interface BulkStore {
  /**
   * Pins runs to a version. Those that a node holds, or that have changed, stay as they are.
   *
   * @param pin The version.
   * @param moves The runs.
   * @param job The job that this is a part of: its progress is written in the same transaction.
   * @returns The runs that were moved; `"lost"`: another process drives the job, nothing was
   * written.
   */
  move(
    pin: VersionPin,
    moves: readonly RunMove[],
    job?: JobBatch,
  ): Promise<readonly MovedRun[] | "lost">;
  /**
   * Acts on runs. Those whose rows are locked, and those to which it can't be done any more, stay as
   * they are.
   *
   * @param parts What is done to which runs of one namespace.
   * @param job The job that this is a part of: its progress is written in the same transaction.
   * @param namespace That namespace, for a payload codec.
   * @returns The runs to which it was done; `"lost"`: another process drives the job, nothing was
   * written.
   */
  act(
    parts: readonly BulkPart[],
    job: JobBatch,
    namespace: string,
  ): Promise<readonly ActedRun[] | "lost">;
  /**
   * Removes one ended run with all that belongs to it, as `RetentionStore.remove` does.
   *
   * @param namespace The run's namespace.
   * @param runId Its id.
   * @param job The job that this is a part of: its progress is written in the transaction that removes
   * the run, and not if the run stays.
   * @returns What was removed, or why the run stays; `"lost"`: another process drives the job, and the
   * run stays.
   */
  remove(namespace: string, runId: string, job: JobBatch): Promise<Removal | "lost">;
  /** Creates a job that its creator holds, and deletes jobs that ended more than 30 days ago. */
  create(job: NewJob, lease: JobLease): Promise<void>;
  /**
   * Takes a job that has not ended, and that no process drives.
   *
   * @param kind What it does; a job that does something else is not found.
   * @param driver Who takes it, for people.
   * @returns The job as it was; its `driver` is set if that process still drives it, and `endedAt`
   * if it has ended: then it was not taken. `null`: there is no such job.
   */
  take(kind: JobKind, driver: string, lease: JobLease): Promise<JobRow | null>;
  /** What a job does; `null`: there is no such job. */
  kindOf(job: string): Promise<JobKind | null>;
  /** Lets go of a job, and ends it if `isDone`. A driver that has lost it changes nothing. */
  release(lease: JobLease, isDone: boolean): Promise<void>;
  /** Jobs of a namespace, the newest first; `null`: of all. */
  jobs(namespace: string | null, limit: number): Promise<JobSummary[]>;
}
