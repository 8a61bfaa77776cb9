/**
 * Acts in a database.
 *
 * @module
 */

import {
  cancelRuns,
  deleteRuns,
  pauseRuns,
  type PlannedRun,
  planRuns,
  resumeRuns,
  retryRuns,
  type RunOutcome,
  signalRun,
  terminateRuns,
} from "../act_on_runs.ts";
import {
  type ActedSchedule,
  deleteSchedule,
  planSchedule,
  switchSchedule,
  triggerSchedule,
} from "../act_on_schedules.ts";
import type { Continuum } from "../client.ts";
import { type ForkLine, type ForkRequest, forkRun, planFork } from "../fork.ts";
import { reopen, type ReopenLine } from "../reopen.ts";
import {
  carryOut,
  planRepairs,
  type RepairableCode,
  type RepairLines,
  type RepairPlan,
} from "../repair.ts";
import { startRun } from "../start.ts";
import { planUpgrade, resumeUpgrade, upgradeRuns } from "../upgrade.ts";
import type { Act, Acts, RunAct, RunDeed, ScheduleDeed } from "./acts.ts";

/**
 * Acts in the database of a client.
 *
 * @param client The client.
 * @param reason Why.
 */
export function actsOf(client: Continuum, reason: string | undefined): Acts {
  return {
    signal: (id, name, payload, ids) => signalRun(client, id, name, payload, ids),
    onRuns: (deed, ids) => runAct(client, deed, ids, reason),
    onSchedule: (deed, id) => scheduleAct(client, deed, id),
    start: (request) => startRun(client, request),
    fork: (id, request) => forkAct(client, id, request),
    reopen: (id, to) => reopenAct(client, id, to),
    repair: (codes) => repairAct(client, codes),
    upgrades: {
      plan: (request, onVerdict) => planUpgrade(client, request, onVerdict),
      run: (to, runs, work) => Promise.resolve(upgradeRuns(client, to, runs, work)),
      resume: (job, work) => resumeUpgrade(client, job, work),
    },
  };
}

function runAct(
  client: Continuum,
  deed: RunDeed,
  ids: readonly string[],
  reason: string | undefined,
): RunAct {
  let planned: readonly PlannedRun[] | undefined;
  const plan = async () => planned ??= await planRuns(client, ids);
  return {
    plan,
    async *carryOut(): AsyncIterable<RunOutcome> {
      if (deed === "cancel") yield* cancelRuns(client, ids, reason);
      else if (deed === "pause") yield* pauseRuns(client, ids, reason);
      else if (deed === "resume") yield* resumeRuns(client, ids);
      else if (deed === "retry") yield* retryRuns(client, ids);
      else if (deed === "delete") yield* deleteRuns(client, await plan());
      else yield* terminateRuns(client, await plan(), reason ?? "");
    },
  };
}

/** A deed whose plan is made once. */
function act<Plan, Outcome>(
  make: () => Promise<Plan>,
  carryOut: (plan: () => Promise<Plan>) => Promise<Outcome>,
): Act<Plan, Outcome> {
  let planned: Promise<Plan> | undefined;
  const plan = () => planned ??= make();
  return { plan, carryOut: () => carryOut(plan) };
}

function scheduleAct(client: Continuum, deed: ScheduleDeed, id: string): Act<ActedSchedule> {
  return act(() => planSchedule(client, id), async (plan) => {
    if (deed === "trigger") return await triggerSchedule(client, id);
    if (deed === "delete") return await deleteSchedule(client, await plan());
    return await switchSchedule(client, deed, id);
  });
}

function forkAct(client: Continuum, id: string, request: ForkRequest): Act<ForkLine> {
  const make = () => planFork(client, id, request);
  return act(make, async (plan) => await forkRun(client, id, request, await plan()));
}

/** It is taken up on the version of the plan, also if another has become the current one since. */
function reopenAct(client: Continuum, id: string, to: string | undefined): Act<ReopenLine> {
  const make = () => reopen(client, id, { to, dryRun: true });
  return act(make, async (plan) => reopen(client, id, { to: (await plan()).to, dryRun: false }));
}

function repairAct(
  client: Continuum,
  codes: readonly RepairableCode[],
): Act<RepairPlan, RepairLines> {
  return act(() => planRepairs(client, codes), async (plan) => carryOut(client, await plan()));
}
