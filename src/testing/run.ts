/**
 * A run, as its test holds it.
 *
 * @module
 */

import type { Generation, GenerationsOptions, HistoryOptions } from "../client/run/generations.ts";
import type { ResultOptions } from "../client/run/deadline.ts";
import type {
  RunAttributes,
  RunHandle,
  SignalOptions,
  StatusOptions,
} from "../client/run/handle.ts";
import type { HistoryEntry, RunStatus } from "../client/run/status.ts";
import type { RunState } from "../ports/rows.ts";
import type { UpgradeOptions, UpgradeReport } from "../client/run/upgrade.ts";
import type { SignalArguments, SignalName, SignalSchemas } from "../workflow/signal_types.ts";
import type { RunHistory } from "./history.ts";

/** What runs of tests work with. */
export interface TestRunServices {
  /** Lets time pass for as long as a run is awaited; being parked in other states ends the wait. */
  readonly passUntil: <T>(
    awaited: Promise<T>,
    runId: string,
    states: readonly RunState[],
  ) => Promise<T>;
  /** Reads a run's history. */
  readonly dump: (runId: string) => Promise<RunHistory>;
}

/** A run, as its test holds it: as `RunHandle`, and time passes while its result is awaited. */
export class TestRun<Output = unknown, Signals extends SignalSchemas = SignalSchemas> {
  readonly #handle: RunHandle<Output, Signals>;
  readonly #services: TestRunServices;

  /**
   * Use `engine.start(...)` or `engine.run(id)`.
   *
   * @param handle The run.
   * @param services What it works with.
   */
  constructor(handle: RunHandle<Output, Signals>, services: TestRunServices) {
    this.#handle = handle;
    this.#services = services;
  }

  /** The run's id. */
  get id(): string {
    return this.#handle.id;
  }

  /** Search attributes. */
  get attributes(): RunAttributes {
    return this.#handle.attributes;
  }

  /**
   * Waits for the run's end. Unless the engine's time is `"manual"`, time passes meanwhile:
   * whenever nothing is under way, it jumps to the next moment at which something is due.
   *
   * @param options How long to wait, in virtual time, and a signal to give up.
   * @returns What the workflow returned.
   * @throws {RunFailedError} If the workflow threw.
   * @throws {RunStoppedError} If the run was cancelled or terminated.
   * @throws {TimeoutError} If it has not ended in time.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is none.
   * @throws {RunParkedError} If it is parked.
   * @throws {EndlessWaitError} If time would pass for ever.
   */
  result(options?: ResultOptions): Promise<Output> {
    return this.#services.passUntil(this.#handle.result(options), this.id, []);
  }

  /**
   * Waits until the run is in a state, as `RunHandle.reached` does; time passes meanwhile as for
   * `result()`.
   *
   * @param states Which.
   * @param options How long to wait, in virtual time, and a signal to give up.
   * @returns Its status.
   * @throws As `RunHandle.reached`.
   * @throws {RunParkedError} If it is parked, in a state that is not awaited.
   * @throws {EndlessWaitError} If time would pass for ever.
   */
  reached(
    states: RunState | readonly RunState[],
    options?: ResultOptions,
  ): Promise<RunStatus> {
    const reached = this.#handle.reached(states, options);
    return this.#services.passUntil(reached, this.id, [states].flat());
  }

  /** As `RunHandle.signal`. */
  signal<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, SignalOptions>
  ): Promise<"delivered" | "duplicate"> {
    return this.#handle.signal(name, ...payloadAndOptions);
  }

  /** As `RunHandle.status`. */
  status(options?: StatusOptions): Promise<RunStatus> {
    return this.#handle.status(options);
  }

  /** As `RunHandle.history`. */
  history(options?: HistoryOptions): Promise<HistoryEntry[]> {
    return this.#handle.history(options);
  }

  /** As `RunHandle.generations`. */
  generations(options?: GenerationsOptions): Promise<Generation[]> {
    return this.#handle.generations(options);
  }

  /** As `RunHandle.cancel`. */
  cancel(options?: { readonly reason?: string }): Promise<void> {
    return this.#handle.cancel(options);
  }

  /** As `RunHandle.terminate`. */
  terminate(options?: { readonly reason?: string }): Promise<void> {
    return this.#handle.terminate(options);
  }

  /** As `RunHandle.retry`. */
  retry(): Promise<void> {
    return this.#handle.retry();
  }

  /** As `RunHandle.upgrade`. */
  upgrade(options?: UpgradeOptions): Promise<UpgradeReport> {
    return this.#handle.upgrade(options);
  }

  /**
   * The run's history, to be kept as a file and replayed on later code by `assertReplays`.
   *
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  dump(): Promise<RunHistory> {
    return this.#services.dump(this.id);
  }
}
