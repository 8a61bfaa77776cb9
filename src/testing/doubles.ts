/**
 * Doubles: replacements of activities and steps in tests.
 *
 * @module
 */

import { readName, refuse, refuseUnless } from "../base/arguments.ts";
import type { ActivityAttempt, Attempt } from "../replay/commands.ts";
import { isActivity } from "../workflow/activity.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import type { IdleTracker } from "./idle_tracker.ts";

/** An outcome of an attempt other than a value: see {@linkcode fails} and {@linkcode hangs}. */
export class Outcome {
  /** Whether it throws, or hangs until its attempt is aborted. */
  readonly kind: "fails" | "hangs";
  /** The error that it throws. */
  readonly error: unknown;

  /**
   * Use {@linkcode fails} and {@linkcode hangs}.
   *
   * @param kind The kind of outcome.
   * @param error The error that it throws.
   */
  constructor(kind: "fails" | "hangs", error?: unknown) {
    this.kind = kind;
    this.error = error;
  }
}

/** One answer for each attempt: see {@linkcode answers}. */
export class Answers<Output = unknown> {
  readonly #list: readonly (Output | Outcome)[];
  #given = 0;

  /** Use {@linkcode answers}. */
  constructor(list: readonly (Output | Outcome)[]) {
    this.#list = list;
  }

  /** Returns the next answer; the last one repeats. */
  next(): Output | Outcome {
    return this.#list[Math.min(this.#given++, this.#list.length - 1)]!;
  }
}

/**
 * A double that throws.
 *
 * @param error The error that it throws.
 * @returns A double, or one of {@linkcode answers}.
 */
export function fails(error: unknown): Outcome {
  return new Outcome("fails", error);
}

/**
 * A double that hangs until its attempt is aborted by a time limit or by the run's cancellation.
 * Virtual time passes while it hangs.
 *
 * @returns A double, or one of {@linkcode answers}.
 */
export function hangs(): Outcome {
  return new Outcome("hangs");
}

/**
 * A double that returns one answer for each attempt, of any run, in the order of the attempts.
 *
 * ```ts ignore
 * testEngine({ workflows: [order], activities: { charge: answers(fails(new Error("busy")), 30) }
 * }); ```
 *
 * @param list Values, {@linkcode fails} and {@linkcode hangs}; the last one repeats.
 * @returns A double.
 * @throws {InvalidArgumentError} If the list is empty.
 */
export function answers<Output>(...list: readonly (Output | Outcome)[]): Answers<Output> {
  if (list.length > 0) return new Answers(list);
  return refuse("the answers of a double", list, "one or more");
}

/**
 * The double of an activity: a function, which may return {@linkcode hangs}; or the result of
 * {@linkcode answers}, {@linkcode fails} or {@linkcode hangs}.
 */
export type ActivityDouble =
  // deno-lint-ignore no-explicit-any -- inputs differ from activity to activity
  | ((input: any, attempt: ActivityAttempt) => unknown)
  | Answers
  | Outcome;

/**
 * The double of a step or of a transaction: a function in place of its own, or the result of
 * {@linkcode answers}, {@linkcode fails} or {@linkcode hangs}.
 */
export type StepDouble = ((step: Attempt) => unknown) | Answers | Outcome;

/** The double of an activity with these types. */
export type DoubleOf<Input, Output> =
  | ((
    input: Input,
    attempt: ActivityAttempt,
  ) => Awaited<Output> | Outcome | Promise<Awaited<Output> | Outcome>)
  | Answers<Awaited<Output>>
  | Outcome;

/**
 * Makes a double of an activity, with the activity's types: for the option `activities`.
 *
 * ```ts ignore
 * testEngine({ workflows: [order], activities: [double(charge, ({ amount }) => amount)] });
 * ```
 *
 * @param activity The activity.
 * @param double The double.
 * @returns Both.
 */
export function double<Input, Output>(
  activity: ActivityDefinition<Input, Output>,
  double: DoubleOf<Input, Output>,
): ActivityDoublePair {
  return [activity as ActivityDefinition<never, unknown>, double];
}

/** An activity and its double. */
export type ActivityDoublePair = readonly [
  activity: ActivityDefinition<never, unknown>,
  double: ActivityDouble,
];

/** One attempt of an activity or of its double. */
export interface ActivityCall {
  /** The activity's name. */
  readonly activity: string;
  /** Its input. */
  readonly input: unknown;
  /** The requesting run. */
  readonly runId: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The idempotency key: the same for every attempt of one call. */
  readonly idempotencyKey: string;
  /** The virtual time at its beginning. */
  readonly at: Date;
}

/** The doubles of one engine, and the attempts that they received. */
export class Doubles {
  /** All attempts, in the order of their beginning. */
  readonly calls: ActivityCall[] = [];
  readonly #doubles = new Map<string, ActivityDouble>();
  readonly #steps = new Map<string, StepDouble>();
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

  /** The names of the activities that have a double. */
  get names(): readonly string[] {
    return [...this.#doubles.keys()];
  }

  /**
   * Replaces an activity by a double, from its next attempt on.
   *
   * @throws {InvalidArgumentError} If it is not a double.
   */
  set(activity: string | ActivityDefinition<never, unknown>, double: ActivityDouble): void {
    const name = nameOf(activity);
    checkDouble(double, `activity ${JSON.stringify(name)}`);
    this.#doubles.set(name, double);
  }

  /**
   * Replaces the steps and transactions with a name by a double, from their next attempt on.
   *
   * @throws {InvalidArgumentError} If it is not a double.
   */
  setStep(name: string, double: StepDouble): void {
    readName(name, "a step");
    checkDouble(double, `step ${JSON.stringify(name)}`);
    this.#steps.set(name, double);
  }

  /**
   * Runs an attempt of a step or of a transaction: its double if it has one, otherwise its own
   * function.
   *
   * @param name Its name.
   * @param real Runs its own function.
   */
  async runStep(name: string, attempt: Attempt, real: () => unknown): Promise<unknown> {
    const double = this.#steps.get(name);
    if (double === undefined) {
      return await this.#idleTracker.during("attempt", real, attempt.signal);
    }
    return await this.#answer(
      () => typeof double === "function" ? double(attempt) : double,
      attempt.signal,
    );
  }

  /**
   * Runs an attempt of an activity: its double if it has one, otherwise the activity.
   *
   * @param name The activity.
   * @param real Runs the activity itself; `undefined`: there is no such activity.
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
    return await this.#answer(
      () => typeof double === "function" ? double(input, attempt) : double,
      attempt.signal,
    );
  }

  async #answer(ask: () => unknown, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#idleTracker.during("double", async () => {
      const given = await ask();
      return given instanceof Answers ? given.next() : given;
    }, signal);
    if (!(answer instanceof Outcome)) return answer;
    if (answer.kind === "fails") throw answer.error;
    return await untilAborted(signal);
  }
}

function checkDouble(double: unknown, what: string): void {
  const isDouble = typeof double === "function" || double instanceof Answers ||
    double instanceof Outcome;
  refuseUnless(
    isDouble,
    `the double of ${what}`,
    double,
    "a function, answers(), fails() or hangs()",
  );
}

/** Returns the name of an activity that is given by name or by definition. */
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
