/**
 * Dry-run replay: executes a run's code against its history, and records where the code requests
 * each effect. It starts and writes nothing.
 *
 * @module
 */

import { demandDecoded, demandEvents } from "../../ports/readable.ts";
import type { ClaimedRun, RunRow } from "../../ports/rows.ts";
import type { JournalStore, RunStore } from "../../ports/store.ts";
import type { Drain } from "../../replay/drain.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { OpenEffect } from "../../replay/open_effects.ts";
import type { Execution } from "../../replay/machine.ts";
import type { TracedExecution } from "../../replay/traced_execution.ts";
import type { RunStart, Turn } from "../../replay/turn.ts";
import type { LoadedVersion } from "../../version/loaded_version.ts";
import { pinnedActivities } from "../../version/pinned_activities.ts";
import { executionOf, tracedExecutionOf } from "../../workflow/execute.ts";
import type { WorkflowDefinition } from "../../workflow/context_types.ts";

const PAGE = 1_000;

/** The methods of the versions that {@linkcode Replayer} uses. */
export interface Definitions {
  /** Obtains a version's definition. */
  obtain(
    hash: string,
  ): Promise<
    Pick<LoadedVersion, "modules"> & { readonly definition: WorkflowDefinition<never, unknown> }
  >;
}

/** Where a run is read. */
export interface Histories {
  /** Reads its history. */
  readonly runs: RunStore;
  /** Reads what is open in it. */
  readonly journal: Pick<JournalStore, "open">;
}

/** An activity that the run waits for, as the version of the replay has it. */
export interface WaitingActivity {
  /** Its name. */
  readonly name: string;
  /** Its place in program order. */
  readonly position: number;
  /** The label and export by which the version has it; `null`: no module exports it. */
  readonly definition: string | null;
}

/** Replays runs without starting or writing anything. */
export class Replayer {
  readonly #versions: Definitions;
  readonly #drain: Drain;

  /**
   * @param versions Obtains the code of runs.
   * @param drain How executions drain their microtasks.
   */
  constructor(versions: Definitions, drain: Drain) {
    this.#versions = versions;
    this.#drain = drain;
  }

  /**
   * Replays a run on any version.
   *
   * @param run The run.
   * @param hash The version.
   * @param store Reads what is open in the run, and its history.
   * @returns The findings of the last turn, the activities that the run waits for after it, and what
   * is open in the run.
   * @throws {VersionUnavailableError} If the version is unavailable.
   */
  async on(
    run: ClaimedRun,
    hash: string,
    { runs, journal }: Histories,
  ): Promise<{
    readonly turn: Pick<Turn, "drift" | "refused">;
    readonly activities: readonly WaitingActivity[];
    readonly open: readonly OpenEffect[];
  }> {
    const [opened] = await journal.open([run.id]); // PROOF-3
    const history = await historyOf(run.runId, runs);
    const execution = await this.#execution(run, hash);
    const { drift: drifted, refused } = await execution.turn(history);
    const effects = opened?.generation === run.generation ? opened.effects : [];
    const drift = drifted ?? (refused === null ? execution.openDrift(effects, history) : null);
    const { codes } = pinnedActivities(await this.#versions.obtain(hash));
    const activities = execution.outstanding.flatMap(({ name, position, options }) =>
      options.activity === undefined
        ? []
        : [{ name, position, definition: codes.get(options.activity) ?? null }]
    );
    return { turn: { drift, refused }, activities, open: effects };
  }

  /**
   * Replays events on a version, and records each effect that the code requests.
   *
   * @param start The start of the run.
   * @param events The events.
   * @returns The execution after them, and the findings of its turn.
   * @throws {VersionUnavailableError} If the version is unavailable.
   */
  async trace(
    start: RunStart,
    events: readonly HistoryEvent[],
  ): Promise<{ readonly execution: TracedExecution; readonly turn: Turn }> {
    const { definition } = await this.#versions.obtain(start.version);
    const execution = tracedExecutionOf(definition, start, { drain: this.#drain, trace: true });
    return { execution, turn: await execution.turn(events) };
  }

  async #execution(run: ClaimedRun, hash: string): Promise<Execution> {
    const { definition } = await this.#versions.obtain(hash);
    return executionOf(definition, { ...run, version: hash }, { drain: this.#drain, trace: true });
  }
}

/**
 * Converts a row to the form that an executor claims, for a read-only execution.
 *
 * @param row The run.
 * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If this process can't read its input.
 */
export function asClaimed(row: RunRow): ClaimedRun {
  demandDecoded(row.input);
  return claimedForm(row);
}

/** As {@linkcode asClaimed}, also if its input can't be read. */
export function claimedForm(row: RunRow): ClaimedRun {
  return {
    ...row,
    startedAt: row.startedAt ?? row.createdAt,
    token: 0,
    claims: 0,
    began: true,
    deliveredSeq: null,
  };
}

/**
 * Reads the whole history of one generation.
 *
 * @param runId The run.
 * @param runs Reads it.
 * @param generation The generation; the present one when omitted.
 * @throws {ValueCodecError} (`VALUE_NOT_DECODED`) If this process can't read a value.
 */
export async function historyOf(
  runId: string,
  runs: RunStore,
  generation?: number,
): Promise<HistoryEvent[]> {
  const events = await rawHistoryOf(runId, runs, generation);
  demandEvents(events);
  return events;
}

/** As {@linkcode historyOf}, also if values can't be read. */
export async function rawHistoryOf(
  runId: string,
  runs: RunStore,
  generation?: number,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (let page = PAGE; page === PAGE;) {
    const rows = await runs.history(runId, events.length, PAGE, generation);
    events.push(...rows as HistoryEvent[]);
    page = rows.length;
  }
  return events;
}
