/**
 * Durations as people write them.
 *
 * @module
 */

import { refuse } from "./arguments.ts";

/**
 * A length of time: milliseconds; text of numbers and units, such as `"30s"`, `"24h"`, `"7d"` or
 * `"1h30m"` (units: ms, s, m, h, d, w); or a `Temporal.Duration` without months and years, whose
 * days have 24 hours.
 *
 * @category Continuum
 */
export type Duration = number | string | Temporal.Duration;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/y;
/** About 285 years: a longer one would leave the dates that databases and `Date` agree on. */
const LONGEST = 9_000_000_000_000;

/**
 * Reads a duration.
 *
 * @param duration The duration.
 * @param what What errors call it, such as `timeout`.
 * @returns Whole milliseconds, from 0 to 9,000,000,000,000.
 * @throws {InvalidArgumentError} If it is not a duration, negative or too long.
 */
export function durationMs(duration: Duration, what = "duration"): number {
  const ms = read(duration);
  if (ms >= 0 && ms <= LONGEST) return Math.round(ms);
  return refuse(
    what,
    duration,
    'milliseconds, text such as "30s" or "1h30m", or a Temporal.Duration without months, from 0 ' +
      "to 104166 days",
  );
}

function read(duration: unknown): number {
  if (typeof duration === "number") return duration;
  if (typeof duration === "string") return readText(duration);
  if (typeof Temporal !== "undefined" && duration instanceof Temporal.Duration) {
    if (duration.years !== 0 || duration.months !== 0) return NaN;
    return (duration.weeks * 7 + duration.days) * 86_400_000 +
      duration.with({ weeks: 0, days: 0 }).total("milliseconds");
  }
  return NaN;
}

/** Durations that were parsed: code uses the same few again and again. */
const known = new Map<string, number>();
const MAX_KNOWN = 256;

function readText(text: string): number {
  const cached = known.get(text);
  if (cached !== undefined) return cached;
  const ms = parse(text);
  if (known.size < MAX_KNOWN) known.set(text, ms);
  return ms;
}

function parse(text: string): number {
  if (text.length === 0 || text.length > 64) return NaN;
  let ms = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const part = PART.exec(text);
    if (part === null) return NaN;
    ms += Number(part[1]) * (UNITS[part[2] as string] as number);
  }
  return ms;
}
