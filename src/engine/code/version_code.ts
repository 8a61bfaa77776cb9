/**
 * Finds the code of runs among the versions that this process can obtain.
 *
 * @module
 */

import type { AuthoredLog } from "../../base/authored.ts";
import { backoffDelay, type RetryPolicy } from "../../base/backoff.ts";
import { isContinuumError } from "../../base/errors.ts";
import { shortHash } from "../../base/text.ts";
import type { PlaceRequest } from "../../ports/limits.ts";
import type { ClaimedRun, StuckReason } from "../../ports/rows.ts";
import type { ActivityLike, WorkflowLike } from "../../replay/commands.ts";
import type { TurnPulse } from "../../replay/effects.ts";
import { type Proof, type ProofRequest, proveOn } from "../../dry_run/proof.ts";
import type { Drain } from "../../replay/drain.ts";
import type { LogLine } from "../../replay/turn.ts";
import type { Contracts } from "../../version/contracts.ts";
import { pinnedActivities } from "../../version/pinned_activities.ts";
import type { Versions } from "../../version/versions.ts";
import { executionOf } from "../../workflow/execute.ts";
import type { CodeSource } from "./source.ts";
import type { CodeFailure, RunCode } from "./run_code.ts";
import type { Logs } from "../../base/log.ts";
import type { VersionRef } from "../../ports/version_ref.ts";
import type { WorkflowDefinition } from "../../workflow/context_types.ts";

/** The delays before a version that is temporarily unavailable is tried again. */
const PASSING: RetryPolicy = {
  maxAttempts: Infinity,
  backoff: "exponential",
  factor: 2,
  initial: 1_000,
  max: 60_000,
  jitter: 0.2,
  nonRetryable: [],
};

/** Finds the code of runs among the versions that this process can obtain. */
export class VersionCode implements CodeSource {
  readonly #versions: Versions;
  readonly #contracts: Contracts;
  readonly #drain: Drain;
  readonly #logs: Logs;
  readonly #failures = new Map<string, number>();

  /**
   * @param versions Obtains versions.
   * @param contracts Checks inputs and signals.
   * @param drain How executions drain their microtasks.
   * @param logs Where it logs, and where runs do.
   */
  constructor(versions: Versions, contracts: Contracts, drain: Drain, logs: Logs) {
    this.#versions = versions;
    this.#contracts = contracts;
    this.#drain = drain;
    this.#logs = logs;
  }

  /** See {@linkcode CodeSource.denials}. */
  get denials(): NonNullable<CodeSource["denials"]> {
    const versions = this.#versions;
    return {
      stamp: versions.denials.stamp,
      heed: () => versions.denials.refresh(),
      reason: (hash) => versions.denialReason(hash),
    };
  }

  /** See {@linkcode CodeSource.loaded}. */
  get loaded(): readonly string[] {
    return this.#versions.loaded.map(({ hash }) => hash);
  }

  async find(run: ClaimedRun, node: string): Promise<RunCode | CodeFailure> {
    try {
      const version = await this.#versions.obtain(run.hash, node);
      const { definition } = version;
      this.#failures.delete(run.hash);
      return {
        retryIf: definition.retry?.retryIf,
        activityCode: (activity) => pinnedActivities(version).codes.get(activity) ?? null,
        execute: (start, { logFacts, ...options } = {}) =>
          executionOf(definition, { ...start, version: start.hash }, {
            drain: this.#drain,
            log: (line) => logLine(this.#logs.workflow, start, line, logFacts?.()),
            ...options,
          }),
      };
    } catch (error) {
      return this.#failure(run, error);
    }
  }

  async prove(
    run: ClaimedRun,
    hash: string,
    read: Pick<ProofRequest, "events" | "open">,
    { node, pulse }: { readonly node: string; readonly pulse?: TurnPulse },
  ): Promise<Proof | undefined> {
    let version;
    try {
      version = await this.#versions.obtain(hash, node);
    } catch (error) {
      this.#logs.engine.warn("Cannot load version {version} of {workflow} to offer it: {error}", {
        version: shortHash(hash),
        workflow: run.workflow,
        hash,
        error,
      });
      return undefined;
    }
    return await proveOn(version, { start: { ...run, version: hash }, ...read }, {
      drain: this.#drain,
      trace: false,
      ...(pulse === undefined ? {} : { pulse }),
    });
  }

  async current(workflow: string): Promise<VersionRef | undefined> {
    try {
      return await this.#versions.forStart(workflow);
    } catch (error) {
      if (isContinuumError(error, "VERSION_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async childOf(run: ClaimedRun, workflow: WorkflowLike): Promise<VersionRef> {
    if (typeof workflow === "string") return await this.#versions.forStart(workflow);
    return await this.#versions.childVersion(run.hash, workflow as WorkflowDefinition);
  }

  pinning<T>(pin: () => Promise<T>): Promise<T> {
    return this.#versions.pinning(pin);
  }

  checkInput(hash: string, input: string): Promise<string> {
    return this.#contracts.inputText(hash, input);
  }

  place(hash: string, input: string): Promise<PlaceRequest | null> {
    return this.#contracts.placeOf(hash, input);
  }

  checkSignal(hash: string, name: string, payload: string): Promise<string> {
    return this.#contracts.signalText(hash, name, payload);
  }

  async activity(
    hash: string,
    code: string,
    node: string,
  ): Promise<ActivityLike | CodeFailure> {
    try {
      const version = await this.#versions.obtain(hash, node);
      return pinnedActivities(version).activities.get(code) ?? { kind: "node" };
    } catch (error) {
      this.#logs.engine.warn(
        "Activity {code} of version {version} is unavailable for now: {error}",
        {
          code,
          version: shortHash(hash),
          hash,
          error,
        },
      );
      return { kind: "node" };
    }
  }

  probe(hash: string): Promise<boolean> {
    return this.#versions.probe(hash);
  }

  /** Counts every failure as passing that is not known to be caused by the version. */
  #failure(run: ClaimedRun, error: unknown): CodeFailure {
    const kind = isContinuumError(error, "VERSION_UNAVAILABLE") ? error.details.kind : "passing";
    const { hash, workflow } = run;
    const facts = { run: run.runId, workflow, version: shortHash(hash), hash, error };
    if (kind === "lasting") {
      this.#logs.engine.error(
        "Cannot load version {version} of {workflow} for run {run}: {error}",
        facts,
      );
      return { kind, reason: reasonOf(error) };
    }
    this.#logs.engine.warn(
      "Cannot load version {version} of {workflow} for run {run} now: {error}",
      facts,
    );
    if (kind === "node") return { kind };
    const failures = (this.#failures.get(hash) ?? 0) + 1;
    this.#failures.set(hash, failures);
    return { kind: "passing", afterMs: backoffDelay(failures, PASSING, Math.random()) };
  }
}

function reasonOf(error: unknown): StuckReason {
  if (!isContinuumError(error)) return { code: "UNKNOWN", message: String(error) };
  return { code: error.code, message: error.message, details: error.details };
}

/**
 * Passes on the log lines of workflow code.
 *
 * @param log The log of workflow code.
 * @param run The run.
 * @param line The line.
 * @param facts What the line says of its trace.
 */
export function logLine(
  log: AuthoredLog,
  run: ClaimedRun,
  { level, message, properties }: LogLine,
  facts?: Readonly<Record<string, string>>,
): void {
  const { runId, workflow, hash, attempt } = run;
  const own = { run: runId, workflow, version: shortHash(hash), attempt };
  log[level](message, { ...properties, ...own, ...facts });
}
