/**
 * This process's life in the database: one heartbeat row, under an id that is random each time.
 *
 * - LEASE-1: runs are leased to the node, so one heartbeat keeps them all.
 * - LEASE-2: a node that finds itself buried owns nothing: it drops everything and opens anew.
 * - LEASE-3: nothing is started on a lease that may have run out: {@linkcode NodeLease.fresh} looks at
 *   the monotonic clock, so a process that was paused starts nothing late.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import { randomId } from "../base/ids.ts";
import type { Serves } from "../ports/health.ts";
import { messageOf } from "../base/text.ts";
import type { Beat, HeldRun, NodeStore } from "../ports/store.ts";
import type { DatabaseClock } from "./database_clock.ts";
import { duty } from "./duty.ts";
import { engineLog } from "../base/log.ts";

/** What a node needs. */
export interface NodeLeaseOptions {
  /** The nodes' table. */
  readonly nodes: NodeStore;
  /** A name for people. */
  readonly name: string;
  /** What the node takes from queues. */
  readonly serves: Serves;
  /** Milliseconds that the node lives without a heartbeat. */
  readonly leaseMs: number;
  /** Whether every other node in the table is dead by definition. */
  readonly exclusive: boolean;
  /** Times the heartbeats. */
  readonly clock: Clock;
  /** Hears the database's time with each heartbeat. */
  readonly databaseClock: DatabaseClock;
  /** Called when the node was buried, before it opens anew: drop everything. */
  readonly onExpired: () => void;
  /** Called after each heartbeat and burial: the backstop for lost hints. */
  readonly onBeat: (beat: Beat) => void;
  /** Versions that the node leaves alone. */
  readonly excluded: () => readonly string[];
  /** Runs that the node has in memory. */
  readonly known: () => readonly HeldRun[];
}

/** When a heartbeat that failed is tried again, in milliseconds, if the next one is not due before. */
const RETRY_MS = 1_000;

/** A node's heartbeat. */
export class NodeLease {
  readonly #options: NodeLeaseOptions;
  #id = "";
  #acknowledged = 0;
  #timer: Timer | undefined;
  #beating: Promise<void> | undefined;
  #closed = false;
  #trouble: string | null = null;

  /** @param options What it needs. */
  constructor(options: NodeLeaseOptions) {
    this.#options = options;
  }

  /** The node's id; another one after a burial. */
  get id(): string {
    return this.#id;
  }

  /** LEASE-3: whether an attempt of an effect may start now. */
  fresh(): boolean {
    const age = this.#options.clock.monotonic() - this.#acknowledged;
    return !this.#closed && age < this.#options.leaseMs * 2 / 3;
  }

  /** Why the last heartbeat was no success; `null`: it was one. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /**
   * The node may hold what it knows nothing of: a heartbeat finds out at once, or as soon as the
   * database answers.
   */
  invalidate(): void {
    if (this.#closed) return;
    duty("look for runs that were lost", async () => {
      await this.#beating; // it may have looked before
      await this.beat();
      this.#schedule();
    });
  }

  /** Opens the node, and keeps it alive from now on. */
  async open(): Promise<void> {
    await this.#openRow();
    await this.#options.nodes.expire(this.#id, this.#options.exclusive);
    this.#schedule();
  }

  /** One heartbeat at once; for tests, and after the database was away. */
  beat(): Promise<void> {
    return this.#beating ??= this.#beat().finally(() => this.#beating = undefined);
  }

  /**
   * Stops the heartbeat, frees what the node still holds, and removes its row. With the database
   * away, others do that when the lease has run out.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#beating;
    try {
      await this.#options.nodes.close(this.#id);
    } catch (error) {
      engineLog.warn("Cannot close node {node}: {error}", { node: this.#id, error });
    }
  }

  async #openRow(): Promise<void> {
    const { nodes, name, serves, leaseMs, clock } = this.#options;
    const asked = clock.monotonic();
    const id = randomId();
    await nodes.open({ id, name, leaseMs, serves });
    this.#id = id;
    this.#acknowledged = asked;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const { clock, leaseMs } = this.#options;
    const wait = this.#trouble === null ? leaseMs / 3 : Math.min(leaseMs / 3, RETRY_MS);
    this.#timer = clock.after(wait, () => {
      duty("renew the lease", async () => {
        await this.beat();
        this.#schedule();
      });
    });
  }

  async #beat(): Promise<void> {
    const { nodes, leaseMs, clock, databaseClock, onExpired: onBuried, onBeat } = this.#options;
    const { excluded, known } = this.#options;
    try {
      const asked = clock.monotonic();
      const beat = await nodes.heartbeat(this.#id, leaseMs, excluded(), known());
      databaseClock.note(beat.now, asked);
      this.#trouble = null;
      if (this.#closed) return;
      if (beat.alive) {
        this.#acknowledged = asked;
      } else {
        engineLog.error("Node {node} was buried: its lease ran out; it starts anew", {
          node: this.#id,
        });
        onBuried(); // LEASE-2
        await this.#openRow();
      }
      const freed = beat.dead ? (await nodes.expire(this.#id, false)).runs : 0;
      // What the dead leave behind is due now, and so is everything for a node that starts anew.
      onBeat(freed > 0 || !beat.alive ? { ...beat, nextWake: beat.now } : beat);
    } catch (error) {
      this.#trouble = messageOf(error);
      engineLog.warn("Cannot renew the lease of node {node}: {error}", { node: this.#id, error });
    }
  }
}
