/**
 * What the engine requires of a store for tasks: the outstanding activities of runs.
 *
 * Times are milliseconds of the database's clock since the epoch; payloads are encoded value texts.
 *
 * @module
 */

import type { RecordedAttempt } from "../replay/activity_failure.ts";

/** How a task is retried, and its timeouts. The engine's defaults hold for what is absent. */
export interface TaskPolicy {
  /** When to retry; `maxAttempts` is a field of the task, since JSON has no infinity. */
  readonly retry?: {
    readonly backoff: "exponential" | "constant";
    readonly factor: number;
    readonly initial: number;
    readonly max: number;
    readonly jitter: number;
    readonly nonRetryable: readonly string[];
  };
  /** Milliseconds for one attempt. */
  readonly startToClose?: number;
  /** Milliseconds in the queue, for each attempt. */
  readonly scheduleToStart?: number;
  /** Milliseconds from the request to the end of the last attempt. */
  readonly scheduleToClose?: number;
  /** Milliseconds between two heartbeats of an attempt. */
  readonly heartbeat?: number;
  /** The headers of the run; none when omitted. */
  readonly headers?: { readonly [name: string]: string };
  /** Set if the call wants no idempotency key, even if the definition makes one. */
  readonly keyless?: true;
}

/** A task's place in its run. */
export interface TaskKey {
  /** The run's internal key. */
  readonly run: number;
  /** The activity's position in program order. */
  readonly position: number;
}

/** The namespace of a task's run, where it is known: for what is written of the task. */
export interface InNamespace {
  /** The namespace. */
  readonly namespace?: string | undefined;
}

/** What an attempt needs to write anything: its task, and the token that was drawn for it. */
export interface TaskFence extends TaskKey {
  /** The attempt's token. */
  readonly token: number;
}

/** The fields of a task that don't depend on the node that executes it. */
export interface TaskBase extends TaskKey, InNamespace {
  /** The activity's name. */
  readonly name: string;
  /** The digest of its input, which tells with the name what its answer means. */
  readonly digest: string | null;
  /** How many equal calls the run has requested before, for its idempotency key (KEY-1). */
  readonly nth: number;
  /** The queue in which it waits. */
  readonly queue: string;
  /** Tasks with a higher priority are claimed first. */
  readonly priority: number;
  /** The version whose code executes it; `null`: the code that the executing node registered. */
  readonly hash: string | null;
  /** The definition's place in that version. */
  readonly definition: string | null;
  /**
   * Idempotency key: a result committed under it is the result of every task with that key; `null`:
   * none.
   */
  readonly key: string | null;
  /** Encoded input. */
  readonly input: string | null;
  /** Its retry policy and timeouts. */
  readonly policy: TaskPolicy;
  /**
   * The maximum number of attempts. `null`: unlimited; but if the task is pinned to no version and
   * its policy has no `retry`, the executing node's definition decides.
   */
  readonly maxAttempts: number | null;
  /** The number of the attempt that is next, or under way; from 1. */
  readonly attempt: number;
  /** Attempts that failed. */
  readonly failures: readonly RecordedAttempt[];
  /** The trace context of the run's request; `null` or absent: none. */
  readonly trace?: string | null;
}

/** A task to be written. */
export interface NewTask extends TaskBase {
  /** The token of the run's owner: only the owner may create tasks. */
  readonly runToken: number;
  /** The owner's node. */
  readonly node: string;
  /**
   * The token of the attempt that the node begins with this row; `null`: any node may claim the
   * task.
   */
  readonly token: number | null;
  /** Milliseconds until a node may claim it. */
  readonly delayMs: number;
  /** Milliseconds since the run requested it. */
  readonly ageMs: number;
  /** Details of the last heartbeat, encoded. */
  readonly heartbeat: string | null;
}

/** The outcome of creating a task. */
export type Announced =
  | { readonly status: "written"; readonly at: number }
  /** Nothing was written: the key has a committed result. */
  | { readonly status: "known"; readonly result: string }
  /** Nothing was written: another node owns the run, this node has expired, or the task exists. */
  | { readonly status: "lost" };

