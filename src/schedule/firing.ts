/**
 * Decides what a schedule does, as a pure function of its row and its situation. The store calls it
 * with the schedule's row locked, and writes the decision together with the runs that it starts.
 *
 * - FIRING-1, once: each planned time is started, skipped or missed exactly once.
 * - FIRING-2, planned and actual: {@linkcode Progress.planned} follows the calendar alone.
 *   {@linkcode Progress.fireAt} is when the schedule is due, which jitter and retries delay.
 *
 * @module
 */

import { backoffDelay, DEFAULT_RETRY, type RetryPolicy } from "../base/backoff.ts";
import { countPlanned, jitterOf, latestPlanned, plannedAfter, type Timing } from "./calendar.ts";

/**
 * A schedule's state: it fires; a caller paused it; it can't fire, for a given reason; it has no
 * planned time left; a caller cancelled it.
 *
 * @category Schedules
 */
export type ScheduleState = "active" | "paused" | "stuck" | "done" | "cancelled";

/**
 * What a firing does while a run of the same schedule has not ended: the firing is skipped; the
 * first one waits for that run's end and others are skipped; it starts its run anyway; that run is
 * cancelled or terminated, and the newest firing waits for its end.
 *
 * @category Schedules
 */
export type Overlap = "skip" | "buffer_one" | "allow" | "cancel_other" | "terminate_other";

/**
 * Which missed firings are made up for, when no node was available in time: none that is more than
 * a minute late; the latest; all of them, the oldest first.
 *
 * @category Schedules
 */
export type CatchUp = "none" | "last" | "all";

/** The settings of a schedule, with defaults filled in. */
export interface Rules {
  /** When it fires. */
  readonly timing: Timing;
  /** What a firing does while the last run has not ended. */
  readonly overlap: Overlap;
  /** Which missed firings it makes up for. */
  readonly catchUp: CatchUp;
  /** How late a missed firing may be made up for, in milliseconds; `null`: without limit. */
  readonly catchUpWindowMs: number | null;
  /** The longest delay of a firing, in milliseconds. */
  readonly jitterMs: number;
  /** It ignores planned times after this one; `null`: there is no end. */
  readonly until: number | null;
  /** It is done after this many runs; `null`: never. */
  readonly maxRuns: number | null;
}

/**
 * Why a schedule does not fire.
 *
 * @category Schedules
 */
export interface ScheduleTrouble {
  /** A stable code: `VERSION_NOT_FOUND`, `INVALID_INPUT`, `FIRING_FAILED`. */
  readonly code: string;
  /** An explanation for people. */
  readonly message: string;
  /** With `INVALID_INPUT`: the version that refuses the schedule's input. */
  readonly version?: string;
}

/** The progress of a schedule. */
export interface Progress {
  /** Its state. */
  readonly state: ScheduleState;
  /** Why it is stuck; `null` in other states. */
  readonly trouble: ScheduleTrouble | null;
  /** The next planned time; `null`: there is none. */
  readonly planned: number | null;
  /** When it is due; `null`: no time is set. */
  readonly fireAt: number | null;
  /** A planned time whose run starts when the previous run has ended. */
  readonly held: number | null;
  /** How many attempts in a row to fire it have failed. */
  readonly failures: number;
  /** Runs that it started at planned times. */
  readonly started: number;
  /** Runs that `trigger` started. */
  readonly triggered: number;
  /** Planned times that were skipped because of `overlap`. */
  readonly skipped: number;
  /** Planned times at which no node was available in time. */
  readonly missed: number;
}

/** The situation at the time of a decision. */
export interface Situation {
  /** The database's time. */
  readonly now: number;
  /** Whether one of its runs has not ended. */
  readonly busy: boolean;
  /** Whether there is a version to start. */
  readonly startable: boolean;
}

/** The decision. */
export interface Firing {
  /** The schedule's progress after it. */
  readonly progress: Progress;
  /** Planned times to start a run for, in order. */
  readonly starts: readonly number[];
}

/** A firing that is later than this, in milliseconds, counts as missed. */
const GRACE_MS = 60_000;

/**
 * The most runs that one decision starts, and the most planned times that it covers: the next one
 * continues.
 */
const MAX_STARTS = 100;
const MAX_STEPS = 1_000;

const RETRY: RetryPolicy = {
  ...DEFAULT_RETRY,
  maxAttempts: 12,
  initial: 5_000,
  max: 300_000,
};

