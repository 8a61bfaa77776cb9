/**
 * What schedules ask of a store: rows that are only ever changed under a lock, by a pure decision,
 * together with the runs that it starts.
 *
 * @module
 */

import type { Firing, Overlap, Progress, Rules, ScheduleState } from "../schedule/firing.ts";
import type { RunState } from "./rows.ts";
import type { VersionPin } from "./version_ref.ts";

/** Names a schedule. */
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
  /** The version that its runs start on; `null`: the current one of that time. */
  readonly pin: VersionPin | null;
  /** Encoded input of its runs, as it was given: each run's version makes its own of it. */
  readonly input: string;
  /** Attributes of its runs, as JSON. */
  readonly attributes: string;
  /** What its runs start with, as `policyText` writes it. */
  readonly policy: string | null;
  /** When it fires. */
  readonly rules: Rules;
}

/** A run that a schedule started. */
export interface ScheduleRunRow {
  /** The run's id. */
  readonly runId: string;
  /** The planned time; for a run by hand the time at which it was started. */
  readonly planned: number;
  /** When it was started. */
  readonly firedAt: number;
  /** Whether somebody started it by hand. */
  readonly manual: boolean;
  /** Where the run stands; `null`: it is gone. */
  readonly state: RunState | null;
}

/** A schedule. */
export interface ScheduleRow extends ScheduleSpec {
  /** The internal key. */
  readonly key: number;
  /** How far it has come. */
  readonly progress: Progress;
  /** The version that a run would start on now; `null`: there is none. */
  readonly version:
    | VersionPin & {
      /** Whether it has a schema for its input. */
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

/** What is to be written of a locked schedule. */
export interface ScheduleDecision extends Firing {
  /** Whether somebody starts these runs by hand. */
  readonly manual?: boolean;
  /** Encoded input of these runs; as the schedule has it when omitted. */
  readonly input?: string;
  /** What it is asked to do from now on; as before when omitted. */
  readonly spec?: ScheduleSpec;
}

/** Decides about a locked schedule, and nothing else: it is called inside of a transaction. */
export type Decide = (row: ScheduleRow, now: number) => ScheduleDecision;

/** A firing that waits for runs to end. */
export interface BlockedFiring {
  /** Whether, and how, they are to be stopped. */
  readonly overlap: Overlap;
  /** The planned time that waits. */
  readonly held: number;
  /** Where they are. */
  readonly namespace: string;
  /** They. */
  readonly runIds: readonly string[];
}

/** Which schedules to list. */
export interface ScheduleFilter {
  /** Of this namespace. */
  readonly namespace: string;
  /** Of this workflow. */
  readonly workflow?: string;
  /** In these states. */
  readonly states?: readonly ScheduleState[];
  /** With ids after this one. */
  readonly after?: string;
  /** At most how many. */
  readonly limit: number;
}

/** Schedules. */
export interface ScheduleStore {
  /**
   * Creates a schedule.
   *
   * @param make What it is asked to do, and where it begins, given the database's time.
   * @returns `false`: the id is taken, and nothing was written.
   */
  create(
    make: (now: number) => { readonly spec: ScheduleSpec; readonly progress: Progress },
  ): Promise<boolean>;
  /** One schedule. */
  get(key: ScheduleKey): Promise<ScheduleRow | null>;
  /** Schedules, by id. */
  list(filter: ScheduleFilter): Promise<ScheduleRow[]>;
  /**
   * Changes one schedule, and starts runs of it, in one transaction.
   *
   * @param key Which one.
   * @param decide What to write. Throwing writes nothing.
   * @returns The ids of the runs; `null`: no such schedule.
   */
  change(key: ScheduleKey, decide: Decide): Promise<string[] | null>;
  /**
   * Makes due schedules fire, whoever else does the same.
   *
   * @param limit At most how many.
   * @param decide What to write.
   * @param onFailure Where a schedule stands whose decision threw, or was refused by the database.
   * @returns How many were looked at, and the ids of the runs.
   */
  fire(
    limit: number,
    decide: Decide,
    onFailure: (row: ScheduleRow, error: unknown, now: number) => Progress,
  ): Promise<{ readonly looked: number; readonly started: readonly string[] }>;
  /**
   * Makes due what waited for something that has come about: a run's end, a workflow's
   * registration.
   *
   * @returns The firings that still wait for runs to end.
   */
  release(): Promise<BlockedFiring[]>;
  /** When the next schedule is due; `null`: none is. */
  nextFire(): Promise<number | null>;
  /** The versions that schedules which may still fire are pinned to: they are in use. */
  pinned(): Promise<string[]>;
  /** Schedules that are stuck, in any namespace; at most 100. */
  stuck(): Promise<(ScheduleKey & { readonly reason: string })[]>;
}
