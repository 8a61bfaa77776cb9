/**
 * What stands for a stay that could not be observed.
 *
 * @module
 */

import type { AttemptTelemetry, StayTelemetry } from "../ports/telemetry.ts";

/** Says nothing. */
export const NO_ATTEMPT: AttemptTelemetry = { during: (body) => body(), ended() {} };

/** Says nothing. */
export const NO_STAY: StayTelemetry = {
  trace: undefined,
  logFacts: {},
  wantsSite: () => false,
  replayed() {},
  took() {},
  fired() {},
  attempt: () => NO_ATTEMPT,
  wrote() {},
  continued() {},
  trail: () => undefined,
  left() {},
};
