/**
 * This process's life in the database: one heartbeat row, under an id that is random each time.
 *
 * - LEASE-1: runs are leased to the node, so one heartbeat keeps them all.
 * - LEASE-2: a node that finds its row deleted has expired and owns nothing. It drops everything and
 *   opens under a new id.
 * - LEASE-3: nothing is started on a lease that may have run out: {@linkcode NodeLease.fresh} looks at
 *   the monotonic clock, so a process that was paused starts nothing late.
 *
 * @module
 */

import type { Timer } from "../base/clock.ts";
import { randomId } from "../base/ids.ts";
import type { Serves } from "../ports/health.ts";
import { messageOf } from "../base/text.ts";
import type { Beat, HeldRun } from "../ports/store.ts";
import { duty } from "./duty.ts";
import type { CurrentLease, NodeContext } from "./node_context.ts";
import { engineLog } from "../base/log.ts";

/** How a node's row is kept. */
export interface NodeLeaseSettings {
  /** A name for people. */
  readonly name: string;
  /** What the node takes from queues. */
  readonly serves: Serves;
  /** Milliseconds that the node lives without a heartbeat. */
  readonly leaseMs: number;
}

/** What holds runs by the lease. */
export interface LeaseHolder {
  /** Runs that the node has in memory. */
  held(): readonly HeldRun[];
  /** A heartbeat was answered, or the node has opened anew: the backstop for lost notifications. */
  beat(beat: Beat): void;
  /** The node has expired, and has not yet opened anew: drops everything. */
  expired(): void;
}

/** When a heartbeat that failed is tried again, in milliseconds, if the next one is not due before. */
const RETRY_MS = 1_000;

/** A node's heartbeat. */
export class NodeLease implements CurrentLease {
  readonly #node: Omit<NodeContext, "lease">;
  readonly #settings: NodeLeaseSettings;
  #holder: LeaseHolder | undefined;
  #id = "";
  #acknowledged = 0;
  #timer: Timer | undefined;
  #beating: Promise<void> | undefined;
  #closed = false;
  #trouble: string | null = null;

  /**
   * @param node The node's other parts.
   * @param settings How its row is kept.
   */
  constructor(node: Omit<NodeContext, "lease">, settings: NodeLeaseSettings) {
    this.#node = node;
    this.#settings = settings;
  }

  /** The node's id; a new one after an expiry. */
  get id(): string {
    return this.#id;
  }

  /** LEASE-3: whether an attempt of an effect may start now. */
  fresh(): boolean {
    const age = this.#node.clock.monotonic() - this.#acknowledged;
    return !this.#closed && age < this.#settings.leaseMs * 2 / 3;
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

  /**
   * Opens the node, and keeps it alive from now on.
   *
   * @param holder What holds runs by the lease.
   */
  async open(holder: LeaseHolder): Promise<void> {
    this.#holder = holder;
    await this.#openRow();
    const { store } = this.#node;
    await store.nodes.expire(this.#id, store.exclusive);
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
      await this.#node.store.nodes.close(this.#id);
    } catch (error) {
      engineLog.warn("Cannot close node {node}: {error}", { node: this.#id, error });
    }
  }

  async #openRow(): Promise<void> {
    const { clock, store } = this.#node;
    const { name, serves, leaseMs } = this.#settings;
    const asked = clock.monotonic();
    const id = randomId();
    await store.nodes.open({ id, name, leaseMs, serves });
    this.#id = id;
    this.#acknowledged = asked;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const { leaseMs } = this.#settings;
    const wait = this.#trouble === null ? leaseMs / 3 : Math.min(leaseMs / 3, RETRY_MS);
    this.#timer = this.#node.clock.after(wait, () => {
      duty("renew the lease", async () => {
        await this.beat();
        this.#schedule();
      });
    });
  }

  async #beat(): Promise<void> {
    const { clock, databaseClock, exclusions, store: { nodes } } = this.#node;
    const { leaseMs } = this.#settings;
    const holder = this.#holder!;
    try {
      const asked = clock.monotonic();
      const beat = await nodes.heartbeat(
        this.#id,
        leaseMs,
        exclusions.list(),
        holder.held(),
      );
      databaseClock.note(beat.now, asked);
      this.#trouble = null;
      if (this.#closed) return;
      if (beat.alive) {
        this.#acknowledged = asked;
      } else {
        engineLog.error("Node {node} has expired: its lease ran out; it opens under a new id", {
          node: this.#id,
        });
        holder.expired(); // LEASE-2
        await this.#openRow();
      }
      const freed = beat.anyExpired ? (await nodes.expire(this.#id, false)).runs : 0;
      // Runs of expired nodes are due now, and so is everything for a node that opened anew.
      holder.beat(freed > 0 || !beat.alive ? { ...beat, nextWake: beat.now } : beat);
    } catch (error) {
      this.#trouble = messageOf(error);
      engineLog.warn("Cannot renew the lease of node {node}: {error}", { node: this.#id, error });
    }
  }
}
