/**
 * Health: work that this process can't do, and work that no node can do.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { authored, authoredFacts } from "../base/authored.ts";
import { messageOf, shortHash } from "../base/text.ts";
import { decodeError } from "../base/values_failure.ts";
import type {
  DueRuns,
  FailingTasks,
  HealthStore,
  StuckRuns,
  TroubledRuns,
  WaitingTasks,
} from "../ports/health.ts";
import type { StuckReason } from "../ports/rows.ts";
import type { Store } from "../ports/store.ts";
import type { Versions } from "../version/versions.ts";

/**
 * A version in this process's memory.
 *
 * @category Continuum
 */
export interface LoadedCode {
  /** SHA-256 of its manifest, in hex. */
  readonly hash: string;
  /** Its workflow's name. */
  readonly workflow: string;
  /** The label that its definition gives itself. */
  readonly label: string | null;
  /** The source of its code: the application's own import, its URL, or the archive. */
  readonly source: "native" | "url" | "archive";
  /** The specifier that led to it. */
  readonly specifier: string;
}

/**
 * A condition that an operator should look at.
 *
 * @category Continuum
 */
export interface HealthFinding {
  /** Identifies the kind of finding. */
  readonly code:
    | "STUCK_VERSION"
    | "STUCK_NONDETERMINISM"
    | "STUCK_POISONED"
    | "NO_NODE_CAN_LOAD"
    | "OVERDUE_RUNS"
    | "UNSERVED_QUEUE"
    | "UNKNOWN_ACTIVITY"
    | "FAILING_ACTIVITY"
    | "STUCK_SCHEDULE"
    | "GAVE_BACK"
    | "UNSIGNED_CODE";
  /** Whether runs wait until it is repaired. */
  readonly severe: boolean;
  /** An explanation for people. */
  readonly message: string;
  /** The data of the finding. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * What {@linkcode Continuum.health} says.
 *
 * @category Continuum
 */
export interface Health {
  /** `degraded`: some finding is severe. */
  readonly status: "ok" | "degraded";
  /** Nodes that are alive. */
  readonly nodes: readonly string[];
  /** Versions in this process's memory; they are never freed. */
  readonly code: readonly LoadedCode[];
  /** Bytes of the modules of these versions. */
  readonly codeBytes: number;
  /** How many modules this process has loaded from memory so far, failed attempts included. */
  readonly modules: number;
  /** Conditions that an operator should look at. */
  readonly findings: readonly HealthFinding[];
}

/** Counts stop at this: a version's parked runs, due runs, a queue's tasks. */
const MOST = 1_000;

/** Work that has waited longer than this, in milliseconds, counts as lacking a node. */
const LATE_MS = 60_000;

const STUCK = {
  stuck_unknown_version: ["STUCK_VERSION", "its code is unavailable"],
  stuck_nondeterminism: ["STUCK_NONDETERMINISM", "code and history, or code and rules, disagree"],
  stuck_poisoned: ["STUCK_POISONED", "nodes that took them wrote nothing, or the engine failed"],
} as const;

const UNSIGNED: HealthFinding = {
  code: "UNSIGNED_CODE",
  severe: false,
  message:
    "Versions are not signed: anyone who can write to the database can run code on the nodes",
  details: {},
};

type Node = Awaited<ReturnType<HealthStore["nodes"]>>[number];

/** By node: why it can't load a version. */
type Reasons = Readonly<Record<string, StuckReason>>;

/**
 * Collects the findings.
 *
 * @param store The store.
 * @param versions The versions of this process.
 * @param recovered Leases that this process's node held unknowingly and released.
 * @returns The report.
 */
export async function healthOf(
  store: Store,
  versions: Versions,
  recovered: GaveBack = { runs: 0, tasks: 0 },
): Promise<Health> {
  const { health } = store;
  const nodes = await health.nodes();
  const failures = await failuresOf(store);
  const due = await health.due(MOST, LATE_MS);
  const tasks = await health.waiting(MOST, LATE_MS);
  const unloadable = unloadableOf(due, tasks, nodes, failures);
  const findings = [
    ...(await health.stuck(MOST)).map(stuck),
    ...unloadable.values(),
    ...due.filter(({ hash, late }) => late > 0 && !unloadable.has(hash)).map(overdue),
    ...tasksOfNobody(tasks, nodes),
    ...(await health.failing(MOST)).map(failing),
    ...await stuckSchedules(store),
    ...gaveBack(recovered),
    UNSIGNED,
  ];
  const { bytes: codeBytes, modules } = versions.statistics;
  return {
    status: findings.some(({ severe }) => severe) ? "degraded" : "ok",
    nodes: nodes.map(({ id }) => id),
    code: versions.loaded.map(({ hash, definition, source, specifier }) => ({
      hash,
      workflow: definition.name,
      label: definition.version,
      source,
      specifier,
    })),
    codeBytes,
    modules,
    findings,
  };
}

/**
 * Reports runs and tasks that were leased to a node without its knowledge, since an answer was
 * lost.
 */
interface GaveBack {
  readonly runs: number;
  readonly tasks: number;
}

function gaveBack({ runs, tasks }: GaveBack): HealthFinding[] {
  if (runs + tasks === 0) return [];
  const message = `This node held ${runs} runs and ${tasks} activities that it knew nothing of, ` +
    `since answers of the database were lost; it gave them back`;
  return [{ code: "GAVE_BACK", severe: false, message, details: { runs, tasks } }];
}

function stuck({ state, ...found }: StuckRuns): HealthFinding {
  const [code, why] = STUCK[state];
  return severe(code, `${runsOf(found)} parked: ${why}`, detailsOf(found));
}

function overdue({ late, ...found }: DueRuns): HealthFinding {
  const facts = { ...found, runs: late };
  return severe("OVERDUE_RUNS", `${runsOf(facts)} due, and no node takes them`, detailsOf(facts));
}

function runsOf({ runs, more, workflow, label, hash }: TroubledRuns): string {
  const count = `${runs}${more ? " or more" : ""} ${runs === 1 ? "run" : "runs"}`;
  const version = label === null ? shortHash(hash) : `${label} (${shortHash(hash)})`;
  const verb = runs === 1 && !more ? "is" : "are";
  return `${count} of workflow ${quoteId(workflow)}, version ${version}, ${verb}`;
}

function detailsOf({ hash, workflow, label, runs, more, since }: TroubledRuns): Details {
  return { hash, workflow, label, runs, more, since: new Date(since) };
}

async function failuresOf(store: Store): Promise<ReadonlyMap<string, Reasons>> {
  const byHash = new Map<string, Reasons>();
  for (const { hash, node, reason } of await store.versions.failures()) {
    byHash.set(hash, { ...byHash.get(hash), [node]: authoredFacts(reason) });
  }
  return byHash;
}

/**
 * Reports versions that runs or tasks need, and that none of the live nodes that could take them
 * can load.
 */
function unloadableOf(
  due: readonly DueRuns[],
  tasks: readonly WaitingTasks[],
  nodes: readonly Node[],
  failures: ReadonlyMap<string, Reasons>,
): ReadonlyMap<string, HealthFinding> {
  const findings = new Map<string, HealthFinding>();
  const wanted = [
    ...due.map(({ hash }) => ({ hash, takers: nodes })),
    ...tasks.map(({ hash, queue }) => ({ hash, takers: serving(queue, nodes) })),
  ];
  for (const { hash, takers } of wanted) {
    const reasons = hash === null ? undefined : failures.get(hash);
    if (hash === null || reasons === undefined || findings.has(hash)) continue;
    if (takers.length === 0 || !takers.every(({ id }) => id in reasons)) continue;
    const message = `No node can load version ${shortHash(hash)}`;
    findings.set(hash, severe("NO_NODE_CAN_LOAD", message, { hash, reasons }));
  }
  return findings;
}

/** Reports tasks that no live node can execute. */
function* tasksOfNobody(
  tasks: readonly WaitingTasks[],
  nodes: readonly Node[],
): Iterable<HealthFinding> {
  for (const [queue, waiting] of Map.groupBy(tasks, (task) => task.queue)) {
    const takers = serving(queue, nodes);
    const inQueue = `in queue ${quoteId(queue)}`;
    if (takers.length === 0) {
      const count = waiting.reduce((sum, { tasks }) => sum + tasks, 0);
      const since = new Date(Math.min(...waiting.map(({ since }) => since)));
      const activities = [...new Set(waiting.map(({ name }) => name))];
      const message = `No node serves queue ${quoteId(queue)}, where activities wait`;
      yield severe("UNSERVED_QUEUE", message, { queue, activities, tasks: count, since });
      continue;
    }
    for (const { name, hash, tasks, since } of waiting) {
      const isKnown = ({ serves }: Node) => serves === null || serves.activities.includes(name);
      if (hash !== null || takers.some(isKnown)) continue;
      yield severe(
        "UNKNOWN_ACTIVITY",
        `No node has registered activity ${quoteId(name)}, which waits ${inQueue}`,
        { queue, activity: name, tasks, since: new Date(since) },
      );
    }
  }
}

/**
 * Reports activities that fail and are still retried: nothing has to be repaired by hand, but an
 * operator should know.
 */
function failing({ name, since, nextAt, error, ...counts }: FailingTasks): HealthFinding {
  const lastError = error === null ? undefined : decodeError(authored(error));
  const { tasks, attempts } = counts;
  const calls = tasks === 1 ? "1 call" : `${tasks} calls`;
  return {
    code: "FAILING_ACTIVITY",
    severe: false,
    message: `${calls} of activity ${quoteId(name)} failed up to ${attempts} times so far, ` +
      `the last with: ${lastError === undefined ? "its node died" : messageOf(lastError)}`,
    details: {
      activity: name,
      ...counts,
      since: new Date(since),
      nextTry: nextAt === null ? null : new Date(nextAt),
      lastError,
    },
  };
}

/** The nodes that may serve a queue, including those that have not reported their queues. */
function serving(queue: string, nodes: readonly Node[]): readonly Node[] {
  return nodes.filter(({ serves }) => serves === null || serves.queues.includes(queue));
}

async function stuckSchedules(store: Store): Promise<HealthFinding[]> {
  return (await store.schedules.stuck()).map(({ namespace, id, reason }) => {
    const name = `${quoteId(id)} of namespace ${quoteId(namespace)}`;
    return severe("STUCK_SCHEDULE", `Schedule ${name} is stuck: ${reason}`, {
      namespace,
      id,
      reason,
    });
  });
}

type Details = HealthFinding["details"];

function severe(code: HealthFinding["code"], message: string, details: Details): HealthFinding {
  return { code, severe: true, message, details };
}
