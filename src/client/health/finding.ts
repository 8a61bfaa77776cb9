/**
 * What a finding of `health()` is.
 *
 * @module
 */

/**
 * Identifies a kind of finding.
 *
 * @category Continuum
 */
export type FindingCode =
  | "STUCK_VERSION"
  | "STUCK_NONDETERMINISM"
  | "STUCK_POISONED"
  | "NO_NODE_CAN_LOAD"
  | "OVERDUE_RUNS"
  | "EXPIRED_NODES"
  | "UNNOTIFIED_ENDS"
  | "UNSERVED_QUEUE"
  | "UNKNOWN_ACTIVITY"
  | "OVERDUE_ACTIVITIES"
  | "FAILING_ACTIVITY"
  | "STUCK_SCHEDULE"
  | "OVERDUE_SCHEDULE"
  | "GAVE_BACK"
  | "LATE_CHECK"
  | "UNSIGNED_CODE";

/**
 * A condition that an operator should look at.
 *
 * @category Continuum
 */
export interface HealthFinding {
  /** Identifies the kind of finding. */
  readonly code: FindingCode;
  /** Whether runs wait until it is repaired. */
  readonly severe: boolean;
  /** An explanation for people. */
  readonly message: string;
  /** The data of the finding. */
  readonly details: Readonly<Record<string, unknown>>;
  /**
   * Identifies the finding as long as its facts are the same: pass it to {@linkcode
   * Continuum.acknowledge}. Another run that is parked for the same reason is a new fact.
   */
  readonly fingerprint: string;
  /** Who acknowledged it, when and why; `null`: no one has. */
  readonly acknowledged: {
    readonly by: string;
    readonly at: Date;
    readonly reason: string | null;
  } | null;
  /** What {@linkcode Continuum.repair} can do about it; `null`: nothing. */
  readonly repair: RepairAction | null;
}

/**
 * What a repair does:
 *
 * - `retry`: lets parked runs continue, as {@linkcode RunHandle.retry} does.
 * - `release`: frees the runs and activities of nodes that are not alive, as another node would.
 * - `notify`: notifies the parents and children of ended runs, as a node would.
 * - `retry_now`: makes the next attempt of failing activities due at once.
 * - `resume`: lets stuck schedules fire again, as {@linkcode Schedules.resume} does.
 *
 * @category Continuum
 */
export type RepairAction = "retry" | "release" | "notify" | "retry_now" | "resume";
