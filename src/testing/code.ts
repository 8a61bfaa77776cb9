/**
 * Finds the code of runs, replaces activities by doubles, and records every effect that the code
 * requests.
 *
 * @module
 */

import { LOGTAPE } from "../base/log.ts";
import type { CodeSource } from "../engine/code/source.ts";
import type { CodeFailure, RunCode } from "../engine/code/run_code.ts";
import { logLine, VersionCode } from "../engine/code/version_code.ts";
import type { PlaceRequest } from "../ports/limits.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { ActivityLike, CommandOptions, WorkflowLike } from "../replay/commands.ts";
import type { Drain } from "../replay/drain.ts";
import type { TurnOptions } from "../replay/effects.ts";
import type { HistoryEvent } from "../replay/history.ts";
import { Execution, type ExecutionOptions } from "../replay/machine.ts";
import type { Request } from "../replay/requested_command.ts";
import type { RunStart, Turn } from "../replay/turn.ts";
import type { Contracts } from "../version/contracts.ts";
import { Context } from "../workflow/context.ts";
import type { TestActivities } from "./activities.ts";
import type { Doubles } from "./doubles.ts";
import type { IdleTracker } from "./idle_tracker.ts";
import type { TestVersions } from "./definitions.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** The dependencies of executions in tests. */
interface Parts {
  readonly idleTracker: IdleTracker;
  readonly activities: TestActivities;
  readonly doubles: Doubles;
}

/** An execution whose turns count as work, and whose activities are doubles. */
class TestExecution extends Execution {
  readonly #idleTracker: IdleTracker;
  readonly #activities: TestActivities;
  readonly #doubles: Doubles;

  constructor(
    definition: WorkflowDefinition,
    start: RunStart,
    options: ExecutionOptions,
    { idleTracker, activities, doubles }: Parts,
  ) {
    super(
      (effects, input) => definition.run(new Context(effects, definition.signals), input),
      start,
      options,
    );
    this.#idleTracker = idleTracker;
    this.#activities = activities;
    this.#doubles = doubles;
  }

  override turn(events: readonly HistoryEvent[], options?: TurnOptions): Promise<Turn> {
    return this.#idleTracker.during("work", () => super.turn(events, options));
  }

  override ask(request: Request): Promise<unknown> {
    return super.ask({ ...request, options: this.#doubled(request) });
  }

  #doubled({ kind, name, options }: Request): CommandOptions {
    if (kind === "activity") return this.#activities.placed(name, options);
    const { callback, transaction } = options;
    const doubles = this.#doubles;
    if (callback !== undefined) {
      return {
        ...options,
        callback: (attempt) => doubles.runStep(name, attempt, () => callback(attempt)),
      };
    }
    if (transaction === undefined) return options;
    return {
      ...options,
      transaction: (tx, attempt) => doubles.runStep(name, attempt, () => transaction(tx, attempt)),
    };
  }
}

/** Finds code as a node does, and instruments it for tests. */
export class TestCode implements CodeSource {
  readonly #versions: TestVersions;
  readonly #inner: VersionCode;
  readonly #drain: Drain;
  readonly #parts: Parts;

  /**
   * @param versions Obtains versions.
   * @param contracts Checks inputs and signals.
   * @param drain How executions drain their microtasks.
   * @param parts Counts work; finds activities.
   */
  constructor(
    versions: TestVersions,
    contracts: Contracts,
    drain: Drain,
    parts: Parts,
  ) {
    this.#versions = versions;
    this.#inner = new VersionCode(versions, contracts, drain, LOGTAPE);
    this.#drain = drain;
    this.#parts = parts;
  }

  /** See {@linkcode CodeSource.denials}. */
  get denials(): NonNullable<CodeSource["denials"]> {
    return this.#inner.denials;
  }

  /** See {@linkcode CodeSource.find}. */
  async find(run: ClaimedRun, node: string): Promise<RunCode | CodeFailure> {
    return await this.#parts.idleTracker.during("work", async () => {
      const code = await this.#inner.find(run, node);
      if ("kind" in code) return code;
      const { definition } = await this.#versions.obtain(run.hash);
      return {
        retryIf: code.retryIf,
        activityCode: (activity: ActivityLike) => this.#parts.activities.codeOf(activity),
        execute: (start: ClaimedRun, options: Partial<ExecutionOptions>) =>
          new TestExecution(
            definition,
            { ...start, version: start.hash },
            {
              drain: this.#drain,
              log: (line) => logLine(LOGTAPE.workflow, start, line),
              ...options,
            },
            this.#parts,
          ),
      };
    });
  }

  /** See {@linkcode CodeSource.current}. */
  current(workflow: string): Promise<VersionRef | undefined> {
    return this.#inner.current(workflow);
  }

  /** See {@linkcode CodeSource.childOf}. */
  childOf(run: ClaimedRun, workflow: WorkflowLike): Promise<VersionRef> {
    return this.#parts.idleTracker.during("work", () => this.#inner.childOf(run, workflow));
  }

  /** See {@linkcode CodeSource.checkInput}. */
  checkInput(hash: string, input: string): Promise<string> {
    return this.#parts.idleTracker.during("work", () => this.#inner.checkInput(hash, input));
  }

  /** See {@linkcode CodeSource.place}. */
  place(hash: string, input: string): Promise<PlaceRequest | null> {
    return this.#parts.idleTracker.during(
      "work",
      async () => await this.#inner.place?.(hash, input) ?? null,
    );
  }

  /** See {@linkcode CodeSource.checkSignal}. */
  checkSignal(hash: string, name: string, payload: string): Promise<string> {
    return this.#parts.idleTracker.during(
      "work",
      () => this.#inner.checkSignal(hash, name, payload),
    );
  }

  /** See {@linkcode CodeSource.activity}. */
  activity(_hash: string, code: string): Promise<ActivityLike | CodeFailure> {
    return Promise.resolve(this.#parts.activities.at(code) ?? { kind: "node" });
  }

  /** See {@linkcode CodeSource.probe}. */
  probe(hash: string): Promise<boolean> {
    return this.#inner.probe(hash);
  }
}
