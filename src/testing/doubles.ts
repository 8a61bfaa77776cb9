/**
 * Doubles: what stands in place of activities while workflows are tested.
 *
 * @module
 */

import { refuse, refuseUnless } from "../base/arguments.ts";
import type { ActivityAttempt } from "../replay/commands.ts";
import { isActivity } from "../workflow/activity.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import type { IdleTracker } from "./idle_tracker.ts";

/** What an attempt comes to, other than to a value: see {@linkcode fails} and {@linkcode hangs}. */
export class Outcome {
  /** Whether it throws, or does not answer until its attempt is aborted. */
  readonly kind: "fails" | "hangs";
  /** What it throws. */
  readonly error: unknown;

  /**
   * Use {@linkcode fails} and {@linkcode hangs}.
   *
   * @param kind Which of the two.
   * @param error What it throws.
   */
  constructor(kind: "fails" | "hangs", error?: unknown) {
    this.kind = kind;
    this.error = error;
  }
}

/** One answer for each attempt: see {@linkcode answers}. */
export class Answers {
  readonly #list: readonly unknown[];
  #given = 0;

  /** Use {@linkcode answers}. */
  constructor(list: readonly unknown[]) {
    this.#list = list;
  }

  /** The next one; the last is given again and again. */
  next(): unknown {
    return this.#list[Math.min(this.#given++, this.#list.length - 1)];
  }
}

/**
 * A double that throws.
 *
 * @param error What it throws.
 * @returns A double, or one of {@linkcode answers}.
 */
export function fails(error: unknown): Outcome {
  return new Outcome("fails", error);
}

/**
 * A double that does not answer until its attempt is aborted: it took too long, or the run was
 * cancelled. Time passes while it hangs.
 *
 * @returns A double, or one of {@linkcode answers}.
 */
export function hangs(): Outcome {
  return new Outcome("hangs");
}

/**
 * A double that gives one answer for each attempt, of any run, in the order of the attempts.
 *
 * ```ts ignore
 * testEngine({ workflows: [order], activities: { charge: answers(fails(new Error("busy")), 30) }
 * }); ```
 *
 * @param list Values, {@linkcode fails} and {@linkcode hangs}; the last is given again and again.
 * @returns A double.
 * @throws {InvalidArgumentError} If the list is empty.
 */
export function answers(...list: readonly unknown[]): Answers {
  if (list.length > 0) return new Answers(list);
  return refuse("the answers of a double", list, "one or more");
}

/**
 * What stands in place of an activity: a function, which may return {@linkcode hangs}; or what
 * {@linkcode answers}, {@linkcode fails} or {@linkcode hangs} gives.
 */
export type ActivityDouble =
  // deno-lint-ignore no-explicit-any -- inputs differ from activity to activity
  | ((input: any, attempt: ActivityAttempt) => unknown)
  | Answers
  | Outcome;

/** An activity and what stands in its place. */
export type ActivityDoublePair = readonly [
  activity: ActivityDefinition<never, unknown>,
  double: ActivityDouble,
];

/** One attempt of an activity, double or not. */
export interface ActivityCall {
  /** The activity's name. */
  readonly activity: string;
  /** What it was given. */
  readonly input: unknown;
  /** The run that asked. */
  readonly runId: string;
  /** Which attempt it was, from 1. */
  readonly attempt: number;
  /** The idempotency key: the same for every attempt of one call. */
  readonly idempotencyKey: string;
  /** The virtual time at its beginning. */
  readonly at: Date;
}

/** The doubles of one engine, and what they were called with. */
export class Doubles {
  /** Every attempt, in the order of their beginning. */
  readonly calls: ActivityCall[] = [];
  readonly #doubles = new Map<string, ActivityDouble>();
  readonly #idleTracker: IdleTracker;
  readonly #now: () => number;

  /**
   * @param busy Counts attempts.
   * @param now The virtual time, in milliseconds since the epoch.
   */
  constructor(idleTracker: IdleTracker, now: () => number) {
    this.#idleTracker = idleTracker;
    this.#now = now;
  }

  /** The names of those that have a double. */
  get names(): readonly string[] {
    return [...this.#doubles.keys()];
  }

  /**
   * Puts a double in an activity's place, from its next attempt on.
   *
   * @throws {InvalidArgumentError} If it is not a double.
   */
  set(activity: string | ActivityDefinition<never, unknown>, double: ActivityDouble): void {
    const name = nameOf(activity);
    const isDouble = typeof double === "function" || double instanceof Answers ||
      double instanceof Outcome;
    refuseUnless(
      isDouble,
      `the double of activity ${JSON.stringify(name)}`,
      double,
      "a function, answers(), fails() or hangs()",
    );
    this.#doubles.set(name, double);
  }

  /**
   * Runs an attempt of an activity: its double, or else itself.
   *
   * @param name The activity.
   * @param real Runs the activity itself; `undefined`: there is no such.
   */
  async run(
    name: string,
    input: unknown,
    attempt: ActivityAttempt,
    real: ((input: unknown, attempt: ActivityAttempt) => unknown) | undefined,
  ): Promise<unknown> {
    const { runId, idempotencyKey } = attempt;
    const at = new Date(this.#now());
    this.calls.push({ activity: name, input, runId, attempt: attempt.attempt, idempotencyKey, at });
    const double = this.#doubles.get(name);
    if (double === undefined) {
      return await this.#idleTracker.during(
        "attempt",
        () => real?.(input, attempt),
        attempt.signal,
      );
    }
    const answer = await this.#idleTracker.during("double", () => {
      if (typeof double === "function") return double(input, attempt);
      return double instanceof Answers ? double.next() : double;
    }, attempt.signal);
    if (!(answer instanceof Outcome)) return answer;
    if (answer.kind === "fails") throw answer.error;
    return await untilAborted(attempt.signal);
  }
}

/** The name of an activity that is given by name or definition. */
export function nameOf(activity: string | ActivityDefinition<never, unknown>): string {
  if (typeof activity === "string") return activity;
  if (isActivity(activity)) return activity.name;
  return refuse("the activity of a double", activity, "a name, or what defineActivity returns");
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
