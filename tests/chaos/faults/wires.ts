/**
 * Faults between workers, or callers, and the server; and faults of single statements.
 *
 * @module
 */

import type { Wire } from "../wire.ts";
import { type Fault, pause, type Scene } from "./fault.ts";

/** No connection for a while. */
export const cut: Fault = onWire(({ place }) => place.wire, (wire) => wire.cut());

/** The callers have no connection for a while. */
export const cutCallers: Fault = onWire(({ world }) => world.callersWire, (wire) => wire.cut());

/** Each message is late. */
export const delay: Fault = onWire(({ place }) => place.wire, (wire, { draw }) => {
  wire.weather = { kind: "slow", ms: 5 + draw.below(300) };
});

/** Some messages arrive in half. */
export const halve: Fault = onWire(anyWire, (wire) => {
  wire.weather = { kind: "halving", share: 0.03 };
});

/** Some statements are carried out, and their answer is lost. */
export const loseReplies: Fault = onWire(anyWire, (wire) => {
  wire.weather = { kind: "losing", share: 0.05 };
});

/** Connections stay open, and nothing comes back. */
export const mute: Fault = onWire(({ place }) => place.wire, (wire) => wire.mute());

/** Some statements fail before they begin, with whatever SQLSTATE, or are not answered. */
export const inject: Fault = {
  holds: "nothing",
  async make({ world, place, planned, draw }) {
    const able = [place, ...world.places].find(({ listenWire }) => listenWire !== undefined);
    if (able === undefined) throw new Error("No worker can inject faults");
    await able.process.inject({
      share: 0.02 + draw.below(20) / 100,
      ms: planned.ms,
      seed: planned.seed,
    });
    await pause(planned.ms);
  },
};

function anyWire({ world, place, draw }: Scene): Wire {
  return draw.chance(0.3) ? world.callersWire : place.wire;
}

function onWire(wireOf: (scene: Scene) => Wire, hit: (wire: Wire, scene: Scene) => void): Fault {
  return {
    holds: "nothing",
    async make(scene) {
      const wire = wireOf(scene);
      hit(wire, scene);
      await pause(scene.planned.ms);
      wire.heal();
    },
  };
}
