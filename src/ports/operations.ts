/**
 * What the client requires of a store to record what operators do.
 *
 * @module
 */

/** Who acts, and why. */
export interface Operator {
  /** The name. */
  readonly actor: string;
  /** Whether the name was authenticated; otherwise the caller claims it. */
  readonly isProven: boolean;
  /** Why; `null`: not said. */
  readonly reason: string | null;
}

/** What an act is done to. */
export type TargetKind =
  | "run"
  | "job"
  | "namespace"
  | "digest"
  | "workflow"
  | "versions"
  | "schedule"
  | "queue"
  | "node"
  | "finding"
  | "operations";

/** The acts that are recorded, and what each is done to. */
export const ACTIONS = {
  "run.start": "run",
  "run.signal": "run",
  "run.cancel": "run",
  "run.terminate": "run",
  "run.pause": "run",
  "run.resume": "run",
  "run.retry": "run",
  "run.reopen": "run",
  "run.fork": "run",
  "run.upgrade": "run",
  "run.delete": "run",
  "runs.upgrade": "job",
  "runs.cancel": "job",
  "runs.terminate": "job",
  "runs.signal": "job",
  "runs.delete": "job",
  "runs.pause": "job",
  "runs.resume": "job",
  "runs.prune": "namespace",
  "results.prune": "namespace",
  "version.activate": "workflow",
  "version.deny": "digest",
  "version.allow": "digest",
  "version.sign": "digest",
  "version.gc": "versions",
  "limit.pause": "queue",
  "limit.resume": "queue",
  "schedule.create": "schedule",
  "schedule.pause": "schedule",
  "schedule.resume": "schedule",
  "schedule.trigger": "schedule",
  "schedule.backfill": "schedule",
  "schedule.cancel": "schedule",
  "schedule.delete": "schedule",
  "repair.retry": "run",
  "repair.retry_now": "run",
  "repair.notify": "run",
  "repair.release": "node",
  "repair.resume": "schedule",
  "health.acknowledge": "finding",
  "operations.prune": "operations",
} as const satisfies Readonly<Record<string, TargetKind>>;

/** An act. */
export type Action = keyof typeof ACTIONS;

/** An act, and what it is done to. */
export interface Act {
  /** What is done. */
  readonly action: Action;
  /** The namespace of the target; `null`: it belongs to none. */
  readonly namespace: string | null;
  /** The target: the id of a run, a schedule or a job, a digest, the name of a workflow. */
  readonly target: string;
}

/** Facts about a target, as JSON. */
export type Facts = Readonly<Record<string, unknown>>;

/** An act with its entry. */
export interface RecordedAct<Result> extends Act {
  /** The outcome of the entry; `done` when omitted. */
  readonly outcome?: string;
  /** How the target was, if that is not how it is when the transaction begins. */
  readonly before?: Facts;
  /** More facts about how it became. */
  readonly details?: (result: Result) => Facts;
  /**
   * Whether this continues what was done to the target before. Then the target's newest entry is
   * taken up again in place of a new one, if the same operator stopped it and says the same reason.
   */
  readonly continues?: (result: Result) => boolean;
}

/** What was done, and its entry. */
export interface Recorded<Result> {
  /** What the deed returned. */
  readonly result: Result;
  /** The key of the entry. */
  readonly entry: number;
}

/** An entry. Times are milliseconds of the database's clock since the epoch. */
export interface OperationRow {
  /** Its key. */
  readonly id: number;
  /** When. */
  readonly at: number;
  /** Who. */
  readonly actor: string;
  /** Whether the name was authenticated. */
  readonly isProven: boolean;
  /** What was done. */
  readonly action: string;
  /** The namespace of the target; `null`: it belongs to none. */
  readonly namespace: string | null;
  /** The target. */
  readonly target: string;
  /** Why; `null`: not said. */
  readonly reason: string | null;
  /** How the target was, as JSON; `null`: unknown, or it did not exist. */
  readonly before: string | null;
  /** How it became, as JSON. */
  readonly after: string | null;
  /** `done`, `begun`, `stopped`, or the code of the error that refused the act. */
  readonly outcome: string;
}

/** Which entries. */
export interface OperationQuery {
  /** Entries of this namespace, and those that belong to none. */
  readonly namespace: string;
  /** The target; `null`: any. */
  readonly target: string | null;
  /** The acts; `null`: any. */
  readonly actions: readonly string[] | null;
  /** Who; `null`: anyone. */
  readonly actor: string | null;
  /** Since when; `null`: ever. */
  readonly since: number | null;
  /** The last entry of the page before; `null`: the first page. */
  readonly after: { readonly at: number; readonly id: number } | null;
  /** The most entries. */
  readonly limit: number;
}

/** Records what operators do; `Deeds` are the parts of the store with which a deed is done. */
export interface OperationStore<Deeds> {
  /**
   * Does a deed and records it, in one transaction.
   *
   * @param operator Who acts, and why.
   * @param act What is done, and to what.
   * @param deed Does it, by the store that it receives, and by nothing else. If it throws, or returns
   * `null`, nothing is written.
   * @returns What was done; `null`: nothing was.
   */
  record<Result>(
    operator: Operator,
    act: RecordedAct<NonNullable<Result>>,
    deed: (store: Deeds) => Promise<Result>,
  ): Promise<Recorded<NonNullable<Result>> | null>;
  /**
   * Records an act whose deed is not a transaction of its own.
   *
   * @param operator Who acts, and why.
   * @param act What is done, and to what.
   * @param outcome The outcome: `begun`, or why it was refused.
   * @param facts How the target is, or what is to be done; and how it became.
   * @returns The key of the entry.
   */
  note(
    operator: Operator,
    act: Act,
    outcome: string,
    facts?: { readonly before?: Facts; readonly after?: Facts },
  ): Promise<number>;
  /**
   * Records the end of an act that had begun.
   *
   * @param entry The key of its entry.
   * @param outcome The outcome.
   * @param after How the target became.
   */
  finish(entry: number, outcome: string, after: Facts): Promise<void>;
  /** Entries, the newest first. */
  list(query: OperationQuery): Promise<OperationRow[]>;
  /**
   * Removes some entries, the oldest first. The last mark on each finding stays, whatever its age.
   *
   * @param before Those of this time or earlier.
   * @param limit At most how many.
   * @returns How many were removed.
   */
  prune(before: number, limit: number): Promise<number>;
  /** How many entries {@linkcode OperationStore.prune} would remove, without a limit. */
  countPrunable(before: number): Promise<number>;
}
