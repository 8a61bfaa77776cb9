/**
 * The world that random workflows act on: it does what a {@linkcode Conduct} says, in virtual time,
 * and notes all that was done.
 *
 * @module
 */

import { CancelledError } from "../../src/base/errors.ts";
import type { Attempt } from "../../src/replay/commands.ts";
import type { VirtualClock } from "../../src/testing/clock.ts";
import { type ActivityDefinition, defineActivity } from "../../src/workflow/activity.ts";
import type { WorkflowDefinition, WorkflowTransaction } from "../../src/workflow/context_types.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";
import {
  type Binding,
  type Conduct,
  follow,
  type Program,
  RETRY,
  TICK_MS,
  type World,
} from "../support/random_program.ts";

/** What a random run is started with: one program for each of its generations. */
export interface RandomInput {
  /** The programs. */
  readonly generations: readonly Program[];
}

/** An attempt that was made. */
export interface MadeAttempt {
  /** The run that asked. */
  readonly runId: string;
  /** The effect's key. */
  readonly key: string;
  /** Which attempt it was, from 1. */
  readonly attempt: number;
  /** When it ended, in virtual time; `undefined`: it has not ended. */
  endedAt?: number;
}

/** Acts, and notes what was done. */
export class RandomWorld implements World {
  /** Every attempt, in the order of their beginning. */
  readonly made: MadeAttempt[] = [];
  /** The runs whose code is mended: it catches what it threw before. */
  readonly mended = new Set<string>();
  /** The workflow that follows random programs. */
  readonly workflow: WorkflowDefinition<RandomInput, unknown>;
  /** Activities that its module exports. */
  readonly pinned: Readonly<Record<string, ActivityDefinition<Conduct>>>;
  /** Activities that the node registers. */
  readonly named: ReadonlyMap<string, ActivityDefinition<Conduct>>;
  readonly #activities: Readonly<Record<Binding, ActivityDefinition<Conduct> | string>>;
  readonly #clock: VirtualClock;
  readonly #ledger: string;

  /**
   * @param clock Virtual time.
   * @param ledger The table that transactions write into.
   */
  constructor(clock: VirtualClock, ledger: string) {
    this.#clock = clock;
    this.#ledger = ledger;
    const [pinned, named, secret] = ["pinned", "named", "private"].map((name) =>
      defineActivity(
        { name, retry: RETRY, timeout: 20 * TICK_MS },
        (conduct: Conduct, attempt) => this.step(conduct, attempt),
      )
    ) as [ActivityDefinition<Conduct>, ActivityDefinition<Conduct>, ActivityDefinition<Conduct>];
    this.pinned = { "activities.ts#pinned": pinned };
    this.named = new Map([["named", named]]);
    this.#activities = { pinned, named: "named", private: secret, nobody: "nobody" };
    this.workflow = defineWorkflow({ name: "random" }, async (ctx, input: RandomInput) => {
      const [program, ...generations] = input.generations;
      const seen = await follow(ctx, program ?? [], this).catch(async (error) => {
        if (!this.mended.has(ctx.runId) || error instanceof CancelledError) throw error;
        // The run may have been asked to cancel after its code had failed.
        const after = await ctx.run("mended", () => 0).catch((late: Error) => late.message);
        return [(error as Error).message, after];
      });
      return generations.length > 0 ? ctx.continueAsNew({ generations }) : seen;
    });
  }

  activity(bound: Binding): ActivityDefinition<Conduct> | string {
    return this.#activities[bound];
  }

  child(program: Program): readonly [WorkflowDefinition<unknown, unknown>, RandomInput] {
    return [this.workflow as WorkflowDefinition<unknown, unknown>, { generations: [program] }];
  }

  async step(
    conduct: Conduct,
    attempt: Attempt & { heartbeat?(details: unknown): Promise<void> },
  ): Promise<unknown> {
    const made = this.#note(attempt);
    try {
      const { signal } = attempt;
      if (conduct.beats) await attempt.heartbeat?.("alive");
      await this.#pause(conduct.takes, conduct.heeds ? signal : undefined);
      if (attempt.attempt > conduct.fails) return attempt.attempt;
      if (conduct.how === "hangs") await this.#pause(Infinity, signal);
      throw failureOf(conduct, attempt);
    } finally {
      made.endedAt = this.#clock.monotonic();
    }
  }

  async transact(
    conduct: Conduct,
    transaction: WorkflowTransaction,
    attempt: Attempt,
  ): Promise<unknown> {
    const made = this.#note(attempt);
    try {
      await transaction.query(`insert into ${this.#ledger} (run, key) values ($1, $2)`, [
        attempt.runId,
        attempt.idempotencyKey,
      ]);
      if (attempt.attempt > conduct.fails) return attempt.attempt;
      if (conduct.how === "hangs") await transaction.query("select 1 / 0");
      throw failureOf(conduct, attempt);
    } finally {
      made.endedAt = this.#clock.monotonic();
    }
  }

  #note({ runId, idempotencyKey: key, attempt }: Attempt): MadeAttempt {
    const made = { runId, key, attempt };
    this.made.push(made);
    return made;
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = ms === Infinity ? undefined : this.#clock.after(ms, resolve);
      const abort = () => {
        timer?.cancel();
        reject(signal?.reason);
      };
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }
}

function failureOf({ how }: Conduct, { attempt }: Attempt): Error {
  const error = new Error(`Attempt ${attempt} fails`);
  if (how === "refuses") error.name = "Refusal";
  return error;
}
