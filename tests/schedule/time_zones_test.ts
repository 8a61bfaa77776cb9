/**
 * What is known of time zones, by the two ways in which a runtime may tell.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { BY_INTL, TIME_ZONES } from "../../src/schedule/time_zones.ts";
import { countOf } from "../support/thoroughness.ts";

const ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"];

Deno.test("a runtime without Temporal finds the same offsets and the same changes of clocks", () => {
  assert.notEqual(TIME_ZONES, BY_INTL, "this runtime has Temporal");
  const instants = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2035, 0) });
  const days = fc.integer({ min: 0, max: 500 });
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), instants, days, (zone, after, span) => {
      assert.equal(BY_INTL.offsetAt(after, zone), TIME_ZONES.offsetAt(after, zone));
      const before = after + span * 86_400_000;
      const change = TIME_ZONES.changeAfter(after, zone, before);
      assert.equal(BY_INTL.changeAfter(after, zone, before), change);
      if (change === null) return;
      // Up to the change, there is none; from the instant before it, it is the next.
      assert.equal(BY_INTL.changeAfter(after, zone, change), null);
      assert.equal(BY_INTL.changeAfter(change - 1, zone, before), change);
    }),
    { numRuns: countOf(200) },
  );
});
