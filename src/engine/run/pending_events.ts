/**
 * Events of a run that are not written yet.
 *
 * @module
 */

import { decode, encode } from "../../base/values.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { NewEvent } from "../../ports/rows.ts";
import type { TaskFence } from "../../ports/tasks.ts";
import { encodeActivityFailure, type RetriedAttempt } from "../../replay/activity_failure.ts";
import type { Command } from "../../replay/commands.ts";
import type { Turn } from "../../replay/turn.ts";
import type { OutstandingCommand } from "./outstanding_commands.ts";

/** An event to be written, and the task that is written with it. */
export interface PendingEvent {
  /** The event. */
  readonly event: NewEvent;
  /** The message that it consumes. */
  readonly consumes?: number;
  /** The task whose result it is, and which ends with it. */
  readonly task?: TaskFence;
}

/** The event that answers a command. */
export function eventOf(
  { position, name, digest }: Pick<Command, "digest" | "name" | "position">,
  kind: string,
  payload: string | null,
): NewEvent {
  return { kind, position, name, digest, payload };
}

/** The annotations of a turn, which answer no command. */
export function annotations({ patches, notes }: Turn): PendingEvent[] {
  if (patches.length === 0 && notes.length === 0) return [];
  const none = { position: null, digest: null, payload: null };
  return [
    ...patches.map((name) => ({ event: { ...none, kind: "patched", name } })),
    ...notes.map((note) => ({ event: { ...none, ...note } })),
  ];
}

/** The event of a command that failed without an attempt. */
export function failure(pending: OutstandingCommand, error: unknown): NewEvent {
  const { kind } = pending.command;
  const encoded = encodeError(error);
  return eventOf(
    pending.command,
    `${kind}.failed`,
    kind === "child" ? encode({ state: "not_started", error: encoded }) : encoded,
  );
}

/** The event of a child's end in its parent's history. */
export function childEnd(pending: OutstandingCommand, payload: string | null): NewEvent {
  const { state, result, error } = JSON.parse(payload ?? "{}") as Record<string, string | null>;
  return state === "completed"
    ? eventOf(pending.command, "child.completed", result ?? null)
    : eventOf(pending.command, "child.failed", encode({ state, error }));
}

/** The event of a failed attempt that is retryable, but that no other attempt follows. */
export function finalEvent(pending: OutstandingCommand, event: NewEvent): NewEvent {
  if (event.kind !== "attempt.failed" || event.payload === null) return event;
  const { error } = decode(event.payload) as RetriedAttempt;
  const isActivity = pending.command.kind === "activity";
  const payload = isActivity ? encodeActivityFailure(pending.failures, error) : error;
  return eventOf(pending.command, `${pending.command.kind}.failed`, payload);
}
