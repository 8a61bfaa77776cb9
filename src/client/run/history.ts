/**
 * Entries of a run's history, and the values of its events.
 *
 * @module
 */

import { shownValue } from "../../base/encoded.ts";
import { authored } from "../../base/authored.ts";
import type { AttributesChange } from "../../base/attributes.ts";
import { decode } from "../../base/values.ts";
import { decodeError } from "../../base/values_failure.ts";
import type { EventRow, RunRow } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import { decodeActivityFailure, type RetriedAttempt } from "../../replay/activity_failure.ts";
import { retriedEffect } from "./status.ts";

/**
 * One entry of a run's history.
 *
 * @category Runs
 */
export interface HistoryEntry {
  /**
   * The position among all events of the run, from 0: a generation continues the numbers of the one
   * before. `null`: the entry is not an event, but the last failure of an activity that is still
   * retried.
   */
  readonly seq: number | null;
  /** The kind of event. */
  readonly kind: string;
  /** The position, in program order, of the effect that it answers. */
  readonly position: number | null;
  /** The effect's name. */
  readonly name: string;
  /**
   * The decoded value of the event: a result, an error, a signal's payload. `activity.failed`: `{
   * cause, attempts }`, as of an `ActivityError`. `attempt.failed`: `{ attempt, error, nextTry }`.
   * `child.failed`: `{ state, error }`. `attributes.set`: `{ set, remove }`.
   */
  readonly value: unknown;
  /** When it was written. */
  readonly at: Date;
}

/** Converts a row to a history entry. */
export function historyEntry(row: EventRow): HistoryEntry {
  const { seq, kind, position, name } = row;
  return { seq, kind, position, name, value: eventValue(row), at: new Date(row.at) };
}

/**
 * Lists history entries for activities that are still retried. Their failed attempts are not
 * events, so that they add nothing to the run's history.
 *
 * @param row The run.
 * @param store Reads the run's tasks.
 */
export async function retriedEntries(
  run: RunRow,
  { tasks }: Pick<Store, "tasks">,
): Promise<HistoryEntry[]> {
  const retried = run.endedAt === null ? await tasks.retried(run.id) : [];
  return retried.filter(({ isTask }) => isTask).map((row) => {
    const { position, name, failed: attempt, lastError: error, nextTry, failedAt } = retriedEffect(
      row,
      run,
    );
    const value = { attempt, error, nextTry };
    return { seq: null, kind: "attempt.failed", position, name, value, at: failedAt ?? new Date() };
  });
}

/** Decodes the value of an event, and the encoded texts in it. */
export function eventValue({ kind, payload }: Pick<EventRow, "kind" | "payload">): unknown {
  if (payload === null) return undefined;
  return shownValue(payload, (text) => {
    const read = DECODED[kind];
    if (read !== undefined) return read(authored(text));
    return decode(kind.endsWith("failed") ? authored(text) : text);
  });
}

/** Events whose payload holds encoded texts. */
const DECODED: { readonly [kind in string]?: (payload: string) => unknown } = {
  "activity.failed": decodeActivityFailure,
  "attempt.failed": (payload) => {
    const { attempt, error, retryAt } = decode(payload) as RetriedAttempt;
    return { attempt, error: shownValue(error, decodeError), nextTry: new Date(retryAt) };
  },
  "child.failed": (payload) => {
    const { state, error } = decode(payload) as { state: string; error: string | null };
    return { state, error: error === null ? undefined : decodeError(error) };
  },
  "attributes.set": (payload) => {
    const { set, remove } = JSON.parse(payload) as AttributesChange;
    return { set: JSON.parse(set), remove };
  },
};
