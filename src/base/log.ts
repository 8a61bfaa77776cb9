/**
 * The engine's log. Silent until the application configures LogTape for the category `continuum`.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type AuthoredLog, authoredLog } from "./authored.ts";

/** The log of the engine. */
export const engineLog: AuthoredLog = authoredLog(getLogger(["continuum", "engine"]));

/** The log of workflow code, `ctx.log`. */
export const workflowLog: AuthoredLog = authoredLog(getLogger(["continuum", "workflow"]));

/** A failed attempt, for the log. */
export interface AttemptFailure {
  /** The run's id. */
  readonly run: string;
  /** The kind of effect: `activity`, `step`, `transaction`. */
  readonly kind: string;
  /** The effect's name. */
  readonly name: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The error that it threw. */
  readonly error: unknown;
  /** When the next attempt is due, in milliseconds of database time; `null` if there is none. */
  readonly nextAt: number | null;
}

/** Logs a failed attempt, in one line. */
export function logFailure({ nextAt, ...failure }: AttemptFailure): void {
  const next = nextAt === null
    ? "there is no other"
    : `the next is due at ${new Date(Math.ceil(nextAt)).toISOString()}`;
  engineLog.warn(
    "Attempt {attempt} of {kind} {name} of run {run} failed: {error}; {next}",
    { ...failure, next },
  );
}
