/**
 * The observer's log.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type AuthoredLog, authoredLog } from "../base/authored.ts";

/** Errors that an observer met. */
export const observerLog: AuthoredLog = authoredLog(getLogger(["continuum", "observer"]));
