/**
 * How a client is notified of denials. A node reads them at its heartbeats, too.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { inBackground } from "../base/background.ts";
import type { WakeupReceiver } from "../store/wakeups.ts";
import type { Denials } from "../version/denials.ts";

/**
 * Reads the denials whenever they may have changed.
 *
 * @param denials The denials that this process knows.
 * @param log Takes what fails.
 */
export function denialReader(denials: Denials, log: AuthoredLog): WakeupReceiver {
  const read = (): void => {
    inBackground(
      denials.refresh(),
      (error) => log.warn("Cannot read the denials: {error}", { error }),
    );
  };
  return {
    receive: ({ kind }) => {
      if (kind === "denials") read();
    },
    catchUp: read,
  };
}
