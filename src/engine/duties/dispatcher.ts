/**
 * Finds due runs and passes them to executors. It polls after a hint, at the time at
 * which a run of this node is due, and at each heartbeat, the backstop for hints that were lost.
 *
 * - DISPATCH-1: claims only what there is room for.
 * - DISPATCH-2: a claim whose answer was lost may have taken runs: the node looks what it holds.
 * - DISPATCH-3: only the earliest known deadline is kept. A poll after that time asks the
 *   database for the next one, whichever others were reported since.
 * - DISPATCH-4: runs that have begun go before those that are to be started, so that a sleep that is over
 *   waits for no crowd of starts. After three full claims in a row one takes starts first: they do
 *   not wait for ever.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { failPoint } from "../../base/failpoint.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import { Poller } from "../poller.ts";
import type { NodeContext } from "../node_context.ts";
import type { Residents } from "../run/residents.ts";

/** Executes the runs that were claimed. */
export interface RunTaker {
  /** Takes a claimed run. */
  adopt(run: ClaimedRun): void;
}

const BATCH = 100;

/** After so many full claims in a row, starts go first (DISPATCH-4). */
const FULL_CLAIMS = 3;

/** Claims due runs. */
export class Dispatcher extends Poller {
  readonly #node: NodeContext;
  readonly #residents: Pick<Residents, "room" | "makeRoom">;
  readonly #taker: RunTaker;
  /** When the next run falls due, as far as this node knows; `Infinity`: none does. */
  #next = Infinity;
  #claiming: Promise<unknown> | undefined;
  /** Full claims in a row, since starts went first. */
  #full = 0;

  /**
   * @param node The node that claims.
   * @param residents How many runs there is room for.
   * @param taker Executes what is claimed.
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

  /** Resolves when the claim that is under way, if one is, has been answered, and its runs adopted. */
  async claimed(): Promise<void> {
    await this.#claiming;
  }

  /**
   * Looks at that time, if nothing makes it look before.
   *
   * @param at Milliseconds of database time; `null`: never.
   */
  override pollAt(at: number | null): void {
    if (at !== null) this.#next = Math.min(this.#next, at);
    super.pollAt(at);
  }

  /** Asks when the next run falls due, and looks then. */
  async plan(): Promise<void> {
    this.pollAt(await this.#nextWake());
  }

  protected override async poll(): Promise<number | null> {
    const asked = this.#node.databaseClock.now();
    while (await this.#claim());
    if (this.#next > asked) return Number.isFinite(this.#next) ? this.#next : null;
    if (this.#residents.room <= 0) return null; // a run that leaves makes it look, and ask, again
    this.#next = Infinity;
    const next = await this.#nextWake().catch((error) => {
      this.#next = asked; // DISPATCH-3: the next look asks again
      throw error;
    });
    this.#next = Math.min(this.#next, next ?? Infinity);
    return next;
  }

  async #nextWake(): Promise<number | null> {
    const { exclusions, store } = this.#node;
    return await store.runs.nextWake(exclusions.list());
  }

  /** Whether there may be more. */
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
    this.#full = isFull && !startsFirst ? this.#full + 1 : 0;
    await failPoint("claim.claimed", { runs: claimed.length });
    if (lease.id === node) { for (const run of claimed) this.#taker.adopt(run); } // else they expired
    return isFull;
  }
}
