/**
 * The parts of a node that an executor uses.
 *
 * @module
 */

import type { ClaimedRun } from "../../ports/rows.ts";
import type { TurnPulse } from "../../replay/effects.ts";
import type { NodeTasks } from "../activity/node_tasks.ts";
import type { Poller } from "../poller.ts";
import type { NodeContext } from "../node_context.ts";
import type { Calls } from "./calls.ts";
import type { Children } from "./children.ts";
import type { HistoryReader } from "./history_reader.ts";
import type { JournalWriter } from "./journal_writer.ts";
import type { Residents } from "./residents.ts";
import type { VersionOffers } from "./version_offers.ts";
import type { Warnings } from "./warnings.ts";

/** Detects turns that never return. */
export interface TurnWatch {
  /**
   * Creates a pulse for the turns of a run.
   *
   * @param run The run, leased to this node.
   * @returns The pulse, which receives the beginning and the end of each turn.
   */
  watch(run: ClaimedRun): TurnPulse;
}

/** The parts of a node that an executor uses. */
export interface ExecutorContext extends NodeContext {
  /** Reads histories. */
  readonly histories: HistoryReader;
  /** Writes histories. */
  readonly journal: JournalWriter;
  /** Carries out the effects of runs on their children. */
  readonly children: Children;
  /** Carries out `call` commands. */
  readonly calls: Calls;
  /** Notifies other runs of what they wait for. */
  readonly relatives: Pick<Poller, "pollNow">;
  /** Activities of this node. */
  readonly tasks: NodeTasks;
  /** The runs in this node's memory. */
  readonly residents: Residents;
  /** Logs warnings about code that runs but is probably a mistake. */
  readonly warnings: Warnings;
  /** Offers runs the current version of their workflow. */
  readonly offers: VersionOffers;
  /** How long a waiting run stays in memory, in milliseconds. */
  readonly lingerMs: number;
  /** Detects turns that never return; absent if nothing does. */
  readonly watchdog: TurnWatch | undefined;
}
