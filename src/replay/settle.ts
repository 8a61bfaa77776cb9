/**
 * How events answer commands: which event answers which command, and what the code receives.
 *
 * @module
 */

import { quoteId, shownId } from "../base/describe.ts";
import { ActivityError, type ChildError, childFailed, TimeoutError } from "../base/errors.ts";
import { stackless } from "../base/stackless.ts";
import { decode } from "../base/values.ts";
import { decodeError } from "../base/values_failure.ts";
import { decodeActivityFailure } from "./activity_failure.ts";
import { Asked, bringsSignal, readAsk, signalOf } from "./asks.ts";
import type { Command, CommandKind } from "./commands.ts";
import type { EventKind, HistoryEvent } from "./history.ts";
import type { RequestedCommand } from "./requested_command.ts";
import { addFrames, outside } from "./scope.ts";

/** The kind of command that an event answers; `null` for annotations. */
export const ANSWERS: Readonly<Record<EventKind, CommandKind | null>> = {
  "step.completed": "step",
  "step.failed": "step",
  "activity.completed": "activity",
  "activity.failed": "activity",
  "timer.fired": "sleep",
  "signal.received": "signal",
  "signal.timeout": "signal",
  "ask.received": "signal",
  "transaction.completed": "transaction",
  "transaction.failed": "transaction",
  "child.completed": "child",
  "child.failed": "child",
  "call.completed": "call",
  "call.failed": "call",
  "cancel.requested": null,
  "attempt.failed": null,
  "patched": null,
  "attributes.set": null,
  "status.set": null,
  "ask.answered": null,
  "ask.failed": null,
  "value.published": null,
  "payload.refused": null,
  "version.changed": null,
};

/** The kinds of event that settle a command. */
export type Delivery = Exclude<
  EventKind,
  | "cancel.requested"
  | "attempt.failed"
  | "patched"
  | "attributes.set"
  | "status.set"
  | "ask.answered"
  | "ask.failed"
  | "value.published"
  | "payload.refused"
  | "version.changed"
>;

/**
 * Whether an event is delivered to the code: it moves the run's clock, and may settle a command.
 */
export function isDelivery({ kind }: HistoryEvent): boolean {
  return ANSWERS[kind] !== null || kind === "cancel.requested";
}

/**
 * Returns the id of the child whose end a command awaits through a handle; `undefined` for other
 * commands.
 */
export function awaitedChildId(
  { kind, options: { child } }: Pick<Command, "kind" | "options">,
): string | undefined {
  return kind === "child" && child?.workflow === undefined ? child?.id : undefined;
}

/**
 * Which outstanding commands continue to wait after a cancellation: their effects may have
 * happened, and the code receives their results, so that no compensation is skipped.
 */
export function outlivesCancel({ kind, options }: RequestedCommand): boolean {
  if (kind === "child") return options.child?.workflow !== undefined;
  return kind === "activity" && options.onCancel !== "abandon";
}

/**
 * Whether a command is a wait for a signal with a name, and may take it if it is an ask (ASK-2).
 */
export function takesSignal(
  { kind, name, names, options }: Pick<Command, "kind" | "name" | "names" | "options">,
  signal: string,
  isAsk = false,
): boolean {
  return kind === "signal" && (names?.includes(signal) ?? name === signal) &&
    (!isAsk || options.handles === true);
}

/** Whether a command is a wait that takes the signal which an event brings. */
export function takesEvent(
  command: Pick<Command, "kind" | "name" | "names" | "options">,
  event: Pick<HistoryEvent, "kind" | "name" | "payload">,
): boolean {
  return takesSignal(command, signalOf(event), event.kind === "ask.received");
}

/**
 * Returns what the code receives of a signal: its payload; from a wait for several, its name too.
 */
export function received(
  { names }: Pick<Command, "names">,
  { kind, name, payload }: Pick<HistoryEvent, "kind" | "name" | "payload">,
): unknown {
  const of = (signal: string, value: unknown) =>
    names === undefined ? value : { name: signal, payload: value };
  if (kind !== "ask.received") return of(name, read(payload));
  const { ask, signal, payload: value } = readAsk(payload ?? "{}");
  return new Asked(ask, signal, of(signal, value));
}

