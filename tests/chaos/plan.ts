/**
 * What happens in a round of chaos: a pure function of its seed.
 *
 * @module
 */

import { seededRandom } from "../support/seeded_random.ts";
import { PROGRAMS } from "./programs/all.ts";
import type { Draw, Drawn } from "./programs/program.ts";

/** How large a round is. */
export interface Size {
  readonly seed: number;
  /** How long faults are made. */
  readonly seconds: number;
  readonly workers: number;
  readonly runsPerSecond: number;
  /** The mean time between two faults, in milliseconds. */
  readonly faultEveryMs: number;
}

/** A run that a caller starts. */
export interface PlannedRun extends Drawn {
  /** Its id, or the idempotency key of its start. */
  readonly name: string;
  readonly program: string;
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly isKeyed: boolean;
  /** Whether its caller waits for the result. */
  readonly isAwaited: boolean;
}

/** A schedule. */
export interface PlannedSchedule {
  readonly id: string;
  readonly at: number;
  readonly runs: number;
}

/** The kinds of faults. */
export const FAULTS = [
  "kill a worker",
  "pause a worker beyond its lease",
  "drain a worker",
  "shift a worker's clock",
  "deploy a release",
  "restart Postgres",
  "crash Postgres",
  "terminate backends",
  "cancel statements",
  "break LISTEN",
  "lock rows",
  "inject SQLSTATEs",
  "lose replies of statements",
  "fill the tablespace",
  "cut a wire",
  "delay a wire",
  "cut a wire in half of a message",
  "mute a wire",
  "cut a caller's wire",
] as const;

/** One of {@linkcode FAULTS}. */
export type FaultKind = typeof FAULTS[number];

/** A fault. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** Which worker, where it is one. */
  readonly worker: number;
  /** How long it lasts. */
  readonly ms: number;
  /** For what the fault itself draws. */
  readonly seed: number;
}

/** What happens. */
export interface Plan extends Size {
  readonly runs: readonly PlannedRun[];
  readonly schedules: readonly PlannedSchedule[];
  readonly faults: readonly PlannedFault[];
}

/** Makes the plan of a size. */
export function planOf(size: Size): Plan {
  return {
    ...size,
    runs: plannedRuns(size),
    schedules: plannedSchedules(size),
    faults: plannedFaults(size),
  };
}

/** Draws from a seed. */
export function drawFrom(seed: number): Draw {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  return {
    below,
    of: (all) => all[below(all.length)]!,
    chance: (share) => random() < share,
  };
}

function plannedRuns({ seed, seconds, runsPerSecond }: Size): PlannedRun[] {
  const draw = drawFrom(seed);
  const all = PROGRAMS.flatMap((program) => Array<typeof program>(program.weight).fill(program));
  return Array.from({ length: Math.round(seconds * runsPerSecond) }, (_, index) => {
    // Each program has a run, also in a short round.
    const program = PROGRAMS[index] ?? draw.of(all);
    return {
      name: `${program.name}-${index}`,
      program: program.name,
      at: draw.below(seconds * 1_000),
      isKeyed: draw.chance(0.5),
      isAwaited: draw.chance(0.3),
      ...program.draw(draw),
    };
  }).sort((a, b) => a.at - b.at);
}

function plannedSchedules({ seed, seconds }: Size): PlannedSchedule[] {
  const draw = drawFrom(seed + 1);
  return Array.from({ length: Math.ceil(seconds / 30) }, (_, index) => ({
    id: `schedule-${index}`,
    at: draw.below(seconds * 500),
    runs: 3 + draw.below(8),
  }));
}

function plannedFaults({ seed, seconds, workers, faultEveryMs }: Size): PlannedFault[] {
  const draw = drawFrom(seed + 2);
  const faults: PlannedFault[] = [];
  let kinds: FaultKind[] = [];
  for (let at = draw.below(faultEveryMs); at < seconds * 1_000;) {
    // All kinds in turn, each time in another order.
    if (kinds.length === 0) kinds = shuffled(FAULTS, draw);
    faults.push({
      kind: kinds.pop()!,
      at,
      worker: draw.below(workers),
      ms: 200 + draw.below(3_000),
      seed: draw.below(2 ** 31),
    });
    at += Math.floor(faultEveryMs / 2) + draw.below(faultEveryMs);
  }
  return faults;
}

function shuffled<T>(all: readonly T[], draw: Draw): T[] {
  const left = [...all];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(draw.below(left.length), 1));
  return order;
}
