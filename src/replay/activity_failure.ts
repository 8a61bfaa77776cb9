/**
 * The journal's form of an activity's failure: the errors of its last attempt and of those before.
 *
 * @module
 */

import type { FailedAttempt } from "../base/errors.ts";
import { decode } from "../base/values.ts";

/**
 * A failed attempt as tasks and the failures of activities keep it: with its error still encoded.
 * `FailedAttempt` of `base/errors.ts` is what users get of it.
 */
export interface RecordedAttempt {
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** When it failed, in milliseconds since the epoch. */
  readonly at: number;
  /** The error that it threw, encoded. */
  readonly error: string;
}

/**
 * The payload of the event `attempt.failed`, which only an attempt has that another one follows.
 * The event itself says when it failed.
 */
export interface RetriedAttempt extends Omit<RecordedAttempt, "at"> {
  /** When the next attempt is due, in milliseconds of database time. */
  readonly retryAt: number;
}

/** The most attempts that are kept. */
export const MAX_ATTEMPTS_KEPT = 20;

/** The longest error of an earlier attempt, in characters, that is kept whole. */
const MAX_ERROR = 1_000;

/**
 * Encodes the failure of an activity.
 *
 * @param attempts Its attempts, oldest first; the last one's error is the failure's cause. Empty if
 * the activity failed without an attempt.
 * @param cause The error that it failed with, encoded.
 * @returns JSON text.
 */
export function encodeActivityFailure(
  attempts: readonly RecordedAttempt[],
  cause: string,
): string {
  const kept = attempts.slice(-MAX_ATTEMPTS_KEPT).map(({ attempt, at, error }) =>
    `{"attempt":${attempt},"at":${at},"error":${shortened(error)}}`
  );
  return `{"cause":${cause},"attempts":[${kept.join(",")}]}`;
}

/**
 * Decodes what {@linkcode encodeActivityFailure} wrote; an error without attempts becomes the
 * cause.
 *
 * @param text JSON text.
 * @returns The cause, and the attempts.
 */
export function decodeActivityFailure(
  text: string,
): { readonly cause: unknown; readonly attempts: readonly FailedAttempt[] } {
  const value = decode(text);
  if (value instanceof Error || typeof value !== "object" || value === null) {
    return { cause: value, attempts: [] };
  }
  const { cause, attempts } = value as {
    cause?: unknown;
    attempts?: { attempt: number; at: number; error: unknown }[];
  };
  if (!Array.isArray(attempts)) return { cause: value, attempts: [] };
  return {
    cause,
    attempts: attempts.map(({ attempt, at, error }) => ({ attempt, at: new Date(at), error })),
  };
}

/**
 * Removes the stack from an encoded error: for attempts that were retried, the error is enough.
 *
 * @param text An error that `encodeError` encoded.
 * @returns Shorter text of the same form.
 */
export function shortened(text: string): string {
  const error = JSON.parse(text);
  if (error?.$continuum !== "Error" || typeof error.value !== "object") {
    return text.length <= MAX_ERROR ? text : JSON.stringify(`${text.slice(0, MAX_ERROR)} [cut]`);
  }
  delete error.value.stack;
  const short = JSON.stringify(error);
  if (short.length <= MAX_ERROR) return short;
  const { name, message } = error.value;
  const value = { name, message: String(message).slice(0, MAX_ERROR) };
  return JSON.stringify({ $continuum: "Error", value });
}
