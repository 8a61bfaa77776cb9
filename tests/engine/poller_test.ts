/**
 * Looks, one at a time, and none forgotten.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import { DatabaseClock } from "../../src/engine/database_clock.ts";
import { Poller } from "../../src/engine/poller.ts";
import { HandClock } from "../support/hand_clock.ts";

async function microtasks(n: number): Promise<void> {
  for (let k = 0; k < n; k++) await Promise.resolve();
}

Deno.test("POLL-1: a look that is asked for in whichever moment of another begins after that moment", async () => {
  for (let moment = 0; moment < 30; moment++) {
    const clock = new HandClock();
    const databaseClock = new DatabaseClock(clock);
    let looks = 0;
    class Looker extends Poller {
      protected override poll(): Promise<null> {
        return Promise.resolve(looks++).then(() => null);
      }
    }
    const poller = new Looker("things", { clock, databaseClock, log: LOGTAPE.engine });
    poller.pollNow();
    await microtasks(moment);
    const before = looks;
    poller.pollNow();
    await microtasks(100);
    assert.equal(looks, before + 1, `asked for after ${moment} microtasks`);
  }
});
