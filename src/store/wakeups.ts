/**
 * Wake-ups: notices that something has changed, to this process first and then, over the database's
 * notifications, to others.
 *
 * - WAKEUP-1: a wake-up that is lost costs time and no fact, so nothing waits until one is sent.
 * - WAKEUP-2: work that the node of this process certainly takes costs no notification.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { inBackground } from "../base/background.ts";
import type { AskRow } from "../ports/answers.ts";
import type { WokenRun } from "../ports/lineage.ts";
import type { LocalNotice, Notice, Notices } from "../ports/store.ts";

/** A part of this process that receives wake-ups. */
export interface WakeupReceiver {
  /** Receives one. Returns whether it is of use to no other process. */
  receive(notice: LocalNotice): boolean | void;
  /** Notifications may have been lost: looks at everything that they could have announced. */
  catchUp(): void | Promise<void>;
}

/** The node of this process. */
export interface WakeupNode extends WakeupReceiver {
  /** Its id. */
  readonly node: string;
  /** Whether it certainly takes one more run that is due (WAKEUP-2). */
  readonly takesAnyRun: boolean;
}

/** Receives wake-ups, and passes them on. */
export class Wakeups {
  readonly #notices: Notices;
  readonly #log: AuthoredLog;
  readonly #receivers: WakeupReceiver[] = [];
  #node: WakeupNode | undefined;

  /**
   * @param notices Carries notices to other processes.
   * @param log Takes what fails.
   */
  constructor(notices: Notices, log: AuthoredLog) {
    this.#notices = notices;
    this.#log = log;
  }

  /** From now on, a part of this process receives every notice. */
  add(receiver: WakeupReceiver): void {
    this.#receivers.push(receiver);
  }

  /** From now on, the node of this process receives every notice. */
  attach(node: WakeupNode): void {
    this.#node = node;
    this.add(node);
  }

  /**
   * Begins to receive the notices of other processes.
   *
   * @returns Ends it.
   */
  async subscribe(): Promise<AsyncDisposable> {
    return await this.#notices.subscribe((notice) => this.receive(notice), () => this.catchUp());
  }

  /**
   * Passes a notice, of this process or of another, to the parts of this process. Returns whether it
   * is of use to no other process.
   */
  receive(notice: LocalNotice): boolean {
    let isMine = false;
    for (const receiver of this.#receivers) isMine = receiver.receive(notice) === true || isMine;
    return isMine;
  }

  /** Notifications may have been lost: all parts of this process look. */
  catchUp(): void {
    const caughtUp = async () => {
      await Promise.all(this.#receivers.map((receiver) => receiver.catchUp()));
    };
    inBackground(caughtUp(), (error) => this.#log.warn("Cannot catch up: {error}", { error }));
  }

  /** Sends notices to other processes (WAKEUP-1). */
  publish(notices: readonly Notice[]): void {
    inBackground(this.send(notices));
  }

  /** As {@linkcode Wakeups.publish}; resolves when the notices are sent, or when that has failed. */
  async send(notices: readonly Notice[]): Promise<void> {
    try {
      await this.#notices.publish(notices);
    } catch (error) {
      this.#log.debug("Cannot send a notification: {error}", { error });
    }
  }

  /** Passes a notice to the parts of this process, and to all others. */
  broadcast(notice: Notice): void {
    this.receive(notice);
    this.publish([notice]);
  }

  /**
   * A run is due that no node holds: the node of this process claims it if it can, and others do
   * if that is not certain (WAKEUP-2).
   *
   * @param at When it is due, in milliseconds of database time; now when omitted.
   */
  due(at?: number): void {
    const notice: Notice = at === undefined ? { kind: "due" } : { kind: "due", at };
    this.receive(notice);
    if (this.#node?.takesAnyRun !== true) this.publish([notice]);
  }

  /**
   * A run has a message, or was ended from outside.
   *
   * @param run The run's internal key.
   * @param node The node that executes it; `null`: none does, so it is due.
   */
  wakeRun(run: number, node: string | null): void {
    this.wakeRuns([{ id: run, node }]);
  }

  /** As {@linkcode Wakeups.wakeRun}, for several runs: other nodes get one notification for all. */
  wakeRuns(runs: readonly WokenRun[]): void {
    const others: Notice[] = [];
    let isDue = false;
    for (const { id: run, node } of runs) {
      if (node === null) isDue = true;
      else if (node === this.#node?.node) this.receive({ kind: "message", node, run });
      else others.push({ kind: "message", node, run });
    }
    if (others.length > 0) this.publish(others);
    if (isDue) this.due();
  }

  /**
   * A run has ended, was parked, or has left this process for another reason than to wait.
   *
   * @param runId The run's id.
   * @param isWatched Whether another process waits for that.
   */
  ended(runId: string, isWatched: boolean): void {
    this.receive({ kind: "ended", runId });
    if (isWatched) this.publish([{ kind: "ended", runId }]);
  }

  /** Runs wait for places of limits, or have given places up: a node looks. */
  limits(): void {
    const notice = { kind: "limits" } as const;
    this.receive(notice);
    if (this.#node === undefined) this.publish([notice]);
  }

  /**
   * A run has answered an ask. The asker is in this process, or reads the answer.
   *
   * @param run The run.
   * @param name The id of the ask.
   * @param row The answer.
   */
  answered(
    { runId, namespace }: { readonly runId: string; readonly namespace: string },
    name: string,
    row: AskRow,
  ): void {
    const notice = { kind: "said", runId, name } as const;
    if (!this.receive({ ...notice, answer: { namespace, row } })) this.publish([notice]);
  }

  /**
   * A run has published a value.
   *
   * @param runId The run's id.
   * @param name The name of the value.
   * @param isWatched Whether another process waits for the run.
   */
  published(runId: string, name: string, isWatched: boolean): void {
    const notice = { kind: "said", runId, name } as const;
    this.receive(notice);
    if (isWatched) this.publish([notice]);
  }

  /** A version that could not be loaded may be available again: its runs are due. */
  versionAvailable(hash: string): void {
    this.receive({ kind: "available", hash });
    this.publish([{ kind: "due" }]);
  }
}
