/**
 * One attempt of one effect: calls the user's function outside of the workflow's guard, bounds its
 * time, and turns whatever comes of it into the event that is to be written.
 *
 * @module
 */

import { backoffDelay, DEFAULT_RETRY, shouldRetry } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { ContinuumError, TimeoutError } from "../base/errors.ts";
import { decode, encode } from "../base/values.ts";
import { encodeError } from "../base/values_failure.ts";
import type { NewEvent } from "../ports/rows.ts";
import type { ActivityLike, Attempt, Command } from "../replay/commands.ts";
import { engineLog } from "./log.ts";
import { exempt } from "../replay/scope.ts";

/** An activity was asked for by a name that this node did not register. Code `UNKNOWN_ACTIVITY`. */
export class UnknownActivityError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param name The name.
   * @param known Names that the node did register.
   */
  constructor(name: string, known: readonly string[]) {
    super(
      "UNKNOWN_ACTIVITY",
      `Cannot execute activity ${JSON.stringify(name)}: no activity of that name is registered ` +
        `on this node, found ${known.length === 0 ? "none" : known.join(", ")}; ` +
        `import it in the workflow module, or list it in "activities" of Continuum.open`,
      { details: { name, known } },
    );
  }
}

/** What an attempt needs from its node. */
export interface AttemptContext {
  /** The run's id, as users see it. */
  readonly runId: string;
  /** How often the run has continued as new. */
  readonly generation: number;
  /** Activities that this node registered by name. */
  readonly activities: ReadonlyMap<string, ActivityLike>;
  /** Bounds the attempt's time. */
  readonly clock: Clock;
  /** Milliseconds of database time now. */
  readonly now: () => number;
}

/** What an attempt came to. */
export interface AttemptOutcome {
  /** To be written. */
  readonly event: NewEvent;
  /** When the next attempt is due, in database time; `null`: there is none. */
  readonly retryAt: number | null;
}

/** An attempt under way. */
export interface RunningAttempt {
  /** Settles, never rejects. */
  readonly outcome: Promise<AttemptOutcome>;
  /** Aborts the attempt's signal. What the function does then is not waited for. */
  abort(reason: unknown): void;
}

/** The annotation that a failed attempt leaves. */
export interface FailedAttempt {
  /** Which attempt it was, from 1. */
  readonly attempt: number;
  /** When the next one is due, in milliseconds of database time. */
  readonly retryAt: number;
  /** What it threw, encoded. */
  readonly error: string;
}

/**
 * Starts an attempt.
 *
 * @param command What is asked for: a step or an activity.
 * @param attempt Which attempt this is, from 1.
 * @param context The node's part.
 * @param transaction What the function of a `transaction` command is given.
 * @returns The attempt under way.
 */
export function startAttempt(
  command: Command,
  attempt: number,
  context: AttemptContext,
  transaction?: unknown,
): RunningAttempt {
  const { promise, resolve } = Promise.withResolvers<AttemptOutcome>();
  const facts = new AttemptFacts(command, attempt, context);
  const { timeout } = command.options;
  const timer = timeout === undefined ? undefined : context.clock.after(timeout, () => {
    const error = new TimeoutError(
      `Attempt ${attempt} of ${command.kind} ${JSON.stringify(command.name)} took longer than ` +
        `${timeout} ms`,
      { attempt, timeout },
    );
    facts.abort(error);
    resolve(failed(command, attempt, error, context));
  });
  call(command, facts, context, transaction).then(
    (value) => resolve(completed(command, attempt, value, context)),
    (error) => resolve(failed(command, attempt, error, context)),
  ).finally(() => timer?.cancel());
  return { outcome: promise, abort: (reason) => facts.abort(reason) };
}

/** What the user's function is told; its signal is made only when somebody looks at it. */
class AttemptFacts implements Attempt {
  readonly attempt: number;
  readonly runId: string;
  readonly idempotencyKey: string;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(command: Command, attempt: number, { runId, generation }: AttemptContext) {
    this.attempt = attempt;
    this.runId = runId;
    const life = generation === 0 ? runId : `${runId}~${generation}`;
    this.idempotencyKey = command.options.idempotencyKey ?? `${life}/${command.position}`;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}

async function call(
  command: Command,
  facts: AttemptFacts,
  context: AttemptContext,
  transaction: unknown,
): Promise<unknown> {
  const { callback, transaction: work } = command.options;
  const report = (reason: unknown) =>
    engineLog.warn("{kind} {name} of run {run} left a rejected promise unhandled: {reason}", {
      kind: command.kind,
      name: command.name,
      run: context.runId,
      reason,
    });
  if (callback !== undefined) return await exempt(() => callback(facts), report);
  if (work !== undefined) return await exempt(() => work(transaction, facts), report);
  const activity = command.options.activity ?? context.activities.get(command.name);
  if (activity === undefined) {
    throw new UnknownActivityError(command.name, [...context.activities.keys()]);
  }
  const input = command.input === null ? undefined : decode(command.input);
  return await exempt(() => activity.execute(input, facts), report);
}

/**
 * What a failure outside of the user's function means for its attempt.
 *
 * @param command What was asked for.
 * @param attempt Which attempt it was, from 1.
 * @param error What was thrown.
 * @param context The node's part.
 * @returns The outcome.
 */
export function failedAttempt(
  command: Command,
  attempt: number,
  error: unknown,
  context: AttemptContext,
): AttemptOutcome {
  return failed(command, attempt, error, context);
}

function completed(
  command: Command,
  attempt: number,
  value: unknown,
  context: AttemptContext,
): AttemptOutcome {
  try {
    const payload = encode(value, "result");
    return { event: eventOf(command, `${command.kind}.completed`, payload), retryAt: null };
  } catch (error) {
    // Trying again would not make the value serialisable, and would repeat the effect.
    return failed(command, attempt, error, context, false);
  }
}

function failed(
  command: Command,
  attempt: number,
  error: unknown,
  context: AttemptContext,
  retryable = true,
): AttemptOutcome {
  const policy = command.options.retry ?? DEFAULT_RETRY;
  const encoded = encodeError(error);
  if (!retryable || !shouldRetry(attempt, policy, error)) {
    return { event: eventOf(command, `${command.kind}.failed`, encoded), retryAt: null };
  }
  const retryAt = Math.ceil(context.now() + backoffDelay(attempt, policy, Math.random()));
  const annotation: FailedAttempt = { attempt, retryAt, error: encoded };
  return { event: eventOf(command, "attempt.failed", encode(annotation)), retryAt };
}

function eventOf(command: Command, kind: string, payload: string): NewEvent {
  const { position, name, digest } = command;
  return { kind, position, name, digest, payload };
}
