/**
 * Activities of tests, and how their tasks find the doubles. They are tasks in the engine's own
 * queues, which any claim of the engine can execute.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { DEFAULT_RETRY } from "../base/backoff.ts";
import { DEFAULT_QUEUE } from "../task/retry.ts";
import type { ActivityLike, CommandOptions } from "../replay/commands.ts";
import type { Doubles } from "./doubles.ts";

/** The activities that runs of one engine have requested. */
export class TestActivities {
  readonly #doubles: Doubles;
  readonly #queues: ReadonlySet<string>;
  readonly #known = new Map<ActivityLike | string, ActivityLike>();
  readonly #codes = new Map<ActivityLike, string>();
  readonly #byCode = new Map<string, ActivityLike>();

  /**
   * @param doubles The doubles of activities.
   * @param queues The queues that the engine serves.
   */
  constructor(doubles: Doubles, queues: Iterable<string>) {
    this.#doubles = doubles;
    this.#queues = new Set(queues);
  }

  /**
   * Converts the options of an activity's command.
   *
   * @param name The activity.
   * @param options The options from the code.
   * @returns The options, with an activity that this engine can find.
   */
  placed(name: string, options: CommandOptions): CommandOptions {
    const { activity: real, queue = DEFAULT_QUEUE } = options;
    if (this.#queues.has(queue)) return { ...options, activity: this.#of(name, real) };
    const { queue: _, ...rest } = options;
    return { ...rest, activity: this.#unserved(name, queue), retry: NEVER };
  }

  /** Returns the place of a registered activity. */
  codeOf(activity: ActivityLike): string | null {
    return this.#codes.get(activity) ?? null;
  }

  /** Returns the activity at a place. */
  at(code: string): ActivityLike | undefined {
    return this.#byCode.get(code);
  }

  #of(name: string, real: ActivityLike | undefined): ActivityLike {
    const doubles = this.#doubles;
    return this.#keep(real ?? name, { name, retry: real?.retry ?? null }, (input, attempt) => {
      // It would wait for ever, since no other node exists.
      if (real === undefined && !doubles.names.includes(name)) {
        refuse(
          `activity ${JSON.stringify(name)}, which is called by name`,
          inWords("no double for it"),
          'one in the option "activities" of testEngine()',
        );
      }
      return doubles.run(name, input, attempt, real?.execute);
    });
  }

  #unserved(name: string, queue: string): ActivityLike {
    return this.#keep(`${name} of ${queue}`, { name }, () => {
      refuse(
        `queue ${JSON.stringify(queue)} of activity ${JSON.stringify(name)}`,
        inWords("that the engine does not serve it"),
        'it in the option "queues" of testEngine()',
      );
    });
  }

  #keep(
    key: ActivityLike | string,
    of: Omit<ActivityLike, "execute">,
    execute: ActivityLike["execute"],
  ): ActivityLike {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const activity = { ...of, execute };
    const code = `test#${this.#codes.size}`;
    this.#known.set(key, activity);
    this.#codes.set(activity, code);
    this.#byCode.set(code, activity);
    return activity;
  }
}

const NEVER = { ...DEFAULT_RETRY, maxAttempts: 1 };
