/**
 * Parents and children agree: on how each child ended, and that none lives on.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { grouped } from "./grouped.ts";

/** Checks children against what their parents received. */
export function* checkFamilies({ runs, events }: Evidence): Generator<Finding> {
  const byKey = new Map(runs.map((run) => [run.key, run]));
  const eventsOf = grouped(events, ({ run }) => run);
  for (const child of runs) {
    if (child.parent === null) continue;
    const parent = byKey.get(child.parent);
    if (parent === undefined) {
      yield { promise: AGREE, message: `Child ${child.id} has no parent` };
      continue;
    }
    if (child.endedAt === null && parent.endedAt !== null) {
      yield { promise: AGREE, message: `Child ${child.id} outlives ${parent.id}` };
    }
    // The id of a child has the position of the call: order-1>3.k9x2ab
    const position = Number(/>(\d+)\.[^>]*$/.exec(child.id)?.[1]);
    const told = (eventsOf.get(parent.key) ?? []).filter((event) =>
      event.position === position && event.kind.startsWith("child.")
    );
    if (told.length > 1) {
      yield {
        promise: AGREE,
        message: `${parent.id} received ${told.length} ends of ${child.id}`,
      };
    }
    for (const { kind, payload } of told) {
      const agrees = kind === "child.completed"
        ? child.state === "completed" && JSON.stringify(payload) === JSON.stringify(child.result)
        : child.state !== "completed";
      if (agrees) continue;
      const message = `${parent.id} received ${kind} ${JSON.stringify(payload)} of ${child.id}, ` +
        `which is ${child.state} with ${JSON.stringify(child.result)}`;
      yield { promise: AGREE, message };
    }
  }
}

const AGREE = "parents and children agree";
