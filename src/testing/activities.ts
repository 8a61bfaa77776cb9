/**
 * Activities of tests: what stands in their place, and where their tasks find it. They go through
 * the engine's own queues, as tasks that any claim of the engine can execute.
 *
 * @module
 */

import { DEFAULT_RETRY } from "../base/backoff.ts";
import { InvalidArgumentError } from "../base/errors.ts";
import { DEFAULT_QUEUE } from "../task/retry.ts";
import type { ActivityLike, CommandOptions } from "../replay/commands.ts";
import type { Doubles } from "./doubles.ts";

/** The activities that runs of one engine have asked for. */
export class TestActivities {
  readonly #doubles: Doubles;
  readonly #queues: ReadonlySet<string>;
  readonly #known = new Map<ActivityLike | string, ActivityLike>();
  readonly #codes = new Map<ActivityLike, string>();
  readonly #byCode = new Map<string, ActivityLike>();

  /**
   * @param doubles What stands in place of activities.
   * @param queues The queues that the engine serves.
   */
  constructor(doubles: Doubles, queues: Iterable<string>) {
    this.#doubles = doubles;
    this.#queues = new Set(queues);
  }

  /**
   * What an activity's command is to ask for.
   *
   * @param name The activity.
   * @param options What the code asked for.
   * @returns The options, with an activity that this engine finds.
   */
  placed(name: string, options: CommandOptions): CommandOptions {
    const { activity: real, queue = DEFAULT_QUEUE } = options;
    if (this.#queues.has(queue)) return { ...options, activity: this.#of(name, real) };
    const { queue: _, ...rest } = options;
    return { ...rest, activity: this.#unserved(name, queue), retry: NEVER };
  }

  /** Where an activity that was placed is. */
  codeOf(activity: ActivityLike): string | null {
    return this.#codes.get(activity) ?? null;
  }

  /** The activity at a place. */
  at(code: string): ActivityLike | undefined {
    return this.#byCode.get(code);
  }

  #of(name: string, real: ActivityLike | undefined): ActivityLike {
    const doubles = this.#doubles;
    return this.#keep(real ?? name, name, (input, attempt) => {
      // It would wait for a node that never comes.
      if (real === undefined && !doubles.names.includes(name)) {
        throw new InvalidArgumentError(
          `Cannot execute activity ${JSON.stringify(name)}: it is called by name, and has no ` +
            `double; give it one in "activities" of the test engine`,
          { activity: name },
        );
      }
      return doubles.run(name, input, attempt, real?.execute);
    });
  }

  #unserved(name: string, queue: string): ActivityLike {
    return this.#keep(`${name} of ${queue}`, name, () => {
      throw new InvalidArgumentError(
        `Cannot execute activity ${JSON.stringify(name)}: its queue ${JSON.stringify(queue)} is ` +
          `not served; name it in "queues" of the test engine`,
        { activity: name, queue },
      );
    });
  }

  #keep(
    key: ActivityLike | string,
    name: string,
    execute: ActivityLike["execute"],
  ): ActivityLike {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const activity = { name, execute };
    const code = `test#${this.#codes.size}`;
    this.#known.set(key, activity);
    this.#codes.set(activity, code);
    this.#byCode.set(code, activity);
    return activity;
  }
}

const NEVER = { ...DEFAULT_RETRY, maxAttempts: 1 };
