/**
 * What a resident run waits for: one entry for each outstanding command.
 *
 * A step or an activity goes `ready` -> `active` -> `settled`, or back over `resting` to `ready`
 * for its next attempt; an activity whose task waits as a row, or is executed elsewhere, is
 * `queued`; a sleep and a wait for a signal stay `waiting` until they are `settled`.
 *
 * @module
 */

import { decode } from "../../base/values.ts";
import type { EventRow, WaitRow } from "../../ports/rows.ts";
import type { Command } from "../../replay/commands.ts";
import type { RecordedAttempt } from "../../replay/activity_failure.ts";
import { asksForEnd } from "../../replay/settle.ts";
import type { FailedAttempt } from "./attempt.ts";

/** One outstanding command. */
export interface OutstandingCommand {
  /** What is asked for. */
  readonly command: Command;
  /** Where it stands. */
  state: "ready" | "active" | "resting" | "queued" | "waiting" | "settled";
  /** Attempts that failed so far, made by the run's own executor; oldest first. */
  failures: readonly RecordedAttempt[];
  /** What the last heartbeat of such an attempt said, encoded. */
  heartbeat: string | null;
  /** Whether its task was asked to stop. */
  isGivenUp: boolean;
  /** When something is due by itself, in database time: a deadline or the next attempt. */
  dueAt: number | null;
  /** Whether a child was asked to end, since its parent was cancelled. */
  isAsked?: boolean;
  /** The attempt under way, when `active`. */
  running?: { abort(reason: unknown): void };
}

const NONE: readonly OutstandingCommand[] = [];

/** The outstanding commands of one run. */
export class OutstandingCommands {
  readonly #byPosition = new Map<number, OutstandingCommand>();
  readonly #failures: ReadonlyMap<number, Failures>;
  readonly #tasks: ReadonlySet<number>;

  /**
   * @param history The history that the execution starts from: failed attempts count on.
   * @param tasks Positions of activities that have a task, or an answer that is not delivered.
   */
  constructor(history: readonly EventRow[], tasks: readonly number[]) {
    this.#failures = failuresOf(history);
    this.#tasks = new Set(tasks);
  }

