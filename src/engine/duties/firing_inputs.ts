/**
 * Checks the inputs of schedules by the versions that their runs start on. A decision is made
 * inside of a transaction, where no schema can be asked: what it lacks is noted, checked
 * afterwards, and the schedule is looked at again.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import type { ScheduleDecision, ScheduleRow } from "../../ports/schedules.ts";
import { stuck } from "../../schedule/firing.ts";
import type { CodeSource } from "../code/source.ts";

/** What came of a check: the input as the version makes it, or what was thrown. */
type Verdict = { readonly input: string } | { readonly error: unknown };

/** The inputs of the schedules that one look comes upon. */
export class FiringInputs {
  readonly #check: CodeSource["checkInput"];
  readonly #verdicts = new Map<string, Verdict>();
  readonly #wanted = new Map<string, { readonly hash: string; readonly input: string }>();

  /** @param check Checks an input against a version. */
  constructor(check: CodeSource["checkInput"]) {
    this.#check = check;
  }

  /**
   * Gives the runs of a decision their input.
   *
   * @param row The schedule, which a version can be started for.
   * @param decision What it is to do.
   * @returns The same with its input; nothing, where the input is not checked yet; where it is
   * refused, that the schedule is stuck with its time still to come.
   * @throws What kept the input from being checked.
   */
  decide(row: ScheduleRow, decision: ScheduleDecision): ScheduleDecision {
    const { version, input, progress } = row;
    if (decision.starts.length === 0 || version?.checksInput !== true) return decision;
    const { hash } = version;
    const key = `${hash} ${input}`;
    const verdict = this.#verdicts.get(key);
    if (verdict === undefined) {
      this.#wanted.set(key, { hash, input });
      return { progress, starts: [] };
    }
    if ("input" in verdict) return { ...decision, input: verdict.input };
    const { error } = verdict;
    if (!isContinuumError(error, "INVALID_INPUT")) throw error;
    const { code, message } = error;
    return { progress: stuck(progress, { code, message, version: hash }), starts: [] };
  }

  /** Checks what decisions lacked. */
  async check(): Promise<void> {
    for (const [key, { hash, input }] of this.#wanted) {
      const verdict = await this.#check(hash, input).then(
        (input): Verdict => ({ input }),
        (error): Verdict => ({ error }),
      );
      this.#verdicts.set(key, verdict);
    }
    this.#wanted.clear();
  }
}
