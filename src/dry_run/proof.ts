/**
 * Whether a run's history replays on a version. Plain data: it can cross a process boundary.
 *
 * @module
 */

import { waitOf } from "../replay/commands.ts";
import type { Drain } from "../replay/drain.ts";
import type { TurnPulse } from "../replay/effects.ts";
import type { HistoryEvent } from "../replay/history.ts";
import type { OpenEffect } from "../replay/open_effects.ts";
import type { DriftReport, Outcome, Refusal, RunStart } from "../replay/turn.ts";
import type { LoadedVersion } from "../version/loaded_version.ts";
import { pinnedActivities } from "../version/pinned_activities.ts";
import { executionOf } from "../workflow/execute.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** The code of a version, as far as a proof needs it. */
export type ProvenCode = Pick<LoadedVersion, "modules"> & {
  /** Its workflow. */
  readonly definition: WorkflowDefinition<never, unknown>;
};

/** A run whose history is replayed. */
export interface ProofRequest {
  /** The run's start. */
  readonly start: RunStart;
  /** The whole history of its generation. */
  readonly events: readonly HistoryEvent[];
  /** What is open in that generation, read with the history or before it; nothing when omitted. */
  readonly open?: readonly OpenEffect[];
}

/** An effect that the code waits for at the end of the history. */
export interface ProvenWait {
  /** What the code requested. */
  readonly kind: string;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /** When it ends by itself, in milliseconds since the epoch; `null`: never. */
  readonly until: number | null;
  /**
   * Of an imported activity, the label and export by which the version has it; `null`: no module
   * exports it. `undefined`: another kind of effect.
   */
  readonly definition?: string | null;
}

/** The outcome of a replay. */
export interface Proof {
  /** Where the code diverges from the history, or from what is open. */
  readonly drift: DriftReport | null;
  /** What the code called that a replay can't repeat. */
  readonly refused: Refusal | null;
  /** How the code ended; `null`: it waits. */
  readonly outcome: Outcome["kind"] | null;
  /** What the code waits for, in program order; nothing if it drifted or was refused. */
  readonly waits: readonly ProvenWait[];
  /** Whether the code asked for annotations that the history lacks. */
  readonly hasNews: boolean;
}

/**
 * Replays a history on a version.
 *
 * @param code The version.
 * @param request The run.
 * @param options How the execution drains its microtasks, and whether it records lines of code,
 * which takes about thirty times as long. `pulse` is notified when the turn begins and ends.
 * @returns The outcome.
 */
export async function proveOn(
  code: ProvenCode,
  { start, events, open = [] }: ProofRequest,
  options: { readonly drain: Drain; readonly trace: boolean; readonly pulse?: TurnPulse },
): Promise<Proof> {
  const execution = executionOf(code.definition, start, options);
  const { drift: drifted, refused, outcome, patches, notes } = await execution.turn(events);
  const drift = drifted ?? (refused === null ? execution.openDrift(open, events) : null);
  const proves = drift === null && refused === null;
  const { codes } = pinnedActivities(code);
  return {
    drift,
    refused,
    outcome: outcome?.kind ?? null,
    waits: !proves || outcome !== null ? [] : execution.outstanding.map((command) => {
      const { position, deadline: until, options: { activity } } = command;
      const wait = { ...waitOf(command), position, until };
      return activity === undefined ? wait : { ...wait, definition: codes.get(activity) ?? null };
    }),
    hasNews: patches.length > 0 || notes.length > 0,
  };
}
