/**
 * The outstanding commands of a run in memory: one entry for each.
 *
 * A step or an activity is `ready`, then `active`, then `settled`; or, between two attempts,
 * `resting` and then `ready` again. An activity whose task waits in its queue, or is executed
 * elsewhere, is `queued`. A sleep or a wait for a signal is `waiting` until it is `settled`.
 *
 * @module
 */

import { decode } from "../../base/values.ts";
import type { EventRow, WaitRow } from "../../ports/rows.ts";
import { type Command, waitOf } from "../../replay/commands.ts";
import type { RecordedAttempt, RetriedAttempt } from "../../replay/activity_failure.ts";
import { awaitedChildId, takesSignal } from "../../replay/settle.ts";

/** One outstanding command. */
export interface OutstandingCommand {
  /** The command. */
  readonly command: Command;
  /** Its state. */
  state: "ready" | "active" | "resting" | "queued" | "waiting" | "settled";
  /** Failed attempts that the run's own executor made; oldest first. */
  failures: readonly RecordedAttempt[];
  /** The details of the last heartbeat of such an attempt, encoded. */
  heartbeat: string | null;
  /** Whether the cancellation of its task was requested. */
  isGivenUp: boolean;
  /** When its deadline or its next attempt is due, in database time; `null`: neither. */
  dueAt: number | null;
  /** Whether the end of its child was requested because the parent was cancelled. */
  isAsked?: boolean;
  /** Whether what it waits for may have come since it began to look for that. */
  isTold?: boolean;
  /** The attempt under way, if `active`. */
  running?: { abort(reason: unknown): void };
}

const NONE: readonly OutstandingCommand[] = [];

/** The outstanding commands of one run. */
export class OutstandingCommands {
  readonly #byPosition = new Map<number, OutstandingCommand>();
  readonly #failures: ReadonlyMap<number, Failures>;
  readonly #tasks: ReadonlySet<number>;

  /**
   * @param history The history with which the execution begins: its failed attempts are counted.
   * @param tasks Positions of activities that have a task, or a result that is not delivered yet.
   */
  constructor(history: readonly EventRow[], tasks: readonly number[]) {
    this.#failures = failuresOf(history);
    this.#tasks = new Set(tasks);
  }

  /** Adds a command that a turn requested. */
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

  /** The command at a position. */
  at(position: number): OutstandingCommand | undefined {
    return this.#byPosition.get(position);
  }

  /** Removes a command that the workflow withdrew, and aborts its attempt. */
  withdraw(position: number): void {
    this.#byPosition.get(position)?.running?.abort(
      new DOMException("The workflow no longer waits for this", "AbortError"),
    );
    this.#byPosition.delete(position);
  }

  /** Removes a command that a delivery answered; a child's end may answer several (REPLAY-7). */
  settle(position: number): void {
    const child = this.#byPosition.get(position)?.command.options.child;
    this.#byPosition.delete(position);
    if (child === undefined) return;
    for (const { command } of this.waitingForChild(child.id).askers) {
      this.#byPosition.delete(command.position);
    }
  }

  /** The commands that are in a state now, in program order. */
  in(state: OutstandingCommand["state"]): readonly OutstandingCommand[] {
    let found: OutstandingCommand[] | undefined;
    for (const pending of this.#byPosition.values()) {
      if (pending.state === state) (found ??= []).push(pending);
    }
    return found ?? NONE;
  }

  /**
   * Handles a cancellation of the run: aborts the attempts under way, and lets no other follow.
   *
   * @returns The commands that will never settle, and the children whose end must be requested.
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
      // An earlier execution may have started the child, so it is started once more, and then its
      // end is requested.
      if (command.kind === "child" || (state !== "ready" && state !== "resting")) continue;
      pending.state = "settled";
      unanswered.push(pending);
    }
    return { unanswered, children };
  }

  /** The first transaction that is ready to begin. */
  get readyTransaction(): OutstandingCommand | undefined {
    return this.#first("ready", ({ kind }) => kind === "transaction");
  }

  /**
   * The commands that wait for a child's end: those that started it, and those that hold its
   * handle.
   */
  waitingForChild(
    id: string,
  ): { readonly starters: OutstandingCommand[]; readonly askers: OutstandingCommand[] } {
    const waiting = this.in("waiting").filter(({ command }) =>
      command.kind === "child" && command.options.child?.id === id
    );
    const { starters = [], askers = [] } = Object.groupBy(
      waiting,
      ({ command }) => awaitedChildId(command) === undefined ? "starters" : "askers",
    );
    return { starters, askers };
  }

  /**
   * Activities that outlive a cancellation, and for whose tasks no cancellation is requested yet.
   */
  giveUpQueued(): number[] {
    const positions: number[] = [];
    for (const pending of this.in("queued")) {
      if (pending.command.cancelled === null || pending.isGivenUp) continue;
      pending.isGivenUp = true;
      pending.state = "active"; // the run stays in memory until the request is made
      positions.push(pending.command.position);
    }
    return positions;
  }

  /**
   * The commands that wait for a signal with that name, or for an ask, and that code awaits
   * (ATTENTION-1).
   */
  waitingFor(signal: string, isAsk: boolean): readonly OutstandingCommand[] {
    return this.in("waiting").filter(({ command }) =>
      takesSignal(command, signal, isAsk) && command.attention !== "lost"
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

  /** Whether an attempt is under way, or is ready to start. */
  get busy(): boolean {
    for (const { state } of this.#byPosition.values()) {
      if (state === "active" || state === "ready") return true;
    }
    return false;
  }

  /** The earliest time at which a deadline or an attempt is due. */
  get dueAt(): number | null {
    let earliest: number | null = null;
    for (const { state, dueAt } of this.#byPosition.values()) {
      if (dueAt === null || state === "settled" || state === "active") continue;
      if (earliest === null || dueAt < earliest) earliest = dueAt;
    }
    return earliest;
  }

  /** Lists what a suspended run waits for, as its row shows it: without waits that lost a race. */
  waits(): WaitRow[] {
    const rows: WaitRow[] = [];
    for (const { command, dueAt, state } of this.#byPosition.values()) {
      if (state === "settled" || command.attention === "lost") continue;
      rows.push({
        ...waitOf(command),
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

/** Whether a command needs work, rather than only a wait. */
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
    const { attempt, retryAt, error } = decode(payload) as RetriedAttempt;
    const known = failures.get(position);
    failures.set(position, {
      attempts: [...known?.attempts ?? [], { attempt, at, error }],
      retryAt,
    });
  }
  return failures;
}