  /** Takes in what a turn asked for. */
  issue(command: Command): void {
    const effect = isEffect(command);
    const failure = effect ? this.#failures.get(command.position) : undefined;
    this.#byPosition.set(command.position, {
      command,
      state: !effect
        ? "waiting"
        : this.#tasks.has(command.position)
        ? "queued"
        : failure === undefined
        ? "ready"
        : "resting",
      failures: failure?.attempts ?? [],
      heartbeat: null,
      isGivenUp: false,
      dueAt: failure?.retryAt ?? command.deadline,
    });
  }

  /** The one at a position. */
  at(position: number): OutstandingCommand | undefined {
    return this.#byPosition.get(position);
  }

  /** Forgets a command that the workflow gave up, and aborts its attempt. */
  withdraw(position: number): void {
    this.#byPosition.get(position)?.running?.abort(
      new DOMException("The workflow no longer waits for this", "AbortError"),
    );
    this.#byPosition.delete(position);
  }

  /** Forgets a command that a delivery answered; a child's end answers more than one (REPLAY-7). */
  settle(position: number): void {
    const child = this.#byPosition.get(position)?.command.options.child;
    this.#byPosition.delete(position);
    if (child === undefined) return;
    for (const { command } of this.waitingForChild(child.id).askers) {
      this.#byPosition.delete(command.position);
    }
  }

  /** Those that are in a state now, in program order of being asked for. */
  in(state: OutstandingCommand["state"]): readonly OutstandingCommand[] {
    let found: OutstandingCommand[] | undefined;
    for (const pending of this.#byPosition.values()) {
      if (pending.state === state) (found ??= []).push(pending);
    }
    return found ?? NONE;
  }

  /**
   * The run was cancelled: attempts under way are told, and no other follows.
   *
   * @returns Those that nothing will answer any more, and children that have to be asked to end.
   */
  endCancelled(): {
    readonly unanswered: OutstandingCommand[];
    readonly children: OutstandingCommand[];
  } {
    const unanswered: OutstandingCommand[] = [];
    const children: OutstandingCommand[] = [];
    for (const pending of this.#byPosition.values()) {
      const { command, state } = pending;
      const { cancelled } = command;
      if (cancelled === null) continue;
      pending.running?.abort(cancelled);
      if (command.kind === "child" && state === "waiting" && !pending.isAsked) {
        pending.isAsked = true;
        children.push(pending);
      }
      // A child may have been started by an earlier execution: it is, once more, and then asked.
      if (command.kind === "child" || (state !== "ready" && state !== "resting")) continue;
      pending.state = "settled";
      unanswered.push(pending);
    }
    return { unanswered, children };
  }

  /** The first transaction that may begin. */
  get readyTransaction(): OutstandingCommand | undefined {
    return this.#first("ready", ({ kind }) => kind === "transaction");
  }

  /** Those that wait for the end of a child: having started it, or by its handle. */
  waitingForChild(
    id: string,
  ): { readonly starters: OutstandingCommand[]; readonly askers: OutstandingCommand[] } {
    const waiting = this.in("waiting").filter(({ command }) =>
      command.kind === "child" && command.options.child?.id === id
    );
    const { starters = [], askers = [] } = Object.groupBy(
      waiting,
      ({ command }) => asksForEnd(command) === undefined ? "starters" : "askers",
    );
    return { starters, askers };
  }

  /** Activities that outlive a cancellation, and whose tasks have not been asked to stop. */
  giveUpQueued(): number[] {
    const positions: number[] = [];
    for (const pending of this.in("queued")) {
      if (pending.command.cancelled === null || pending.isGivenUp) continue;
      pending.isGivenUp = true;
      pending.state = "active"; // the run stays while it asks
      positions.push(pending.command.position);
    }
    return positions;
  }

  /** The first that waits for a signal of that name. */
  waitingFor(signal: string): OutstandingCommand | undefined {
    return this.#first("waiting", ({ kind, name }) => kind === "signal" && name === signal);
  }

  /** The last that waits for a signal of that name. */
  lastWaitingFor(signal: string): OutstandingCommand | undefined {
    return this.in("waiting").findLast(({ command }) =>
      command.kind === "signal" && command.name === signal
    );
  }

  #first(
    state: OutstandingCommand["state"],
    wanted: (command: Command) => boolean,
  ): OutstandingCommand | undefined {
    for (const pending of this.#byPosition.values()) {
      if (pending.state === state && wanted(pending.command)) return pending;
    }
    return undefined;
  }

  /** Whether an attempt is under way, or may start as soon as it may. */
  get busy(): boolean {
    for (const { state } of this.#byPosition.values()) {
      if (state === "active" || state === "ready") return true;
    }
    return false;
  }

  /** The earliest time at which something is due by itself. */
  get dueAt(): number | null {
    let earliest: number | null = null;
    for (const { state, dueAt } of this.#byPosition.values()) {
      if (dueAt === null || state === "settled" || state === "active") continue;
      if (earliest === null || dueAt < earliest) earliest = dueAt;
    }
    return earliest;
  }

  /** What the row of a suspended run says about it. */
  waits(): WaitRow[] {
    const rows: WaitRow[] = [];
    for (const { command, dueAt, state } of this.#byPosition.values()) {
      if (state === "settled") continue;
      rows.push({
        kind: command.kind,
        name: command.name,
        position: command.position,
        until: dueAt,
      });
    }
    return rows;
  }

  /** Aborts every attempt under way. */
  abort(reason: unknown): void {
    for (const pending of this.in("active")) pending.running?.abort(reason);
  }
}

/** Whether something is to be done for a command, other than to wait. */
function isEffect({ kind, options }: Command): boolean {
  if (kind === "child") return options.child?.workflow !== undefined;
  return kind === "step" || kind === "activity" || kind === "transaction" || kind === "call";
}

interface Failures {
  readonly attempts: RecordedAttempt[];
  retryAt: number;
}

function failuresOf(history: readonly EventRow[]): ReadonlyMap<number, Failures> {
  const failures = new Map<number, Failures>();
  for (const { kind, position, payload, at } of history) {
    if (kind !== "attempt.failed" || position === null || payload === null) continue;
    const { attempt, retryAt, error } = decode(payload) as FailedAttempt;
    const known = failures.get(position);
    failures.set(position, {
      attempts: [...known?.attempts ?? [], { attempt, at, error }],
      retryAt,
    });
  }
  return failures;
}
