/**
 * Bars of effects along the time of a run. Long stretches in which nothing begins or ends are
 * shortened, so that a step of milliseconds and a wait of days both can be seen.
 *
 * @module
 */

import { span } from "./times.ts";

/** One effect: when it was requested, and when it was answered. */
export interface Stretch {
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** Milliseconds since the epoch; `null`: it has not been answered. */
  readonly to: number | null;
  /** Times between both that are marked, such as those of failed attempts. */
  readonly marks: readonly number[];
  /** Whether it waits for something outside of the code that runs. */
  readonly isIdle: boolean;
}

/** A stretch takes at most this share of the width for each time that begins or ends in it. */
const WIDEST = 4;

/**
 * Draws a bar for each stretch.
 *
 * @param stretches The stretches.
 * @param end When the run ended; otherwise the present.
 * @param columns How wide the bars are.
 * @returns A line for the axis, and the bar of each stretch.
 */
export function timeline(
  stretches: readonly Stretch[],
  end: number,
  columns: number,
): { readonly axis: string; readonly bars: readonly string[] } {
  const times = new Set([
    end,
    ...stretches.flatMap(({ from, to, marks }) => [from, to ?? end, ...marks]),
  ]);
  const sorted = [...times].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((time, index) => time - sorted[index]!);
  const middle = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 1;
  const longest = Math.max(1, middle * WIDEST);
  const isShortened = gaps.some((gap) => gap > longest);
  const total = gaps.reduce((sum, gap) => sum + Math.min(gap, longest), 0) || 1;
  const columnOf = new Map<number, number>();
  let passed = 0;
  sorted.forEach((time, index) => {
    if (index > 0) passed += Math.min(gaps[index - 1]!, longest);
    columnOf.set(time, Math.min(columns - 1, Math.floor(passed / total * columns)));
  });
  const bars = stretches.map(({ from, to, marks, isIdle }) => {
    const [first, last] = [columnOf.get(from)!, columnOf.get(to ?? end)!];
    const bar = Array.from<string, string>({ length: last - first + 1 }, () => isIdle ? "░" : "█");
    for (const mark of marks) bar[columnOf.get(mark)! - first] = "▒";
    if (to === null) bar[bar.length - 1] = "▸";
    return " ".repeat(first) + bar.join("");
  });
  const whole = span(end - sorted[0]!);
  const line = `0 ├${"─".repeat(Math.max(0, columns - 4 - whole.length))}┤ ${whole}`;
  return { axis: isShortened ? line.replace(/─(?=─*┤)/, "⋯") : line, bars };
}
