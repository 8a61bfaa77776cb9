/**
 * Whether what was read of a run is decoded: nothing is replayed, parked or moved by a value that
 * this process can't read (ENCODED-1).
 *
 * @module
 */

import { encodedParts, isEncoded, notDecoded } from "../base/encoded.ts";
import { isContinuumError, type ValueCodecError } from "../base/errors.ts";
import type { EventRow, InboxRow, LoadedRun } from "./rows.ts";
import type { LeasedTask } from "./tasks.ts";

/**
 * Whether an error says that a value could not be read here. It may be readable later, or elsewhere.
 *
 * @param error What was thrown.
 */
export function isUnreadable(error: unknown): error is ValueCodecError {
  return isContinuumError(error, "VALUE_NOT_DECODED");
}

/**
 * Throws if a value is not decoded.
 *
 * @param text The text of a value.
 * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If it is encoded.
 */
export function demandDecoded(text: string | null): void {
  if (isEncoded(text)) throw notDecoded(encodedParts(text));
}

/**
 * Throws if an event's value is not decoded.
 *
 * @param events The events.
 * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If one is encoded.
 */
export function demandEvents(events: readonly Pick<EventRow, "kind" | "payload">[]): void {
  for (const { kind, payload } of events) {
    demandDecoded(payload);
    if (kind === "attempt.failed") demandWithin(payload);
  }
}

/**
 * Throws if an event or a message is not decoded.
 *
 * @param run What was read.
 * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If one is encoded.
 */
export function demandReadable({ events, inbox }: Pick<LoadedRun, "events" | "inbox">): void {
  demandEvents(events);
  demandInbox(inbox);
}

function demandInbox(inbox: readonly InboxRow[]): void {
  for (const { kind, payload } of inbox) {
    demandDecoded(payload);
    if (kind === "child") demandWithin(payload);
  }
}

/** Statements look into these payloads, so only the texts in them are encoded (ENCODING-1). */
function demandWithin(payload: string | null): void {
  if (payload === null || !payload.includes("$continuum")) return;
  for (const text of Object.values(JSON.parse(payload))) {
    if (typeof text === "string") demandDecoded(text);
  }
}

/** Whether an attempt can read its task: what a task lacks is given back, and nothing is written. */
export function isReadable({ input, heartbeat, known, failures }: LeasedTask): boolean {
  return !isEncoded(input) && !isEncoded(heartbeat) && !isEncoded(known) &&
    !failures.some(({ error }) => isEncoded(error));
}
