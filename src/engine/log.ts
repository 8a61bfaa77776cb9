/**
 * The engine's log. Silent until the application configures LogTape for the category `continuum`.
 *
 * @module
 */

import { getLogger, type Logger } from "@logtape/logtape";

/** What the engine does and meets. */
export const engineLog: Logger = getLogger(["continuum", "engine"]);

/** What workflow code says through `ctx.log`. */
export const workflowLog: Logger = getLogger(["continuum", "workflow"]);
