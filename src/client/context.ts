/**
 * What all parts of a client share.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import type { Clock } from "../base/clock.ts";
import type { Operator } from "../ports/operations.ts";
import type { Exit } from "../ports/exit.ts";
import type { InsertedRun, LeasedNewRun } from "../ports/rows.ts";
import type { RunStore, Store } from "../ports/store.ts";
import type { Around } from "../ports/around.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Wakeups } from "../store/wakeups.ts";
import type { Contracts } from "../version/contracts.ts";
import type { Versions } from "../version/versions.ts";
import type { DryRuns } from "./run/dry_runs.ts";
import type { Replayer } from "./run/replayer.ts";
import type { RunWaiter } from "./run/waiter.ts";

/** The node of this process, as the client uses it. */
export interface LocalNode {
  /** Its id. */
  readonly node: string;
  /** Whether a run that is inserted now may be leased to the node at once. */
  readonly hasRoom: boolean;
  /**
   * Announces that a statement is about to lease a run to the node, under the caller's token.
   *
   * @param token The token.
   * @returns A function that reports whether the run was leased or not, or that this is unknown:
   * then the node queries the database.
   */
  expect(token: number): (outcome: "settled" | "unknown") => void;
  /**
   * Executes a run that was inserted with the node's lease.
   *
   * @returns Resolves when the run has left the node's memory.
   */
  take(run: LeasedNewRun, inserted: InsertedRun): Promise<Exit>;
}

/** What a client asks of dry runs. */
export interface ClientDryRuns
  extends Pick<DryRuns, "prover" | "query" | "source" | "start" | "trace"> {
  /** The same, with other versions. */
  of(versions: Pick<Versions, "has" | "inspect" | "obtain">): ClientDryRuns;
  /** The same for one call, which finds the bytes of a version once. */
  remembering(): ClientDryRuns;
}

/** What a client asks of versions. */
export type ClientVersions = Pick<
  Versions,
  | "clearFailures"
  | "demandAllowed"
  | "denialReason"
  | "denials"
  | "examine"
  | "forStart"
  | "has"
  | "inspect"
  | "loaded"
  | "obtain"
  | "pinning"
  | "read"
  | "record"
  | "signatures"
  | "workflowOf"
>;

/** What all parts of a client share. */
export interface ClientContext {
  /** The store, as callers see it, who may be inside a transaction. */
  readonly store: Store;
  /** The engine's log, to which the client logs, too. */
  readonly log: AuthoredLog;
  /** The runs of the namespace that calls work in. */
  readonly runs: RunStore;
  /** Chooses and obtains versions. */
  readonly versions: ClientVersions;
  /** Checks inputs and signals against the version that gets them. */
  readonly contracts: Contracts;
  /** Replays a run on another version, without starting or writing anything. */
  readonly replayer: Replayer;
  /** Replays runs on their own version, without starting or writing anything. */
  readonly dryRuns: ClientDryRuns;
  /** Waits for runs to end. */
  readonly waiter: RunWaiter;
  /** Passes wake-ups to nodes and waiters. */
  readonly wakeups: Wakeups;
  /** The node of this process, if it has one. */
  readonly node: LocalNode | undefined;
  /** Times waits. */
  readonly clock: Clock;
  /** Hooks of the application; none when omitted. */
  readonly around?: Around | undefined;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Observes what the client sends; `undefined`: there is no observer. */
  readonly telemetry: Telemetry | undefined;
  /** For whom the client acts; `undefined`: for the program itself, and nothing is recorded. */
  readonly operator?: Operator | undefined;
}

/** The same context for calls in another namespace. */
export function inNamespace(context: ClientContext, namespace: string): ClientContext {
  const { runs } = context;
  return namespace === runs.namespace ? context : { ...context, runs: runs.in(namespace) };
}
