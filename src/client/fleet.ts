/**
 * The nodes of a database, and its queues.
 *
 * @module
 */

import { authored, type AuthoredLog } from "../base/authored.ts";
import { shownValue } from "../base/encoded.ts";
import { decodeError } from "../base/values_failure.ts";
import type { FailingTasks, HealthStore } from "../ports/health.ts";
import { END_STATES, RUN_STATES, type RunState } from "../ports/rows.ts";
import type { Store } from "../ports/store.ts";
import type { FleetNumbers, TelemetryHost } from "../ports/telemetry.ts";

/**
 * A node that is alive.
 *
 * @category Continuum
 */
export interface NodeInfo {
  /** Its id, which is never used twice. */
  readonly id: string;
  /** The name that its process gave it. */
  readonly name: string;
  /** When it opened. */
  readonly startedAt: Date;
  /** Until when it owns its runs and tasks, unless it renews its lease. */
  readonly leasedUntil: Date;
  /** The queues whose tasks it executes; `null`: it has not reported them. */
  readonly queues: readonly string[] | null;
  /** The activities that it registered by name; `null`: it has not reported them. */
  readonly activities: readonly string[] | null;
  /** The ids of the keys by one of which versions must be signed there; `null`: none must. */
  readonly keys: readonly string[] | null;
  /** How many tasks it is executing. */
  readonly tasks: number;
  /** How many tasks it executes at a time, of all its queues; `null`: it has not reported that. */
  readonly concurrency: number | null;
  /**
   * The hashes of versions in its memory, in the order in which it loaded them, as of its last
   * heartbeat; at most 1,000. `null`: it has not reported them.
   */
  readonly loaded: readonly string[] | null;
  /** The hashes of versions that it can't load. */
  readonly cannotLoad: readonly string[];
}

/**
 * A queue of activities.
 *
 * @category Continuum
 */
export interface QueueInfo {
  /** Its name. */
  readonly name: string;
  /** How many tasks wait for a node; counting stops at 1,000. */
  readonly ready: number;
  /** How many of those wait for a time, such as that of their next attempt. */
  readonly delayed: number;
  /** Since when the oldest of the others has waited; `null`: none waits. */
  readonly oldest: Date | null;
  /** How many tasks nodes are executing. */
  readonly executing: number;
  /** The ids of nodes that serve it. */
  readonly nodes: readonly string[];
  /** Activities whose tasks have failed more than three times and are tried again, by name. */
  readonly failing: readonly FailingActivity[];
}

/**
 * Tasks of an activity that keep failing.
 *
 * @category Continuum
 */
export interface FailingActivity {
  /** The activity's name. */
  readonly activity: string;
  /** How many tasks; counting stops at 1,000. */
  readonly tasks: number;
  /** The highest number of failed attempts of one of them. */
  readonly attempts: number;
  /** When the run of the oldest task requested it. */
  readonly since: Date;
  /** When the next attempt is due; `null`: all are under way. */
  readonly nextTry: Date | null;
  /** The last error of the task with the most attempts; `undefined`: its node died. */
  readonly lastError: unknown;
}

/**
 * How many runs are in a state.
 *
 * @category Continuum
 */
export interface LiveRuns {
  /** The state: of runs that have not ended. */
  readonly state: RunState;
  /** How many runs of all namespaces; counting stops at 10,000. */
  readonly runs: number;
}

/** Counts of a queue's tasks stop at this. */
const MOST = 1_000;

/**
 * Lists the nodes that are alive, the oldest first.
 *
 * @param health Reads them.
 */
export async function listNodes(health: HealthStore): Promise<NodeInfo[]> {
  const rows = await health.fleet();
  return rows.map(({ id, name, startedAt, expiresAt, serves, tasks, loaded, cannotLoad }) => ({
    id,
    name,
    startedAt: new Date(startedAt),
    leasedUntil: new Date(expiresAt),
    queues: serves === null ? null : serves.queues,
    activities: serves === null ? null : serves.activities,
    keys: serves?.keys ?? null,
    tasks,
    concurrency: serves?.concurrency ?? null,
    loaded,
    cannotLoad,
  }));
}

/**
 * Lists the queues that hold tasks, or that a node serves, by name.
 *
 * @param health Reads them.
 */
export async function listQueues(health: HealthStore): Promise<QueueInfo[]> {
  const counted = new Map((await health.queues(MOST)).map((queue) => [queue.name, queue]));
  const failing = Map.groupBy(await health.failing(MOST), ({ queue }) => queue);
  const nodes = await health.nodes();
  const served = nodes.flatMap(({ serves }) => serves?.queues ?? []);
  const names = [...new Set([...counted.keys(), ...served])].sort();
  return names.map((name) => {
    const { ready = 0, delayed = 0, executing = 0, oldest = null } = counted.get(name) ?? {};
    return {
      name,
      ready,
      delayed,
      oldest: oldest === null ? null : new Date(oldest),
      executing,
      nodes: nodes.filter(({ serves }) => serves?.queues.includes(name)).map(({ id }) => id),
      failing: (failing.get(name) ?? []).map(failingActivity),
    };
  });
}

/**
 * Converts what keeps failing.
 *
 * @param row The row.
 */
export function failingActivity(
  { name, tasks, attempts, since, nextAt, error }: FailingTasks,
): FailingActivity {
  return {
    activity: name,
    tasks,
    attempts,
    since: new Date(since),
    nextTry: nextAt === null ? null : new Date(nextAt),
    lastError: error === null
      ? undefined
      : shownValue(error, (text) => decodeError(authored(text))),
  };
}

/** Counts of runs in a state stop at this. */
const MOST_LIVE = 10_000;

/**
 * Counts the runs that have not ended, by state.
 *
 * @param health Reads them.
 * @returns All such states, also those of no run.
 */
export async function listLive(health: HealthStore): Promise<LiveRuns[]> {
  const found = new Map((await health.live(MOST_LIVE)).map(({ state, runs }) => [state, runs]));
  const states = RUN_STATES.filter((state) => !(END_STATES as readonly string[]).includes(state));
  return states.map((state) => ({ state, runs: found.get(state) ?? 0 }));
}

/**
 * Counts the runs and tasks of the whole database.
 *
 * @param store Reads them.
 */
export async function fleetNumbers(store: Pick<Store, "health" | "now">): Promise<FleetNumbers> {
  const [live, queues, now] = await Promise.all([
    listLive(store.health),
    store.health.queues(MOST),
    store.now(),
  ]);
  return {
    live: new Map(live.map(({ state, runs }) => [state, runs])),
    queues: new Map(queues.map(({ name, ready, delayed, oldest }) => [
      name,
      { depth: ready - delayed, oldestMs: oldest === null ? 0 : Math.max(now - oldest, 0) },
    ])),
  };
}

/** What this process has in memory. */
export interface Resident {
  /** How many runs. */
  readonly resident: number;
  /** How many attempts are under way, by queue. */
  readonly attempts: ReadonlyMap<string, number>;
}

/**
 * What gauges of a process show.
 *
 * @param log The engine's log.
 * @param store Reads what the whole database has.
 * @param node The node of this process; `undefined`: it has none.
 */
export function telemetryHost(
  log: AuthoredLog,
  store: Pick<Store, "health" | "now">,
  node: Resident | undefined,
): TelemetryHost {
  return {
    log,
    get resident() {
      return node?.resident ?? 0;
    },
    get attempts() {
      return node?.attempts ?? new Map();
    },
    fleet: () => fleetNumbers(store),
  };
}
