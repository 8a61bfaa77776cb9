/**
 * What loading versions has to say.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type AuthoredLog, authoredLog } from "../base/authored.ts";

/** The category of this floor. */
export const versionLog: AuthoredLog = authoredLog(getLogger(["continuum", "version"]));
