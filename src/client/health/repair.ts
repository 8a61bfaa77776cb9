/**
 * Carries out a plan of repairs. Each target is changed only if it is as the plan saw it (REPAIR-1
 * of `store/repairs.ts`), so nothing is lost, and carrying out a plan twice does no harm.
 *
 * @module
 */

import { checkOptions, checkText } from "../../base/arguments.ts";
import { MAX_ACTOR, MAX_REASON } from "../../base/operator_limits.ts";
import { resume } from "../../schedule/firing.ts";
import type { Operator } from "../../ports/operations.ts";
import type { DeadNode, ParkedRun, QueuedRetry } from "../../ports/repairs.ts";
import { settleEnded } from "../../store/settle_ended.ts";
import type { ClientContext } from "../context.ts";
import type { RepairAction } from "./finding.ts";
import { type PlannedRepair, readPlan, type RepairPlan, type RepairTarget } from "./repair_plan.ts";

/**
 * Who acts, and why; kept in the table of operations.
 *
 * @category Continuum
 */
export interface OperationOptions {
  /**
   * The name of the person or program that acts. It is not verified.
   *
   * @default {the operator of `asOperator()`, or "unnamed"}
   */
  readonly as?: string;
  /**
   * Why, for people.
   *
   * @default {the reason of `asOperator()`}
   */
  readonly reason?: string;
}

/**
 * What became of one target of a repair.
 *
 * @category Continuum
 */
export interface RepairedTarget extends Pick<RepairTarget, "id" | "namespace"> {
  /** The finding. */
  readonly code: PlannedRepair["code"];
  /** What was to be done. */
  readonly action: RepairAction;
  /** `changed`: it was not as the plan saw it any more, or was locked, and nothing was done. */
  readonly outcome: "done" | "changed";
}

/**
 * What {@linkcode Continuum.repair} did.
 *
 * @category Continuum
 */
export interface RepairReport {
  /** How many targets were repaired. */
  readonly done: number;
  /** How many were left as they are, since they had changed. */
  readonly changed: number;
  /** The targets, in the order of the plan. */
  readonly targets: readonly RepairedTarget[];
}

/** The dependencies of repairs. */
export type RepairContext = Pick<
  ClientContext,
  "log" | "operator" | "store" | "versions" | "wakeups"
>;

/**
 * Carries out a plan.
 *
 * @param plan The plan.
 * @param options Who repairs, and why.
 * @param context Changes what is to be repaired.
 * @returns What was done.
 */
export async function repair(
  plan: RepairPlan,
  options: OperationOptions,
  context: RepairContext,
): Promise<RepairReport> {
  const operator = readOperator(options, "repair()", context.operator);
  const targets: RepairedTarget[] = [];
  for (const { code, action, targets: planned } of readPlan(plan).repairs) {
    const done = planned.length === 0 ? new Set() : await ACTS[action](planned, operator, context);
    for (const target of planned) {
      const { id, namespace } = target;
      targets.push({ id, namespace, code, action, outcome: done.has(target) ? "done" : "changed" });
    }
  }
  const done = targets.filter(({ outcome }) => outcome === "done").length;
  return { done, changed: targets.length - done, targets };
}

/**
 * Marks a finding as known.
 *
 * @param fingerprint The finding.
 * @param options Who does so, and why.
 * @param context Keeps the mark.
 */
export async function acknowledge(
  fingerprint: string,
  options: OperationOptions,
  { store, operator: acting }: Pick<RepairContext, "log" | "operator" | "store">,
): Promise<void> {
  checkText(fingerprint, "the fingerprint of acknowledge()", MAX_ACTOR);
  const operator = readOperator(options, "acknowledge()", acting);
  const act = { action: "health.acknowledge", namespace: null, target: fingerprint } as const;
  await store.operations.note(operator, act, "done");
}

/** A name that a call gives is claimed, also if the client acts for someone else. */
function readOperator(
  options: OperationOptions,
  call: string,
  acting: Operator = { actor: "unnamed", isProven: false, reason: null },
): Operator {
  checkOptions(options, ["as", "reason"], call);
  const { as: actor = acting.actor, reason = acting.reason } = options;
  return {
    actor: checkText(actor, `option as of ${call}`, MAX_ACTOR),
    isProven: options.as === undefined && acting.isProven,
    reason: reason === null ? null : checkText(reason, `option reason of ${call}`, MAX_REASON),
  };
}

