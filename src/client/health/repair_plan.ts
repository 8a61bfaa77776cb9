/**
 * Plans of repairs: which rows a repair would change, as they are now. A plan is plain JSON, so it
 * can be kept, shown and executed later: what has changed since stays as it is.
 *
 * @module
 */

import { checkOptions, refuse } from "../../base/arguments.ts";
import type { Store } from "../../ports/store.ts";
import type { FindingCode, RepairAction } from "./finding.ts";

/**
 * The findings that can be repaired.
 *
 * @category Continuum
 */
export type RepairableCode = Extract<
  FindingCode,
  | "STUCK_VERSION"
  | "STUCK_NONDETERMINISM"
  | "STUCK_POISONED"
  | "EXPIRED_NODES"
  | "UNNOTIFIED_ENDS"
  | "FAILING_ACTIVITY"
  | "STUCK_SCHEDULE"
>;

/**
 * Options of {@linkcode Continuum.planRepairs}.
 *
 * @category Continuum
 */
export interface RepairPlanOptions {
  /**
   * The findings to repair.
   *
   * @default {all but STUCK_NONDETERMINISM and STUCK_POISONED: their runs would be parked again, or
   * end nodes, unless the cause is removed}
   */
  readonly codes?: readonly RepairableCode[];
}

/**
 * One row that a repair changes.
 *
 * @category Continuum
 */
export interface RepairTarget {
  /** The id of the run, the node or the schedule. */
  readonly id: string;
  /** Its namespace; `null`: it belongs to none. */
  readonly namespace: string | null;
  /** The facts that must still hold when it is repaired. */
  readonly seen: Readonly<Record<string, string | number | null>>;
}

/**
 * One repair of a plan.
 *
 * @category Continuum
 */
export interface PlannedRepair {
  /** The finding. */
  readonly code: RepairableCode;
  /** What is done. */
  readonly action: RepairAction;
  /** What would change, for people. */
  readonly message: string;
  /** What it is done to; at most 1,000. */
  readonly targets: readonly RepairTarget[];
  /** Whether there may be more than that: plan again afterwards. */
  readonly more: boolean;
}

/**
 * What {@linkcode Continuum.repair} would do. Plain JSON.
 *
 * @category Continuum
 */
export interface RepairPlan {
  /** When the plan was made, by the database's clock, in ISO 8601. */
  readonly at: string;
  /** The repairs; those with nothing to do are left out. */
  readonly repairs: readonly PlannedRepair[];
}

/** The most targets of one repair. */
const MOST = 1_000;

/** A lease may be over for this long, in milliseconds, and its node only be slow. */
const LATE_MS = 60_000;

const ACTIONS: Readonly<Record<RepairableCode, RepairAction>> = {
  STUCK_VERSION: "retry",
  STUCK_NONDETERMINISM: "retry",
  STUCK_POISONED: "retry",
  EXPIRED_NODES: "release",
  UNNOTIFIED_ENDS: "notify",
  FAILING_ACTIVITY: "retry_now",
  STUCK_SCHEDULE: "resume",
};

/** The codes that {@linkcode Continuum.planRepairs} accepts. */
export const REPAIRABLE = Object.keys(ACTIONS) as readonly RepairableCode[];

/** Repeating the run without removing the cause repeats the trouble. */
const ONLY_BY_NAME: readonly RepairableCode[] = ["STUCK_NONDETERMINISM", "STUCK_POISONED"];

/** Returns what can be done about a finding; `null`: nothing. */
export function repairOf(code: FindingCode): RepairAction | null {
  return isRepairable(code) ? ACTIONS[code] : null;
}

/** Whether a finding can be repaired. */
export function isRepairable(code: unknown): code is RepairableCode {
  return typeof code === "string" && Object.hasOwn(ACTIONS, code);
}

/**
 * Plans repairs. Nothing is changed.
 *
 * @param options Which findings.
 * @param store Reads what is wrong.
 * @returns The plan.
 */
export async function planRepairs(options: RepairPlanOptions, store: Store): Promise<RepairPlan> {
  checkOptions(options, ["codes"], "planRepairs()");
  const codes = readCodes(options.codes);
  const at = new Date(await store.now()).toISOString();
  const repairs: PlannedRepair[] = [];
  for (const code of codes) {
    const targets = await TARGETS[code](store);
    if (targets.length === 0) continue;
    const message = MESSAGES[ACTIONS[code]](targets.length);
    const more = targets.length >= MOST;
    repairs.push({ code, action: ACTIONS[code], message, targets, more });
  }
  return { at, repairs };
}

function readCodes(codes: unknown): readonly RepairableCode[] {
  if (codes === undefined) return REPAIRABLE.filter((code) => !ONLY_BY_NAME.includes(code));
  const wanted = `an array of ${REPAIRABLE.join(", ")}`;
  if (!Array.isArray(codes)) refuse("option codes of planRepairs()", codes, wanted);
  for (const code of codes) {
    if (!isRepairable(code)) refuse("option codes of planRepairs()", code, wanted);
  }
  return [...new Set(codes as RepairableCode[])];
}

