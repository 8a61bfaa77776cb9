/**
 * The log of loading versions.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { type AuthoredLog, authoredLog } from "../base/authored.ts";

/** The logger of this folder's category. */
export const versionLog: AuthoredLog = authoredLog(getLogger(["continuum", "version"]));
