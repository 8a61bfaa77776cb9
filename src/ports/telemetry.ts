/**
 * What the engine and the client tell an observer of their work. This package has one such observer,
 * `src/telemetry`.
 *
 * - TELEMETRY-1: nothing that a call returns is awaited, and no call throws: the observer catches what
 *   its exporters throw. A run is the same with telemetry and without.
 * - TELEMETRY-2: without telemetry there is no observer: a field is `undefined`, and is checked once
 *   for each stay, attempt, flush and load.
 * - TELEMETRY-3: only what a live execution does is observed. A dry-run replay has no observer, and of a
 *   replay in a node only its length and its time are observed.
 *
 * A trace context is the text of W3C's `traceparent`, and a space and the `tracestate` if there is
 * one. The trace of a run, in its row, is the trace context of its start, and a line for each of the
 * stays that the observer wants to find again at the run's end. The observer writes these texts, and
 * only the observer reads them.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import type { Exit } from "./exit.ts";
import type { ClaimedRun, InboxRow } from "./rows.ts";
import type { LeasedTask, TaskBase } from "./tasks.ts";

const OBSERVER = Symbol.for("continuum.telemetry");

/**
 * What `telemetry()` of `./telemetry` returns.
 *
 * @category Continuum
 */
export interface TelemetryOption {
  /** What it is. */
  readonly kind: "continuum.telemetry";
}

/**
 * Makes an option of an observer.
 *
 * @param observer The observer.
 * @returns The option.
 */
export function telemetryOption(observer: Telemetry): TelemetryOption {
  const option = { kind: "continuum.telemetry" } as const;
  return Object.defineProperty(option, OBSERVER, { value: observer });
}

/**
 * The observer of an option.
 *
 * @param option Any value.
 * @returns The observer; `undefined` if the value is no option.
 */
export function observerOf(option: unknown): Telemetry | undefined {
  return (option as { readonly [OBSERVER]?: Telemetry } | null | undefined)?.[OBSERVER];
}

/** Where in the source an effect was requested: read only on demand, which is slow. */
export interface RequestSite {
  /** The place as it is executed; `null`: unknown. */
  readonly site: { readonly file: string; readonly line: number } | null;
}

/** What a client sends to a run. */
export interface Sent {
  /** What it does. */
  readonly operation: "start" | "signal" | "cancel";
  /** The run; `null`: several. */
  readonly runId: string | null;
  /** Its namespace. */
  readonly namespace: string;
  /** Its workflow; `null`: unknown to the sender. */
  readonly workflow: string | null;
  /** The hash of its version; `null`: unknown to the sender. */
  readonly hash: string | null;
  /** The signal's name. */
  readonly signal?: string;
  /** How many runs. */
  readonly runs?: number;
}

/** A client sends something to a run. */
export interface Sending {
  /** The trace context that goes with it; `undefined`: none. */
  readonly trace: string | undefined;
  /** It was sent, or failed. */
  ended(failure?: { readonly error: unknown }): void;
}

/** One attempt of an effect. */
export interface AttemptFacts {
  /** The kind of effect. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** Where the run requested it; `null`: not known here. */
  readonly stack: RequestSite | null;
  /** The queue of its task; absent if it has none. */
  readonly queue?: string;
  /** For how many milliseconds its task could be executed before it was. */
  readonly waitMs?: number;
}

/** The run of a task. */
export type RunOfTask = Partial<Pick<LeasedTask, "runId" | "workflow" | "namespace">>;

/** An attempt under way. */
export interface AttemptTelemetry {
  /**
   * Calls the user's function. Absent: nothing needs to be done around it.
   *
   * @param body Calls it.
   * @returns What it returns.
   */
  during?<T>(body: () => T): T;
  /** The attempt has ended; `failure`: with an error. It is called once for each attempt. */
  ended(failure?: { readonly error: unknown }): void;
}

/** A stay of a run in a node's memory, from its arrival to its departure. */
export interface StayTelemetry {
  /** The trace context of what the run requests; `undefined`: none. */
  readonly trace: string | undefined;
  /** What log lines of the run's code say besides their own properties. */
  readonly logFacts: Readonly<Record<string, string>>;
  /** Whether the place of an effect is wanted: its stack is kept then. */
  wantsSite(kind: string, name: string): boolean;
  /** A history was replayed, within that many milliseconds. */
  replayed(events: number, ms: number): void;
  /** The run takes a message, at that database time. */
  took(message: InboxRow, now: number): void;
  /** A sleep or a time limit is over, that many milliseconds late. */
  fired(lateMs: number): void;
  /** An attempt begins; `undefined`: its end is not observed. */
  attempt(facts: AttemptFacts): AttemptTelemetry | undefined;
  /** Something was written. */
  wrote(events: number): void;
  /** The run continues as new, or is tried again, in that generation. */
  continued(generation: number): void;
  /** The run's trace, to be written as the run leaves; `undefined`: as it is. */
  trail(): string | undefined;
  /** The run has left. */
  left(exit: Exit, now: number): void;
}

/** How many runs are in a state, or tasks in a queue, in the whole database. */
export interface FleetNumbers {
  /** Runs that have not ended, by state; counting stops at 10,000 for each. */
  readonly live: ReadonlyMap<string, number>;
  /** Tasks that wait for a node, by queue. */
  readonly queues: ReadonlyMap<string, {
    /** How many; counting stops at 1,000. */
    readonly depth: number;
    /** Milliseconds that the oldest has waited. */
    readonly oldestMs: number;
  }>;
}

/** What a process has, for gauges, and its log. */
export interface TelemetryHost {
  /** The engine's log. */
  readonly log: AuthoredLog;
  /** How many runs are in memory. */
  readonly resident: number;
  /** How many attempts are under way, by queue. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Counts runs and tasks of the whole database. */
  fleet(): Promise<FleetNumbers>;
}

/** The observer. */
export interface Telemetry {
  /**
   * A process has opened.
   *
   * @param host Its numbers.
   * @returns To be called when it closes.
   */
  attach(host: TelemetryHost): () => void;
  /** A node renews its lease, or tries to: what was counted since is passed on. */
  beat(): void;
  /** Begins work that belongs to none of the caller's spans. */
  detached<T>(work: () => T): T;
  /** A client sends something to a run; `undefined`: its end is not observed. */
  sending(sent: Sent): Sending | undefined;
  /** A run arrives in a node's memory, at that database time. */
  arrived(run: ClaimedRun, now: number): StayTelemetry;
  /** An attempt of a task begins whose run is not here; `undefined`: its end is not observed. */
  attempt(
    task: Pick<TaskBase, "trace" | "hash"> & RunOfTask,
    facts: AttemptFacts,
  ): AttemptTelemetry | undefined;
  /** Histories were written, or failed to be, in one statement. */
  flushed(rows: number, ms: number): void;
  /** A version was loaded, from that source; `failure`: in vain. */
  loaded(source: string, ms: number, failure?: { readonly error: unknown }): void;
  /** A run was ended by a client. */
  endedOutside(run: { readonly workflow: string; readonly hash: string }, outcome: string): void;
}
