/**
 * Reads and awaits the ends of runs.
 *
 * @module
 */

import { wrongRunState } from "../client/errors.ts";
import type { RunStatus } from "../client/run/status.ts";
import type { Continuum } from "../continuum.ts";
import { END_STATES, type RunState } from "../ports/rows.ts";
import { type Json, plain } from "./plain.ts";

/** How a run ended. */
export interface RunResult {
  /** The run's id. */
  readonly id: string;
  /** `completed`, `failed`, `cancelled` or `terminated`. */
  readonly state: string;
  /** What the workflow returned; `null` if it did not complete. */
  readonly output: Json;
  /** The recorded error, with its name and message; `null` if it completed. */
  readonly error: Json;
}

/** How to wait. */
export interface AwaitOptions {
  /** Aborts the wait. */
  readonly signal?: AbortSignal;
  /**
   * Called if the run is parked, once: the wait continues until it ends.
   *
   * @param run Its state, and why it is parked.
   */
  onParked?(run: { readonly state: string; readonly reason: string | null }): void;
}

/** The states of parked runs. */
export const PARKED = ["stuck_unknown_version", "stuck_nondeterminism", "stuck_poisoned"] as const;

/**
 * Reads how a run ended.
 *
 * @param continuum The client.
 * @param id The run.
 * @returns Its end.
 * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
 * @throws {RunStateError} (`RUN_STATE`) If it has not ended.
 */
export async function resultOf(continuum: Continuum, id: string): Promise<RunResult> {
  const status = await continuum.run(id).status();
  if (!isEnd(status.state)) {
    throw wrongRunState(id, "read the result", status.state, "one that has ended");
  }
  return await endOf(continuum, status);
}

/**
 * Waits until a run has ended.
 *
 * @param continuum The client.
 * @param id The run.
 * @param options Aborts the wait, and is notified if the run is parked.
 * @returns Its end.
 * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
 * @throws {unknown} The reason of the signal, if it aborts.
 */
export async function awaitResult(
  continuum: Continuum,
  id: string,
  { signal, onParked }: AwaitOptions = {},
): Promise<RunResult> {
  const options = signal === undefined ? {} : { signal };
  const run = continuum.run(id);
  let status = await run.reached([...END_STATES, ...PARKED], options);
  if (!isEnd(status.state)) {
    onParked?.({ state: status.state, reason: status.reason });
    status = await run.reached(END_STATES, options);
  }
  return await endOf(continuum, status);
}

async function endOf(
  continuum: Continuum,
  { id, state, error }: RunStatus,
): Promise<RunResult> {
  if (state !== "completed") return { id, state, output: null, error: plain(error) };
  return { id, state, output: plain(await continuum.run(id).result()), error: null };
}

/** Whether a run has ended that is in a state. */
export function isEnd(state: RunState): boolean {
  return (END_STATES as readonly string[]).includes(state);
}
