/**
 * Finds where a run waits, in the exact source that it executes.
 *
 * @module
 */

import type { RunRow } from "../../ports/rows.ts";
import type { CommandKind } from "../../replay/commands.ts";
import type { DriftReport, Refusal } from "../../replay/turn.ts";
import { linesAround, type SourceLine, type VersionSource } from "../sources.ts";
import { type TraceContext, traceWithStop } from "./trace.ts";
import type { TraceOptions, TraceSite } from "./trace_shapes.ts";

/**
 * An effect that a run waits for, with the lines of its pinned source that requested it.
 *
 * @category Runs
 */
export interface WaitingPlace {
  /** The kind of effect. */
  readonly kind: CommandKind;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its place in program order, from 0. */
  readonly position: number;
  /** When the code requested it, by the run's clock. */
  readonly since: Date;
  /** When the wait ends by itself; `null`: never. */
  readonly until: Date | null;
  /** Where the code requested it; `null`: unknown. */
  readonly site: TraceSite | null;
  /** The call stack of the request, the innermost call first, `site` included. */
  readonly calls: readonly TraceSite[];
  /** The lines around `site`; empty if the source does not have that place. */
  readonly lines: readonly SourceLine[];
}

/**
 * Where a run waits, in the exact source that it executes.
 *
 * @category Runs
 */
export interface RunWaits {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version that the generation is pinned to, or was last pinned to. */
  readonly version: { readonly hash: string; readonly label: string | null };
  /** The source of the verified bytes. */
  readonly from: VersionSource["from"];
  /** What the code waits for, in program order; the first 200. Empty if the run has ended. */
  readonly waiting: readonly WaitingPlace[];
  /** Where code and history diverge; `null`: they match. */
  readonly drift: DriftReport | null;
  /** The call that a replay can't repeat; `null`: there is none. */
  readonly refused: Refusal | null;
  /**
   * Where the code stopped before its end: where it diverges from the history, makes the refused
   * call, or threw the error with which the run ended. `null`: it did not, or the place is unknown.
   */
  readonly stopped: StoppedPlace | null;
}

/**
 * Where code stopped before its end, with the lines of its pinned source.
 *
 * @category Runs
 */
export interface StoppedPlace {
  /** The place. */
  readonly site: TraceSite;
  /** The lines around it; empty if the source does not have that place. */
  readonly lines: readonly SourceLine[];
}

/**
 * Options of {@linkcode RunHandle.where}.
 *
 * @category Runs
 */
export interface WhereOptions extends Pick<TraceOptions, "at" | "generation" | "timeout"> {
  /**
   * How many lines to show before and after each place, from 0 to 100.
   *
   * @default {2}
   */
  readonly around?: number;
}

/**
 * Finds the lines at which a run waits.
 *
 * @param row The run.
 * @param options After how many events, and how many lines to show.
 * @param context Reads the run's history, replays it, and reads its source.
 * @returns The places.
 */
export async function whereOf(
  row: RunRow,
  { around = 2, ...options }: WhereOptions,
  context: TraceContext,
): Promise<RunWaits> {
  const dryRuns = context.dryRuns.remembering();
  const { trace, stoppedAt } = await traceWithStop(
    row,
    { ...options, limit: 0, payloadChars: 0 },
    { ...context, dryRuns },
  );
  const { runId, workflow, version, waiting, drift, refused } = trace;
  const source = await dryRuns.source(version);
  return {
    runId,
    workflow,
    version,
    from: source.from,
    waiting: waiting.map(({ kind, name, position, requestedAt, until, site, calls }) => ({
      kind,
      name,
      position,
      since: requestedAt!, // the code was replayed
      until,
      site,
      calls,
      lines: site === null ? [] : linesAround(source, site, around),
    })),
    drift,
    refused,
    stopped: stoppedAt === null
      ? null
      : { site: stoppedAt, lines: linesAround(source, stoppedAt, around) },
  };
}
