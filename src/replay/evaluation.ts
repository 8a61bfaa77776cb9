/**
 * The evaluation of a version's modules. Time and `Math.random` are the same on all nodes, so that
 * the values at a module's top level are the same everywhere. Random bytes may be secrets, and stay
 * random: a warning reports the call.
 *
 * @module
 */

import { NondeterministicCallError } from "../base/errors.ts";
import { SeededRandom } from "../base/random.ts";
import { callSite, showSite } from "./call_stack.ts";
import { type ModuleScope, scope } from "./scope.ts";

/** The time during every evaluation: 2000-01-01T00:00:00Z. */
export const EVALUATED_AT = 946_684_800_000;

/** A value that differs from node to node, read by a module of a version. */
export interface Taken {
  /** The function that was called, such as `crypto.randomUUID`. */
  readonly call: string;
  /** Where it was called, as `url:line:column`; `null` if the stack does not show it. */
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
 * @param seed The seed of `Math.random`: the version's hash.
 * @param evaluate Imports the modules.
 * @param onTaken Receives, once, the first values that differ from node to node.
 * @returns The result of `evaluate`.
 * @throws {Error} What the modules threw, also in a timer; or that they tried to end the process.
 */
export async function evaluating<T>(
  seed: string,
  evaluate: () => Promise<T>,
  onTaken: (taken: readonly Taken[]) => void = () => {},
): Promise<T> {
  const evaluation = new Evaluation(seed);
  try {
    const result = await scope.run(evaluation, evaluate);
    if (evaluation.failure !== null) throw evaluation.failure.error;
    return result;
  } finally {
    evaluation.isOver = true;
    if (evaluation.taken.length > 0) onTaken(evaluation.taken);
  }
}
