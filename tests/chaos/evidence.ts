/**
 * What a round of chaos leaves behind: the rows of the engine's tables, those that transactions of
 * runs wrote, the ledger, and how processes ended.
 *
 * @module
 */

import type { PlannedRun, PlannedSchedule } from "./plan.ts";

/** A row of `runs`; times are milliseconds since the epoch. */
export interface RunRow {
  readonly key: number;
  readonly id: string;
  readonly workflow: string;
  readonly state: string;
  readonly parent: number | null;
  readonly isFork: boolean;
  readonly specifier: string;
  readonly generation: number;
  readonly firstSeq: number;
  readonly nextSeq: number;
  readonly node: string | null;
  readonly mustNotify: boolean;
  readonly wakeAt: number | null;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly result: unknown;
  readonly error: unknown;
  /** Why it is parked. */
  readonly stuck: unknown;
}

/** A row of `events`. */
export interface EventRow {
  readonly run: number;
  readonly seq: number;
  readonly position: number | null;
  readonly at: number;
  readonly kind: string;
  readonly name: string;
  readonly payload: unknown;
}

/** A row of `generations`. */
export interface GenerationRow {
  readonly run: number;
  readonly generation: number;
  readonly firstSeq: number;
  readonly nextSeq: number;
}

/** A row of `inbox`, or of `deliveries`. */
export interface MessageRow {
  readonly run: number;
  readonly kind: string;
  readonly name: string;
}

/** A row of `schedules`. */
export interface ScheduleRow {
  readonly key: number;
  readonly id: string;
  readonly state: string;
  readonly started: number;
  readonly skipped: number;
  readonly missed: number;
}

/** A row of `schedule_runs`. */
export interface FiringRow {
  readonly schedule: number;
  readonly plannedAt: number;
  readonly firedAt: number;
  readonly run: number;
}

/** A change of a run's owner, or of its history, as a trigger saw it. */
export interface TenureRow {
  readonly run: number;
  readonly oldToken: number | null;
  readonly newToken: number | null;
  readonly oldSeq: number;
  readonly newSeq: number;
}

/** A row that a transaction of a run wrote. */
export interface BookingRow {
  readonly run: string;
  readonly place: string;
}

/** An effect in the ledger: one row for each time that it happened. */
export interface NoteRow {
  readonly run: string;
  readonly place: string;
  readonly key: string;
  readonly attempt: number;
}

/** A row that should not be there once all has ended; `table` has it. */
export interface LeftRow {
  readonly table: string;
  readonly row: string;
}

/** How a process ended. */
export interface Death {
  readonly process: string;
  /** What the harness did to it; `null`: nothing. */
  readonly cause: "killed" | "asked" | null;
  readonly code: number;
  readonly signal: string | null;
  /** The last that it said. */
  readonly said: string;
}

/** What a caller was answered. */
export interface Heard {
  /** The run that its start led to. */
  readonly id: string;
  /** Signals whose delivery was acknowledged, by name. */
  readonly signals: Readonly<Record<string, number>>;
  /** The fork that it made. */
  readonly fork: string | null;
  /** The result that it was given, if it waited for one. */
  readonly result?: unknown;
}

/** All of it. */
export interface Evidence {
  readonly planned: readonly PlannedRun[];
  readonly schedules: readonly PlannedSchedule[];
  /** By the planned run's name. */
  readonly heard: ReadonlyMap<string, Heard>;
  /** Faults of callers that no retry cures. */
  readonly complaints: readonly string[];
  readonly runs: readonly RunRow[];
  readonly events: readonly EventRow[];
  readonly generations: readonly GenerationRow[];
  readonly inbox: readonly MessageRow[];
  readonly deliveries: readonly MessageRow[];
  readonly scheduleRows: readonly ScheduleRow[];
  readonly firings: readonly FiringRow[];
  readonly tenures: readonly TenureRow[];
  readonly bookings: readonly BookingRow[];
  readonly notes: readonly NoteRow[];
  readonly left: readonly LeftRow[];
  readonly deaths: readonly Death[];
}

/** Something that must not be. */
export interface Finding {
  /** Which promise is broken. */
  readonly promise: ChaosPromise;
  /** What broke it. */
  readonly message: string;
}

/** The promises that the checker holds the engine to. */
export const PROMISES = [
  "every run ends as its program says",
  "no run is lost or doubled",
  "histories have no gaps",
  "one token at a time",
  "histories replay",
  "exactly once",
  "at least once, under one key",
  "no signal is lost or doubled",
  "no timer is early",
  "parents and children agree",
  "each planned time fires once",
  "nothing is left over",
  "no process dies by itself",
] as const;

/** One of {@linkcode PROMISES}. */
export type ChaosPromise = typeof PROMISES[number];
