/**
 * What handles work with.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { RunStore, Store } from "../../ports/store.ts";
import type { Contracts } from "../../version/contracts.ts";
import type { DryRuns } from "./dry_runs.ts";
import type { RunWaiter } from "./waiter.ts";
import type { UpgradeOptions, UpgradeReport } from "./upgrade.ts";

/** What handles work with. */
export interface ClientServices {
  /** Where everything is kept. */
  readonly store: Store;
  /** The runs of one namespace: handles see no others. */
  readonly runs: RunStore;
  /** Checks signals against the version of their run. */
  readonly contracts: Contracts;
  /** Replays runs for people. */
  readonly dryRuns: DryRuns;
  /** Waits for runs to end. */
  readonly waiter: RunWaiter;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Times waits. */
  readonly clock: Clock;
  /** A run has a message: whoever executes it is told, or somebody who may. */
  readonly wakeRun: (run: number, node: string | null) => void;
  /** A run was ended from outside: its parent and its children hear at once. */
  readonly ended: (runId: string) => Promise<void>;
  /** What counted against a version counts no more. */
  readonly retry: (hash: string) => Promise<void>;
  /** Moves a run to other code. */
  readonly upgrade: (runId: string, options: UpgradeOptions) => Promise<UpgradeReport>;
}
