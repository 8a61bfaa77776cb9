/**
 * Makes the faults of a plan, each at its time.
 *
 * @module
 */

import { fillSpace } from "./faults/space.ts";
import { type Fault, pause } from "./faults/fault.ts";
import { deploy, drain, kill, shiftClock, standStill } from "./faults/processes.ts";
import { breakListen, cancel, crash, lockRows, restart, terminate } from "./faults/server.ts";
import { cut, cutCallers, delay, halve, inject, loseReplies, mute } from "./faults/wires.ts";
import { drawFrom, type FaultKind, type PlannedFault } from "./plan.ts";
import type { World } from "./world.ts";

const MAKERS: Readonly<Record<FaultKind, Fault>> = {
  "kill a worker": kill,
  "pause a worker beyond its lease": standStill,
  "drain a worker": drain,
  "shift a worker's clock": shiftClock,
  "deploy a release": deploy,
  "restart Postgres": restart,
  "crash Postgres": crash,
  "terminate backends": terminate,
  "cancel statements": cancel,
  "break LISTEN": breakListen,
  "lock rows": lockRows,
  "inject SQLSTATEs": inject,
  "lose replies of statements": loseReplies,
  "fill the tablespace": fillSpace,
  "cut a wire": cut,
  "delay a wire": delay,
  "cut a wire in half of a message": halve,
  "mute a wire": mute,
  "cut a caller's wire": cutCallers,
};

/** Makes faults. */
export class Tormentor {
  /** How many were made, by kind. */
  readonly made = new Map<FaultKind, number>();
  /** How many could not be made, by kind and reason: another fault was in the way. */
  readonly missed = new Map<string, number>();
  readonly #world: World;
  readonly #held = new Map<unknown, Promise<void>>();

  /** @param world To what. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Makes all faults; resolves when all are over. */
  async make(faults: readonly PlannedFault[]): Promise<void> {
    const began = performance.now();
    await Promise.all(faults.map(async (planned) => {
      await pause(planned.at - (performance.now() - began));
      await this.#make(planned);
    }));
  }

  async #make(planned: PlannedFault): Promise<void> {
    const place = this.#world.places[planned.worker]!;
    const fault = MAKERS[planned.kind];
    const make = async () => {
      try {
        const draw = drawFrom(planned.seed);
        await fault.make({ world: this.#world, place, planned, draw });
        this.made.set(planned.kind, (this.made.get(planned.kind) ?? 0) + 1);
      } catch (error) {
        // Nothing could continue without its server: the round is over.
        if (fault === restart || fault === crash) throw error;
        const why = `${planned.kind}: ${(error as Error).message.slice(0, 150)}`;
        this.missed.set(why, (this.missed.get(why) ?? 0) + 1);
      }
    };
    if (fault.holds === "nothing") return await make();
    const held = fault.holds === "the worker" ? place : this.#world.cluster;
    const done = (this.#held.get(held) ?? Promise.resolve()).then(make);
    this.#held.set(held, done);
    await done;
  }
}