/** A task that this node is to execute, or to end. */
export interface LeasedTask extends TaskBase, TaskFence {
  /** The run's id, as users see it. */
  readonly runId: string;
  /** The run's workflow; absent if the code in between does not need it. */
  readonly workflow?: string;
  /** The seed of the run's generation that requested it. */
  readonly seed: string;
  /** When it was requested. */
  readonly scheduledAt: number;
  /** When it became available: at once, or after the retry's delay. */
  readonly availableAt: number;
  /** When it must have ended; `null`: at any time. */
  readonly closesAt: number | null;
  /** When an attempt that is completed from outside must have ended; `null`: at any time. */
  readonly endsAt: number | null;
  /** Details of the last heartbeat, encoded. */
  readonly heartbeat: string | null;
  /** Whether the run has ended, so that the result is of no use. */
  readonly ended: boolean;
  /** Whether the run was cancelled, so that no further attempt follows. */
  readonly cancelRequested: boolean;
  /** The result that is committed under its key. */
  readonly known: string | null;
  /** Its state before it was claimed. */
  readonly was: "ready" | "external";
}

/** Which tasks a node claims. */
export interface TaskClaim {
  /** The node. */
  readonly node: string;
  /** The queue. */
  readonly queue: string;
  /** At most how many. */
  readonly limit: number;
  /** Names of the activities that the node registered. */
  readonly names: readonly string[];
  /** Versions that it can't load. */
  readonly excluded: readonly string[];
  /** All nodes together begin at most `limit` tasks in `perMs` milliseconds; `null`: no limit. */
  readonly rate: { readonly limit: number; readonly perMs: number } | null;
}

/** The end of a task. */
export interface TaskAnswer extends TaskFence, InNamespace {
  /** The event that it becomes. */
  readonly kind: "activity.completed" | "activity.failed";
  /** Encoded result, or failure. */
  readonly payload: string;
}

/** The outcome of writing a task's end. */
export type Answered =
  /**
   * Written. `node`: the node that executes the run, to be notified; `null`: none does, and the run
   * is due.
   */
  | { readonly status: "written"; readonly node: string | null }
  /** Another attempt has begun, or the task is gone. */
  | { readonly status: "lost" }
  /** Another transaction has locked the run's row: try again with the next batch. */
  | { readonly status: "busy" };

/** The next attempt of a task. */
export interface TaskRetry extends TaskFence, InNamespace {
  /** Milliseconds until a node may claim it. */
  readonly delayMs: number;
  /** Failed attempts, including the last one. */
  readonly failures: readonly RecordedAttempt[];
  /** Details that no heartbeat has written yet, encoded; `null`: the row keeps its details. */
  readonly heartbeat: string | null;
}

/** A heartbeat of an attempt. */
export interface TaskBeat extends TaskFence, InNamespace {
  /** Encoded details; `null`: the row keeps its details. */
  readonly details: string | null;
}

/** What the row of a task says to the attempt that holds it. */
export interface TaskLease extends TaskFence {
  /** Whether the run was cancelled. */
  readonly cancelRequested: boolean;
}

/** An outstanding effect of a run whose attempts have all failed so far. */
export interface RetriedEffect {
  /** Its kind; a transaction of a run that is not suspended is reported as a step. */
  readonly kind: "activity" | "step" | "transaction";
  /** Whether it comes from a task, whose failed attempts are not events. */
  readonly isTask: boolean;
  /** Its name. */
  readonly name: string;
  /** Its position in program order. */
  readonly position: number;
  /** How many attempts have failed. */
  readonly failed: number;
  /** When the next attempt is due; `null`: it is under way. */
  readonly nextAt: number | null;
  /** When the last attempt failed; `null`: unknown, since its node expired. */
  readonly failedAt: number | null;
  /** The last error, encoded; `null`: unknown, since the node expired. */
  readonly error: string | null;
}

