/**
 * Computes the planned times of schedules, in milliseconds since the epoch. Croner parses cron
 * patterns. Around a change of the clocks the rules of Vixie cron apply:
 *
 * - CALENDAR-1: a fixed time that the clocks skip fires right after the gap, also if the gap ends
 *   at or beyond midnight, or is a whole day. All times that one gap skips fire as one.
 * - CALENDAR-2: a fixed time that occurs twice fires the first time only.
 * - CALENDAR-3: patterns with a `*` or a step in their time fire in both hours, and skip a gap.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { Cron } from "croner";
import { SeededRandom } from "../base/random.ts";
import { TIME_ZONES } from "./time_zones.ts";

/** When a schedule is planned to fire. */
export type Timing =
  | {
    /** Once. */
    readonly kind: "at";
    /** The instant. */
    readonly at: number;
  }
  | {
    /** Repeatedly, at the anchor and at every whole interval after it. */
    readonly kind: "every";
    /** The interval, in milliseconds. */
    readonly everyMs: number;
    /** An instant at which it fires. */
    readonly anchor: number;
  }
  | {
    /** By a cron pattern. */
    readonly kind: "cron";
    /** The pattern, of five fields, or six with seconds in front. */
    readonly expression: string;
    /** The IANA name of the time zone in which it is read. */
    readonly timeZone: string;
  };

/** A parsed pattern takes a few hundred kilobytes, so only a few are cached. */
const MAX_KNOWN = 64;
const known = new Map<string, Cron>();

/**
 * Checks a pattern and its time zone.
 *
 * @param expression The pattern.
 * @param timeZone The IANA name of a time zone.
 * @throws {InvalidArgumentError} If one of them can't be parsed, or the pattern never matches.
 */
export function checkCron(expression: string, timeZone: string): void {
  if (!isTimeZone(timeZone)) {
    refuse(
      "option timeZone of a schedule",
      timeZone,
      'an IANA name such as "Europe/Berlin" or "UTC"',
    );
  }
  const why = complaint(expression, timeZone);
  if (why === null) return;
  refuse(
    "option cron of a schedule",
    expression,
    "five fields (minute, hour, day of month, month, day of week), or six with seconds in front: " +
      why,
  );
}

/**
 * The first planned time after an instant.
 *
 * @param timing When the schedule fires.
 * @param after The instant.
 * @returns That time; `null`: there is none.
 */
export function plannedAfter(timing: Timing, after: number): number | null {
  switch (timing.kind) {
    case "at":
      return timing.at > after ? timing.at : null;
    case "every": {
      const { everyMs, anchor } = timing;
      return anchor + Math.max(0, Math.floor((after - anchor) / everyMs) + 1) * everyMs;
    }
    case "cron":
      return cronAfter(timing.expression, timing.timeZone, after);
  }
}

/**
 * The latest planned time between two others.
 *
 * @param timing When the schedule fires.
 * @param from A planned time.
 * @param to An instant.
 * @returns The last planned time that is not after `to`; `from` if no other is.
 */
export function latestPlanned(timing: Timing, from: number, to: number): number {
  if (timing.kind !== "cron") return latestRegular(timing, from, to);
  // Binary search: if a time is planned after the middle, the search continues from it, otherwise
  // before the middle.
  let [latest, end] = [from, to];
  while (true) {
    const next = plannedAfter(timing, latest);
    if (next === null || next > to) return latest;
    const middle = next + Math.floor((end - next) / 2);
    const beyond = plannedAfter(timing, middle);
    if (beyond !== null && beyond <= to) {
      latest = beyond;
    } else {
      latest = next;
      end = middle;
    }
  }
}

function latestRegular(
  timing: Exclude<Timing, { kind: "cron" }>,
  from: number,
  to: number,
): number {
  if (timing.kind === "at") return from;
  const { everyMs } = timing;
  return from + Math.max(0, Math.floor((to - from) / everyMs)) * everyMs;
}

/** Counting stops at this number. */
const MAX_COUNT = 1_000;

