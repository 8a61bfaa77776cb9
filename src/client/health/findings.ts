/**
 * What `health()` finds, in words: one function for each kind of finding.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { authoredFacts } from "../../base/authored.ts";
import { messageOf, shortHash } from "../../base/text.ts";
import type {
  DueRuns,
  ExpiredNode,
  ExpiredTasks,
  FailingTasks,
  HealthStore,
  LateSchedule,
  StuckRuns,
  TroubledRuns,
  UnnotifiedEnds,
  WaitingTasks,
} from "../../ports/health.ts";
import type { StuckReason } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import { failingActivity } from "../fleet.ts";
import type { FindingCode, HealthFinding } from "./finding.ts";

/** A finding, and the facts that distinguish it from others of its kind. */
export type Found = Pick<HealthFinding, "code" | "severe" | "message" | "details"> & {
  /** Facts that stay the same while the trouble does, as JSON. */
  readonly facts: readonly unknown[];
};

const STUCK = {
  stuck_unknown_version: ["STUCK_VERSION", "its code is unavailable"],
  stuck_nondeterminism: ["STUCK_NONDETERMINISM", "code and history, or code and rules, disagree"],
  stuck_poisoned: ["STUCK_POISONED", "nodes that took them wrote nothing, or the engine failed"],
} as const;

type Node = Awaited<ReturnType<HealthStore["nodes"]>>[number];

/**
 * Reports nodes that execute versions without a signature.
 *
 * @param nodes The nodes that are alive.
 * @param isCareful Whether this process requires signatures: it counts if no node is alive.
 */
export function unsigned(nodes: readonly Node[], isCareful: boolean): Found[] {
  const executing = nodes.filter(({ serves }) => serves?.executes !== false);
  const lax = executing.filter(({ serves }) => serves?.keys === undefined).map(({ id }) => id);
  const all = executing.length;
  if (lax.length === 0 && (all > 0 || isCareful)) return [];
  const who = lax.length === all ? "the nodes" : `${lax.length} of ${all} nodes`;
  return [{
    code: "UNSIGNED_CODE",
    severe: false,
    message:
      `Versions need no signature: anyone who can write to the database can run code on ${who}`,
    details: { nodes: lax },
    facts: [],
  }];
}

/** By node: why it can't load a version. */
type Reasons = Readonly<Record<string, StuckReason>>;

/**
 * Reports runs and tasks that were leased to a node without its knowledge, since an answer was
 * lost.
 */
export interface GaveBack {
  readonly runs: number;
  readonly tasks: number;
}

/** Reports what this node gave back. */
export function gaveBack({ runs, tasks }: GaveBack): Found[] {
  if (runs + tasks === 0) return [];
  const message = `This node held ${runs} runs and ${tasks} activities that it knew nothing of, ` +
    `since answers of the database were lost; it gave them back`;
  return [{
    code: "GAVE_BACK",
    severe: false,
    message,
    details: { runs, tasks },
    facts: [runs, tasks],
  }];
}

/** What each check looks for, after "Could not read". */
const CHECKS: Readonly<Record<string, string>> = {
  nodes: "which nodes are alive",
  failures: "which versions nodes can't load",
  due: "which runs are due",
  waiting: "which activities wait",
  parked: "which runs are parked",
  gone: "which nodes hold work and are not alive",
  ends: "which ends of runs are not known to parents and children",
  expired: "which activities are overdue",
  failing: "which activities fail",
  stuckSchedules: "which schedules are stuck",
  lateSchedules: "which schedules are overdue",
  marks: "which findings have been acknowledged",
};

/** Reports a check that was not read in time (LATECHECK-1 of `checks.ts`). */
export function lateCheck({ check, ms }: { readonly check: string; readonly ms: number }): Found {
  const message = `Could not read in time ${CHECKS[check]}: the database had ${ms} ms for it`;
  return severe("LATE_CHECK", message, { check, ms }, [check]);
}

/** Reports parked runs of one version. */
export function stuck({ state, ...found }: StuckRuns): Found {
  const [code, why] = STUCK[state];
  return severe(code, `${runsOf(found)} parked: ${why}`, detailsOf(found));
}

