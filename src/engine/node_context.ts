/**
 * What all parts of a node share.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import type { Clock } from "../base/clock.ts";
import type { Store } from "../ports/store.ts";
import type { Around } from "../ports/around.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Wakeups } from "../store/wakeups.ts";
import type { Exclusions } from "./code/exclusions.ts";
import type { CodeSource } from "./code/source.ts";
import type { DatabaseClock } from "./database_clock.ts";
import type { DatabaseRetry } from "./database_retry.ts";

/** The node's lease, as its parts see it. */
export interface CurrentLease {
  /** The node's id. It changes when the node expires. */
  readonly id: string;
  /** Whether an attempt of an effect may start now (LEASE-3 of `node_lease.ts`). */
  fresh(): boolean;
  /**
   * Called when runs may be leased to the node without its knowledge: a heartbeat finds out at
   * once, or as soon as the database answers.
   */
  invalidate(): void;
}

/** What all parts of a node share. */
export interface NodeContext {
  /** The database. */
  readonly store: Store;
  /** The engine's log. */
  readonly log: AuthoredLog;
  /** Monotonic time and timers. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Repeats statements while the database is unavailable. */
  readonly databaseRetry: DatabaseRetry;
  /** The node's lease. */
  readonly lease: CurrentLease;
  /** Finds the code of runs. */
  readonly code: CodeSource;
  /** Versions whose runs the node does not claim for a while. */
  readonly exclusions: Exclusions;
  /** Wakes runs, here and on other nodes. */
  readonly wakeups: Wakeups;
  /** Hooks of the application; none when omitted. */
  readonly around?: Around | undefined;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Observes what the node does; `undefined`: there is no observer (TELEMETRY-2). */
  readonly telemetry: Telemetry | undefined;
}
