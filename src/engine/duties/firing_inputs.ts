/**
 * Checks the inputs of schedules against the versions of their runs. A firing is decided inside a
 * transaction, where no schema can be called. If an input is not checked yet, it is recorded,
 * checked after the transaction, and the firing is decided again.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import type { PlaceRequest } from "../../ports/limits.ts";
import type { ScheduleDecision, ScheduleRow } from "../../ports/schedules.ts";
import { stuck } from "../../schedule/firing.ts";
import type { CodeSource } from "../code/source.ts";

/** The result of a check: the output of the version's schema, or the error. */
type Verdict =
  | { readonly input: string; readonly place: PlaceRequest | null }
  | { readonly error: unknown };

/** The inputs of the schedules of one poll. */
export class FiringInputs {
  readonly #code: Pick<CodeSource, "checkInput" | "place">;
  #hasPlaces = false;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #wanted = new Map<string, { readonly hash: string; readonly input: string }>();

  /** @param code Checks an input against a version, and says what place its run waits for. */
  constructor(code: Pick<CodeSource, "checkInput" | "place">) {
    this.#code = code;
  }

  /** Whether runs were decided that wait for a place. */
  get hasPlaces(): boolean {
    return this.#hasPlaces;
  }

  /**
   * Adds the checked input to the runs of a decision.
   *
   * @param row The schedule, for which a version is registered.
   * @param decision The decision.
   * @returns The decision with its input. If the input is not checked yet, a decision without
   * starts. If the version refuses the input, a decision that parks the schedule as stuck and keeps
   * its planned time.
   * @throws The error that prevented the check.
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
    if ("input" in verdict) {
      const { input, place } = verdict;
      if (place === null) return { ...decision, input };
      this.#hasPlaces = true;
      return { ...decision, input, place };
    }
    const { error } = verdict;
    if (!isContinuumError(error, "INVALID_INPUT")) throw error;
    const { code, message } = error;
    return { progress: stuck(progress, { code, message, version: hash }), starts: [] };
  }

  async #read(hash: string, text: string): Promise<Extract<Verdict, { readonly input: string }>> {
    const input = await this.#code.checkInput(hash, text);
    return { input, place: await this.#code.place?.(hash, input) ?? null };
  }

  /** Checks the inputs that decisions lacked. */
  async check(): Promise<void> {
    for (const [key, { hash, input }] of this.#wanted) {
      const verdict = await this.#read(hash, input).then(
        (read): Verdict => read,
        (error): Verdict => ({ error }),
      );
      this.#verdicts.set(key, verdict);
    }
    this.#wanted.clear();
  }
}