/** The counts of a new schedule. */
const NOTHING_YET = {
  trouble: null,
  planned: null,
  fireAt: null,
  held: null,
  failures: 0,
  started: 0,
  triggered: 0,
  skipped: 0,
  missed: 0,
} as const;

/**
 * Returns the initial progress of a schedule.
 *
 * @param id Its id.
 * @param rules Its settings.
 * @param now The database's time.
 * @param options Whether it is paused until {@linkcode resume}, and whether there is a version to
 * start.
 * @returns Its progress; a one-shot in the past is due at once.
 */
export function begin(
  id: string,
  rules: Rules,
  now: number,
  { paused, startable }: { readonly paused: boolean; readonly startable: boolean },
): Progress {
  const { timing } = rules;
  const planned = timing.kind === "at" ? timing.at : plannedAfter(timing, now);
  const state = paused ? "paused" : "active";
  const progress = settled(id, rules, { ...NOTHING_YET, state, planned });
  return progress.state === "active" && !startable ? stuck(progress, NO_VERSION) : progress;
}

/**
 * Decides what a due schedule does.
 *
 * @param id Its id.
 * @param rules Its settings.
 * @param before Its progress so far.
 * @param situation The situation.
 * @returns The decision.
 */
export function fire(id: string, rules: Rules, before: Progress, situation: Situation): Firing {
  const { now, startable } = situation;
  if (!startable) return { progress: stuck(before, NO_VERSION), starts: [] };
  const starts: number[] = [];
  let { held, skipped, missed, planned } = before;
  let busy = situation.busy;
  if (held !== null && !busy) {
    starts.push(held);
    held = null;
    busy = true;
  }
  const isOver = () => before.started + starts.length + (held === null ? 0 : 1) >= most(rules);
  if (planned !== null) {
    const from = firstWanted(rules, planned, now);
    missed += countPlanned(rules.timing, planned, Math.min(from, last(rules) + 1));
    planned = from;
  }
  for (let step = 0; step < MAX_STEPS && starts.length < MAX_STARTS; step++) {
    if (planned === null || planned > last(rules) || isOver()) break;
    const due = planned + jitterOf(id, planned, rules.jitterMs);
    if (due > now) break;
    if (now - due > windowOf(rules)) missed++;
    else if (!busy || rules.overlap === "allow") starts.push(planned);
    else if (rules.overlap === "skip") skipped++;
    else if (rules.overlap === "buffer_one") {
      if (held === null) held = planned;
      else skipped++;
    } else if (situation.busy) {
      if (held !== null) skipped++;
      held = planned;
    } else {
      // A run that would be stopped at once is not started.
      skipped++;
      starts[starts.length - 1] = planned;
    }
    busy ||= starts.length > 0;
    planned = plannedAfter(rules.timing, planned);
  }
  const started = before.started + starts.length;
  if (planned !== null && isOver()) planned = null;
  const progress = { ...before, planned, held, started, skipped, missed, failures: 0 };
  return { progress: settled(id, rules, progress), starts };
}

/**
 * Returns the progress after a failed firing: it is retried with growing delays, and after the
 * twelfth failure in a row the schedule is stuck.
 *
 * @param before Its progress so far.
 * @param error The error.
 * @param now The database's time.
 * @param random A number from 0 to 1.
 * @returns Its progress.
 */
export function postponed(
  before: Progress,
  error: unknown,
  now: number,
  random: number,
): Progress {
  const failures = before.failures + 1;
  if (failures >= RETRY.maxAttempts) {
    const message = error instanceof Error ? error.message : String(error);
    return stuck({ ...before, failures }, {
      code: "FIRING_FAILED",
      message: `Cannot fire, after ${failures} attempts: ${message}`,
    });
  }
  return { ...before, failures, fireAt: now + backoffDelay(failures, RETRY, random) };
}

/**
 * Resumes a paused or stuck schedule. A paused one skips times that were planned during the pause,
 * except the time of a one-shot. A stuck one makes up for missed times as its settings say.
 *
 * @param id Its id.
 * @param rules Its settings.
 * @param before Its progress so far.
 * @param now The database's time.
 * @returns Its progress.
 */
export function resume(id: string, rules: Rules, before: Progress, now: number): Progress {
  const planned = before.state === "paused" && rules.timing.kind !== "at"
    ? plannedAfter(rules.timing, now)
    : before.planned;
  return settled(id, rules, { ...before, state: "active", trouble: null, planned, failures: 0 });
}

