/**
 * What the commands that show schedules share: the names of fields, and when a schedule fires.
 *
 * @module
 */

import type { ScheduleLine } from "../../operate/schedules.ts";
import { span } from "../output/times.ts";

/** The names that `--fields` accepts for a schedule. */
export const SCHEDULE_FIELDS: readonly string[] = [
  ...[
    "id",
    "workflow",
    "version",
    "state",
    "reason",
    "timing",
    "next",
    "last",
    "overlap",
    "input",
  ],
  ...[
    "catchUp",
    "catchUpWindow",
    "jitter",
    "until",
    "maxRuns",
    "timeout",
    "retry",
    "held",
    "recent",
  ],
  ...["started", "triggered", "skipped", "missed", "createdAt", "namespace"],
];

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
