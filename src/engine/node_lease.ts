/**
 * Keeps this process's node alive in the database: one row, with heartbeats, under a random id.
 *
 * - LEASE-1: runs are leased to the node, so one heartbeat renews all of them.
 * - LEASE-2: if a node finds its row deleted, it has expired and owns nothing. It drops everything
 *   and reopens under a new id.
 * - LEASE-3: no effect starts on a lease that may have run out. {@linkcode NodeLease.fresh} reads
 *   the monotonic clock, so a process that was paused starts nothing late.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { Timer } from "../base/clock.ts";
import { randomId } from "../base/ids.ts";
import type { Serves } from "../ports/health.ts";
import { messageOf } from "../base/text.ts";
import type { Beat, HeldRun } from "../ports/store.ts";
import { duty } from "./duty.ts";
import type { CurrentLease, NodeContext } from "./node_context.ts";

/** The settings of a node's lease. */
export interface NodeLeaseSettings {
  /** The node's name, shown to people. */
  readonly name: string;
  /** The queues and activities that the node serves. */
  readonly serves: Serves;
  /** Milliseconds that the node may go without a heartbeat. */
  readonly leaseMs: number;
}

/** The part of the node that holds runs by the lease. */
export interface LeaseHolder {
  /** Runs that the node has in memory. */
  held(): readonly HeldRun[];
  /**
   * Called when a heartbeat was answered, or the node has reopened: it covers lost notifications.
   */
  beat(beat: Beat): void;
  /** Called when the node has expired, and before it reopens: drops everything. */
  expired(): void;
}

/**
 * A failed heartbeat is retried after this many milliseconds, unless the next one is due before.
 */
const RETRY_MS = 1_000;

/** How many versions a node says that it has in memory. */
const MOST_LOADED = 1_000;

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
  /** The versions in memory that its row names; `null`: none so far. */
  #reported: readonly string[] | null = null;

  /**
   * @param node The node's other parts.
   * @param settings Its settings.
   */
  constructor(node: Omit<NodeContext, "lease">, settings: NodeLeaseSettings) {
    this.#node = node;
    this.#settings = settings;
  }

  /** The node's id. It changes when the node expires. */
  get id(): string {
    return this.#id;
  }

  /** LEASE-3: whether an attempt of an effect may start now. */
  fresh(): boolean {
    const age = this.#node.clock.monotonic() - this.#acknowledged;
    return !this.#closed && age < this.#settings.leaseMs * 2 / 3;
  }

  /** Why the last heartbeat failed; `null`: it succeeded. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /**
   * Called when the node may hold runs or tasks unknowingly: a heartbeat finds out at once, or as
   * soon as the database answers.
   */
  invalidate(): void {
    if (this.#closed) return;
    duty(this.#node.log, "look for runs that were lost", async () => {
      await this.#beating; // the one under way may have read the database before
      await this.beat();
      this.#schedule();
    });
  }

  /**
   * Opens the node, and keeps it alive from now on.
   *
   * @param holder The part of the node that holds runs by the lease.
   */
  async open(holder: LeaseHolder): Promise<void> {
    this.#holder = holder;
    await this.#openRow();
    const { store } = this.#node;
    await store.nodes.expire(this.#id, store.exclusive);
    this.#schedule();
  }

  /** Makes one heartbeat at once; for tests, and after the database was unavailable. */
  beat(): Promise<void> {
    return this.#beating ??= this.#beat().finally(() => this.#beating = undefined);
  }

  /**
   * Stops the heartbeat, releases what the node still holds, and removes its row. If the database
   * is unavailable, other nodes do that when the lease has run out.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#beating;
    try {
      await this.#node.store.nodes.close(this.#id);
    } catch (error) {
      this.#node.log.warn("Cannot close node {node}: {error}", { node: this.#id, error });
    }
  }

  async #openRow(): Promise<void> {
    const { clock, store } = this.#node;
    const { name, serves, leaseMs } = this.#settings;
    const requestedAt = clock.monotonic();
    const id = randomId();
    await store.nodes.open({ id, name, leaseMs, serves });
    this.#reported = null;
    this.#id = id;
    this.#acknowledged = requestedAt;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const { leaseMs } = this.#settings;
    const wait = this.#trouble === null ? leaseMs / 3 : Math.min(leaseMs / 3, RETRY_MS);
    this.#timer = this.#node.clock.after(wait, () => {
      duty(this.#node.log, "renew the lease", async () => {
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
      const requestedAt = clock.monotonic();
      const loaded = this.#node.code.loaded?.slice(0, MOST_LOADED) ?? null;
      const beat = await nodes.heartbeat(
        this.#id,
        leaseMs,
        exclusions.list(),
        holder.held(),
        isDeepStrictEqual(loaded, this.#reported) ? null : loaded,
      );
      databaseClock.note(beat.now, requestedAt);
      this.#trouble = null;
      if (this.#closed) return;
      if (beat.alive) {
        this.#acknowledged = requestedAt;
        this.#reported = loaded;
      } else {
        this.#node.log.error(
          "Node {node} has expired: its lease ran out; it opens under a new id",
          {
            node: this.#id,
          },
        );
        holder.expired(); // LEASE-2
        await this.#openRow();
      }
      const freed = beat.anyExpired ? (await nodes.expire(this.#id, false)).runs : 0;
      // Runs of expired nodes are due now, and a reopened node has to poll for everything.
      holder.beat(freed > 0 || !beat.alive ? { ...beat, nextWake: beat.now } : beat);
    } catch (error) {
      this.#trouble = messageOf(error);
      this.#node.log.warn("Cannot renew the lease of node {node}: {error}", {
        node: this.#id,
        error,
      });
    } finally {
      this.#node.telemetry?.beat();
    }
  }
}
