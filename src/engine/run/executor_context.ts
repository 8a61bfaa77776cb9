/**
 * What an executor needs from its node.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ClaimedRun, LoadedRun } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import type { TurnPulse } from "../../replay/effects.ts";
import type { AttemptContext } from "./attempt.ts";
import type { Children } from "./children.ts";
import type { CodeSource } from "../code/source.ts";
import type { DatabaseClock } from "../database_clock.ts";
import type { JournalWriter } from "./journal_writer.ts";
import type { NodeLease } from "../node_lease.ts";
import type { NodeTasks } from "../activity/node_tasks.ts";
import type { DatabaseRetry } from "../database_retry.ts";
import type { RetryingBatcher } from "../retrying_batcher.ts";
import type { Warnings } from "./warnings.ts";
import type { CodeFailure, RunCode } from "../code/run_code.ts";

/** What an executor needs from its node. */
export interface ExecutorContext extends Omit<AttemptContext, "runId" | "seed"> {
  /** Finds a run's code. */
  readonly code: (run: ClaimedRun) => Promise<RunCode | CodeFailure>;
  /** Reads histories. */
  readonly loads: RetryingBatcher<
    { readonly id: number; readonly from: number },
    LoadedRun | undefined
  >;
  /** A run that this node holds, as its row has it now. */
  readonly recall: (id: number) => Promise<ClaimedRun | undefined>;
  /** Writes histories. */
  readonly journal: JournalWriter;
  /** Where transactions and generations are. */
  readonly store: Pick<Store, "transact" | "lineage">;
  /** What runs do to other runs. */
  readonly children: Children;
  /** Where next generations go. */
  readonly versions: Pick<CodeSource, "current" | "checkInput">;
  /** Waits for a database that is away. */
  readonly databaseRetry: DatabaseRetry;
  /** Tells of what was hardly meant. */
  readonly warnings: Warnings;
  /** Activities of this node. */
  readonly tasks: NodeTasks;
  /** The node's lease. */
  readonly lease: NodeLease;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Times waits. */
  readonly clock: Clock;
  /** How long a waiting run stays in memory, in milliseconds. */
  readonly lingerMs: number;
  /** This node can't load a version: it takes no more of its runs for a while. */
  readonly exclude: (hash: string) => void;
  /** Bytes of histories have come into memory, or left it. */
  readonly weigh: (bytes: number) => void;
  /** Watches that a run's turns return; nobody does when omitted. */
  readonly watch: ((run: ClaimedRun) => TurnPulse) | undefined;
  /** Executors that do nothing but linger: the first to leave when room is wanted. */
  readonly lingering: Set<Lingerer>;
}

/** What only lingers can leave at once. */
export interface Lingerer {
  /** Its room is wanted. */
  leave(): void;
}