/**
 * Replaces the settings of a schedule. If the timing stays the same, it continues where it was, so
 * missed firings are still made up for. With another timing it begins anew. Its counts stay.
 *
 * @param id Its id.
 * @param rules Its new settings.
 * @param before Its previous settings and its progress.
 * @param now The database's time.
 * @param paused Whether it is paused; `undefined`: as before.
 * @returns Its progress.
 */
export function revise(
  id: string,
  rules: Rules,
  before: { readonly rules: Rules; readonly progress: Progress },
  now: number,
  paused: boolean | undefined,
): Progress {
  const { state, planned, held, started, triggered, skipped, missed } = before.progress;
  const counted = { started, triggered, skipped, missed };
  const isPaused = paused ?? state === "paused";
  const anew = begin(id, rules, now, { paused: isPaused, startable: true });
  if (!isSameTiming(rules.timing, before.rules.timing) || state === "cancelled") {
    return { ...anew, ...counted, ...withoutHeld(before.progress) };
  }
  if (state === "done") {
    const isOver = rules.timing.kind === "at" || started >= most(rules);
    return settled(id, rules, { ...anew, ...counted, planned: isOver ? null : anew.planned });
  }
  return settled(id, rules, {
    ...anew,
    ...counted,
    ...(isPaused ? withoutHeld(before.progress) : { held }),
    state: isPaused ? "paused" : "active",
    planned,
  });
}

/**
 * Whether two timings plan the same times.
 *
 * @param a One.
 * @param b The other.
 */
export function isSameTiming(a: Timing, b: Timing): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

/** Counts a run that `trigger` starts, apart from the planned ones. */
export function trigger(before: Progress, lastFiredAt: number | null, now: number): Firing {
  const at = Math.max(now, (lastFiredAt ?? 0) + 1); // two calls in one millisecond start two runs
  return { progress: { ...before, triggered: before.triggered + 1 }, starts: [at] };
}

/** Stops a schedule for good, or until it is resumed. */
export function stop(before: Progress, state: "paused" | "cancelled"): Progress {
  const planned = state === "paused" ? before.planned : null;
  return { ...before, ...withoutHeld(before), state, trouble: null, planned, fireAt: null };
}

/** Drops a held firing. */
function withoutHeld({ held, skipped }: Progress): Pick<Progress, "held" | "skipped"> {
  return { held: null, skipped: skipped + (held === null ? 0 : 1) };
}

const NO_VERSION: ScheduleTrouble = {
  code: "VERSION_NOT_FOUND",
  message: "Cannot fire: no version of its workflow is registered",
};

/**
 * Parks a schedule without skipping any planned time.
 *
 * @param before Its progress so far.
 * @param trouble Why it can't fire.
 * @returns Its progress.
 */
export function stuck(before: Progress, trouble: ScheduleTrouble): Progress {
  return { ...before, state: "stuck", trouble, fireAt: null };
}

/** Computes when the schedule is due, and whether it is done. */
function settled(id: string, rules: Rules, progress: Progress): Progress {
  const planned = progress.planned !== null && progress.planned <= last(rules)
    ? progress.planned
    : null;
  if (planned === null && progress.held === null) {
    return { ...progress, state: "done", planned, fireAt: null };
  }
  const fireAt = planned === null || progress.state !== "active"
    ? null
    : planned + jitterOf(id, planned, rules.jitterMs);
  return { ...progress, planned, fireAt };
}

/** Returns the first planned time that may still be made up for. */
function firstWanted(rules: Rules, planned: number, now: number): number {
  const { timing, catchUp, jitterMs } = rules;
  const earliest = now - jitterMs - windowOf(rules);
  const inWindow = planned >= earliest || timing.kind === "at"
    ? planned
    : plannedAfter(timing, earliest - 1) ?? latestPlanned(timing, planned, now);
  if (catchUp === "all" || inWindow > now) return inWindow;
  return latestPlanned(timing, inWindow, Math.min(now - jitterMs, last(rules)));
}

function windowOf({ catchUp, catchUpWindowMs }: Rules): number {
  return catchUp === "none" ? GRACE_MS : catchUpWindowMs ?? Infinity;
}

function last({ until }: Rules): number {
  return until ?? Infinity;
}

function most({ maxRuns }: Rules): number {
  return maxRuns ?? Infinity;
}
