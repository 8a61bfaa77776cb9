/**
 * Starts a run.
 *
 * @module
 */

import type { Attributes } from "../base/attributes.ts";
import type { Continuum } from "../continuum.ts";
import { IF_EXISTS, type IfExists } from "../client/start/options.ts";
import { wholeHash } from "./versions.ts";

export { IF_EXISTS, type IfExists };

/** A run to start. */
export interface StartRequest {
  /** The workflow's name. */
  readonly workflow: string;
  /** Its input. */
  readonly input?: unknown;
  /** The run's id; a new one when omitted. */
  readonly id?: string | undefined;
  /** What the start does if another run has the id. */
  readonly ifExists?: IfExists | undefined;
  /** The idempotency key. */
  readonly key?: string | undefined;
  /** Milliseconds until it starts. */
  readonly delay?: number | undefined;
  /** When it starts, in place of `delay`. */
  readonly at?: Date | undefined;
  /** Search attributes. */
  readonly attributes?: Attributes | undefined;
  /** The version's hash, or its first digits; the current version when omitted. */
  readonly version?: string | undefined;
}

/** A run that a start gave. */
export interface StartedRun {
  /** Its id. */
  readonly id: string;
  /** Its workflow. */
  readonly workflow: string;
  /** The hash of the version that it is pinned to. */
  readonly version: string;
  /** Its state. */
  readonly state: string;
  /** Whether this call started it; `false`: it existed before, by its id or its key. */
  readonly started: boolean;
}

/**
 * Starts a run of a workflow.
 *
 * @param continuum The client.
 * @param request Which run.
 * @returns The run.
 * @throws {RunExistsError} (`RUN_EXISTS`, `IDEMPOTENCY_CONFLICT`) If another run has the id or the
 * key. `Continuum.startMany` lists the other errors.
 */
export async function startRun(continuum: Continuum, request: StartRequest): Promise<StartedRun> {
  const { workflow, input, id, ifExists, key, delay, at, attributes } = request;
  const item = { input, runId: id, idempotencyKey: key, delay, startAt: at, attributes };
  const version = request.version === undefined
    ? undefined
    : await wholeHash(continuum, request.version);
  const [outcome] = await continuum.startMany(
    workflow,
    [{ input, ...defined(item) }],
    defined({ ifExists, version }),
  );
  if (outcome!.status === "conflict") throw outcome!.error;
  const { run } = outcome!;
  const status = await run.status();
  return {
    id: run.id,
    workflow: status.workflow,
    version: status.version.hash,
    state: status.state,
    started: outcome!.status === "started",
  };
}

function defined<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as never;
}
