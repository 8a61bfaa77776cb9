/**
 * The engine's log. Silent until the application configures LogTape for the category `continuum`.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type AuthoredLog, authoredLog } from "./authored.ts";

/** What the engine does and meets. */
export const engineLog: AuthoredLog = authoredLog(getLogger(["continuum", "engine"]));

/** What workflow code says through `ctx.log`. */
export const workflowLog: AuthoredLog = authoredLog(getLogger(["continuum", "workflow"]));

/** A failed attempt, as the log tells of it. */
export interface AttemptFailure {
  /** The run's id. */
  readonly run: string;
  /** What it is: `activity`, `step`, `transaction`. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** Which attempt it was, from 1. */
  readonly attempt: number;
  /** What it threw. */
  readonly error: unknown;
  /** When the next one is due, in milliseconds of database time; `null`: there is none. */
  readonly nextAt: number | null;
}

/** Tells of a failed attempt, in one line. */
export function logFailure({ nextAt, ...failure }: AttemptFailure): void {
  const next = nextAt === null
    ? "there is no other"
    : `the next is due at ${new Date(Math.ceil(nextAt)).toISOString()}`;
  engineLog.warn(
    "Attempt {attempt} of {kind} {name} of run {run} failed: {error}; {next}",
    { ...failure, next },
  );
}
