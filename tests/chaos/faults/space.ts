/**
 * A disk that is full.
 *
 * @module
 */

import { SMALL_SPACE } from "../space.ts";
import { type Fault, pause } from "./fault.ts";

/** The tablespace of the engine's tables is full for a while. */
export const fillSpace: Fault = {
  holds: "the server",
  async make({ world, planned }) {
    if (world.space === undefined) throw new Error("this machine can't mount a small disk");
    const { admin } = world;
    await admin.script(`
      create table chaos.ballast (bytes bytea) tablespace ${SMALL_SPACE};
      alter table chaos.ballast alter bytes set storage external;`);
    try {
      // Halves of what fits, until not even a page does.
      for (let size = 4_000_000; size >= 1_000;) {
        try {
          await admin.query(
            "insert into chaos.ballast select convert_to(repeat('x', $1::integer), 'UTF8')",
            [size],
          );
        } catch (error) {
          if (!isFull(error)) throw error;
          size = size >> 1;
        }
      }
      await pause(planned.ms);
    } finally {
      await admin.query("drop table chaos.ballast"); // to truncate it would need space
      await admin.query("checkpoint"); // recovery from before it would fill the disk again
    }
  },
};

function isFull(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code === "53100" || cause !== undefined && isFull(cause);
}
