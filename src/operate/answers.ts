/**
 * Waits for answers to asks.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import type { Continuum } from "../continuum.ts";
import { type Json, plain } from "./plain.ts";

/** What is known of an ask. */
export interface AskAnswer {
  /** The run's id. */
  readonly id: string;
  /** The id of the ask. */
  readonly ask: string;
  /** Whether the run has answered; if not, it still may. */
  readonly answered: boolean;
  /** What its handler returned. */
  readonly answer: Json;
}

/**
 * Waits for the answer to an ask.
 *
 * @param continuum The client.
 * @param id The run.
 * @param ask The id of the ask.
 * @param signal Aborts the wait.
 * @throws {AskError} If there is none, and will be none. `RunHandle.answer` lists the codes.
 */
export async function awaitAnswer(
  continuum: Continuum,
  id: string,
  ask: string,
  signal: AbortSignal,
): Promise<AskAnswer> {
  const answer = plain(await continuum.run(id).answer(ask, { signal }));
  return { id, ask, answered: true, answer };
}

/** How long one look waits, in milliseconds. */
const LOOK_MS = 1_000;

/**
 * Waits a moment for the answer to an ask, for those who ask an observer again and again.
 *
 * @param continuum The client.
 * @param id The run.
 * @param ask The id of the ask.
 * @returns The answer, if there is one by then.
 * @throws {AskError} As {@linkcode awaitAnswer}.
 */
export async function lookForAnswer(
  continuum: Continuum,
  id: string,
  ask: string,
): Promise<AskAnswer> {
  try {
    const answer = plain(await continuum.run(id).answer(ask, { timeout: LOOK_MS }));
    return { id, ask, answered: true, answer };
  } catch (error) {
    if (!isContinuumError(error, "TIMEOUT")) throw error;
    return { id, ask, answered: false, answer: null };
  }
}
