/**
 * Acts in a database.
 *
 * @module
 */

import {
  cancelRuns,
  deleteRuns,
  type PlannedRun,
  planRuns,
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
import { startRun } from "../start.ts";
import type { Acts, RunAct, RunDeed, ScheduleAct, ScheduleDeed } from "./acts.ts";

/**
 * Acts in the database of a client.
 *
 * @param client The client.
 * @param reason Why.
 */
export function actsOf(client: Continuum, reason: string | undefined): Acts {
  return {
    signal: (id, name, payload, deliveryId) => signalRun(client, id, name, payload, deliveryId),
    onRuns: (deed, ids) => runAct(client, deed, ids, reason),
    onSchedule: (deed, id) => scheduleAct(client, deed, id),
    start: (request) => startRun(client, request),
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
      else if (deed === "retry") yield* retryRuns(client, ids);
      else if (deed === "delete") yield* deleteRuns(client, await plan());
      else yield* terminateRuns(client, await plan(), reason ?? "");
    },
  };
}

function scheduleAct(client: Continuum, deed: ScheduleDeed, id: string): ScheduleAct {
  let planned: ActedSchedule | undefined;
  const plan = async () => planned ??= await planSchedule(client, id);
  return {
    plan,
    async carryOut() {
      if (deed === "trigger") return await triggerSchedule(client, id);
      if (deed === "delete") return await deleteSchedule(client, await plan());
      return await switchSchedule(client, deed, id);
    },
  };
}
