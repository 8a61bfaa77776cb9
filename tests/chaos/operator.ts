/**
 * An operator: lets parked runs continue once their cause is over, as the pages say.
 *
 * A run is parked as poisoned when nodes claimed it five times in a row and wrote nothing, and a
 * version when three nodes died while they imported it. Both follow from killing workers often
 * enough, so they are repaired and counted, and are no findings.
 *
 * @module
 */

import type { World } from "./world.ts";

/** Repairs while chaos lasts. */
export class Operator {
  /** What was repaired, by finding, with how often. */
  readonly repaired = new Map<string, number>();
  readonly #world: World;

  /** @param world Where. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Repairs what there is now. */
  async repair(): Promise<void> {
    const { client } = this.#world;
    try {
      const plan = await client.planRepairs({
        codes: ["STUCK_VERSION", "STUCK_POISONED", "STUCK_SCHEDULE"],
      });
      if (plan.repairs.length === 0) return;
      for (const { code, targets } of plan.repairs) {
        this.repaired.set(code, (this.repaired.get(code) ?? 0) + targets.length);
      }
      await client.repair(plan, { as: "the operator of a chaos", reason: "its cause is over" });
    } catch {
      // The database is away; there is a next time.
    }
  }
}
