/**
 * Logs warnings about code that works but is probably a mistake.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { authored, type AuthoredLog } from "../../base/authored.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { Execution } from "../../replay/machine.ts";
import { showSite } from "../../replay/call_stack.ts";
import type { RequestedCommand } from "../../replay/requested_command.ts";
import type { CallSite } from "../../replay/turn.ts";
import type { RunCode } from "../code/run_code.ts";

/** An effect that a run requested, and that its code had not awaited when the run returned. */
export interface UnawaitedEffect {
  /** The run's id. */
  readonly run: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The kind of effect. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** Its position in program order, from 0. */
  readonly position: number;
  /** Where the code requested it; `null`: unknown. */
  readonly site: CallSite | null;
}

/** How many places are cached; others are searched for again. */
const MOST_PLACES = 1_000;

/** Logs warnings about code that is probably a mistake. */
export class Warnings {
  readonly #log: AuthoredLog;
  readonly #outwaited = new Set<string>();
  readonly #onUnawaited: ((effect: UnawaitedEffect) => void) | undefined;
  readonly #sites = new Map<string, CallSite | null>();
  readonly #unexported = new Set<string>();

  /**
   * @param log The engine's log.
   * @param onUnawaited Called for each effect that was not awaited, in addition to the log.
   */
  constructor(log: AuthoredLog, onUnawaited?: (effect: UnawaitedEffect) => void) {
    this.#log = log;
    this.#onUnawaited = onUnawaited;
  }

  /**
   * Reports effects that a run's code did not await before it returned: attempts under way end with
   * the run, and failures are lost.
   *
   * @param run The run.
   * @param effects The effects.
   * @param code Its code: replayed once for each place, to find it.
   * @param history Reads all events of the run's generation.
   */
  async unawaited(
    run: ClaimedRun,
    effects: readonly RequestedCommand[],
    code: RunCode,
    history: () => Promise<readonly HistoryEvent[]>,
  ): Promise<void> {
    const placeOf = ({ kind, name }: RequestedCommand) => `${run.hash} ${kind} ${name}`;
    if (effects.some((effect) => !this.#sites.has(placeOf(effect)))) {
      const sites = await sitesOf(run, code, history, this.#log);
      if (this.#sites.size > MOST_PLACES) this.#sites.clear();
      for (const effect of effects) {
        this.#sites.set(placeOf(effect), sites.get(effect.position) ?? null);
      }
    }
    for (const effect of effects) {
      const { kind, name, position } = effect;
      const site = this.#sites.get(placeOf(effect)) ?? null;
      const at = showSite(site);
      const shown = name === "" ? kind : `${kind} ${quoteId(name)}`;
      this.#log.warn(
        "Run {run} of workflow {workflow} has returned without awaiting its {effect}" +
          `${at === null ? "" : " of {at}"}: await it, or handle its failure by catch()`,
        { run: run.runId, workflow: run.workflow, effect: shown, position, at },
      );
      const authoredSite = site && { ...site, file: authored(site.file, run) };
      const { runId, workflow } = run;
      this.#onUnawaited?.({ run: runId, workflow, kind, name, position, site: authoredSite });
    }
  }

  /** Reports rejected promises that an ended run's code left behind. */
  unhandled({ runId: run }: ClaimedRun, { unhandled }: Execution): void {
    for (const reason of unhandled) {
      this.#log.warn("Run {run} left a rejected promise unhandled: {reason}", { run, reason });
    }
  }

  /**
   * Reports signals that an ended run never consumed. Only `status()` counts those that arrived
   * after the run's last read of its inbox.
   */
  untaken({ runId: run, workflow }: ClaimedRun, names: readonly string[]): void {
    if (names.length === 0) return;
    const signals = [...new Set(names)].map((name) => quoteId(name)).join(", ");
    this.#log.warn(
      "Run {run} of workflow {workflow} has ended, and signals that it was sent were never taken " +
        "({count}): {signals}",
      { run, workflow, count: names.length, signals },
    );
  }

  /**
   * Reports a signal that goes to the wait that has waited longest while a later one waits for it
   * too: the first may be inside an async function that has lost a race (ATTENTION-1 of
   * `replay/attention.ts`), so that its result is unused. Logged once for a name and version.
   */
  outwaited(run: ClaimedRun, signal: string, taker: number, other: number): void {
    const key = `${run.hash} signal ${signal}`;
    if (this.#outwaited.has(key)) return;
    if (this.#outwaited.size > MOST_PLACES) this.#outwaited.clear();
    this.#outwaited.add(key);
    this.#log.warn(
      "Signal {signal} of run {run} of workflow {workflow} goes to effect {taker}, which has waited " +
        "for it longest, though effect {other} waits for it, too: a wait that an async function " +
        "awaits takes signals also after that function has lost a race, so pass it { signal } of an " +
        "AbortController, and abort that",
      { run: run.runId, workflow: run.workflow, signal, taker, other },
    );
  }

  /** Reports handlers of signals that were under way when their run returned. */
  unfinished({ runId: run, workflow }: ClaimedRun, signals: readonly string[]): void {
    if (signals.length === 0) return;
    this.#log.warn(
      "Run {run} of workflow {workflow} has returned while handlers of signals were under way " +
        "({count}): {signals}; await ctx.handlersDone() before",
      {
        run,
        workflow,
        count: signals.length,
        signals: [...new Set(signals)].map((name) => quoteId(name)).join(", "),
      },
    );
  }

  /** Reports an activity that is executed only on its run's node, since no module exports it. */
  unexported({ hash, workflow }: ClaimedRun, activity: string): void {
    const key = `${hash} ${activity}`;
    if (this.#unexported.has(key)) return;
    this.#unexported.add(key);
    this.#log.warn(
      "Activity {activity} of workflow {workflow} runs on the nodes of its runs only, outside of " +
        "its queue and its timeouts but one: no module exports it; export it, or call it by name",
      { activity, workflow, hash },
    );
  }
}

/**
 * Where the effects were requested, by position. A failure to find out does not keep a run from
 * ending.
 */
async function sitesOf(
  run: ClaimedRun,
  code: RunCode,
  history: () => Promise<readonly HistoryEvent[]>,
  log: AuthoredLog,
): Promise<ReadonlyMap<number, CallSite | null>> {
  try {
    const execution = code.execute(run, { trace: true });
    await execution.turn(await history());
    return new Map(execution.unawaited.map(({ position, site }) => [position, site]));
  } catch (error) {
    log.debug("Cannot find where effects were asked for: {error}", { error });
    return new Map();
  }
}
