/**
 * What the engine and the client require of a store to limit how many runs there are at once, and how
 * many runs hold a lock. Times are milliseconds of the database's clock since the epoch.
 *
 * @module
 */

import type { LimitTerms } from "../workflow/limit.ts";
import type { WokenRun } from "./woken_run.ts";

/** The place that a new run waits for. */
export interface PlaceRequest {
  /** The limit. */
  readonly limit: LimitTerms;
  /** The key that the run counts for; "": none. */
  readonly key: string;
  /** A higher one comes first. */
  readonly priority: number;
}

/** A lock that a run asks for. */
export interface LockRequest {
  /** The run, which its node holds under a token. */
  readonly run: number;
  readonly token: number;
  /** Its namespace. */
  readonly namespace: string;
  /** The position of the command. */
  readonly position: number;
  /** The lock's name. */
  readonly name: string;
  /** How many may hold it at once. */
  readonly atOnce: number;
  /** The name of the signal that tells the run that it has the lock. */
  readonly toldBy: string;
}

/** A lock that a history holds or waits for at its end. */
export interface OpenLock extends Pick<LockRequest, "position" | "name" | "atOnce" | "toldBy"> {
  /** Whether the history says that the run has it. */
  readonly isHeld: boolean;
}

/** What came of a request for a lock, or of one that was given up. */
export interface LockChange {
  /** Whether the run has the lock now. */
  readonly isHeld: boolean;
  /** The runs that have got a place. */
  readonly woken: readonly WokenRun[];
}

/** One look at limits. */
export interface LimitRound {
  /** The runs that have got a place. */
  readonly woken: readonly WokenRun[];
  /** Whether there is more to do at once. */
  readonly more: boolean;
  /** When a node has to look again although nothing happens; `null`: never. */
  readonly next: number | null;
}

/** A limit, as callers see it. */
export interface LimitRow extends LimitTerms {
  /** Its namespace. */
  readonly namespace: string;
  /** How many have a place. */
  readonly held: number;
  /** How many wait, counted to a limit. */
  readonly waiting: number;
  /** Since when the first of them waits; `null`: none does. */
  readonly since: number | null;
  /** Why no run gets a place; `null`: it is not paused. */
  readonly paused: { readonly reason: string | null; readonly at: number } | null;
}

/** Where a run stands in line. */
export interface PlaceRow {
  /** The limit's name. */
  readonly name: string;
  /** `lock`: the run continues with a lock that it held. */
  readonly kind: "runs" | "lock";
  /** Its key; "": none. */
  readonly key: string;
  /** How many come before it, counted to a limit. */
  readonly ahead: number;
  /** Whether it waits for others of its key. */
  readonly isBehind: boolean;
  /** Whether the limit is paused. */
  readonly isPaused: boolean;
}

/** Limits. */
export interface LimitStore {
  /**
   * Gives places to those whose turn it is, of all limits where something has happened.
   *
   * @returns What was done.
   */
  work(): Promise<LimitRound>;
  /**
   * Asks for a lock. Repeating the call does no harm.
   *
   * @returns What came of it; `null`: the node does not hold the run.
   */
  lock(request: LockRequest): Promise<LockChange | null>;
  /**
   * Gives a lock, or the request for it, up. Repeating the call does no harm.
   *
   * @param run The run.
   * @param position The position of the command that asked for it.
   */
  unlock(run: number, position: number): Promise<LockChange>;
  /** The queues of a namespace, by their names. */
  list(namespace: string, limit: number): Promise<LimitRow[]>;
  /**
   * Pauses a queue: no run gets a place until it is resumed.
   *
   * @param reason Why.
   * @returns `false`: there is no such queue.
   */
  pause(namespace: string, name: string, reason: string | null): Promise<boolean>;
  /**
   * Lets a queue continue.
   *
   * @returns `false`: there is no such queue.
   */
  resume(namespace: string, name: string): Promise<boolean>;
  /** Where a run stands in line; `null`: it waits for no place. */
  placeOf(run: number): Promise<PlaceRow | null>;
}
