/**
 * `schedules pause`.
 *
 * @module
 */

import type { Command } from "../command.ts";
import { scheduleAction } from "../schedule_action.ts";

/** Stops the firings of a schedule. */
export const command: Command = scheduleAction(
  "pause",
  [{ text: "Stop the firings of a schedule; its runs continue", line: "schedules pause nightly" }],
);
