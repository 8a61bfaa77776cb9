/**
 * `schedules trigger`.
 *
 * @module
 */

import type { Command } from "../command.ts";
import { scheduleAction } from "../schedule_action.ts";

/** Starts a run of a schedule now. */
export const command: Command = scheduleAction(
  "trigger",
  [{ text: "Start a run now, besides the planned ones", line: "schedules trigger nightly" }],
);
