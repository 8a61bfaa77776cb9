/**
 * What a benchmark says: one JSON line for each measurement, and a table at the end.
 *
 * @module
 */

import { median, round } from "./measure.ts";

/** Prints a measurement as a JSON line. */
export function line(measurement: Readonly<Record<string, unknown>>): void {
  // deno-lint-ignore no-console -- what a benchmark is for
  console.log(JSON.stringify(measurement));
}

/** Prints rows as a table for people. */
export function table(rows: readonly Readonly<Record<string, unknown>>[]): void {
  // deno-lint-ignore no-console -- what a benchmark is for
  console.table(rows);
}

/** One number that is aimed at. */
export interface Target {
  /** The workload. */
  readonly workload: string;
  /** Where it is found in a measurement: keys joined by points. */
  readonly key: string;
  /** For people. */
  readonly title: string;
  /** The bound, if there is one. */
  readonly atLeast?: number;
  /** The bound, if there is one. */
  readonly under?: number;
  /** Whether the bound is meant for Postgres alone. */
  readonly server?: boolean;
}

/** A line of the last table: medians over the repetitions. */
export function summary(
  target: Target,
  database: string,
  measurements: readonly Readonly<Record<string, unknown>>[],
): Record<string, unknown> | null {
  const found = measurements.map((measurement) => at(measurement, target.key))
    .filter((value) => typeof value === "number" && !Number.isNaN(value)) as number[];
  if (found.length === 0) return null;
  const value = median(found);
  const { atLeast, under } = target;
  const bounded = !(target.server === true && database !== "postgres");
  const bound = !bounded
    ? ""
    : atLeast !== undefined
    ? `>= ${atLeast}`
    : under !== undefined
    ? `< ${under}`
    : "";
  const reached = bound === ""
    ? ""
    : (atLeast !== undefined ? value >= atLeast : value < (under as number))
    ? "yes"
    : "no";
  return {
    workload: target.workload,
    database,
    measure: target.title,
    median: round(value, 3),
    "min..max": `${round(Math.min(...found), 3)}..${round(Math.max(...found), 3)}`,
    reps: found.length,
    target: bound,
    reached,
  };
}

function at(measurement: Readonly<Record<string, unknown>>, key: string): unknown {
  return key.split(".").reduce<unknown>(
    (value, part) => (value as Record<string, unknown> | undefined)?.[part],
    measurement,
  );
}
