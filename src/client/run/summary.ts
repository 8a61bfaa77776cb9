/**
 * The fields of a run that queries and its status share.
 *
 * @module
 */

import { shownFacts, shownValue } from "../../base/encoded.ts";
import type { Attributes } from "../../base/attributes.ts";
import { authored, authoredFacts } from "../../base/authored.ts";
import { decode } from "../../base/values.ts";
import { decodeError } from "../../base/values_failure.ts";
import { readOrigin } from "../../replay/origins.ts";
import type { RunRow, RunState, StuckReason, WaitRow } from "../../ports/rows.ts";

/**
 * An effect or a retry that a run waits for.
 *
 * @category Runs
 */
export interface RunWait {
  /**
   * The kind of effect: `signal`, `sleep`, `child`, an `activity` that waits in its queue or for
   * its result, or an effect between two attempts. `retry`: the run itself is between two attempts.
   */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /** When the wait ends by itself; `null`: never. */
  readonly until: Date | null;
}

/**
 * The fields of every run.
 *
 * @category Runs
 */
export interface RunFacts {
  /** The run's id. */
  readonly id: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The code that the run is pinned to. */
  readonly version: {
    /** SHA-256 of the version's manifest, in hex. */
    readonly hash: string;
    /** The label that the definition gives itself. */
    readonly label: string | null;
    /** The specifier that was recorded at the start, or at the last upgrade. */
    readonly specifier: string;
  };
  /** The run's state. */
  readonly state: RunState;
  /** The number of its generation: how often it has continued as new or was retried. */
  readonly generation: number;
  /** Its search attributes. */
  readonly attributes: Attributes;
  /** The value that the workflow set by `ctx.setStatus`; `undefined`: none. */
  readonly custom: unknown;
  /** Why it is parked. */
  readonly stuck: StuckReason | null;
  /** What the run waits for, if it is suspended, or was when it was paused. */
  readonly waits: readonly RunWait[];
  /** When it was suspended, paused or parked. */
  readonly since: Date | null;
  /** When it continues by itself, if ever. */
  readonly until: Date | null;
  /** When it was created. */
  readonly createdAt: Date;
  /** When a node first claimed its present attempt; `null`: none has. */
  readonly startedAt: Date | null;
  /** When it ended. */
  readonly endedAt: Date | null;
  /** Since when it needs a look: it is parked, or it failed; `null`: neither. */
  readonly troubleAt: Date | null;
  /** The id of the run that started it as a child; `null`: none did, or that run was removed. */
  readonly parent: string | null;
  /** Of a fork: where it begins; `null`: it is no fork. */
  readonly origin: ForkOrigin | null;
}

/**
 * Where a fork begins.
 *
 * @category Runs
 */
export interface ForkOrigin {
  /** The id that its original had then; the original may have been removed since. */
  readonly id: string;
  /** The generation of the original. */
  readonly generation: number;
  /** How many events of that generation come before the point of the fork. */
  readonly events: number;
}

/**
 * A run, as a query returns it.
 *
 * @category Runs
 */
export interface RunSummary extends RunFacts {
  /** Its payloads, if the option `payloads` is set. */
  readonly payloads?: {
    /** The workflow's input. */
    readonly input: unknown;
    /** The workflow's return value; `undefined` unless the run is completed. */
    readonly result: unknown;
    /** The error with which it failed or was ended; `undefined` otherwise. */
    readonly error: unknown;
  };
}

/** Returns the shared fields of a row. */
export function runFacts(row: RunRow): RunFacts {
  return {
    id: row.runId,
    namespace: row.namespace,
    workflow: row.workflow,
    version: { hash: row.hash, label: row.versionLabel, specifier: row.specifier },
    state: row.state,
    generation: row.generation,
    attributes: row.attributes,
    custom: row.customStatus === null ? undefined : shownValue(row.customStatus, decode),
    stuck: authoredFacts(shownFacts(row.stuckReason), row),
    waits: row.waits.map(runWait),
    since: date(row.since),
    until: date(row.wakeAt),
    createdAt: new Date(row.createdAt),
    startedAt: date(row.startedAt),
    endedAt: date(row.endedAt),
    troubleAt: date(row.troubleAt),
    parent: row.parentId,
    origin: originOf(row),
  };
}

function originOf(row: RunRow): ForkOrigin | null {
  const origin = readOrigin(row.origin);
  return origin && { id: origin.runId, generation: origin.generation, events: origin.events };
}

/**
 * Converts a row to a summary.
 *
 * @param row The row.
 * @param payloads Whether the summary includes inputs, results and errors.
 * @returns The summary.
 */
export function runSummary(row: RunRow, payloads: boolean): RunSummary {
  const facts = runFacts(row);
  if (!payloads) return facts;
  return {
    ...facts,
    payloads: {
      input: shownValue(row.input, decode),
      result: row.result === null ? undefined : shownValue(row.result, decode),
      error: row.error === null
        ? undefined
        : shownValue(row.error, (text) => decodeError(authored(text, row))),
    },
  };
}

function runWait({ kind, name, position, until }: WaitRow): RunWait {
  return { kind, name, position, until: date(until) };
}

function date(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
