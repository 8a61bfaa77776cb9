/**
 * What is known of an ask.
 *
 * @module
 */

import type { RunState } from "./rows.ts";

/**
 * - `answered`: the run's handler returned.
 * - `failed`: it threw.
 * - `open`: the run may still answer.
 * - `over`: the run has ended, or the generation that received the ask has, without an answer.
 * - `unknown`: the run has received no such ask, or retention has removed its answer.
 */
export type AskStatus = "answered" | "failed" | "open" | "over" | "unknown";

/** What is known of an ask. */
export interface AskRow {
  /** Whether it was answered. */
  readonly status: AskStatus;
  /** The encoded value or error; `null`: there is none. */
  readonly payload: string | null;
  /** The state of the run. */
  readonly state: RunState;
  /** The workflow of the run. */
  readonly workflow: string;
}
