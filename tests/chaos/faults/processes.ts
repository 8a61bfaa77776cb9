/**
 * Faults of workers' processes.
 *
 * @module
 */

import { LEASE_MS } from "../world.ts";
import { type Fault, pause } from "./fault.ts";

const HOUR = 3_600_000;

/** How long a worker may take to end in good order. */
const PATIENCE_MS = 30_000;

/** The worker dies by SIGKILL; after a while another process takes its place. */
export const kill: Fault = {
  holds: "the worker",
  async make({ world, place, planned }) {
    await place.process.kill();
    await pause(planned.ms / 3);
    await world.restart(place).opened;
  },
};

/** The worker stands still until others have taken its runs, and continues. */
export const standStill: Fault = {
  holds: "the worker",
  async make({ place, planned }) {
    place.process.pause();
    await pause(LEASE_MS * 1.5 + planned.ms);
    place.process.resume();
  },
};

/** The worker ends by SIGTERM, and another process takes its place. */
export const drain: Fault = {
  holds: "the worker",
  async make({ world, place }) {
    await place.process.drain(PATIENCE_MS);
    await world.restart(place).opened;
  },
};

/** The process that takes the worker's place has a clock that is wrong by up to an hour. */
export const shiftClock: Fault = {
  holds: "the worker",
  async make({ world, place, draw }) {
    await place.process.drain(PATIENCE_MS);
    await world.restart(place, draw.below(2 * HOUR) - HOUR).opened;
  },
};

/** The next release: its process registers it, the URLs of the old one are gone, runs are moved. */
export const deploy: Fault = {
  holds: "the worker",
  async make({ world, place }) {
    world.releases.deploy();
    await place.process.drain(PATIENCE_MS);
    await world.restart(place).opened;
    await Promise.all(world.places.map(({ process }) => process.opened));
    world.releases.retire();
    for await (const { verdict } of world.client.runs.upgrade({ workflow: "steps" })) {
      world.verdicts.set(verdict, (world.verdicts.get(verdict) ?? 0) + 1);
    }
  },
};
