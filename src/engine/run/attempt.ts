/**
 * One attempt of an effect that the run's own executor makes: a step, or an activity that has no
 * task. Turns the attempt's outcome into an event.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { DEFAULT_RETRY, retryDelay } from "../../base/backoff.ts";
import { ContextError, isContinuumError } from "../../base/errors.ts";
import { decode, encode } from "../../base/values.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { NewEvent } from "../../ports/rows.ts";
import type { StayTelemetry } from "../../ports/telemetry.ts";
import {
  encodeActivityFailure,
  type RecordedAttempt,
  type RetriedAttempt,
} from "../../replay/activity_failure.ts";
import type { ActivityAttempt, Command } from "../../replay/commands.ts";
import { defaultIdempotencyKey } from "../../task/idempotency_key.ts";
import type { NodeContext } from "../node_context.ts";
import { guarded } from "../retry_predicate.ts";
import { startUserCall, type UserCallResult } from "../user_call.ts";
import type { RunHeaders } from "../../workflow/headers.ts";
import { attemptLost } from "../../task/errors.ts";
import { eventOf } from "./pending_events.ts";

/** The parts of a node and a run that an attempt uses. */
export interface AttemptContext
  extends Pick<NodeContext, "clock" | "databaseClock" | "payloadBytes" | "log" | "around"> {
  /** The run's id, as users see it. */
  readonly runId: string;
  /** The headers of the run. */
  readonly headers: RunHeaders;
  /** The seed of the run's present generation. */
  readonly seed: string;
  /** Observes the stay of the run in this node's memory. */
  readonly stay: StayTelemetry | undefined;
}

/** The failed attempts so far, and the last heartbeat. */
export interface Earlier {
  /** The attempts that failed, oldest first. */
  readonly failures: readonly RecordedAttempt[];
  /** The details of the last heartbeat, encoded. */
  heartbeat: string | null;
}

/** The outcome of an attempt. */
export interface AttemptOutcome {
  /** The event to be written. */
  readonly event: NewEvent;
  /** When the next attempt is due, in database time; `null`: none follows. */
  readonly retryAt: number | null;
  /** What a failed attempt threw. */
  readonly error?: unknown;
}

/** An attempt under way. */
export interface LocalAttempt {
  /** Resolves with the outcome, and never rejects. */
  readonly outcome: Promise<AttemptOutcome>;
  /** Aborts the attempt's signal, and does not wait for what the function does then. */
  abort(reason: unknown): void;
}

/**
 * Starts an attempt.
 *
 * @param command The step or activity.
 * @param earlier The results of earlier attempts; it receives the heartbeats.
 * @param context The parts of the node that it uses.
 * @param transaction The argument of a `transaction` command's function.
 * @returns The attempt under way.
 */
export function startAttempt(
  command: Command,
  earlier: Earlier,
  context: AttemptContext,
  transaction?: unknown,
): LocalAttempt {
  const { kind, name, options } = command;
  const attempt = attemptAfter(earlier);
  let isLost = false;
  const { result, abort } = startUserCall({
    kind,
    name,
    runId: context.runId,
    headers: context.headers,
    attempt,
    idempotencyKey: () => options.idempotencyKey ?? defaultIdempotencyKey(context.seed, command),
    limit: options.timeout === undefined
      ? undefined
      : { timeout: "startToClose", timeoutMs: options.timeout, leftMs: options.timeout },
    heartbeatMs: options.heartbeat,
    lastHeartbeat: earlier.heartbeat,
    payloadBytes: context.payloadBytes,
    call: (facts) => call(command, facts, transaction),
    beat: (details) => {
      if (isLost) return Promise.reject(attemptLost(name, attempt));
      earlier.heartbeat = details;
      return Promise.resolve();
    },
    token: () =>
      Promise.reject(
        new ContextError(
          `Cannot complete ${kind} ${quoteId(name)} from outside: it has no task, since ` +
            `no module of the workflow exports it; export the activity`,
        ),
      ),
    log: context.log,
    around: context.around?.attempt,
    telemetry: context.stay?.attempt({ kind, name, attempt, stack: command.stack ?? null }),
  }, context.clock);
  return {
    outcome: result.then((result) => outcomeOf(result)),
    abort(reason) {
      isLost ||= !isContinuumError(reason, "CANCELLED"); // a cancelled attempt may still succeed
      abort(reason);
    },
  };

  function outcomeOf(result: UserCallResult): AttemptOutcome {
    switch (result.kind) {
      case "returned":
        return { event: eventOf(command, `${kind}.completed`, result.payload), retryAt: null };
      case "threw":
        return failedAttempt(command, earlier, result.error, context, result.retryable);
      case "deferred": {
        const error = new ContextError(`Cannot complete a ${kind} later: it has no task`);
        return failedAttempt(command, earlier, error, context, false);
      }
    }
  }
}

/**
 * Decides what follows from a failed attempt.
 *
 * @param command The step or activity.
 * @param earlier The failed attempts so far, and the last heartbeat.
 * @param error The error that it threw.
 * @param context The parts of the node that it uses.
 * @param retryable Whether another attempt may succeed.
 * @returns The outcome.
 */
export function failedAttempt(
  command: Command,
  earlier: Earlier,
  error: unknown,
  context: AttemptContext,
  retryable = true,
): AttemptOutcome {
  const { kind, name, options } = command;
  const attempt = attemptAfter(earlier);
  const { retryIf: own, ...policy } = options.retry ?? DEFAULT_RETRY;
  const retryIf = guarded(
    kind === "activity" ? options.activity?.retry?.retryIf : own,
    { kind, name, runId: context.runId },
    context.log,
  );
  const encoded = encodeError(error);
  const times = { now: context.databaseClock.now() };
  const delayMs = retryable
    ? retryDelay(attempt, { ...policy, ...(retryIf && { retryIf }) }, [error], Math.random(), times)
    : null;
  if (delayMs !== null) {
    const retryAt = Math.ceil(times.now + delayMs);
    const annotation: RetriedAttempt = { attempt, retryAt, error: encoded };
    return { event: eventOf(command, "attempt.failed", encode(annotation)), retryAt, error };
  }
  if (kind !== "activity") {
    return { event: eventOf(command, `${kind}.failed`, encoded), retryAt: null, error };
  }
  const last = { attempt, at: Math.floor(context.databaseClock.now()), error: encoded };
  const payload = encodeActivityFailure([...earlier.failures, last], encoded);
  return { event: eventOf(command, "activity.failed", payload), retryAt: null, error };
}

function attemptAfter({ failures }: Earlier): number {
  return (failures.at(-1)?.attempt ?? 0) + 1;
}

function call(command: Command, facts: ActivityAttempt, transaction: unknown): unknown {
  const { callback, activity, transaction: work } = command.options;
  if (callback !== undefined) return callback(facts);
  if (work !== undefined) return work(transaction, facts);
  return activity!.execute(command.input === null ? undefined : decode(command.input), facts);
}
