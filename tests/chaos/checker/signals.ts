/**
 * Each signal is received once, or waits unread.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { grouped } from "./grouped.ts";

/** Checks that what was acknowledged is what was received or waits. */
export function* checkSignals(evidence: Evidence): Generator<Finding> {
  const { planned, heard, runs, events, inbox, deliveries } = evidence;
  const received = grouped(
    events.filter(({ kind }) => kind === "signal.received"),
    ({ run }) => run,
  );
  const waiting = grouped(inbox.filter(({ kind }) => kind === "signal"), ({ run }) => run);
  const delivered = grouped(deliveries.filter(({ kind }) => kind === "signal"), ({ run }) => run);
  const byId = new Map(runs.map((run) => [run.id, run]));
  for (const { name } of planned) {
    const told = heard.get(name);
    const run = told === undefined ? undefined : byId.get(told.id);
    if (told === undefined || run === undefined) continue;
    for (const [signal, acknowledged] of Object.entries(told.signals)) {
      const count = (rows: Map<number, { name: string }[]>) =>
        (rows.get(run.key) ?? []).filter((row) => row.name === signal).length;
      const [got, unread, known] = [count(received), count(waiting), count(delivered)];
      if (got + unread !== acknowledged || known !== acknowledged) {
        yield {
          promise: "no signal is lost or doubled",
          message: `Run ${run.id}: ${acknowledged} signals ${signal} were acknowledged, ${got} ` +
            `received, ${unread} wait, ${known} delivery ids are known`,
        };
      }
    }
  }
}
