/**
 * Acts by an observer, over HTTP. It knows who acts by the token, and has its own rights and audit.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords, quoteId } from "../../base/describe.ts";
import { encode } from "../../base/values.ts";
import type { PlannedRun, RunOutcome, SentSignal } from "../act_on_runs.ts";
import type { ActedSchedule } from "../act_on_schedules.ts";
import { checkFork, type ForkLine, type ForkRequest } from "../fork.ts";
import type { ReopenLine } from "../reopen.ts";
import { actionPath } from "../readings/api.ts";
import { ServerError } from "../readings/errors.ts";
import type { ServerOptions } from "../readings/server.ts";
import type { StartedRun } from "../start.ts";
import type { Act, Acts, RunAct, RunDeed } from "./acts.ts";
import { ActingObserver, type Seen } from "./observer.ts";
import { upgradesOfServer } from "./server_upgrades.ts";

/** What became of one run, and no error of the request. */
const OF_ONE_RUN: readonly string[] = ["RUN_NOT_FOUND", "RUN_ENDED", "RUN_STATE", "CHANGED"];

/** What an observer plans for the runs of an action. */
interface RunPlan {
  readonly runs: readonly PlannedRun[];
}

/** What an observer plans for a failed run, and what it did. */
interface ReopenPlan {
  readonly id: string;
  readonly report: Omit<ReopenLine, "id" | "reopened" | "fails"> & {
    readonly moves: boolean;
    readonly error: ReopenLine["fails"];
  };
}

/**
 * Acts by an observer.
 *
 * @param options Which one.
 * @param reason Why, for its audit.
 */
export function actsOfServer(options: ServerOptions, reason: string | undefined): Acts {
  const observer = new ActingObserver(options, reason);
  return {
    async signal(id, name, payload, { deliveryId: delivery, askId: ask } = {}) {
      const path = actionPath("runs", id, "signal");
      const { seen } = await observer.plan(path);
      const fields = { name, payload: plainValue(payload, "the payload"), delivery, ask };
      return await observer.carryOut<SentSignal>(path, seen, fields);
    },
    onRuns: (deed, ids) => runAct(observer, deed, ids),
    onSchedule: (deed, id) => observer.act<ActedSchedule>(actionPath("schedules", id, deed)),
    async start({ input, ...request }) {
      const { seen } = await observer.plan("start", { workflow: request.workflow });
      const fields = { ...request, input: plainValue(input, "the input") };
      return await observer.carryOut<StartedRun>("start", seen, fields);
    },
    fork: (id, request) => forkAct(observer, id, request),
    reopen: (id, to) => reopenAct(observer, id, to),
    repair: (codes) => observer.act("repair", { code: codes }),
    upgrades: upgradesOfServer(observer),
  };
}

function forkAct(observer: ActingObserver, id: string, request: ForkRequest): Act<ForkLine> {
  checkFork(request);
  const { fromFailure, input, ...fields } = request;
  const sent = {
    ...fields,
    from: fromFailure === true ? "failure" : undefined,
    input: plainValue(input, "the input"),
  };
  // The fork gets the id and the keys that its plan has shown.
  const act = observer.act<{ readonly fork: ForkLine }, ForkLine>(
    actionPath("runs", id, "fork"),
    sent,
    ({ fork: { plan } }) => ({ plan }),
  );
  return { plan: async () => (await act.plan()).fork, carryOut: act.carryOut };
}

function reopenAct(
  observer: ActingObserver,
  id: string,
  to: string | undefined,
): Act<ReopenLine> {
  const act = observer.act<ReopenPlan>(actionPath("runs", id, "reopen"), { to });
  const lineOf = ({ report: { moves, error, ...report } }: ReopenPlan): ReopenLine => ({
    id,
    reopened: moves,
    ...report,
    fails: error,
  });
  return {
    plan: async () => lineOf(await act.plan()),
    carryOut: async () => lineOf(await act.carryOut()),
  };
}

/** Reads a run for a plan. */
async function plannedRun({ read }: ActingObserver, id: string): Promise<PlannedRun> {
  const shown = await read("runs.show", { id });
  const { workflow, version: { hash }, state, generation, createdAt } = shown;
  return { id, workflow, version: hash, state, generation, createdAt };
}

function runAct(observer: ActingObserver, deed: RunDeed, given: readonly string[]): RunAct {
  const ids = [...new Set(given)];
  const shown = new Map<string, Seen<RunPlan>>();
  const look = async (id: string) => {
    const found = shown.get(id) ?? await observer.plan<RunPlan>(actionPath("runs", id, deed));
    shown.set(id, found);
    return found;
  };
  const act = async (id: string): Promise<RunOutcome> => {
    const { plan, seen } = await look(id);
    if (plan.runs.length === 0) {
      const { state } = await plannedRun(observer, id);
      throw new ServerError("RUN_STATE", `Cannot ${deed} run ${quoteId(id)}: it is ${state}`);
    }
    const path = actionPath("runs", id, deed);
    const { runs } = await observer.carryOut<{ readonly runs: readonly RunOutcome[] }>(path, seen);
    return runs[0]!;
  };
  return {
    async plan() {
      const planned: PlannedRun[] = [];
      for (const id of ids) {
        planned.push((await look(id)).plan.runs[0] ?? await plannedRun(observer, id));
      }
      return planned;
    },
    async *carryOut() {
      for (const id of ids) {
        yield await act(id).catch((error: unknown): RunOutcome => {
          if (!(error instanceof ServerError) || !OF_ONE_RUN.includes(error.code)) throw error;
          const { code, message } = error;
          return { id, done: false, error: { code, message } };
        });
      }
    },
  };
}

/** JSON has no dates, maps and bytes: the fields of an action would keep them as objects. */
function plainValue(value: unknown, what: string): unknown {
  if (value === undefined) return undefined;
  if (!encode(value).includes('"$continuum"')) return value;
  return refuse(what, inWords("a value beyond JSON"), "plain JSON, as an observer takes it");
}
