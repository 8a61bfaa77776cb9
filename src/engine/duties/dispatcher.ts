/**
 * Claims due runs and passes them to executors. It polls after a notification, when the next known
 * run is due, and at each heartbeat, in case a notification was lost.
 *
 * - DISPATCH-1: a claim takes no more runs than there is room for.
 * - DISPATCH-2: a claim whose answer was lost may have taken runs, so the node reads which runs it
 *   holds.
 * - DISPATCH-3: only the earliest known deadline is kept. The poll at that time reads the next one
 *   from the database, whatever others were reported since.
 * - DISPATCH-4: a claim prefers runs that have begun over new ones, so that many new runs do not
 *   delay a run whose sleep is over. After three full claims in a row, the next claim takes new
 *   runs first, so that they do not wait for ever.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { failPoint } from "../../base/failpoint.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import { Poller } from "../poller.ts";
import type { NodeContext } from "../node_context.ts";
import type { Residents } from "../run/residents.ts";

/** Executes claimed runs. */
export interface RunTaker {
  /** Begins to execute a claimed run. */
  adopt(run: ClaimedRun): void;
}

const BATCH = 100;

/** After this many full claims in a row, a claim takes new runs first (DISPATCH-4). */
const FULL_CLAIMS = 3;

/** Claims due runs. */
export class Dispatcher extends Poller {
  readonly #node: NodeContext;
  readonly #residents: Pick<Residents, "room" | "makeRoom">;
  readonly #taker: RunTaker;
  /** When the next run is due, as far as this node knows; `Infinity`: never. */
  #next = Infinity;
  #claiming: Promise<unknown> | undefined;
  /** Full claims in a row since a claim took new runs first. */
  #full = 0;

  /**
   * @param node The node that claims.
   * @param residents Knows for how many runs there is room.
   * @param taker Executes claimed runs.
   */
  constructor(
    node: NodeContext,
    residents: Pick<Residents, "room" | "makeRoom">,
    taker: RunTaker,
  ) {
    super("due runs", node);
    this.#node = node;
    this.#residents = residents;
    this.#taker = taker;
  }

  /** Resolves when no claim is under way and all claimed runs are adopted. */
  async claimed(): Promise<void> {
    await this.#claiming;
  }

  /**
   * Polls at that time, unless it polls earlier.
   *
   * @param at Milliseconds of database time; `null`: never.
   */
  override pollAt(at: number | null): void {
    if (at !== null) this.#next = Math.min(this.#next, at);
    super.pollAt(at);
  }

  /** Reads when the next run is due, and polls then. */
  async plan(): Promise<void> {
    this.pollAt(await this.#nextWake());
  }

  protected override async poll(): Promise<number | null> {
    const now = this.#node.databaseClock.now();
    while (await this.#claim());
    if (this.#next > now) return Number.isFinite(this.#next) ? this.#next : null;
    if (this.#residents.room <= 0) return null; // a run that leaves makes it poll again
    this.#next = Infinity;
    const next = await this.#nextWake().catch((error) => {
      this.#next = now; // DISPATCH-3: the next poll reads it again
      throw error;
    });
    this.#next = Math.min(this.#next, next ?? Infinity);
    return next;
  }

  async #nextWake(): Promise<number | null> {
    const { exclusions, store } = this.#node;
    return await store.runs.nextWake(exclusions.list());
  }

  /** Returns whether there may be more. */
  async #claim(): Promise<boolean> {
    const claiming = this.#take();
    this.#claiming = inBackground(claiming);
    return await claiming;
  }

  async #take(): Promise<boolean> {
    const { exclusions, lease, store } = this.#node;
    if (this.isPaused || !lease.fresh()) return false;
    const limit = Math.min(BATCH, this.#residents.room); // DISPATCH-1
    if (limit <= 0) {
      this.#residents.makeRoom(BATCH);
      return false;
    }
    const node = lease.id;
    const startsFirst = this.#full === FULL_CLAIMS; // DISPATCH-4
    const wanted = { node, limit, excluded: exclusions.list(), startsFirst };
    const claimed = await store.runs.claim(wanted).catch((error) => {
      lease.invalidate(); // DISPATCH-2
      throw error;
    });
    const isFull = claimed.length === limit;
    if (!isFull) this.#residents.makeRoom(0);
    this.#full = isFull && !startsFirst ? this.#full + 1 : 0;
    await failPoint("claim.claimed", { runs: claimed.length });
    if (lease.id === node) { for (const run of claimed) this.#taker.adopt(run); } // else they expired
    return isFull;
  }
}
