/**
 * `schedules resume`.
 *
 * @module
 */

import type { Command } from "../command.ts";
import { scheduleAction } from "../schedule_action.ts";

/** Lets a schedule fire again. */
export const command: Command = scheduleAction(
  "resume",
  [{ text: "Let a paused or stuck schedule fire again", line: "schedules resume nightly" }],
);
