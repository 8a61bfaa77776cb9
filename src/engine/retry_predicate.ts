/**
 * Calls the `retryIf` of a retry policy, which is code of the user.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import type { RetryPredicate } from "../base/backoff.ts";
import { exempt } from "../replay/scope.ts";

/** What the attempt belongs to, for the log. */
export interface Attempted {
  /** The kind of effect, or `run`. */
  readonly kind: string;
  /** The effect's or the workflow's name. */
  readonly name: string;
  /** The run's id. */
  readonly runId: string;
}

/**
 * Guards a predicate: it runs outside of the workflow's guard, and a fault in it is logged and
 * forbids nothing.
 *
 * @param retryIf The predicate, if there is one.
 * @param attempted What the attempt belongs to.
 * @param log Takes its faults.
 * @returns The predicate, which returns a boolean and never throws.
 */
export function guarded(
  retryIf: RetryPredicate | undefined,
  { kind, name, runId }: Attempted,
  log: AuthoredLog,
): RetryPredicate | undefined {
  if (typeof retryIf !== "function") return undefined;
  return (thrown, attempt) => {
    const facts = { kind, name, run: runId };
    try {
      const answer: unknown = exempt(() => retryIf(thrown, attempt));
      if (typeof answer === "boolean") return answer;
      log.warn(
        "Ignored retryIf of {kind} {name} of run {run}: it returned {found}, wanted true or false",
        { ...facts, found: typeof answer },
      );
    } catch (error) {
      log.warn("Ignored retryIf of {kind} {name} of run {run}: it threw {error}", {
        ...facts,
        error,
      });
    }
    return true;
  };
}