/** Reports runs of one version that no node takes. */
export function overdue({ late, ...found }: DueRuns): Found {
  const facts = { ...found, runs: late };
  const message = `${runsOf(facts)} due, and no node takes them`;
  return severe("OVERDUE_RUNS", message, detailsOf(facts), [found.hash, found.since]);
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

/** Reads why live nodes can't load versions, by version and node. */
export async function failuresOf(store: Store): Promise<ReadonlyMap<string, Reasons>> {
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
export function unloadableOf(
  due: readonly DueRuns[],
  tasks: readonly WaitingTasks[],
  nodes: readonly Node[],
  failures: ReadonlyMap<string, Reasons>,
): ReadonlyMap<string, Found> {
  const findings = new Map<string, Found>();
  const wanted = [
    ...due.map(({ hash }) => ({ hash, takers: nodes })),
    ...tasks.map(({ hash, queue }) => ({ hash, takers: serving(queue, nodes) })),
  ];
  for (const { hash, takers } of wanted) {
    const reasons = hash === null ? undefined : failures.get(hash);
    if (hash === null || reasons === undefined || findings.has(hash)) continue;
    if (takers.length === 0 || !takers.every(({ id }) => id in reasons)) continue;
    const message = `No node can load version ${shortHash(hash)}`;
    const codes = [...new Set(Object.values(reasons).map(({ code }) => code))].sort();
    findings.set(hash, severe("NO_NODE_CAN_LOAD", message, { hash, reasons }, [hash, codes]));
  }
  return findings;
}

/** Reports tasks that no live node can execute. */
export function* tasksOfNobody(
  tasks: readonly WaitingTasks[],
  nodes: readonly Node[],
): Iterable<Found> {
  for (const [queue, waiting] of Map.groupBy(tasks, (task) => task.queue)) {
    const takers = serving(queue, nodes);
    const inQueue = `in queue ${quoteId(queue)}`;
    if (takers.length === 0) {
      const count = waiting.reduce((sum, { tasks }) => sum + tasks, 0);
      const since = new Date(Math.min(...waiting.map(({ since }) => since)));
      const activities = [...new Set(waiting.map(({ name }) => name))];
      const message = `No node serves queue ${quoteId(queue)}, where activities wait`;
      const details = { queue, activities, tasks: count, since };
      yield severe("UNSERVED_QUEUE", message, details, [queue, since]);
      continue;
    }
    for (const { name, hash, tasks, since } of waiting) {
      const isKnown = ({ serves }: Node) => serves === null || serves.activities.includes(name);
      if (hash !== null || takers.some(isKnown)) continue;
      yield severe(
        "UNKNOWN_ACTIVITY",
        `No node has registered activity ${quoteId(name)}, which waits ${inQueue}`,
        { queue, activity: name, tasks, since: new Date(since) },
        [queue, name, since],
      );
    }
  }
}

/**
 * Reports activities that fail and are still retried: nothing has to be repaired by hand, but an
 * operator should know.
 */
export function failing(row: FailingTasks): Found {
  const { name, queue, since } = row;
  const { tasks, attempts, lastError, nextTry } = failingActivity(row);
  const calls = tasks === 1 ? "1 call" : `${tasks} calls`;
  return {
    code: "FAILING_ACTIVITY",
    severe: false,
    message: `${calls} of activity ${quoteId(name)} failed up to ${attempts} times so far, ` +
      `the last with: ${lastError === undefined ? "its node died" : messageOf(lastError)}`,
    details: {
      activity: name,
      queue,
      tasks,
      attempts,
      since: new Date(since),
      nextTry,
      lastError,
    },
    facts: [name, queue, since],
  };
}

/** The nodes that may serve a queue, including those that have not reported their queues. */
function serving(queue: string, nodes: readonly Node[]): readonly Node[] {
  return nodes.filter(({ serves }) => serves === null || serves.queues.includes(queue));
}

/** Reports schedules that are stuck. */
export async function stuckSchedules(store: Store): Promise<Found[]> {
  return (await store.schedules.stuck()).map(({ namespace, id, reason }) => {
    const name = `${quoteId(id)} of namespace ${quoteId(namespace)}`;
    return severe("STUCK_SCHEDULE", `Schedule ${name} is stuck: ${reason}`, {
      namespace,
      id,
      reason,
    });
  });
}

type Details = Found["details"];

function severe(
  code: FindingCode,
  message: string,
  details: Details,
  facts: readonly unknown[] = [details],
): Found {
  return { code, severe: true, message, details, facts };
}

/** Reports nodes that are not alive and hold work. */
export function expiredNodes(nodes: readonly ExpiredNode[]): Found[] {
  if (nodes.length === 0) return [];
  const ids = nodes.map(({ id }) => id);
  const ends = nodes.flatMap(({ expiredAt }) => expiredAt === null ? [] : [expiredAt]);
  const since = ends.length === 0 ? null : new Date(Math.min(...ends));
  const many = ids.length === 1 ? "1 node that is" : `${ids.length} nodes that are`;
  const message = `${many} not alive still hold runs or activities, and no node has freed them`;
  return [severe("EXPIRED_NODES", message, { nodes: ids, since }, ids)];
}

/** Reports ended runs whose parent or children do not know. */
export function unnotified(ends: UnnotifiedEnds | null): Found[] {
  if (ends === null) return [];
  const { runs, more, since } = ends;
  const count = `${runs}${more ? " or more" : ""} ended ${runs === 1 ? "run" : "runs"}`;
  const message = `The parents or the children of ${count} have not been notified`;
  return [severe("UNNOTIFIED_ENDS", message, { runs, more, since: new Date(since) }, [since])];
}

/** Reports a schedule that no node fires. */
export function lateSchedule({ namespace, id, fireAt }: LateSchedule): Found {
  const name = `${quoteId(id)} of namespace ${quoteId(namespace)}`;
  const since = new Date(fireAt);
  const message = `Schedule ${name} is due, and no node fires it`;
  return severe("OVERDUE_SCHEDULE", message, { namespace, id, since });
}

/** Reports activities that no node ends though their time is over. */
export function expiredTasks({ name, queue, tasks, since }: ExpiredTasks): Found {
  const calls = tasks === 1 ? "1 call" : `${tasks} calls`;
  const message = `The time of ${calls} of activity ${
    quoteId(name)
  } is over, and no node ends them`;
  const details = { activity: name, queue, tasks, since: new Date(since) };
  return severe("OVERDUE_ACTIVITIES", message, details, [name, queue, since]);
}
