/**
 * When due runs are looked for, and in which order they are taken.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOGTAPE } from "../../src/base/log.ts";
import { DatabaseClock } from "../../src/engine/database_clock.ts";
import { Dispatcher } from "../../src/engine/duties/dispatcher.ts";
import type { NodeContext } from "../../src/engine/node_context.ts";
import type { ClaimedRun } from "../../src/ports/rows.ts";
import type { ClaimOptions } from "../../src/ports/store.ts";
import { HandClock } from "../support/hand_clock.ts";

/** A dispatcher over runs that are times, and what it asked. */
class World {
  readonly clock = new HandClock();
  readonly databaseClock = new DatabaseClock(this.clock);
  readonly claims: ClaimOptions[] = [];
  /** When runs were adopted, by when they were due. */
  readonly adopted = new Map<number, number>();
  due: number[] = [];
  /** How often the database fails to return the next deadline. */
  failing = 0;
  /** Called while a claim is under way, with how many there were before it. */
  during: (claims: number) => void = () => {};
  readonly dispatcher: Dispatcher;

  constructor() {
    const { clock, databaseClock } = this;
    const runs = {
      claim: async (options: ClaimOptions) => {
        this.claims.push(options);
        const now = clock.monotonic();
        const taken = this.due.filter((at) => at <= now).slice(0, options.limit);
        this.due = this.due.filter((at) => !taken.includes(at));
        await Promise.resolve();
        this.during(this.claims.length - 1);
        return taken.map((id) => ({ id }) as ClaimedRun);
      },
      nextWake: () => {
        if (this.failing-- > 0) return Promise.reject(new Error("not now"));
        return Promise.resolve(this.due.length === 0 ? null : Math.min(...this.due));
      },
    };
    const node = {
      store: { runs },
      lease: { id: "node", fresh: () => true, invalidate: () => {} },
      exclusions: { list: () => [] },
      clock,
      databaseClock,
      log: LOGTAPE.engine,
    };
    this.dispatcher = new Dispatcher(
      node as unknown as NodeContext,
      { room: 1_000, makeRoom: () => {} },
      { adopt: ({ id }) => void this.adopted.set(id, clock.monotonic()) },
    );
  }

  async settled(): Promise<void> {
    for (let n = 0; n < 100; n++) await Promise.resolve();
  }
}

Deno.test("DISPATCH-3: a run that is suspended while its node looks hides no earlier deadline", async () => {
  const world = new World();
  const { dispatcher, adopted } = world;
  world.due = [1_000, 2_000, 3_000];
  for (const at of world.due) dispatcher.pollAt(at);
  world.during = (claims) => {
    if (claims > 0) return;
    world.due.push(9_000);
    dispatcher.pollAt(9_000); // as for a run that leaves this node's memory just now
  };
  await world.clock.advance(10_000, () => world.settled());
  assert.deepEqual([...adopted.keys()], [1_000, 2_000, 3_000, 9_000]);
  for (const [due, at] of adopted) {
    assert.equal(at, due, "no node waits for another one's deadline");
  }
  await dispatcher.pause();
});

Deno.test("DISPATCH-3: a look before the next deadline does not make the node forget it", async () => {
  const world = new World();
  const { dispatcher, adopted } = world;
  world.due = [1_000, 1_100];
  dispatcher.pollAt(1_000);
  world.during = (claims) => {
    if (claims > 0) return;
    world.due.push(999); // another node held it until now: this node must look again in a moment
    dispatcher.pollNow();
  };
  await world.clock.advance(10_000, () => world.settled());
  assert.deepEqual([...adopted], [[1_000, 1_000], [999, 1_000], [1_100, 1_100]]);
  await dispatcher.pause();
});

Deno.test("DISPATCH-3: the next deadline is queried again if the database could not answer", async () => {
  const world = new World();
  const { dispatcher, adopted } = world;
  world.due = [1_000, 5_000];
  world.failing = 1;
  dispatcher.pollAt(1_000);
  await world.clock.advance(10_000, () => world.settled());
  assert.deepEqual([...adopted], [[1_000, 1_000], [5_000, 5_000]]);
  await dispatcher.pause();
});

Deno.test("DISPATCH-4: after three full claims in a row one takes starts first, and then none again", async () => {
  const world = new World();
  world.due = Array.from({ length: 950 }, (_, n) => -n - 1);
  world.dispatcher.pollNow();
  for (let n = 0; n < 10; n++) await world.settled();
  const startsFirst = world.claims.map((claim) => claim.startsFirst);
  assert.equal(world.adopted.size, 950);
  assert.deepEqual(startsFirst, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0].map(Boolean));
  await world.dispatcher.pause();
});
