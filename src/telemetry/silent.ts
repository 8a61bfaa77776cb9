/**
 * What stands for a stay that could not be observed.
 *
 * @module
 */

import type { StayTelemetry } from "../ports/telemetry.ts";

/** Says nothing. */
export const NO_STAY: StayTelemetry = {
  trace: undefined,
  logFacts: {},
  wantsSite: () => false,
  replayed() {},
  took() {},
  fired() {},
  attempt: () => undefined,
  wrote() {},
  continued() {},
  trail: () => undefined,
  left() {},
};
