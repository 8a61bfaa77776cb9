/**
 * An observer that is asked to act, over HTTP.
 *
 * - ACT-1: a deed is sent with the tag of the plan that the observer has shown (ACTION-1), so nothing
 *   is done by an observer of another namespace or release (SERVER-2), or to what has changed since.
 *
 * @module
 */

import { readFromServer, sendToServer, type ServerOptions } from "../readings/server.ts";
import type { Read } from "../readings/reader.ts";
import type { Act } from "./acts.ts";

/** An action whose plan the observer has shown. */
export interface Seen<Plan> {
  /** The plan. */
  readonly plan: Plan;
  /** Its tag. */
  readonly seen: string;
}

/** One observer, and why it is asked to act. */
export class ActingObserver {
  /** Reads from it. */
  readonly read: Read;
  readonly #options: ServerOptions;
  readonly #reason: string | undefined;

  /**
   * @param options Which observer.
   * @param reason Why, for its audit.
   */
  constructor(options: ServerOptions, reason: string | undefined) {
    this.#options = options;
    this.#reason = reason;
    this.read = readFromServer(options);
  }

  /**
   * Asks for the plan of an action (ACT-1).
   *
   * @param path The path of the action, encoded.
   * @param fields Its fields.
   */
  async plan<Plan>(path: string, fields: object = {}): Promise<Seen<Plan>> {
    const { plan, seen } = await sendToServer(path, fields, "plan", this.#options);
    return { plan: plan as Plan, seen: seen as string };
  }

  /**
   * Has a plan carried out.
   *
   * @param path The path of the action, encoded.
   * @param seen The tag of the plan.
   * @param fields The fields of the action.
   */
  async carryOut<Outcome>(path: string, seen: string, fields: object = {}): Promise<Outcome> {
    const sent = { ...fields, reason: this.#reason, seen };
    return (await sendToServer(path, sent, "outcome", this.#options)).outcome as Outcome;
  }

  /**
   * An action that is planned once.
   *
   * @param path Its path, encoded.
   * @param fields Its fields.
   * @param further What else the deed takes, by the plan.
   */
  act<Plan, Outcome = Plan>(
    path: string,
    fields: object = {},
    further: (plan: Plan) => object = () => ({}),
  ): Act<Plan, Outcome> {
    let shown: Promise<Seen<Plan>> | undefined;
    const look = () => shown ??= this.plan<Plan>(path, fields);
    return {
      plan: async () => (await look()).plan,
      carryOut: async () => {
        const { plan, seen } = await look();
        return await this.carryOut<Outcome>(path, seen, { ...fields, ...further(plan) });
      },
    };
  }
}
