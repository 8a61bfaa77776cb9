/**
 * What loading versions has to say.
 *
 * @module
 */

import { getLogger, type Logger } from "@logtape/logtape";

/** The category of this floor. */
export const versionLog: Logger = getLogger(["continuum", "version"]);
