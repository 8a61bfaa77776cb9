/**
 * The messages of a run that this node holds: which have arrived, which the execution has taken,
 * and which the next write deletes without an event.
 *
 * - INBOX-1: an execution takes each message once. A message stays in the database until the event
 *   that consumes it is written, so a read before that finds it again.
 *
 * @module
 */

import { isLockSignal } from "../../base/lock_signal.ts";
import { endCancelled, type EndTransition } from "../../ports/cancellation.ts";
import type { InboxRow, LoadedRun } from "../../ports/rows.ts";

/** The messages of one run. */
export class Inbox {
  /** Messages that the execution has not taken, in order of arrival. */
  #untaken: readonly InboxRow[] = [];
  /** Ids of messages that the execution has taken, and that the last read found. */
  #taken = new Set<number>();
  #discarded: number[] = [];
  #wakeSeq = 0;

  /** The row's count of messages at the last read; each later message increments it. */
  get wakeSeq(): number {
    return this.#wakeSeq;
  }

  /**
   * How the run ends if its code never learns of a cancellation that has arrived; `undefined`: none
   * has, or the execution has taken it.
   */
  get cancellation(): EndTransition | undefined {
    return endCancelled(this.#untaken);
  }

  /** Positions of the activities whose ends have arrived. */
  get answered(): number[] {
    return this.#untaken.flatMap(({ kind, position }) => kind !== "awaited" ? position ?? [] : []);
  }

  /** Names of the signals that the execution has not taken. */
  get signals(): string[] {
    return this.#untaken.flatMap(({ kind, name }) =>
      kind === "signal" && !isLockSignal(name) ? name : []
    );
  }

  /** Whether the run is to be paused (PAUSE-1); no execution takes that message. */
  get isPaused(): boolean {
    return this.#untaken.some(({ kind }) => kind === "pause");
  }

  /** Whether the next write deletes messages without an event. */
  get hasDiscarded(): boolean {
    return this.#discarded.length > 0;
  }

  /** Another execution begins, which reads the whole history: it has taken nothing yet. */
  restart(): void {
    this.#taken.clear();
    this.#discarded = [];
  }

  /** Replaces the messages by what a read found (INBOX-1). */
  receive({ inbox, wakeSeq }: Pick<LoadedRun, "inbox" | "wakeSeq">): void {
    this.#wakeSeq = wakeSeq;
    const taken = this.#taken;
    if (taken.size === 0) {
      this.#untaken = inbox;
      return;
    }
    this.#untaken = inbox.filter(({ id }) => !taken.has(id));
    // The database has deleted the others with the events that consumed them.
    this.#taken = new Set(inbox.flatMap(({ id }) => taken.has(id) ? id : []));
  }

  /**
   * Offers each message, in order of arrival.
   *
   * @param taker Returns whether the execution takes the message.
   */
  take(taker: (message: InboxRow) => boolean): void {
    if (this.#untaken.length === 0) return;
    this.#untaken = this.#untaken.filter((message) => {
      const isTaken = taker(message);
      if (isTaken) this.#taken.add(message.id);
      return !isTaken;
    });
  }

  /** Marks a message as useless: the next write deletes it. */
  discard({ id }: Pick<InboxRow, "id">): void {
    this.#discarded.push(id);
  }

  /** Returns the messages that the next write deletes without an event. */
  takeDiscarded(): number[] {
    return this.#discarded.splice(0);
  }
}