/** An outstanding task of a run, with its attempts so far. */
export interface TaskProgress
  extends Pick<TaskBase, "position" | "name" | "queue" | "attempt" | "failures"> {
  /**
   * `ready`: it waits in its queue; `held`: its run is paused; `external`: it is completed by its
   * token.
   */
  readonly state: "ready" | "held" | "leased" | "external";
  /** The node that executes it; `null`: none does. */
  readonly node: string | null;
  /** When it became available, or will. */
  readonly availableAt: number;
  /** Details of the last heartbeat, encoded. */
  readonly heartbeat: string | null;
}

/** Tasks: the outstanding activities. */
export interface TaskStore {
  /**
   * Creates tasks for runs that their nodes hold, in one statement.
   *
   * @returns The outcome of each, in the same order.
   */
  announce(tasks: readonly NewTask[]): Promise<Announced[]>;
  /** Claims tasks of one queue: higher priority first, then those that have waited longest. */
  claim(claim: TaskClaim): Promise<LeasedTask[]>;
  /** Whether a claim could take a task of the queue if the rate limit allowed it. */
  waiting(claim: Pick<TaskClaim, "queue" | "names" | "excluded">): Promise<boolean>;
  /** Claims tasks of any queue and version whose timeout is over or whose attempts are used up. */
  claimExpired(node: string, limit: number): Promise<LeasedTask[]>;
  /**
   * When these queues need attention next.
   *
   * @param queues The queues.
   * @param since Database time before the claims. Tasks that were due before it are left out: the
   * claims saw them. Tasks that became due since are included.
   * @returns Milliseconds of database time; `null`: nothing waits for a time.
   */
  next(queues: readonly string[], since: number): Promise<number | null>;
  /**
   * Ends tasks, in one statement: removes each, puts its end into the run's inbox, and commits a
   * result that has a key under that key. If the key has a result already, the run gets that one.
   *
   * @returns The outcome of each, in the same order.
   */
  answer(answers: readonly TaskAnswer[]): Promise<Answered[]>;
  /** Puts a task back for its next attempt. `cancelled`: its run was cancelled, so none follows. */
  retry(retry: TaskRetry): Promise<"written" | "cancelled" | "lost">;
  /**
   * Stores the terms that the executing node's definition sets for the task, so that they stay.
   *
   * @returns The result committed under the key; `null`: there is none; `undefined`: the attempt no
   * longer holds the task.
   */
  decide(
    fence: TaskFence,
    terms: Pick<TaskBase, "policy" | "maxAttempts" | "key">,
  ): Promise<string | null | undefined>;
  /**
   * Puts a task back unchanged, because its attempt never began.
   *
   * @param delayMs Milliseconds until a node may claim it, or end it; at once when omitted.
   */
  release(fence: TaskFence, delayMs?: number): Promise<void>;
  /**
   * Leaves an attempt to be completed from outside, by the holder of its token, within `timeoutMs`.
   * After that, the token is refused.
   *
   * @returns When the timeout is over, in database time; `null`: never; `undefined`: the attempt no
   * longer holds the task.
   */
  defer(fence: TaskFence, timeoutMs: number | null): Promise<number | null | undefined>;
  /** Writes heartbeats; returns the attempts that still hold their task. */
  beat(beats: readonly TaskBeat[]): Promise<TaskLease[]>;
  /** All attempts that a node holds. */
  leases(node: string): Promise<TaskLease[]>;
  /** The effects of a run whose attempts have all failed so far, in program order. */
  retried(run: number): Promise<RetriedEffect[]>;
  /**
   * The outstanding tasks of a run's present generation, with their attempts so far.
   *
   * @param run The run.
   * @param positions The tasks; those without a row are left out.
   */
  progress(run: number, positions: readonly number[]): Promise<TaskProgress[]>;
  /** The task of an attempt; `null`: the attempt no longer holds it. */
  get(fence: TaskFence): Promise<LeasedTask | null>;
  /**
   * Cancels tasks of a run: removes those that no node executes, and marks the others.
   *
   * @returns The positions of the removed tasks.
   */
  cancel(run: number, runToken: number, positions: readonly number[]): Promise<number[]>;
}
