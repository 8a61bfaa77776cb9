/**
 * What the engine requires of a store for schedules. A row changes only under a lock, by a pure
 * decision, and together with the runs that the decision starts.
 *
 * @module
 */

import type { PlaceRequest } from "./limits.ts";
import type { Firing, Overlap, Progress, Rules, ScheduleState } from "../schedule/firing.ts";
import type { RunState } from "./rows.ts";
import type { VersionPin } from "./version_ref.ts";

/** Identifies a schedule. */
export interface ScheduleKey {
  /** Its namespace. */
  readonly namespace: string;
  /** Its id, unique in the namespace. */
  readonly id: string;
}

/** What a schedule starts, and when. */
export interface ScheduleSpec extends ScheduleKey {
  /** The workflow's logical name. */
  readonly workflow: string;
  /** The version that its runs start on; `null`: the version that is current when it fires. */
  readonly pin: VersionPin | null;
  /** Encoded input of its runs, as the caller gave it: each run's version validates it anew. */
  readonly input: string;
  /** Attributes of its runs, as JSON. */
  readonly attributes: string;
  /** Timeout and retry policy of its runs, as `policyText` writes it. */
  readonly policy: string | null;
  /** When it fires. */
  readonly rules: Rules;
}

/** A run that a schedule started. */
export interface ScheduleRunRow {
  /** The run's id. */
  readonly runId: string;
  /** The planned time; for a run that was triggered by hand, the time at which it was started. */
  readonly planned: number;
  /** When it was started. */
  readonly firedAt: number;
  /** Whether a caller triggered it by hand. */
  readonly manual: boolean;
  /** The run's state; `null`: the run was removed. */
  readonly state: RunState | null;
}

/** A schedule. */
export interface ScheduleRow extends ScheduleSpec {
  /** The internal key. */
  readonly key: number;
  /** Its state, its next planned time, and its counts. */
  readonly progress: Progress;
  /** The version that a run would start on now; `null`: none is registered. */
  readonly version:
    | VersionPin & {
      /** Whether it has a schema for its input, or a limit of its runs. */
      readonly checksInput: boolean;
    }
    | null;
  /** Whether one of its runs has not ended. */
  readonly busy: boolean;
  /** Its latest runs, the newest first. */
  readonly runs: readonly ScheduleRunRow[];
  /** When it was created. */
  readonly createdAt: number;
}

/** What to write to a locked schedule. */
export interface ScheduleDecision extends Firing {
  /** Whether a caller triggers these runs by hand. */
  readonly manual?: boolean;
  /** Encoded input of these runs; the schedule's input when omitted. */
  readonly input?: string;
  /** The place that these runs wait for; none when omitted. */
  readonly place?: PlaceRequest;
  /** The new specification; unchanged when omitted. */
  readonly spec?: ScheduleSpec;
}

/** A pure function that decides about a locked schedule; it is called inside a transaction. */
export type Decide = (
  row: ScheduleRow,
  now: number,
) => ScheduleDecision | Promise<ScheduleDecision>;

/** A firing that waits for runs to end. */
export interface BlockedFiring {
  /** Whether to stop the runs, and how. */
  readonly overlap: Overlap;
  /** The planned time that is held back. */
  readonly held: number;
  /** The runs' namespace. */
  readonly namespace: string;
  /** The runs' ids. */
  readonly runIds: readonly string[];
}

/** Which schedules to list. */
export interface ScheduleFilter {
  /** The namespace. */
  readonly namespace: string;
  /** The workflow; any when omitted. */
  readonly workflow?: string;
  /** The states; any when omitted. */
  readonly states?: readonly ScheduleState[];
  /** The version that they are pinned to; any, or none, when omitted. */
  readonly version?: string;
  /** Ids after this one; from the first when omitted. */
  readonly after?: string;
  /** At most how many. */
  readonly limit: number;
}

/** A schedule that is stuck. */
export interface StuckSchedule extends ScheduleKey {
  /** Why, for people. */
  readonly reason: string;
  /** That reason, encoded by a payload codec. */
  readonly details?: unknown;
}

/** A schedule to be created. */
export interface NewSchedule {
  /** What it starts, and when. */
  readonly spec: ScheduleSpec;
  /** Its first progress. */
  readonly progress: Progress;
}

/** The schedules of a database. */
export interface ScheduleStore {
  /**
   * Creates a schedule.
   *
   * @param make Returns the specification and the first progress, given the database's time.
   * @returns `false`: the id is taken, and nothing was written.
   */
  create(
    make: (now: number) => NewSchedule | Promise<NewSchedule>,
  ): Promise<boolean>;
  /** One schedule. */
  get(key: ScheduleKey): Promise<ScheduleRow | null>;
  /** Schedules, ordered by id. */
  list(filter: ScheduleFilter): Promise<ScheduleRow[]>;
  /**
   * Changes one schedule, and starts its runs, in one transaction.
   *
   * @param key Which one.
   * @param decide Returns what to write. If it throws, nothing is written.
   * @returns The ids of the runs; `null`: no such schedule.
   */
  change(key: ScheduleKey, decide: Decide): Promise<string[] | null>;
  /**
   * Removes one schedule. The runs that it started stay.
   *
   * @returns `false`: no such schedule.
   */
  delete(key: ScheduleKey): Promise<boolean>;
  /**
   * Fires schedules that are due. Several nodes may do so at once.
   *
   * @param limit At most how many.
   * @param decide Returns what to write.
   * @param onFailure Returns the progress of a schedule whose decision threw, or was refused by the
   * database.
   * @returns How many schedules were examined, and the ids of the runs.
   */
  fire(
    limit: number,
    decide: Decide,
    onFailure: (row: ScheduleRow, error: unknown, now: number) => Progress | Promise<Progress>,
  ): Promise<{ readonly looked: number; readonly started: readonly string[] }>;
  /**
   * Makes those schedules due that waited for something which has happened since: the end of a run,
   * or the registration of a workflow.
   *
   * @returns The firings that still wait for runs to end.
   */
  release(): Promise<BlockedFiring[]>;
  /** When the next schedule is due; `null`: none will be. */
  nextFire(): Promise<number | null>;
  /** The versions to which schedules are pinned that may still fire: they are in use. */
  pinned(): Promise<string[]>;
  /** Schedules that are stuck, in any namespace; at most 100. */
  stuck(): Promise<StuckSchedule[]>;
}
