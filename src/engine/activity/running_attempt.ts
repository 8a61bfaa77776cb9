/**
 * An attempt of an activity that this node makes: what is known of it, and its signs of life.
 *
 * - LEASEHOLD-1, a heartbeat that fails for the database's sake loses nothing; only a fence that does not
 *   match says that the attempt is lost.
 *
 * @module
 */

import type { AuthoredLog } from "../../base/authored.ts";
import { inBackground } from "../../base/background.ts";
import type { Batcher } from "../../base/batcher.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { CancelledError, isContinuumError } from "../../base/errors.ts";
import type {
  LeasedTask,
  TaskAnswer,
  TaskBase,
  TaskBeat,
  TaskFence,
  TaskLease,
} from "../../ports/tasks.ts";
import type { AttemptFacts, AttemptTelemetry } from "../../ports/telemetry.ts";
import type { Decided } from "../../task/terms.ts";
import { formatToken } from "../../task/token.ts";
import type { RunningUserCall } from "../user_call.ts";
import type { AttemptError } from "../../task/errors.ts";
import { attemptLost } from "../../task/errors.ts";

/** How an activity ended. */
export type Ending = Pick<TaskAnswer, "kind" | "payload">;

/** The run that asked for an activity, if it is resident. */
export interface TaskOwner {
  /** Whether a cancellation has reached the activity: no other attempt follows. */
  readonly isCancelled: boolean;
  /**
   * Takes how the activity ended, to write it; `fence` names the task that is to go with that.
   * `false`: the run is not here any more, or asks no longer.
   */
  answer(ending: Ending, fence: TaskFence | null): boolean;
  /** The task waits as a row: its end comes by message. */
  parked(): void;
  /** The task could not be written: another node holds the run. */
  lost(): void;
  /** Observes the attempts; `undefined`: there is no observer (TELEMETRY-2). */
  readonly telemetry: OwnerTelemetry | undefined;
}

/** Observes the attempts of an activity, as part of its run's stay. */
export interface OwnerTelemetry {
  /** The trace context that goes with the task; `undefined`: none. */
  readonly trace: string | undefined;
  /** An attempt begins; `undefined`: the run is not here, or asks no longer. */
  attempt(facts: Omit<AttemptFacts, "stack">): AttemptTelemetry | undefined;
}

/** The parts of a task that an attempt goes by. */
export type Attempted =
  & Decided<TaskBase>
  & TaskFence
  & Pick<
    LeasedTask,
    "seed" | "runId" | "scheduledAt" | "availableAt" | "closesAt" | "heartbeat"
  >
  & Partial<Pick<LeasedTask, "workflow">>;

/** What an attempt needs from its node. */
export interface AttemptHost {
  /** Times heartbeats. */
  readonly clock: Clock;
  /** Takes heartbeats that fail. */
  readonly log: AuthoredLog;
  /** Writes heartbeats. */
  readonly beats: Batcher<TaskBeat, TaskLease | undefined>;
  /** Writes what the definition says of a task into its row. */
  readonly decide: (task: Attempted) => Promise<void>;
}

/** How often an attempt's heartbeats are written at most, in milliseconds. */
const BEAT_MS = 500;

/** An attempt under way. */
export class RunningAttempt {
  /** The task. */
  readonly task: Attempted;
  /** The run, if it is here when the attempt has ended. */
  readonly owner: TaskOwner;
  readonly #host: AttemptHost;
  #row: Promise<boolean> | boolean;
  #isSent: boolean;
  #userCall: RunningUserCall | undefined;
  /** Set if its result is no longer wanted. */
  #aborted: { readonly reason: unknown } | undefined;
  #isEnded = false;
  #isLost = false;
  /** Set once its row says what the definition does. */
  #decision: Promise<void> | undefined;
  #details: string | null = null;
  #beatAt = -Infinity;
  #beatTimer: Timer | undefined;

  /**
   * @param task The task.
   * @param owner The run, if it is here when the attempt has ended.
   * @param hasRow Whether the task has a row.
   * @param host What it needs from its node.
   */
  constructor(task: Attempted, owner: TaskOwner, hasRow: boolean, host: AttemptHost) {
    this.task = task;
    this.owner = owner;
    this.#row = this.#isSent = hasRow;
    this.#host = host;
  }