/** Returns the targets that were repaired. */
type Act = (
  targets: readonly RepairTarget[],
  operator: Operator,
  context: RepairContext,
) => Promise<ReadonlySet<unknown>>;

const ACTS: Readonly<Record<RepairAction, Act>> = {
  retry,
  release,
  notify,
  retry_now: retryNow,
  resume: resumeAll,
};

async function retry(
  targets: readonly RepairTarget[],
  operator: Operator,
  { store, versions, wakeups }: RepairContext,
): Promise<ReadonlySet<unknown>> {
  const runs = targets.map(({ id, namespace, seen: { run, ...seen } }) => (
    { ...seen, id: run, runId: id, namespace } as unknown as ParkedRun
  ));
  const freed = new Set(await store.repairs.unpark(runs, operator));
  for (const hash of new Set(runs.filter(({ id }) => freed.has(id)).map(({ hash }) => hash))) {
    await versions.clearFailures(hash);
    wakeups.versionAvailable(hash);
  }
  if (freed.size > 0) wakeups.due();
  return new Set(targets.filter((_, index) => freed.has(runs[index]!.id)));
}

async function release(
  targets: readonly RepairTarget[],
  operator: Operator,
  { store, wakeups }: RepairContext,
): Promise<ReadonlySet<unknown>> {
  const nodes = targets.map(({ id, seen: { expiredAt } }) => ({ id, expiredAt }) as DeadNode);
  const released = new Set(await store.repairs.release(nodes, operator));
  if (released.size > 0) {
    wakeups.due();
    wakeups.broadcast({ kind: "tasks" });
  }
  return new Set(targets.filter(({ id }) => released.has(id)));
}

/** What every node does at its heartbeats, so it needs no fence. */
async function notify(
  targets: readonly RepairTarget[],
  operator: Operator,
  { store, wakeups }: RepairContext,
): Promise<ReadonlySet<unknown>> {
  const keys = targets.map(({ seen: { run } }) => run as number);
  const noted = new Set(await store.repairs.noteUnnotified(keys, operator));
  if (noted.size > 0) await settleEnded(store.lineage, wakeups);
  return new Set(targets.filter(({ seen: { run } }) => noted.has(run as number)));
}

async function retryNow(
  targets: readonly RepairTarget[],
  operator: Operator,
  { store, wakeups }: RepairContext,
): Promise<ReadonlySet<unknown>> {
  const tasks = targets.map(({ id, namespace, seen }) => (
    { ...seen, runId: id, namespace } as unknown as QueuedRetry
  ));
  const keyOf = ({ run, position }: Pick<QueuedRetry, "run" | "position">) => `${run}/${position}`;
  const due = new Set((await store.repairs.retryNow(tasks, operator)).map(keyOf));
  if (due.size > 0) wakeups.broadcast({ kind: "tasks" });
  return new Set(targets.filter((_, index) => due.has(keyOf(tasks[index]!))));
}

async function resumeAll(
  targets: readonly RepairTarget[],
  operator: Operator,
  { store, wakeups }: RepairContext,
): Promise<ReadonlySet<unknown>> {
  const done = new Set<RepairTarget>();
  for (const target of targets) {
    const { id, seen } = target;
    const namespace = target.namespace!;
    const act = { action: "repair.resume", target: id, namespace } as const;
    const resumed = await store.operations.record(operator, act, async ({ schedules }) => {
      let isAsSeen = false;
      await schedules.change({ namespace, id }, (row, now) => {
        const { state, trouble } = row.progress;
        isAsSeen = state === "stuck" && trouble?.message === seen["reason"];
        const progress = isAsSeen ? resume(row.id, row.rules, row.progress, now) : row.progress;
        return { progress, starts: [] };
      });
      return isAsSeen || null;
    });
    if (resumed !== null) done.add(target);
  }
  if (done.size > 0) wakeups.broadcast({ kind: "scheduled" });
  return done;
}
