/**
 * Shows when a schedule fires.
 *
 * @module
 */

import type { ScheduleLine } from "../../operate/schedules.ts";
import { span } from "../output/times.ts";

/**
 * When a schedule fires, in a few words.
 *
 * @param timing Its timing.
 */
export function timingText(timing: ScheduleLine["timing"]): string {
  if ("cron" in timing) return `${timing.cron} (${timing.timeZone})`;
  if ("every" in timing) return `every ${span(timing.every)}`;
  return `at ${timing.at}`;
}
