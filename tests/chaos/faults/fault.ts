/**
 * What a fault is: something that is done to the world for a while, and undone.
 *
 * @module
 */

import type { PlannedFault } from "../plan.ts";
import type { Draw } from "../programs/program.ts";
import type { WorkerPlace, World } from "../world.ts";

/** What a fault works with. */
export interface Scene {
  readonly world: World;
  readonly place: WorkerPlace;
  readonly planned: PlannedFault;
  /** Draws from the fault's own seed. */
  readonly draw: Draw;
}

/**
 * A fault. It resolves when it is over, and rejects if it could not be made, such as while there is
 * no server.
 */
export interface Fault {
  /** What it has for itself meanwhile: two faults never have the same at once. */
  readonly holds: "the worker" | "the server" | "nothing";
  make(scene: Scene): Promise<void>;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