/**
 * How many planned times there are between two others.
 *
 * @param timing When the schedule fires.
 * @param from The first of them.
 * @param to A planned time, which is not counted.
 * @returns Their number; for a pattern at most 1,000.
 */
export function countPlanned(timing: Timing, from: number, to: number): number {
  if (timing.kind === "at") return from < to ? 1 : 0;
  if (timing.kind === "every") return Math.max(0, Math.ceil((to - from) / timing.everyMs));
  let count = 0;
  for (let at: number | null = from; at !== null && at < to && count < MAX_COUNT; count++) {
    at = plannedAfter(timing, at);
  }
  return count;
}

/**
 * Lists planned times in order, also those before a schedule was created.
 *
 * @param timing When it fires.
 * @param from The first time that counts, in milliseconds since the epoch.
 * @param to The first time after that which does not count.
 */
export function* plannedBetween(timing: Timing, from: number, to: number): Iterable<number> {
  if (timing.kind === "every") {
    const { everyMs, anchor } = timing;
    const first = anchor + Math.ceil((from - anchor) / everyMs) * everyMs;
    for (let at = first; at < to; at += everyMs) yield at;
    return;
  }
  let at = plannedAfter(timing, from - 1);
  for (; at !== null && at < to; at = plannedAfter(timing, at)) yield at;
}

/**
 * Computes the delay of one firing, so that schedules with the same time don't all start at once.
 * Every node computes the same delay.
 *
 * @param id The schedule's id.
 * @param planned The planned time.
 * @param jitterMs The longest delay, in milliseconds.
 * @returns Whole milliseconds, from 0 to `jitterMs`.
 */
export function jitterOf(id: string, planned: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  return Math.floor(new SeededRandom(`${id}@${planned}`).next() * (jitterMs + 1));
}

function cronAfter(expression: string, timeZone: string, after: number): number | null {
  const next = nextOf(expression, timeZone, after);
  if (next === null || !isFixedTime(expression)) return next;
  return skippedBefore(next, expression, timeZone, after) ?? next;
}

function nextOf(expression: string, timeZone: string, after: number): number | null {
  return cronOf(expression, timeZone).nextRun(new Date(after))?.getTime() ?? null;
}

/** CALENDAR-1: the end of the first gap after an instant, and before another, that skips a planned time. */
function skippedBefore(
  end: number,
  expression: string,
  timeZone: string,
  after: number,
): number | null {
  for (let at = TIME_ZONES.changeAfter(after, timeZone, end); at !== null;) {
    const [from, to] = [at - 1, at].map((instant) =>
      instant + TIME_ZONES.offsetAt(instant, timeZone)
    );
    // The local time, read as if the clocks never changed.
    const skipped = to! > from! + 1 ? nextOf(expression, "UTC", from!) : null;
    if (skipped !== null && skipped < to!) return at;
    at = TIME_ZONES.changeAfter(at, timeZone, end);
  }
  return null;
}

/**
 * Whether the time of a pattern contains neither `*` nor a step; among nicknames, one contains `*`.
 */
function isFixedTime(expression: string): boolean {
  const fields = expression.trim().split(/\s+/);
  if (fields.length === 1) return fields[0]!.toLowerCase() !== "@hourly";
  return !/[*?/]/.test(fields.slice(0, -3).join(" "));
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone !== "" &&
      timeZone !== "";
  } catch {
    return false;
  }
}

/** Returns what is wrong with a pattern; `null`: it is valid. */
function complaint(expression: string, timeZone: string): string | null {
  try {
    const next = cronOf(expression, timeZone).nextRun(new Date(0));
    return next === null ? "it never comes true" : null;
  } catch (error) {
    return error instanceof Error
      ? error.message.replace(/^CronPattern: | *(?:['(]|: (?!.*CronPattern)).*/gs, "")
      : String(error);
  }
}

function cronOf(expression: string, timeZone: string): Cron {
  const key = `${timeZone} ${expression}`;
  let cron = known.get(key);
  if (cron === undefined) {
    cron = new Cron(expression, {
      timezone: timeZone,
      mode: "5-or-6-parts",
      fixedTimeRule: "no-wildcard",
      paused: true,
    });
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, cron);
  }
  return cron;
}
