/**
 * What runs have said: answers to asks, and published values.
 *
 * @module
 */

import type { RunState } from "./rows.ts";

/** What is known of something that a run is to say. */
interface Said<Status extends string> {
  /** Whether it was said. */
  readonly status: Status;
  /** The encoded value or error; `null`: there is none. */
  readonly payload: string | null;
  /** The state of the run. */
  readonly state: RunState;
  /** The workflow of the run. */
  readonly workflow: string;
}

/**
 * What is known of an ask.
 *
 * - `answered`: the run's handler returned.
 * - `failed`: it threw.
 * - `open`: the run may still answer.
 * - `over`: the run has ended, or the generation that received the ask has, without an answer.
 * - `unknown`: the run has received no such ask, or retention has removed its answer.
 */
export type AskRow = Said<"answered" | "failed" | "open" | "over" | "unknown">;

/**
 * What is known of a published value.
 *
 * - `published`: the payload is the latest value.
 * - `open`: the run may still publish one.
 * - `over`: the run has ended without one.
 */
export type PublishedRow = Said<"published" | "open" | "over">;

/** A value that a run has published. */
export interface PublishedValue {
  /** Its name. */
  readonly name: string;
  /** The encoded value. */
  readonly payload: string | null;
  /** When it was published last. */
  readonly at: number;
}

/** Something of another run that a run waits for. */
export interface Awaited {
  /** The internal key of the run that waits. */
  readonly run: number;
  /** The position of the command that waits. */
  readonly position: number;
  /** What it waits for. */
  readonly kind: "end" | "value" | "answer";
  /** The name of the value, or the id of the ask; empty for an end. */
  readonly name: string;
}
