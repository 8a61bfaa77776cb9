/**
 * What the engine asks of a store about tasks: the outstanding activities of runs.
 *
 * Times are milliseconds of the database's clock since the epoch; payloads are encoded value texts.
 *
 * @module
 */

/** How a task is tried, and how long that may take. What is absent is the engine's default. */
export interface TaskPolicy {
  /** When and how often to try again; `maxAttempts` stands beside it, since JSON has no infinity. */
  readonly retry?: {
    readonly backoff: "exponential" | "constant";
    readonly initial: number;
    readonly max: number;
    readonly jitter: number;
    readonly nonRetryable: readonly string[];
  };
  /** Milliseconds for one attempt. */
  readonly startToClose?: number;
  /** Milliseconds in the queue, for each attempt. */
  readonly scheduleToStart?: number;
  /** Milliseconds from asking to the end of the last attempt. */
  readonly scheduleToClose?: number;
  /** Milliseconds between two heartbeats of an attempt. */
  readonly heartbeat?: number;
  /** Said where the call wants no idempotency key, whatever the definition makes. */
  readonly keyless?: true;
}

/** A task's place in its run. */
export interface TaskKey {
  /** The run's internal key. */
  readonly run: number;
  /** The activity's position in program order. */
  readonly position: number;
}

/** What an attempt must hold to write anything: the token that was drawn for it. */
export interface TaskFence extends TaskKey {
  /** The attempt's token. */
  readonly token: number;
}

/** An attempt that failed. */
export interface TaskFailure {
  /** Which one, from 1. */
  readonly attempt: number;
  /** When. */
  readonly at: number;
  /** What it threw, encoded. */
  readonly error: string;
}

/** What a task is, whoever executes it. */
export interface TaskBase extends TaskKey {
  /** The activity's name. */
  readonly name: string;
  /** Where it waits. */
  readonly queue: string;
  /** Higher goes first. */
  readonly priority: number;
  /** The version that its code is pinned to; `null`: what the executing node registered. */
  readonly hash: string | null;
  /** Where in that version the code is. */
  readonly definition: string | null;
  /** The key under which a committed result answers for all runs; `null` for none. */
  readonly key: string | null;
  /** Encoded input. */
  readonly input: string | null;
  /** How it is tried. */
  readonly policy: TaskPolicy;
  /**
   * How many attempts there are; `null`: any number, or, of a task that is pinned to no version and
   * whose policy has no `retry`, as many as the executing node's definition says.
   */
  readonly maxAttempts: number | null;
  /** Which attempt is the next, or under way; from 1. */
  readonly attempt: number;
  /** Attempts that failed. */
  readonly failures: readonly TaskFailure[];
}

/** A task to be written. */
export interface NewTask extends TaskBase {
  /** The token of the run's owner, who alone may ask for tasks. */
  readonly runToken: number;
  /** The owner's node. */
  readonly node: string;
  /** The token of the attempt that the node begins with this row; `null`: any node may take it. */
  readonly token: number | null;
  /** Milliseconds until it may be taken. */
  readonly delayMs: number;
  /** Milliseconds since it was asked for. */
  readonly ageMs: number;
  /** The last heartbeat's details, encoded. */
  readonly heartbeat: string | null;
}

/** What became of a task that was to be written. */
export type Announced =
  | { readonly status: "written"; readonly at: number }
  /** Nothing was written: a result is committed under its key. */
  | { readonly status: "known"; readonly result: string }
  /** Nothing was written: the run, or the node, is another's; or the task is there already. */
  | { readonly status: "lost" };

/** A task that this node is to execute, or to end. */
export interface LeasedTask extends TaskBase, TaskFence {
  /** The run's id, as users see it. */
  readonly runId: string;
  /** The random identity of the generation of the run that asked. */
  readonly seed: string;
  /** When it was asked for. */
  readonly scheduledAt: number;
  /** When it could be taken: at once, or after the last attempt's delay. */
  readonly availableAt: number;
  /** When it must have ended; `null`: no matter when. */
  readonly closesAt: number | null;
  /** When an attempt that is completed from outside must have ended; `null`: no matter when. */
  readonly endsAt: number | null;
  /** The last heartbeat's details, encoded. */
  readonly heartbeat: string | null;
  /** Whether the run has ended: nobody wants the answer. */
  readonly ended: boolean;
  /** Whether the run was cancelled: no further attempt follows. */
  readonly cancelRequested: boolean;
  /** A result that is committed under its key. */
  readonly known: string | null;
  /** What it was before it was claimed. */
  readonly was: "ready" | "external";
}

/** Which tasks a node wants. */
export interface TaskClaim {
  /** The node. */
  readonly node: string;
  /** The queue. */
  readonly queue: string;
  /** At most how many. */
  readonly limit: number;
  /** Names that the node registered. */
  readonly names: readonly string[];
  /** Versions that it can't load. */
  readonly excluded: readonly string[];
  /** At most how many are begun by all nodes in how many milliseconds; `null`: any number. */
  readonly rate: { readonly limit: number; readonly perMs: number } | null;
}

