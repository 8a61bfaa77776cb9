/**
 * Effects of traces, as tests of timelines need them.
 *
 * @module
 */

import type { Effect } from "../../../src/observer/timeline/rows.ts";

/** When the runs of these tests begin, in milliseconds since the epoch. */
export const START: number = Date.UTC(2026, 10, 29, 12);

/** What a test says of an effect; times are milliseconds after {@linkcode START}. */
interface Said extends Partial<Pick<Effect, "state" | "value" | "input" | "child" | "event">> {
  readonly position: number;
  readonly kind: Effect["kind"];
  readonly name: string;
  readonly from: number | null;
  readonly to?: number;
  readonly line?: number;
  readonly failures?: readonly number[];
}

/** Makes an effect. */
export function effectOf({ from, to, line, failures = [], ...said }: Said): Effect {
  const iso = (time: number | null | undefined) =>
    typeof time === "number" ? new Date(START + time).toISOString() : null;
  const site = line === undefined
    ? null
    : { member: "./order.ts", file: "file:///order.ts", line, column: 9 };
  return {
    ...{ input: null, value: null, until: null, child: null, event: null, task: null },
    state: to === undefined ? "waiting" : "completed",
    ...said,
    requestedAt: iso(from),
    answeredAt: iso(to),
    omitted: [],
    attempts: failures.map((time, index) => ({
      attempt: index + 1,
      error: { name: "Error", message: `no ${index + 1}` },
      failedAt: iso(time)!,
      nextTry: null,
    })),
    site: site as Effect["site"],
    calls: site === null ? [] : [site as NonNullable<Effect["site"]>],
  };
}
