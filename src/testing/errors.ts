/**
 * Errors of tests.
 *
 * @module
 */

import { quoteId, shownId } from "../base/describe.ts";
import { ContinuumError } from "../base/errors.ts";
import type { RunState, StuckReason } from "../ports/rows.ts";
import type { DriftReport, Refusal } from "../replay/turn.ts";

/** A history does not replay on some code. Code `REPLAY_FAILED`. */
export class ReplayError extends ContinuumError<"REPLAY_FAILED"> {
  /** Where code and history diverge; `null` if they match and something else went wrong. */
  readonly drift: DriftReport | null;
  /** The call that a replay can't repeat; `null` if there is none. */
  readonly refused: Refusal | null;

  /**
   * Creates the error.
   *
   * @param runId The run.
   * @param why What went wrong; the message of a drift replaces it.
   * @param evidence The machine's reports.
   */
  constructor(
    runId: string,
    why: string,
    evidence: { readonly drift?: DriftReport | null; readonly refused?: Refusal | null } = {},
  ) {
    const { drift = null, refused = null } = evidence;
    const message = drift?.message ?? `Cannot replay run ${quoteId(runId)}: ${why}`;
    super("REPLAY_FAILED", message, { details: { runId: shownId(runId), drift, refused } });
    this.drift = drift;
    this.refused = refused;
  }
}

/** A value is not a dumped history, or has an unknown format. Code `HISTORY_FORMAT`. */
export class HistoryFormatError extends ContinuumError<"HISTORY_FORMAT"> {
  /**
   * Creates the error.
   *
   * @param found What is wrong with it.
   */
  constructor(found: string) {
    super(
      "HISTORY_FORMAT",
      `Cannot read the history: found ${found}, wanted what dump() or dumpHistory() returned`,
      { details: { found } },
    );
  }
}

/** A run did not end although virtual time jumped very many times. Code `ENDLESS_WAIT`. */
export class EndlessWaitError extends ContinuumError<"ENDLESS_WAIT"> {
  /**
   * Creates the error.
   *
   * @param what What was awaited.
   * @param now The virtual time at the end of the wait.
   * @param jumps How many jumps time made.
   */
  constructor(what: string, now: Date, jumps: number) {
    super(
      "ENDLESS_WAIT",
      `Cannot wait for ${what} any longer: ${jumps} due moments passed, up to ` +
        `${now.toISOString()}; does it wait for a signal while a schedule continues to fire?`,
      { details: { now: now.toISOString(), jumps } },
    );
  }
}

/** A run whose result is awaited was parked. Code `RUN_PARKED`. */
export class RunParkedError extends ContinuumError<"RUN_PARKED"> {
  /** Why, as `status().stuck` shows it. */
  readonly reason: StuckReason;

  /**
   * Creates the error.
   *
   * @param runId The run.
   * @param state Its parked state.
   * @param reason Why.
   */
  constructor(runId: string, state: RunState, reason: StuckReason) {
    const run = quoteId(runId);
    super("RUN_PARKED", `Cannot wait for run ${run}: it is parked as ${state}: ${reason.message}`, {
      details: { runId: shownId(runId), state, reason },
    });
    this.reason = reason;
  }
}
