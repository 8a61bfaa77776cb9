/**
 * Acts on runs by their ids: signals, cancels, terminates, pauses and retries them.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { isContinuumError } from "../base/errors.ts";
import type { Continuum } from "../continuum.ts";
import type { SignalOptions } from "../client/run/handle.ts";
import type { RunStatus } from "../client/run/status.ts";

/** What became of a run that was acted upon. */
export interface RunOutcome {
  /** The run's id. */
  readonly id: string;
  /** Whether it was acted upon. */
  readonly done: boolean;
  /** Why it was not; `null`: it was. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What became of a signal. */
export interface SentSignal {
  /** The run's id. */
  readonly id: string;
  /** `duplicate`: a delivery with the same id came before. */
  readonly delivery: "delivered" | "duplicate";
}

/** What makes a signal's delivery idempotent, and an ask of it. */
export type SignalIds = Pick<SignalOptions, "deliveryId" | "askId">;

/** A run as it was when a plan was made. */
export interface PlannedRun {
  /** The run's id. */
  readonly id: string;
  /** Its workflow. */
  readonly workflow: string;
  /** The hash of its version. */
  readonly version: string;
  /** Its state. */
  readonly state: string;
  /** Its generation. */
  readonly generation: number;
  /** When it was created: another run may take the id. */
  readonly createdAt: string;
}

/**
 * Sends a run a signal.
 *
 * @param continuum The client.
 * @param id The run.
 * @param name The signal's name.
 * @param payload Its payload.
 * @param ids Makes the delivery idempotent, or an ask of it.
 * @returns Whether it was delivered, or a delivery with that id came before. `RunHandle.signal`
 * lists the errors.
 */
export async function signalRun(
  continuum: Continuum,
  id: string,
  name: string,
  payload: unknown,
  ids: SignalIds = {},
): Promise<SentSignal> {
  return { id, delivery: await continuum.run(id).signal(name, payload, ids) };
}

/**
 * Reads runs for a plan.
 *
 * @param continuum The client.
 * @param ids The runs.
 * @returns Each as it is now, in the same order.
 * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
 */
export async function planRuns(
  continuum: Continuum,
  ids: readonly string[],
): Promise<PlannedRun[]> {
  const planned: PlannedRun[] = [];
  for (const id of new Set(ids)) planned.push(plannedRun(await continuum.run(id).status()));
  return planned;
}

/**
 * Requests the cancellation of runs, which execute their clean-up.
 *
 * @param continuum The client.
 * @param ids The runs.
 * @param reason The reason, for the error and the history.
 * @returns What became of each.
 */
export function cancelRuns(
  continuum: Continuum,
  ids: readonly string[],
  reason?: string,
): AsyncGenerator<RunOutcome> {
  const options = reason === undefined ? {} : { reason };
  return each(ids, (id) => continuum.run(id).cancel(options));
}

/**
 * Ends runs at once, each only if it is still the run of the plan, on the same version and in the
 * same generation. Their code does not run any more.
 *
 * @param continuum The client.
 * @param plan The runs.
 * @param reason The reason, for the error.
 * @returns What became of each; `CHANGED`: it is another run than that of the plan.
 */
export function terminateRuns(
  continuum: Continuum,
  plan: readonly PlannedRun[],
  reason: string,
): AsyncGenerator<RunOutcome> {
  const byId = new Map(plan.map((run) => [run.id, run]));
  return each([...byId.keys()], async (id) => {
    const handle = continuum.run(id);
    if (!isSame(byId.get(id)!, plannedRun(await handle.status()))) throw new Changed(id);
    await handle.terminate({ reason });
  });
}

/**
 * Pauses runs: nothing of them is executed until they are resumed.
 *
 * @param continuum The client.
 * @param ids The runs.
 * @param reason Why.
 * @returns What became of each.
 */
export function pauseRuns(
  continuum: Continuum,
  ids: readonly string[],
  reason?: string,
): AsyncGenerator<RunOutcome> {
  const options = reason === undefined ? {} : { reason };
  return each(ids, (id) => continuum.run(id).pause(options));
}

/**
 * Lets paused runs continue.
 *
 * @param continuum The client.
 * @param ids The runs.
 * @returns What became of each.
 */
export function resumeRuns(
  continuum: Continuum,
  ids: readonly string[],
): AsyncGenerator<RunOutcome> {
  return each(ids, (id) => continuum.run(id).resume());
}

/**
 * Releases parked runs: a node executes them again, unchanged.
 *
 * @param continuum The client.
 * @param ids The runs.
 * @returns What became of each.
 */
export function retryRuns(
  continuum: Continuum,
  ids: readonly string[],
): AsyncGenerator<RunOutcome> {
  return each(ids, (id) => continuum.run(id).retry());
}

/**
 * Removes ended runs with all that belongs to them. A run that is not the planned one any more stays.
 *
 * @param continuum The client.
 * @param plan The runs, as {@linkcode planRuns} read them.
 * @returns What became of each.
 */
export function deleteRuns(
  continuum: Continuum,
  plan: readonly PlannedRun[],
): AsyncGenerator<RunOutcome> {
  const byId = new Map(plan.map((run) => [run.id, run]));
  return each([...byId.keys()], async (id) => {
    if (!isSame(byId.get(id)!, plannedRun(await continuum.run(id).status()))) throw new Changed(id);
    await continuum.runs.delete(id);
  });
}

class Changed extends Error {
  constructor(id: string) {
    super(`Run ${quoteId(id)} has changed since the plan was made`);
  }
}

/** Acts on one run after the other. An error that is not about one run ends this. */
async function* each(
  ids: readonly string[],
  act: (id: string) => Promise<void>,
): AsyncGenerator<RunOutcome> {
  for (const id of new Set(ids)) {
    try {
      await act(id);
      yield { id, done: true, error: null };
    } catch (error) {
      yield { id, done: false, error: ofOneRun(error) };
    }
  }
}

const OF_ONE_RUN = ["RUN_NOT_FOUND", "RUN_ENDED", "RUN_STATE"] as const;

function ofOneRun(error: unknown): NonNullable<RunOutcome["error"]> {
  if (error instanceof Changed) return { code: "CHANGED", message: error.message };
  if (OF_ONE_RUN.some((code) => isContinuumError(error, code))) {
    const { code, message } = error as Error & { readonly code: string };
    return { code, message };
  }
  throw error;
}

function plannedRun(status: RunStatus): PlannedRun {
  const { id, workflow, version, state, generation, createdAt } = status;
  return {
    id,
    workflow,
    version: version.hash,
    state,
    generation,
    createdAt: createdAt.toISOString(),
  };
}

function isSame(a: PlannedRun, b: PlannedRun): boolean {
  return a.createdAt === b.createdAt && a.version === b.version && a.generation === b.generation;
}