/** What an event says beside its kind. */
type Answer = Pick<HistoryEvent, "kind" | "name" | "payload">;

/** Settles a command from its event. REPLAY-4 of the machine: from the text alone. */
export const SETTLE: Readonly<
  Record<Delivery, (pending: RequestedCommand, answer: Answer) => void>
> = {
  "step.completed": (pending, { payload }) => pending.resolve(read(payload)),
  "step.failed": (pending, { payload }) => pending.reject(readError(payload)),
  "activity.completed": (pending, { payload }) => pending.resolve(read(payload)),
  "activity.failed": (pending, { payload }) =>
    pending.reject(
      pending.cancelled ??
        activityError(pending, payload),
    ),
  "transaction.completed": (pending, { payload }) => pending.resolve(read(payload)),
  "transaction.failed": (pending, { payload }) => pending.reject(readError(payload)),
  "child.completed": (pending, { payload }) => pending.resolve(read(payload)),
  "child.failed": (pending, { payload }) =>
    pending.reject(pending.cancelled ?? childError(pending, payload)),
  "call.completed": (pending, { payload }) =>
    pending.resolve(payload === null ? pending.answer : read(payload)),
  "call.failed": (pending, { payload }) => pending.reject(readError(payload)),
  "timer.fired": (pending) => pending.resolve(undefined),
  "signal.received": (pending, answer) => pending.resolve(received(pending, answer)),
  "ask.received": (pending, answer) => pending.resolve(received(pending, answer)),
  "signal.timeout": (pending) => {
    if (pending.fallback !== null) pending.resolve(pending.fallback.value);
    else pending.reject(signalTimeout(pending));
  },
};

/**
 * Reads a payload.
 *
 * @param payload The event's payload.
 * @returns The value; `undefined` if there is no payload.
 * @throws {CorruptValueError} If it cannot be decoded.
 */
export function read(payload: string | null): unknown {
  return payload === null ? undefined : decode(payload);
}

function readError(payload: string | null): unknown {
  return payload === null
    ? new Error("The effect failed, and left no error")
    : decodeError(payload);
}

function activityError(
  { name, position, stack }: RequestedCommand,
  payload: string | null,
): ActivityError {
  const { cause, attempts } = payload === null
    ? { cause: readError(null), attempts: [] }
    : decodeActivityFailure(payload);
  const error = stackless(() => new ActivityError(name, position, cause, attempts));
  if (stack !== null) addFrames(error, outside(() => stack.lines));
  return error;
}

/**
 * REPLAY-3 of the machine: whether an event belongs to a command.
 *
 * @param pending The command.
 * @param event The event.
 * @param kind The kind of command that the event answers.
 * @returns Why it does not; `null` if it does.
 */
export function mismatch(
  pending: RequestedCommand,
  event: HistoryEvent,
  kind: CommandKind,
): string | null {
  if (pending.kind !== kind) return "the code asked for another kind of effect there";
  if (event.kind === "ask.received" && pending.options.handles !== true) {
    return "the code waits for a signal there, and only a handler takes an ask";
  }
  const isSame = bringsSignal(event) ? takesEvent(pending, event) : pending.name === event.name;
  if (!isSame) return "the code asked for another name there";
  if (pending.digest !== event.digest) return "the code asked with another input there";
  return null;
}

function childError(pending: RequestedCommand, payload: string | null): ChildError {
  const { state, error } = read(payload) as { state: string; error: string | null };
  const id = pending.options.child?.id ?? pending.name;
  return stackless(() => childFailed(id, state, readError(error)));
}

function signalTimeout(pending: RequestedCommand): TimeoutError {
  const name = quoteId(pending.name);
  const timeoutMs = Number(/(\d+)ms$/.exec(pending.digest!)![1]);
  const { lock } = pending.options;
  if (lock !== undefined) {
    return stackless(() =>
      new TimeoutError(
        `Cannot wait for lock ${quoteId(lock)} any longer: it was not free within ${timeoutMs}ms`,
        { lock: shownId(lock), timeoutMs },
      )
    );
  }
  return stackless(() =>
    new TimeoutError(
      `Cannot wait for signal ${name} any longer: it did not arrive within ${timeoutMs}ms`,
      { signal: shownId(pending.name), timeoutMs },
    )
  );
}
