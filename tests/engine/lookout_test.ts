/**
 * Looks, one at a time, and none forgotten.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseClock } from "../../src/engine/database_clock.ts";
import { Lookout } from "../../src/engine/lookout.ts";
import { HandClock } from "../support/hand_clock.ts";

async function microtasks(n: number): Promise<void> {
  for (let k = 0; k < n; k++) await Promise.resolve();
}

Deno.test("D2: a look that is asked for in whichever moment of another begins after that moment", async () => {
  for (let moment = 0; moment < 30; moment++) {
    const clock = new HandClock();
    const databaseClock = new DatabaseClock(clock);
    let looks = 0;
    const look = () => Promise.resolve(looks++).then(() => null);
    const lookout = new Lookout({ what: "things", look, clock, databaseClock });
    lookout.look();
    await microtasks(moment);
    const before = looks;
    lookout.look();
    await microtasks(100);
    assert.equal(looks, before + 1, `asked for after ${moment} microtasks`);
  }
});