  /** Whether the task has a row; settles once that is known. */
  get row(): Promise<boolean> | boolean {
    return this.#row;
  }

  /**
   * Whether the task has a row, or gets one from a statement that is under way. `false`: it has
   * none, and the statement that would write it can leave it out.
   */
  get finalRow(): Promise<boolean> | boolean {
    return this.#isSent && this.#row;
  }

  /** Its code, as it runs; `undefined`: it has not begun. */
  get userCall(): RunningUserCall | undefined {
    return this.#userCall;
  }

  /** Whether it is over: it needs no row any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Details of heartbeats that are not written yet. */
  get details(): string | null {
    return this.#details;
  }

  /**
   * Its task is being written while it runs.
   *
   * @param written Whether the task got a row; never rejects.
   */
  announce(written: Promise<boolean>): void {
    this.#row = written;
  }

  /** A statement that writes its task has begun, and can't leave it out any more. */
  sent(): void {
    this.#isSent = true;
  }

  /** Its task has been written. */
  written(): void {
    this.#row = true;
  }

  /**
   * Its task has not been written: another node holds the run, the run has ended, or the database
   * refused the task. The attempt is lost.
   */
  unwritten(): void {
    this.#row = false;
    this.markLost();
  }

  /** Its code runs. */
  begin(userCall: RunningUserCall): void {
    this.#userCall = userCall;
    if (this.#aborted !== undefined) userCall.abort(this.#aborted.reason);
  }

  /** Marks the attempt as lost: its result is no longer wanted. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#userCall?.abort(reason);
  }

  /** It is over. */
  end(): void {
    this.#isEnded = true;
    this.#beatTimer?.cancel();
  }

  /** The task is another attempt's, or is gone. */
  markLost(): void {
    this.#isLost = true;
    this.#userCall?.abort(this.#lostError());
  }

  /** What the database says of the task; `undefined`: this node does not hold it. */
  learn(lease: TaskLease | undefined): void {
    if (this.#isEnded) return;
    if (lease === undefined) this.markLost();
    else if (lease.cancelRequested) this.#userCall?.abort(new CancelledError(null));
  }

  /**
   * The token to complete it by from outside.
   *
   * @throws {AttemptError} (`ATTEMPT_LOST`) If its task could not be written.
   */
  async token(): Promise<string> {
    if (!await this.#row) throw this.#lostError();
    await this.decide();
    return formatToken(this.task);
  }

  /** Others may end the attempt, who know no definition: the row says what it says (TERMS-2). */
  decide(): Promise<void> {
    if (this.task.open === undefined) return Promise.resolve();
    return this.#decision ??= this.#host.decide(this.task).catch((error) => {
      this.#decision = undefined;
      throw error;
    });
  }

  /**
   * Shows that it lives: the first is written at once, later ones not more often than every 500 ms.
   *
   * @param details What it wants to find again, encoded.
   * @throws {AttemptError} (`ATTEMPT_LOST`) If it is lost.
   */
  async beat(details: string): Promise<void> {
    if (this.#isLost) throw this.#lostError();
    this.#details = details;
    if (this.#beatTimer !== undefined) return;
    const aborted = this.#aborted;
    const isDoubtful = aborted !== undefined && !isContinuumError(aborted.reason, "CANCELLED");
    const wait = this.#beatAt + BEAT_MS - this.#host.clock.monotonic();
    if (wait > 0 && !isDoubtful) {
      this.#beatTimer = this.#host.clock.after(wait, () => {
        this.#beatTimer = undefined;
        inBackground(this.#write(), (error) =>
          // LEASEHOLD-1
          this.#host.log.warn("Cannot write a heartbeat: {error}", { error }));
      });
      return;
    }
    await this.#write();
    if (this.#isLost) throw this.#lostError();
  }

  async #write(): Promise<void> {
    const details = this.#details;
    const { run, position, token, namespace } = this.task;
    this.#beatAt = this.#host.clock.monotonic();
    if (!await this.#row) return this.markLost();
    const lease = await this.#host.beats.add({ run, position, token, namespace, details });
    if (this.#details === details) this.#details = null;
    this.learn(lease);
  }

  #lostError(): AttemptError {
    return attemptLost(this.task.name, this.task.attempt);
  }
}
