/**
 * A disk that is full.
 *
 * @module
 */

import { fillSpace as fill } from "../../support/small_disk.ts";
import { type Fault, pause } from "./fault.ts";

/** The tablespace of the engine's tables is full for a while. */
export const fillSpace: Fault = {
  holds: "the server",
  async make({ world, planned }) {
    if (world.space === undefined) throw new Error("this machine can't mount a small disk");
    await using _full = await fill(world.admin);
    await pause(planned.ms);
  },
};
