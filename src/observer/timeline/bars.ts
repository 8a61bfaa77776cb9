/**
 * The bars of a timeline: where each begins and ends, and what is marked on it.
 *
 * - BAR-1: a bar is at least two units wide, and within the width of the timeline.
 * - BAR-2: of one row, bars that look alike lie apart from each other; so their number is bounded.
 *
 * @module
 */

import type { Effect, Row } from "./rows.ts";
import { type Scale, scaleOf, type Stretch, WIDTH } from "./scale.ts";

/** How a bar looks. `retried`: completed after failed attempts. */
export type BarLook = "completed" | "failed" | "timed_out" | "waiting" | "withdrawn" | "retried";

/** A bar. */
export interface Bar {
  /** Its left end. */
  readonly left: number;
  /** How wide it is. */
  readonly width: number;
  /** How it looks. */
  readonly look: BarLook;
  /** Whether nothing was executed during it: a timer, a signal, a child run. */
  readonly isIdle: boolean;
  /** How many effects it stands for. */
  readonly count: number;
}

/** The bars of a row. */
export interface DrawnRow {
  /** The row. */
  readonly row: Row;
  /** Its bars; one that matters more lies on top, so it comes later. */
  readonly bars: readonly Bar[];
  /** Where attempts failed, from left to right. */
  readonly failures: readonly number[];
}

/** BAR-1 */
const LEAST_WIDTH = 2;

/** Bars nearer than this are one, where a row has several. */
const LEAST_GAP = 1;

const IDLE: ReadonlySet<Effect["kind"]> = new Set(["sleep", "signal", "child"]);

/** When an effect was requested, and when it was answered, or the time that is shown last. */
export function stretchOf(effect: Effect, now: number): Stretch {
  const { requestedAt, answeredAt, attempts, state } = effect;
  const known = requestedAt ?? attempts[0]?.failedAt ?? answeredAt;
  const from = known === null ? now : Date.parse(known);
  if (answeredAt !== null) return { from, to: Math.max(from, Date.parse(answeredAt)) };
  return { from, to: state === "waiting" ? Math.max(from, now) : from };
}

/**
 * The scale of a run's effects.
 *
 * @param effects The effects.
 * @param bounds When the run began, and the last time that is shown.
 * @param further Other times that are marked.
 * @param isWhole Whether nothing is cut out.
 */
export function scaleOfEffects(
  effects: readonly Effect[],
  { from, to }: Stretch,
  further: readonly number[],
  isWhole: boolean,
): Scale {
  const stretches = effects.map((effect) => stretchOf(effect, to));
  const failures = effects.flatMap(({ attempts }) => attempts.map(failureTime));
  const within = (time: number) => time >= from && time <= to;
  const moments = [from, to, ...[...failures, ...further].filter(within)];
  for (const stretch of stretches) moments.push(stretch.from, stretch.to);
  const busy = stretches.filter((_, index) => !IDLE.has(effects[index]!.kind));
  return scaleOf(moments, busy, isWhole);
}

/**
 * Draws a row.
 *
 * @param row The row.
 * @param scale Where times are.
 * @param now The last time that is shown.
 */
export function drawn(row: Row, scale: Scale, now: number): DrawnRow {
  const bars = row.effects.map((effect) => barOf(effect, scale, now))
    .sort((a, b) => a.left - b.left || a.width - b.width);
  const failures = row.effects.flatMap(({ attempts }) => attempts.map(failureTime))
    .map((time) => scale.at(time)).sort((a, b) => a - b);
  return { row, bars: mergedBars(bars), failures: apart(failures) };
}

function barOf(effect: Effect, scale: Scale, now: number): Bar {
  const { from, to } = stretchOf(effect, now);
  const [start, end] = [scale.at(from), scale.at(to)];
  const width = Math.max(LEAST_WIDTH, end - start);
  return {
    left: Math.min(start, WIDTH - width),
    width,
    look: lookOf(effect),
    isIdle: IDLE.has(effect.kind),
    count: 1,
  };
}

function lookOf({ state, attempts }: Effect): BarLook {
  return state === "completed" && attempts.length > 0 ? "retried" : state;
}

/** The looks: what matters more comes later. */
const LOOKS: readonly BarLook[] = [
  "completed",
  "withdrawn",
  "retried",
  "timed_out",
  "waiting",
  "failed",
];

/** BAR-2: one bar where several that look alike lie on or beside each other. */
function mergedBars(bars: readonly Bar[]): Bar[] {
  return LOOKS.flatMap((look) => {
    const merged: Bar[] = [];
    for (const bar of bars) {
      if (bar.look !== look) continue;
      const last = merged.at(-1);
      if (last === undefined || bar.left > last.left + last.width + LEAST_GAP) merged.push(bar);
      else {
        const width = Math.max(last.width, bar.left + bar.width - last.left);
        merged[merged.length - 1] = { ...last, width, count: last.count + bar.count };
      }
    }
    return merged;
  });
}

/** Places between which there is a gap. */
function apart(places: readonly number[]): number[] {
  const kept: number[] = [];
  for (const place of places) {
    if (place - (kept.at(-1) ?? -Infinity) >= LEAST_WIDTH) kept.push(place);
  }
  return kept;
}

function failureTime({ failedAt }: Effect["attempts"][number]): number {
  return Date.parse(failedAt);
}
