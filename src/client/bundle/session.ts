/**
 * Replays the histories of a bundle on code that nothing of this process executes.
 *
 * - SANDBOX-1: the code runs in a subprocess without permissions, which is killed at its deadline
 *   (SUBPROCESS-1, SUBPROCESS-2); the next question starts another.
 *
 * @module
 */

import type { BundledCode } from "../../bundle/bundle.ts";
import { type RunHistory, startOf } from "../../bundle/history.ts";
import { isContinuumError } from "../../base/errors.ts";
import { Subprocess, type SubprocessOptions } from "../../dry_run/subprocess.ts";
import type { Trace, TraceRequest } from "../../dry_run/trace.ts";
import { unlessUnavailable } from "../sources.ts";

/** Which part of a history is replayed. */
export type SessionRequest = Omit<TraceRequest, "start" | "events">;

/** Traces one history on one version. */
export class ReplaySession implements AsyncDisposable {
  readonly #code: BundledCode;
  readonly #history: RunHistory;
  readonly #options: SubprocessOptions;
  readonly #onDebugger: ((url: string) => void) | undefined;
  #process: Subprocess | undefined;

  /**
   * Nothing is started yet.
   *
   * @param code The version.
   * @param history The history.
   * @param options Bounds of the subprocess.
   * @param onDebugger Called with the address at which the subprocess waits for a debugger.
   */
  constructor(
    code: BundledCode,
    history: RunHistory,
    options: SubprocessOptions,
    onDebugger?: (url: string) => void,
  ) {
    this.#code = code;
    this.#history = history;
    this.#options = options;
    this.#onDebugger = onDebugger;
  }

  /**
   * Traces the history.
   *
   * @param request Which part of it.
   * @returns The trace.
   * @throws {VersionUnavailableError} If the code can't be imported.
   * @throws {DryRunError} If the subprocess can't be started or does not answer in time.
   */
  async trace(request: SessionRequest): Promise<Trace> {
    const process = this.#process ?? await this.#start();
    const { events } = this.#history;
    const { manifest: { hash } } = this.#code;
    try {
      return await process.ask("trace", {
        ...request,
        start: { ...startOf(this.#history), version: hash },
        events,
        debug: this.#options.inspect === true,
      });
    } catch (error) {
      // SANDBOX-1
      if (isContinuumError(error, "SUBPROCESS_FAILED")) throw error;
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<Subprocess> {
    const { manifest: { hash } } = this.#code;
    const start = () => Subprocess.start(this.#code, this.#options);
    const process = await unlessUnavailable(hash, "replay the bundle", start);
    this.#process = process;
    if (this.#options.inspect === true) {
      const url = await process.debuggerUrl;
      if (url !== undefined) this.#onDebugger?.(url);
    }
    try {
      await unlessUnavailable(hash, "replay the bundle", () => process.load());
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
    return process;
  }

  /** Kills the subprocess. */
  async [Symbol.asyncDispose](): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.[Symbol.asyncDispose]();
  }
}
