/**
 * Repairs of what the health report finds, as plain JSON: a plan, and what carrying it out did.
 *
 * @module
 */

import type { RepairReport } from "../client/health/repair.ts";
import { REPAIRABLE, type RepairableCode, type RepairPlan } from "../client/health/repair_plan.ts";
import type { Continuum } from "../continuum.ts";
import { type Plain, plain } from "./plain.ts";

export { REPAIRABLE, type RepairableCode, type RepairPlan };

/** What became of each target of a plan. */
export type RepairLines = Plain<RepairReport>;

/**
 * Plans repairs, and changes nothing.
 *
 * @param client The client.
 * @param codes The findings to repair; those that need no other cure when empty.
 * @throws {InvalidArgumentError} If a code is no finding that can be repaired.
 */
export async function planRepairs(
  client: Continuum,
  codes: readonly RepairableCode[],
): Promise<RepairPlan> {
  return await client.planRepairs(codes.length === 0 ? {} : { codes });
}

/**
 * Carries out a plan: each target is changed only if it is as the plan saw it.
 *
 * @param client The client: it knows who repairs, and why.
 * @param plan The plan.
 */
export async function carryOut(client: Continuum, plan: RepairPlan): Promise<RepairLines> {
  return plain(await client.repair(plan));
}
