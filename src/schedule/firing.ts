/**
 * What a schedule does when it is looked at: a pure function of what is known about it. The store
 * calls it with the schedule's row locked, and writes what it decides together with the runs that
 * it starts.
 *
 * - FIRING-1, once: a planned time is started, skipped or missed, and then it is behind.
 * - FIRING-2, planned and actual: {@linkcode Progress.planned} moves along the calendar alone; when the
 *   schedule is looked at is {@linkcode Progress.fireAt}, which jitter and retries put off.
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
 * What happens to a firing while a run of the same schedule has not ended: it is left out; the
 * first one waits for that run's end and others are left out; it starts all the same; that run is
 * cancelled or terminated, and the newest firing waits for its end.
 *
 * @category Schedules
 */
export type Overlap = "skip" | "buffer_one" | "allow" | "cancel_other" | "terminate_other";

/**
 * Which firings are made up for that no node made in time: none that is more than a minute late;
 * the latest; all of them, the oldest first.
 *
 * @category Schedules
 */
export type CatchUp = "none" | "last" | "all";

/** What a schedule was asked to do; every field is decided. */
export interface Rules {
  /** When it fires. */
  readonly timing: Timing;
  /** What it does while its last run has not ended. */
  readonly overlap: Overlap;
  /** Which missed firings it makes up for. */
  readonly catchUp: CatchUp;
  /** How late a firing may be, in milliseconds; `null`: as late as it may. */
  readonly catchUpWindowMs: number | null;
  /** By how much a firing is put off at most, in milliseconds. */
  readonly jitterMs: number;
  /** No planned time after this one counts; `null`: there is no end. */
  readonly until: number | null;
  /** After how many runs it is done; `null`: never. */
  readonly maxRuns: number | null;
}

/**
 * Why a schedule does not fire.
 *
 * @category Schedules
 */
export interface ScheduleTrouble {
  /** A stable word: `VERSION_NOT_FOUND`, `INVALID_INPUT`, `FIRING_FAILED`. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** The version that does not take the schedule's input, with `INVALID_INPUT`. */
  readonly version?: string;
}

/** How far a schedule has come. */
export interface Progress {
  /** Where it stands. */
  readonly state: ScheduleState;
  /** Why it is stuck; `null` in other states. */
  readonly trouble: ScheduleTrouble | null;
  /** The next planned time; `null`: there is none. */
  readonly planned: number | null;
  /** When it is looked at; `null`: not for the sake of time. */
  readonly fireAt: number | null;
  /** A planned time whose run starts when the one before has ended. */
  readonly held: number | null;
  /** Attempts in a row to make it fire that failed. */
  readonly failures: number;
  /** Runs that it started by itself. */
  readonly started: number;
  /** Runs that callers started by hand. */
  readonly triggered: number;
  /** Planned times left out because of `overlap`. */
  readonly skipped: number;
  /** Planned times at which no node was available in time. */
  readonly missed: number;
}

/** What the world looks like when a schedule is looked at. */
export interface Situation {
  /** The database's time. */
  readonly now: number;
  /** Whether one of its runs has not ended. */
  readonly busy: boolean;
  /** Whether there is a version to start. */
  readonly startable: boolean;
}

/** What is to be done. */
export interface Firing {
  /** Where the schedule stands then. */
  readonly progress: Progress;
  /** Planned times to start a run for, in order. */
  readonly starts: readonly number[];
}

/** How late a firing may be that is not made up for, in milliseconds. */
const GRACE_MS = 60_000;

/** Runs that one look starts, and planned times that it goes through: the rest is for the next. */
const MAX_STARTS = 100;
const MAX_STEPS = 1_000;

const RETRY: RetryPolicy = {
  ...DEFAULT_RETRY,
  maxAttempts: 12,
  initial: 5_000,
  max: 300_000,
};

/** What a schedule has done before it has done anything. */
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
 * How a schedule begins.
 *
 * @param id Its id.
 * @param rules What it is asked to do.
 * @param now The database's time.
 * @param options Whether it waits for {@linkcode resume}, and whether there is a version to start.
 * @returns Where it stands; a one-shot in the past is due at once.
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
 * Looks at a schedule that is due.
 *
 * @param id Its id.
 * @param rules What it is asked to do.
 * @param before How far it has come.
 * @param situation What the world looks like.
 * @returns What is to be done.
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
      // What would be stopped at once is not started at all.
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
 * What follows if making a schedule fire failed: it is tried again later and later, and after the
 * twelfth failure in a row it is stuck.
 *
 * @param before How far it has come.
 * @param error What was thrown.
 * @param now The database's time.
 * @param random A number from 0 to 1.
 * @returns Where it stands.
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
 * Lets a paused or stuck schedule continue. Times planned during a pause are left out, a
 * one-shot's is not; a stuck one makes up for what it missed as its rules say.
 *
 * @param id Its id.
 * @param rules What it is asked to do.
 * @param before How far it has come.
 * @param now The database's time.
 * @returns Where it stands.
 */
export function resume(id: string, rules: Rules, before: Progress, now: number): Progress {
  const planned = before.state === "paused" && rules.timing.kind !== "at"
    ? plannedAfter(rules.timing, now)
    : before.planned;
  return settled(id, rules, { ...before, state: "active", trouble: null, planned, failures: 0 });
}

/**
 * Gives a schedule other rules. If its timing stays, it continues where it was, so that what
 * was missed is still made up for; with another it begins anew. What it has counted stays.
 *
 * @param id Its id.
 * @param rules What it is asked to do now.
 * @param before What it was asked to do, and how far it has come.
 * @param now The database's time.
 * @param paused Whether it is to wait; `undefined`: as before.
 * @returns Where it stands.
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

/** A run by hand: counted apart, and beside the calendar. */
export function trigger(before: Progress, lastFiredAt: number | null, now: number): Firing {
  const at = Math.max(now, (lastFiredAt ?? 0) + 1); // two in one millisecond are two
  return { progress: { ...before, triggered: before.triggered + 1 }, starts: [at] };
}

/** Stops a schedule for good, or until it is resumed. */
export function stop(before: Progress, state: "paused" | "cancelled"): Progress {
  const planned = state === "paused" ? before.planned : null;
  return { ...before, ...withoutHeld(before), state, trouble: null, planned, fireAt: null };
}

/** Gives a held firing up. */
function withoutHeld({ held, skipped }: Progress): Pick<Progress, "held" | "skipped"> {
  return { held: null, skipped: skipped + (held === null ? 0 : 1) };
}

const NO_VERSION: ScheduleTrouble = {
  code: "VERSION_NOT_FOUND",
  message: "Cannot fire: no version of its workflow is registered",
};

/**
 * Parks a schedule: nothing that it has planned is passed over.
 *
 * @param before How far it has come.
 * @param trouble Why it can't fire.
 * @returns Where it stands.
 */
export function stuck(before: Progress, trouble: ScheduleTrouble): Progress {
  return { ...before, state: "stuck", trouble, fireAt: null };
}

/** Works out when the schedule is looked at, and whether anything is left to do. */
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

/** The first planned time that may still be made up for; none before it is. */
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
