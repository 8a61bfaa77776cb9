/**
 * All programs.
 *
 * @module
 */

import { again } from "./again.ts";
import { bookings } from "./bookings.ts";
import { effects } from "./effects.ts";
import { family } from "./family.ts";
import { generations } from "./generations.ts";
import { late } from "./late.ts";
import { lettersProgram } from "./letters.ts";
import { naps } from "./naps.ts";
import type { Program } from "./program.ts";
import { race } from "./race.ts";
import { saga } from "./saga.ts";
import { steps } from "./steps.ts";

/** The programs that callers start. */
export const PROGRAMS: readonly Program[] = [
  steps,
  effects,
  bookings,
  lettersProgram,
  naps,
  family,
  saga,
  race,
  generations,
  again,
  late,
];

/** The workflow that schedules fire. */
export const TICK = "tick";

/** The modules of a release, by the names of their workflows. */
export const MODULES: readonly string[] = [...PROGRAMS.map(({ name }) => name), TICK, "leaf"];

/** Finds a program. */
export function programOf(name: string): Program {
  const found = PROGRAMS.find((program) => program.name === name);
  if (found === undefined) throw new Error(`There is no program ${name}`);
  return found;
}
