/**
 * A test's handle of a run.
 *
 * @module
 */

import type { RunHistory } from "../bundle/history.ts";
import type { Generation, GenerationsOptions, HistoryOptions } from "../client/run/generations.ts";
import type { ResultOptions } from "../client/run/deadline.ts";
import type {
  AskCodeOptions,
  RunAttributes,
  RunHandle,
  SignalOptions,
  StatusOptions,
} from "../client/run/handle.ts";
import type { HistoryEntry } from "../client/run/history.ts";
import type { RunStatus } from "../client/run/status.ts";
import type { RunState } from "../ports/rows.ts";
import type { UpgradeOptions, UpgradeReport } from "../client/run/upgrade.ts";
import type { SignalArguments, SignalName, SignalSchemas } from "../workflow/signal_types.ts";

/** The dependencies of {@linkcode TestRun}. */
export interface TestRunServices {
  /**
   * Lets time pass while a run is awaited. If the run is parked in another state, the wait ends.
   */
  readonly passUntil: <T>(
    awaited: Promise<T>,
    runId: string,
    states: readonly RunState[],
  ) => Promise<T>;
  /** Reads a run's history. */
  readonly dump: (runId: string) => Promise<RunHistory>;
}

type AnyAsk = (...asked: unknown[]) => unknown;

/**
 * A test's handle of a run: like `RunHandle`, but virtual time passes while its result is awaited.
 */
export class TestRun<Output = unknown, Signals extends SignalSchemas = SignalSchemas> {
  readonly #handle: RunHandle<Output, Signals>;
  readonly #services: TestRunServices;

  /**
   * Use `engine.start(...)` or `engine.run(id)`.
   *
   * @param handle The run.
   * @param services Its dependencies.
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
   * Waits for the run's end. Unless the engine's time is `"manual"`, virtual time passes meanwhile:
   * whenever nothing is under way, it jumps to the next moment at which something is due.
   *
   * @param options How long to wait, in virtual time, and a signal that aborts the wait.
   * @returns The workflow's return value.
   * @throws {RunFailedError} If the workflow threw.
   * @throws {RunStoppedError} If the run was cancelled or terminated.
   * @throws {TimeoutError} If the run has not ended in virtual time.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunParkedError} If the run is parked.
   * @throws {EndlessWaitError} If the run does not end or reach the state after very many jumps of
   * time.
   */
  result(options?: ResultOptions): Promise<Output> {
    return this.#waitFor(this.#handle.result(options));
  }

  /**
   * Waits until the run is in a state, as `RunHandle.reached` does. Virtual time passes as for
   * `result()`.
   *
   * @param states The states.
   * @param options How long to wait, in virtual time, and a signal that aborts the wait.
   * @returns Its status.
   * @throws The errors of `RunHandle.reached`.
   * @throws {RunParkedError} If the run is parked in a state that is not awaited.
   * @throws {EndlessWaitError} If the run does not end or reach the state after very many jumps of
   * time.
   */
  reached(
    states: RunState | readonly RunState[],
    options?: ResultOptions,
  ): Promise<RunStatus> {
    const reached = this.#handle.reached(states, options);
    return this.#services.passUntil(reached, this.id, [states].flat());
  }

  /** Does the same as `RunHandle.signal`. */
  signal<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, SignalOptions>
  ): Promise<"delivered" | "duplicate"> {
    return this.#handle.signal(name, ...payloadAndOptions);
  }

  /**
   * Asks the run, as `RunHandle.ask` does. Virtual time passes as for `result()` until the run
   * answers.
   */
  readonly ask: RunHandle<Output, Signals>["ask"] = (...asked: unknown[]): Promise<never> =>
    this.#waitFor((this.#handle.ask as AnyAsk).apply(this.#handle, asked) as Promise<never>);

  /** Waits for an answer, as `RunHandle.answer` does. Virtual time passes as for `result()`. */
  answer<Answer = unknown>(askId: string, options?: ResultOptions): Promise<Answer> {
    return this.#waitFor(this.#handle.answer<Answer>(askId, options));
  }

  /** Waits for a value, as `RunHandle.published` does. Virtual time passes as for `result()`. */
  published<Value = unknown>(name: string, options?: ResultOptions): Promise<Value> {
    return this.#waitFor(this.#handle.published<Value>(name, options));
  }

  /** Does the same as `RunHandle.query`. */
  query<Value = unknown>(name: string, arg?: unknown, options?: AskCodeOptions): Promise<Value> {
    return this.#handle.query<Value>(name, arg, options);
  }

  /** Does the same as `RunHandle.values`. */
  values(): Promise<Readonly<Record<string, unknown>>> {
    return this.#handle.values();
  }

  #waitFor<T>(awaited: Promise<T>): Promise<T> {
    return this.#services.passUntil(awaited, this.id, []);
  }

  /** Does the same as `RunHandle.status`. */
  status(options?: StatusOptions): Promise<RunStatus> {
    return this.#handle.status(options);
  }

  /** Does the same as `RunHandle.history`. */
  history(options?: HistoryOptions): Promise<HistoryEntry[]> {
    return this.#handle.history(options);
  }

  /** Does the same as `RunHandle.generations`. */
  generations(options?: GenerationsOptions): Promise<Generation[]> {
    return this.#handle.generations(options);
  }

  /** Does the same as `RunHandle.cancel`. */
  cancel(options?: { readonly reason?: string }): Promise<void> {
    return this.#handle.cancel(options);
  }

  /** Does the same as `RunHandle.terminate`. */
  terminate(options?: { readonly reason?: string }): Promise<void> {
    return this.#handle.terminate(options);
  }

  /** Does the same as `RunHandle.pause`. */
  pause(options?: { readonly reason?: string }): Promise<void> {
    return this.#handle.pause(options);
  }

  /** Does the same as `RunHandle.resume`. */
  resume(): Promise<void> {
    return this.#handle.resume();
  }

  /** Does the same as `RunHandle.retry`. */
  retry(): Promise<void> {
    return this.#handle.retry();
  }

  /** Does the same as `RunHandle.upgrade`. */
  upgrade(options?: UpgradeOptions): Promise<UpgradeReport> {
    return this.#handle.upgrade(options);
  }

  /**
   * Returns the run's history, to store as a file and to replay on later code with `assertReplays`.
   *
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  dump(): Promise<RunHistory> {
    return this.#services.dump(this.id);
  }
}