/** How a task ended. */
export interface TaskAnswer extends TaskFence {
  /** The event that it becomes. */
  readonly kind: "activity.completed" | "activity.failed";
  /** Encoded result, or failure. */
  readonly payload: string;
}

/** What became of an answer. */
export type Answered =
  /** Written. `node`: who holds the run and should look; `null`: nobody, the run is due. */
  | { readonly status: "written"; readonly node: string | null }
  /** Another attempt has begun, or the task is gone. */
  | { readonly status: "lost" }
  /** Somebody holds the run's row: again with the next batch. */
  | { readonly status: "busy" };

/** The next attempt of a task. */
export interface TaskRetry extends TaskFence {
  /** Milliseconds until it may be taken. */
  readonly delayMs: number;
  /** Attempts that failed, the last one included. */
  readonly failures: readonly TaskFailure[];
  /** Details that no heartbeat has written yet, encoded; `null`: those that are there stay. */
  readonly heartbeat: string | null;
}

/** A sign of life. */
export interface TaskBeat extends TaskFence {
  /** Encoded details; `null`: those that are there stay. */
  readonly details: string | null;
}

/** What an attempt's row says about it. */
export interface TaskLease extends TaskFence {
  /** Whether the run was cancelled. */
  readonly cancelRequested: boolean;
}

/** An effect of a run whose attempts have failed so far. */
export interface RetriedEffect {
  /** What it is; a transaction of a run that is not suspended is taken for a step. */
  readonly kind: "activity" | "step" | "transaction";
  /** Whether a task says so: its failed attempts are no events. */
  readonly isTask: boolean;
  /** Its name. */
  readonly name: string;
  /** Its place in program order. */
  readonly position: number;
  /** How many attempts have failed. */
  readonly failed: number;
  /** When the next attempt is due; `null`: it is under way. */
  readonly nextAt: number | null;
  /** When the last attempt failed; `null`: not known, since it died with its node. */
  readonly failedAt: number | null;
  /** What the last attempt threw, encoded; `null`: it died with its node. */
  readonly error: string | null;
}

/** Outstanding activities. */
export interface TaskStore {
  /**
   * Writes tasks of runs that their nodes hold, in one statement.
   *
   * @returns What became of each, in the same order.
   */
  announce(tasks: readonly NewTask[]): Promise<Announced[]>;
  /** Claims tasks of one queue: higher priority first, then those that have waited longest. */
  claim(claim: TaskClaim): Promise<LeasedTask[]>;
  /** Whether a task of a queue is due that such a claim may take: then only permits are missing. */
  waiting(claim: Pick<TaskClaim, "queue" | "names" | "excluded">): Promise<boolean>;
  /** Claims tasks, of whatever queue and code, whose time is over or whose attempts are used up. */
  claimExpired(node: string, limit: number): Promise<LeasedTask[]>;
  /**
   * When something is to be done next for these queues.
   *
   * @param queues The queues.
   * @param since Database time before the claims: what they found due, and left, is not told again;
   * what has fallen due after them is.
   * @returns Milliseconds of database time; `null`: nothing waits for a time.
   */
  next(queues: readonly string[], since: number): Promise<number | null>;
  /**
   * Ends tasks, in one statement: each is removed, its run is told, and a result with a key is
   * committed under it; where one was already, the run gets that one.
   *
   * @returns What became of each, in the same order.
   */
  answer(answers: readonly TaskAnswer[]): Promise<Answered[]>;
  /** Gives a task back for its next attempt. `cancelled`: there is none, its run was cancelled. */
  retry(retry: TaskRetry): Promise<"written" | "cancelled" | "lost">;
  /**
   * Writes what the executing node's definition says of a task, as far as it is to stay so.
   *
   * @returns What is committed under the key, `null` if nothing is; `undefined`: the task is not
   * the attempt's any more.
   */
  decide(
    fence: TaskFence,
    terms: Pick<TaskBase, "policy" | "maxAttempts" | "key">,
  ): Promise<string | null | undefined>;
  /** Gives a task back as it was: its attempt never began. */
  release(fence: TaskFence): Promise<void>;
  /**
   * Leaves an attempt to whoever has its token, for at most `timeoutMs`. From the moment on at
   * which its time is over, the token is refused.
   *
   * @returns When its time is over, in database time; `null`: never; `undefined`: the task is not
   * the attempt's any more.
   */
  defer(fence: TaskFence, timeoutMs: number | null): Promise<number | null | undefined>;
  /** Writes signs of life; answers with those that still hold their task. */
  beat(beats: readonly TaskBeat[]): Promise<TaskLease[]>;
  /** All attempts that a node holds. */
  leases(node: string): Promise<TaskLease[]>;
  /** The effects of a run whose attempts have failed so far, in program order. */
  retried(run: number): Promise<RetriedEffect[]>;
  /** The task that an attempt is of; `null`: it is not the attempt's any more. */
  get(fence: TaskFence): Promise<LeasedTask | null>;
  /**
   * A run gives tasks up: those that nobody executes are removed, the others are marked.
   *
   * @returns The positions of those that were removed.
   */
  cancel(run: number, runToken: number, positions: readonly number[]): Promise<number[]>;
}
