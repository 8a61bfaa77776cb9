/**
 * What a program is to the harness: how its runs are drawn, what callers do to them, and what they
 * must have come to.
 *
 * @module
 */

import type { BookingRow, EventRow, NoteRow, RunRow } from "../evidence.ts";

/** Draws from the plan's seed. */
export interface Draw {
  /** A whole number from 0, less than `below`. */
  below(below: number): number;
  /** One of several. */
  of<T>(all: readonly T[]): T;
  /** True as often as `share` says, from 0 to 1. */
  chance(share: number): boolean;
}

/** What a caller does to a run after its start, in order. */
export type Act =
  /** Sends a signal; twice, as callers do that got no answer. */
  | {
    readonly do: "signal";
    readonly name: string;
    readonly payload: number;
    readonly isRepeated: boolean;
    readonly afterMs: number;
  }
  | { readonly do: "cancel" | "terminate"; readonly afterMs: number }
  /** Waits for the end, and begins a second run with a part of the first one's history. */
  | { readonly do: "fork"; readonly events: number; readonly afterMs: number };

/** What was drawn for a run. */
export interface Drawn {
  /** Its input, beside the place of the ledger. */
  readonly input: { readonly [name: string]: string | number };
  readonly acts: readonly Act[];
  /** Whether the run takes new versions by itself. */
  readonly versioning?: "auto";
}

/** What is known of a run in the end. */
export interface RunFacts {
  /** What was drawn. */
  readonly drawn: Drawn;
  readonly row: RunRow;
  /** Of all generations, in order. */
  readonly events: readonly EventRow[];
  readonly bookings: readonly BookingRow[];
  readonly notes: readonly NoteRow[];
}

/** A workflow of `released/`. */
export interface Program {
  /** Its name, which is that of its file. */
  readonly name: string;
  /** How many of 100 runs it has, about. */
  readonly weight: number;
  /** Draws a run. */
  draw(draw: Draw): Drawn;
  /** Says what is wrong with a run that has ended. */
  check(run: RunFacts): Iterable<string>;
}

/** A number of an input. */
export function numberOf(run: RunFacts, name: string): number {
  const value = run.drawn.input[name];
  if (typeof value !== "number") throw new TypeError(`The input has no number ${name}`);
  return value;
}

/** The whole numbers from 0, less than `below`. */
export function range(below: number): number[] {
  return Array.from({ length: below }, (_, at) => at);
}

/** Letters in their order, with what a caller does between. */
export function letters(draw: Draw, count: number): Act[] {
  return range(count).map((payload) => ({
    do: "signal",
    name: "letter",
    payload,
    isRepeated: draw.chance(0.2),
    afterMs: draw.below(400),
  }));
}

/** Says whether a run completed with a result. */
export function* completedWith(run: RunFacts, wanted: unknown): Generator<string> {
  const { state, result } = run.row;
  const [found, expected] = [JSON.stringify(result), JSON.stringify(wanted)];
  if (state !== "completed") yield `is ${state}, wanted completed`;
  else if (found !== expected) yield `returned ${found}, wanted ${expected}`;
}

/** Says whether the transactions of a run wrote these rows and no others. */
export function* booked(run: RunFacts, wanted: readonly string[]): Generator<string> {
  yield* differences("booked", run.bookings.map(({ place }) => place), wanted);
}

/** Says whether a run had these effects and no others; each may have been tried more than once. */
export function* noted(run: RunFacts, wanted: readonly string[]): Generator<string> {
  yield* differences("noted", run.notes.map(({ place }) => place), wanted);
}

function* differences(
  what: string,
  found: readonly string[],
  wanted: readonly string[],
): Generator<string> {
  for (const place of new Set(wanted)) if (!found.includes(place)) yield `never ${what} ${place}`;
  for (const place of new Set(found)) {
    if (!wanted.includes(place)) yield `${what} ${place}, which its program does not ask for`;
  }
}
