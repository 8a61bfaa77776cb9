/**
 * What a person does next about a finding of the health report; `docs/health.md` says more.
 *
 * @module
 */

import type { Finding } from "./health.ts";
import { commandLine } from "./shell.ts";

/** What to do about a finding. */
export interface NextStep {
  /** A sentence. */
  readonly says: string;
  /** The command that shows what the finding is about. */
  readonly command: string;
  /** The page of the observer that shows it. */
  readonly page: StepPage;
}

/** A page of the observer. */
export interface StepPage {
  /** What it is called. */
  readonly name: string;
  /** Its namespace; that of the client when omitted. */
  readonly namespace?: string;
  /** The segments of its path. */
  readonly path: readonly string[];
  /** Its query. */
  readonly query?: Readonly<Record<string, string>>;
}

/**
 * Says what to do next about a finding.
 *
 * @param finding The finding. Its details may have been withheld from the viewer.
 */
export function nextStepOf({ code, details }: Finding): NextStep {
  return STEPS[code]((name) => {
    const fact = details[name];
    return typeof fact === "string" ? fact : "";
  });
}

/** A fact of a finding, by its name; "" if it was withheld. */
type Fact = (name: string) => string;

const STEPS: Readonly<Record<Finding["code"], (fact: Fact) => NextStep>> = {
  STUCK_VERSION: (fact) =>
    versionStep(fact, "Put the code back, and the runs continue within 30 seconds."),
  STUCK_NONDETERMINISM: (fact) => ({
    says: "Look at the line of one of them, and move them to code that replays.",
    command: commandLine("runs upgrade --dry-run", [], { workflow: fact("workflow") }),
    page: {
      name: "Versions that they replay on",
      path: ["upgrade"],
      query: { workflow: fact("workflow") },
    },
  }),
  STUCK_POISONED: (fact) => ({
    says: "Find out why processes die, such as by memory or by an endless loop.",
    command: commandLine("runs list --all-namespaces", [], {
      state: "parked",
      version: fact("hash"),
    }),
    page: {
      name: "The parked runs",
      path: ["runs"],
      query: { state: "parked", version: fact("hash") },
    },
  }),
  NO_NODE_CAN_LOAD: (fact) => versionStep(fact, "Remove what each node gives as its reason."),
  OVERDUE_RUNS: () =>
    nodeStep("See whether nodes are alive, and whether all are full; open another."),
  EXPIRED_NODES: () => nodeStep("Open a node: it frees what they hold."),
  UNNOTIFIED_ENDS: () => nodeStep("Open a node: it notifies them."),
  UNSERVED_QUEUE: () => queueStep("Open a node that serves the queue."),
  UNKNOWN_ACTIVITY: () => queueStep("Register the activity on a node that serves the queue."),
  OVERDUE_ACTIVITIES: () => nodeStep("Open a node: it ends them."),
  FAILING_ACTIVITY: () => queueStep("Cure what the activity calls; it is tried again by itself."),
  STUCK_SCHEDULE: (fact) => ({
    says: "Remove the cause, and resume the schedule.",
    command: commandLine("schedules show", [fact("id")], { namespace: fact("namespace") }),
    page: {
      name: "The schedule",
      namespace: fact("namespace"),
      path: ["schedules", fact("id")],
    },
  }),
  OVERDUE_SCHEDULE: () => nodeStep("Open a node: it fires the schedule."),
  GAVE_BACK: () =>
    nodeStep("Nothing, unless the count keeps growing: then look at the connections of the node."),
  LATE_CHECK: () => ({
    says: "See what keeps the database busy, and look again.",
    command: commandLine("health", []),
    page: { name: "All findings", path: ["health"] },
  }),
  UNSIGNED_CODE: () =>
    nodeStep("Require signatures by the option trust.keys of the nodes, or mark this as known."),
};

function versionStep(fact: Fact, says: string): NextStep {
  const hash = fact("hash");
  return {
    says,
    command: commandLine("versions show", [hash.slice(0, 12)]),
    page: { name: "The version", path: ["versions", hash] },
  };
}

function nodeStep(says: string): NextStep {
  return { says, command: commandLine("nodes", []), page: { name: "The nodes", path: ["nodes"] } };
}

function queueStep(says: string): NextStep {
  return {
    says,
    command: commandLine("queues", []),
    page: { name: "The queues", path: ["queues"] },
  };
}