type Targets = (store: Store) => Promise<RepairTarget[]>;

const TARGETS: Readonly<Record<RepairableCode, Targets>> = {
  STUCK_VERSION: parked("stuck_unknown_version"),
  STUCK_NONDETERMINISM: parked("stuck_nondeterminism"),
  STUCK_POISONED: parked("stuck_poisoned"),
  EXPIRED_NODES: async ({ health }) =>
    (await health.expiredNodes(MOST, LATE_MS)).map(({ id, expiredAt }) => ({
      id,
      namespace: null,
      seen: { expiredAt },
    })),
  UNNOTIFIED_ENDS: async ({ repairs }) =>
    (await repairs.unnotified(MOST, LATE_MS)).map(({ id, runId, namespace }) => ({
      id: runId,
      namespace,
      seen: { run: id },
    })),
  FAILING_ACTIVITY: async ({ repairs }) =>
    (await repairs.queuedRetries(MOST)).map(({ runId, namespace, ...seen }) => ({
      id: runId,
      namespace,
      seen,
    })),
  STUCK_SCHEDULE: async ({ schedules }) =>
    (await schedules.stuck()).map(({ id, namespace, reason }) => ({
      id,
      namespace,
      seen: { reason },
    })),
};

function parked(state: Parameters<Store["repairs"]["parked"]>[0]): Targets {
  return async ({ repairs }) =>
    (await repairs.parked(state, MOST)).map(({ id, runId, namespace, ...seen }) => ({
      id: runId,
      namespace,
      seen: { run: id, ...seen },
    }));
}

function counted(count: number, one: string, many: string): string {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}

const MESSAGES: Readonly<Record<RepairAction, (count: number) => string>> = {
  retry: (count) =>
    `Lets ${
      counted(count, "parked run", "parked runs")
    } continue; a run whose cause is still there ` +
    "is parked again",
  release: (count) =>
    `Frees the runs and activities of ${counted(count, "node", "nodes")} that ` +
    `${count === 1 ? "is" : "are"} not alive; attempts under way there count as failed`,
  notify: (count) =>
    `Notifies the parents and the children of ${counted(count, "ended run", "ended runs")}`,
  retry_now: (count) =>
    `Makes the next attempt of ${counted(count, "activity", "activities")} due now`,
  resume: (count) =>
    `Lets ${counted(count, "schedule", "schedules")} fire again; planned times that have passed ` +
    "are skipped, except the time of a one-shot",
};

/**
 * Reads a plan that a caller passes; it may come from a file.
 *
 * @param plan The plan.
 * @returns The same plan.
 * @throws {InvalidArgumentError} If it is not a plan.
 */
export function readPlan(plan: unknown): RepairPlan {
  const { repairs } = (plan ?? {}) as { readonly repairs?: unknown };
  if (!Array.isArray(repairs) || !repairs.every(isPlanned)) {
    refuse("the plan of repair()", plan, "what planRepairs() returns");
  }
  return plan as RepairPlan;
}

function isPlanned(repair: unknown): boolean {
  const { code, action, targets } = (repair ?? {}) as Partial<PlannedRepair>;
  return isRepairable(code) && action === ACTIONS[code] && Array.isArray(targets) &&
    targets.every((target) => isTarget(target, SEEN[ACTIONS[code]]));
}

function isTarget(target: unknown, facts: Facts): boolean {
  const { id, namespace, seen } = (target ?? {}) as Partial<RepairTarget>;
  if (typeof id !== "string" || typeof seen !== "object" || seen === null) return false;
  if ((typeof namespace === "string") !== facts.isInNamespace) return false;
  const given: Readonly<Record<string, unknown>> = seen;
  return facts.texts.every((name) => typeof given[name] === "string") &&
    facts.numbers.every((name) => Number.isSafeInteger(given[name])) &&
    facts.times.every((name) => given[name] === null || Number.isSafeInteger(given[name]));
}

/** The facts that a target must have been seen with. */
interface Facts {
  readonly isInNamespace: boolean;
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
  /** Milliseconds since the epoch, or `null`. */
  readonly times: readonly string[];
}

const NO_FACTS: Facts = { isInNamespace: true, texts: [], numbers: [], times: [] };

const SEEN: Readonly<Record<RepairAction, Facts>> = {
  retry: { ...NO_FACTS, texts: ["hash", "state"], numbers: ["run", "since", "nextSeq"] },
  release: { ...NO_FACTS, isInNamespace: false, times: ["expiredAt"] },
  notify: { ...NO_FACTS, numbers: ["run"] },
  retry_now: {
    ...NO_FACTS,
    texts: ["name"],
    numbers: ["run", "position", "attempt", "availableAt"],
  },
  resume: { ...NO_FACTS, texts: ["reason"] },
};
