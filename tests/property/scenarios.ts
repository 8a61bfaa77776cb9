/**
 * Random workflows together with what is done to them from outside.
 *
 * @module
 */

import fc from "fast-check";
import { type Program, programs, TICK_MS } from "../support/random_program.ts";

/** Something that is done to a run from outside. */
export interface Deed {
  /** When, in milliseconds after its start. */
  readonly at: number;
  /** What. */
  readonly kind: "signal" | "ask" | "cancel" | "terminate";
  /** The signal's name. */
  readonly name: string;
}

/** A random workflow, and what is done to it. */
export interface Scenario {
  /** Identifies it, and lets it be generated again. */
  readonly seed: number;
  /** One program for each generation. */
  readonly generations: readonly Program[];
  /** What is done to it. */
  readonly deeds: readonly Deed[];
}

// Between two ticks: what is done from outside never falls together with what happens inside.
const at = fc.integer({ min: 0, max: 60 }).map((n) => n * TICK_MS + TICK_MS / 2);
const signalDeed = fc.record({
  at,
  kind: fc.constantFrom("signal", "ask"),
  name: fc.constantFrom("a", "b", "c"),
});
const endDeed = fc.record({
  at,
  kind: fc.constantFrom("cancel", "cancel", "cancel", "terminate"),
  name: fc.constant(""),
});
/** Random ones, but for their seed. */
export const scenarios: fc.Arbitrary<Omit<Scenario, "seed">> = fc.record({
  generations: fc.oneof(
    { weight: 5, arbitrary: fc.tuple(programs) },
    { weight: 1, arbitrary: fc.array(programs, { minLength: 2, maxLength: 3 }) },
  ),
  deeds: fc.tuple(
    fc.array(signalDeed, { maxLength: 5 }),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(endDeed, { minLength: 1, maxLength: 2 }) },
    ),
  ).map(([signals, ends]) => [...signals, ...ends]),
}) as fc.Arbitrary<Omit<Scenario, "seed">>;

/**
 * Makes scenarios up.
 *
 * @param seed The first one's seed; the others' follow.
 * @param count How many.
 */
export function scenariosFrom(seed: number, count: number): Scenario[] {
  return Array.from({ length: count }, (_, index) => {
    const [made] = fc.sample(scenarios, { seed: seed + index, numRuns: 1 });
    return { seed: seed + index, ...made! };
  });
}

/** The id of a scenario's run. */
export function runIdOf({ seed }: Pick<Scenario, "seed">): string {
  return `s${seed}`;
}
