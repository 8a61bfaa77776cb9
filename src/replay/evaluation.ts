/**
 * Modules of a version while they are evaluated: what they take from time and `Math.random` is one
 * constant for all nodes, so that what they keep at their top level is the same everywhere. Random
 * bytes may be secrets, and stay random: whoever draws them there is told of.
 *
 * @module
 */

import { NondeterministicCallError } from "../base/errors.ts";
import { SeededRandom } from "../base/random.ts";
import { callSite, showSite } from "./call_stack.ts";
import { type ModuleScope, scope } from "./scope.ts";

/** What every version believes to be the time of its evaluation: 2000-01-01T00:00:00Z. */
export const EVALUATED_AT = 946_684_800_000;

/** What modules of a version took that differs from node to node. */
export interface Taken {
  /** What was called, such as `crypto.randomUUID`. */
  readonly call: string;
  /** Where, as `url:line:column`; null if no frame tells. */
  readonly at: string | null;
}

/** One evaluation. */
class Evaluation implements ModuleScope {
  readonly kind = "module";
  readonly startedAt = EVALUATED_AT;
  readonly randomness: SeededRandom;
  readonly taken: Taken[] = [];
  isOver = false;
  failure: { readonly error: unknown } | null = null;

  constructor(seed: string) {
    this.randomness = new SeededRandom(seed);
  }

  virtualNow(): number {
    return EVALUATED_AT;
  }

  refuse(call: string, instead: string): Error {
    return new NondeterministicCallError(call, instead, showSite(callSite()));
  }

  noteFailure(error: unknown): void {
    this.failure ??= { error };
  }

  notice(call: string): void {
    if (this.taken.length < 10) this.taken.push({ call, at: showSite(callSite()) });
  }
}

/**
 * Evaluates modules of a version.
 *
 * @param seed What `Math.random` depends on: the version's hash.
 * @param evaluate Imports them.
 * @param told Hears once what they took that differs from node to node.
 * @returns What it returns.
 * @throws {Error} What they threw, in a timer too; if they asked for the end of the process.
 */
export async function evaluating<T>(
  seed: string,
  evaluate: () => Promise<T>,
  told: (taken: readonly Taken[]) => void = () => {},
): Promise<T> {
  const evaluation = new Evaluation(seed);
  try {
    const result = await scope.run(evaluation, evaluate);
    if (evaluation.failure !== null) throw evaluation.failure.error;
    return result;
  } finally {
    evaluation.isOver = true;
    if (evaluation.taken.length > 0) told(evaluation.taken);
  }
}
