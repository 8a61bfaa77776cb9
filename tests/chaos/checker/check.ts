/**
 * Holds what a round of chaos left behind to all promises.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { checkDeaths } from "./deaths.ts";
import { checkBookings, checkNotes, checkShared } from "./effects.ts";
import { checkEnds } from "./ends.ts";
import { checkFamilies } from "./families.ts";
import { checkHistories, checkTenures } from "./histories.ts";
import { checkLeftovers } from "./leftovers.ts";
import { checkSchedules } from "./schedules.ts";
import { checkSignals } from "./signals.ts";
import { checkTimers } from "./timers.ts";

const CHECKS: readonly ((evidence: Evidence) => Iterable<Finding>)[] = [
  checkEnds,
  checkHistories,
  checkTenures,
  checkBookings,
  checkNotes,
  checkShared,
  checkSignals,
  checkTimers,
  checkFamilies,
  checkSchedules,
  checkLeftovers,
  checkDeaths,
];

/** All that is wrong, replays apart, which need the code. */
export function check(evidence: Evidence): Finding[] {
  return CHECKS.flatMap((each) => [...each(evidence)]);
}
