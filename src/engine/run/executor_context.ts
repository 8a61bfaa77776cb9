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
  /** Loads a run's code. */
  readonly code: (run: ClaimedRun) => Promise<RunCode | CodeFailure>;
  /** Reads histories. */
  readonly loads: RetryingBatcher<
    { readonly id: number; readonly from: number },
    LoadedRun | undefined
  >;
  /** Reads the present row of a run that this node holds. */
  readonly recall: (id: number) => Promise<ClaimedRun | undefined>;
  /** Writes histories. */
  readonly journal: JournalWriter;
  /** The database, for transactions and generations. */
  readonly store: Pick<Store, "lineage" | "outcomeOf" | "transact">;
  /** What runs do to other runs. */
  readonly children: Children;
  /** The versions of next generations. */
  readonly versions: Pick<CodeSource, "current" | "checkInput">;
  /** Retries while the database is unavailable. */
  readonly databaseRetry: DatabaseRetry;
  /** Logs warnings about code that is probably a mistake. */
  readonly warnings: Warnings;
  /** Tasks of this node. */
  readonly tasks: NodeTasks;
  /** The node's lease. */
  readonly lease: NodeLease;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** The clock of waits. */
  readonly clock: Clock;
  /** How long a waiting run stays in memory, in milliseconds. */
  readonly lingerMs: number;
  /** Called when this node can't load a version: it claims none of its runs for a while. */
  readonly exclude: (hash: string) => void;
  /** Called when bytes of histories are loaded into memory, or released. */
  readonly weigh: (bytes: number) => void;
  /** Watches whether a run's turns return; omitted: nothing watches. */
  readonly watch: ((run: ClaimedRun) => TurnPulse) | undefined;
  /** Executors that only linger: the first to leave when memory is needed. */
  readonly lingering: Set<Lingerer>;
}

/** An executor that only lingers, and can leave at once. */
export interface Lingerer {
  /** Called when memory is needed. */
  leave(): void;
}
