/**
 * Acts by an observer, over HTTP. It knows who acts by the token, and has its own rights and audit.
 *
 * - ACT-1: a deed is sent with the tag of the plan that the observer has shown (ACTION-1), so nothing
 *   is done by an observer of another namespace or release (SERVER-2), or to what has changed since.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords, quoteId } from "../../base/describe.ts";
import { encode } from "../../base/values.ts";
import type { PlannedRun, RunOutcome, SentSignal } from "../act_on_runs.ts";
import type { ActedSchedule } from "../act_on_schedules.ts";
import { actionPath } from "../readings/api.ts";
import { ServerError } from "../readings/errors.ts";
import { readFromServer, sendToServer, type ServerOptions } from "../readings/server.ts";
import type { StartedRun } from "../start.ts";
import type { Acts, RunAct, RunDeed, ScheduleAct } from "./acts.ts";

/** An action whose plan the observer has shown. */
interface Seen<Plan> {
  readonly plan: Plan;
  readonly seen: string;
}

/** What became of one run, and no error of the request. */
const OF_ONE_RUN: readonly string[] = ["RUN_NOT_FOUND", "RUN_ENDED", "RUN_STATE", "CHANGED"];

/** What an observer plans for the runs of an action. */
interface RunPlan {
  readonly runs: readonly PlannedRun[];
}

/** One observer, and why it is asked to act. */
class Observer {
  readonly #options: ServerOptions;
  readonly #reason: string | undefined;

  constructor(options: ServerOptions, reason: string | undefined) {
    this.#options = options;
    this.#reason = reason;
  }

  /** Asks for the plan of an action (ACT-1). */
  async plan<Plan>(path: string, fields: object = {}): Promise<Seen<Plan>> {
    const { plan, seen } = await sendToServer(path, fields, "plan", this.#options);
    return { plan: plan as Plan, seen: seen as string };
  }

  /** Has a plan carried out. */
  async carryOut<Outcome>(path: string, seen: string, fields: object = {}): Promise<Outcome> {
    const sent = { ...fields, reason: this.#reason, seen };
    return (await sendToServer(path, sent, "outcome", this.#options)).outcome as Outcome;
  }

  /** Reads a run for a plan. */
  async run(id: string): Promise<PlannedRun> {
    const shown = await readFromServer(this.#options)("runs.show", { id });
    const { workflow, version: { hash }, state, generation, createdAt } = shown;
    return { id, workflow, version: hash, state, generation, createdAt };
  }
}

/**
 * Acts by an observer.
 *
 * @param options Which one.
 * @param reason Why, for its audit.
 */
export function actsOfServer(options: ServerOptions, reason: string | undefined): Acts {
  const observer = new Observer(options, reason);
  return {
    async signal(id, name, payload, delivery) {
      const path = actionPath("runs", id, "signal");
      const { seen } = await observer.plan(path);
      const fields = { name, payload: plainValue(payload, "the payload"), delivery };
      return await observer.carryOut<SentSignal>(path, seen, fields);
    },
    onRuns: (deed, ids) => runAct(observer, deed, ids),
    onSchedule(deed, id): ScheduleAct {
      const path = actionPath("schedules", id, deed);
      let shown: Seen<ActedSchedule> | undefined;
      const look = async () => shown ??= await observer.plan<ActedSchedule>(path);
      return {
        plan: async () => (await look()).plan,
        carryOut: async () => await observer.carryOut(path, (await look()).seen),
      };
    },
    async start({ input, ...request }) {
      const { seen } = await observer.plan("start", { workflow: request.workflow });
      const fields = { ...request, input: plainValue(input, "the input") };
      return await observer.carryOut<StartedRun>("start", seen, fields);
    },
  };
}

function runAct(observer: Observer, deed: RunDeed, given: readonly string[]): RunAct {
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
      const { state } = await observer.run(id);
      throw new ServerError("RUN_STATE", `Cannot ${deed} run ${quoteId(id)}: it is ${state}`);
    }
    const path = actionPath("runs", id, deed);
    const { runs } = await observer.carryOut<{ readonly runs: readonly RunOutcome[] }>(path, seen);
    return runs[0]!;
  };
  return {
    async plan() {
      const planned: PlannedRun[] = [];
      for (const id of ids) planned.push((await look(id)).plan.runs[0] ?? await observer.run(id));
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
