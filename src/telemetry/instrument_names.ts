/**
 * The instruments: their names, units and meanings. A test holds that the dashboard and the page
 * name these and no others.
 *
 * @module
 */

/** What an instrument is. */
export interface InstrumentInfo {
  /** Its kind; `gauge`: observed when metrics are collected. */
  readonly kind: "counter" | "histogram" | "updown" | "gauge";
  /** Its unit, as UCUM writes it. */
  readonly unit: string;
  /** What it says. */
  readonly description: string;
  /** The bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From 5 ms to 30 days. */
const LONG = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ...[MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY],
];

/** From 1 ms to 1 hour. */
const SHORT = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ...[MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR],
];

/** How many of something. */
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000];

const seconds = (description: string, buckets: readonly number[]) =>
  ({ kind: "histogram", unit: "s", description, buckets }) as const;

/** All instruments, by name. */
export const INSTRUMENTS = {
  "continuum.run.started": {
    kind: "counter",
    unit: "{run}",
    description: "Runs that a node began to execute",
  },
  "continuum.run.ended": { kind: "counter", unit: "{run}", description: "Runs that ended" },
  "continuum.run.duration": seconds("From the start of a run to its end", LONG),
  "continuum.run.wait": seconds("From the time when a run was due to its claim", SHORT),
  "continuum.run.parked": { kind: "counter", unit: "{run}", description: "Runs that were parked" },
  "continuum.lease.lost": {
    kind: "counter",
    unit: "{run}",
    description: "Runs that a node lost while it executed them",
  },
  "continuum.attempt.ended": {
    kind: "counter",
    unit: "{attempt}",
    description: "Attempts of steps, activities and transactions that ended",
  },
  "continuum.attempt.duration": seconds("Attempts of steps, activities and transactions", SHORT),
  "continuum.attempt.wait": seconds(
    "From the time when an attempt of an activity could begin to its beginning",
    SHORT,
  ),
  "continuum.timer.lateness": seconds("From the end of a sleep or limit to its delivery", SHORT),
  "continuum.signal.latency": seconds("From the sending of a signal to its delivery", SHORT),
  "continuum.replay.duration": seconds("Replays of histories, by which runs return", SHORT),
  "continuum.replay.events": {
    kind: "histogram",
    unit: "{event}",
    description: "Events of replayed histories",
    buckets: COUNTS,
  },
  "continuum.flush.duration": seconds("Statements that write histories", SHORT),
  "continuum.flush.rows": {
    kind: "histogram",
    unit: "{run}",
    description: "Runs whose shares one statement wrote",
    buckets: COUNTS,
  },
  "continuum.version.load.duration": seconds("Loads of versions", SHORT),
  "continuum.runs.resident": {
    kind: "updown",
    unit: "{run}",
    description: "Runs in the memory of this process",
  },
  "continuum.attempts.active": {
    kind: "updown",
    unit: "{attempt}",
    description: "Attempts of activities under way in this process",
  },
  "continuum.runs.live": {
    kind: "gauge",
    unit: "{run}",
    description: "Runs of the whole database that have not ended",
  },
  "continuum.queue.depth": {
    kind: "gauge",
    unit: "{task}",
    description: "Tasks of the whole database that wait for a node",
  },
  "continuum.queue.oldest": {
    kind: "gauge",
    unit: "s",
    description: "For how long the oldest of these tasks has waited",
  },
} as const satisfies Readonly<Record<string, InstrumentInfo>>;

/** The name of an instrument. */
export type InstrumentName = keyof typeof INSTRUMENTS;
