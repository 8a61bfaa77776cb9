/**
 * No process died of anything but its killer.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";

/** Checks how processes ended. */
export function* checkDeaths({ deaths }: Evidence): Generator<Finding> {
  for (const { process, cause, code, signal, said } of deaths) {
    const isDue = cause === "killed" && signal === "SIGKILL" || cause === "asked" && code === 0;
    if (isDue) continue;
    const how = signal ?? `code ${code}`;
    yield {
      promise: "no process dies by itself",
      message: `Worker ${process} was ${cause ?? "left alone"}, and ended with ${how}: ${said}`,
    };
  }
}
