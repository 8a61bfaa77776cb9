/**
 * Where in a history a fork begins, and which events it takes over.
 *
 * A fork begins after a delivery: what the code does as a reaction to that delivery, the fork does
 * by itself, under its own identity (ORIGIN-1 of `src/replay/origins.ts`).
 *
 * @module
 */

import { checkText, checkWhole, refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { OriginStart } from "../../replay/origins.ts";
import { isDelivery } from "../../replay/settle.ts";
import { wrongRunState } from "../errors.ts";

/**
 * Where a fork begins. Exactly one of the three is given.
 *
 * @category Runs
 */
export interface ForkPoint {
  /** After this many events of the present generation; 0: at its beginning. */
  readonly at?: number;
  /** Before the event that answers the effect with this name, which one effect must have. */
  readonly before?: string;
  /**
   * Before the last event that reports a failure: of an effect, by a cancellation or by the run's
   * timeout. After all events if the code of a run failed by itself.
   */
  readonly fromFailure?: boolean;
}

/** The part of a history that a fork takes over. */
export interface Prefix {
  /** How many events of the history come before the point. */
  readonly events: number;
  /** Which of them the fork does not take over, by their place in the history. */
  readonly dropped: readonly number[];
  /** Which of the later ones it takes over, too. */
  readonly extra: readonly number[];
  /** The events that it takes over, numbered as in the fork. */
  readonly kept: readonly HistoryEvent[];
  /** The seq, in the fork, after the last delivery; 0: the fork takes over no event. */
  readonly until: number;
}

const WHICH = "options at, before and fromFailure of fork()";

/** Checks the options of a point, before any query. */
export function checkPoint({ at, before, fromFailure }: ForkPoint): void {
  const given = [at, before, fromFailure].filter((value) => value !== undefined).length;
  if (given !== 1) {
    refuse(WHICH, inWords(given === 0 ? "none" : `${given} of them`), "exactly one of them");
  }
  if (at !== undefined) checkWhole(at, "option at of fork()", 0);
  if (before !== undefined) checkText(before, "option before of fork()");
  if (fromFailure !== undefined && fromFailure !== true) {
    refuse("option fromFailure of fork()", fromFailure, "true");
  }
}

/**
 * Finds the point in a history.
 *
 * @param point The point.
 * @param history The events of the present generation.
 * @param row The run.
 * @returns How many events come before it.
 * @throws {InvalidArgumentError} If there is no such point.
 * @throws {RunStateError} (`RUN_STATE`) If nothing has failed.
 */
export function placeOf(point: ForkPoint, history: readonly HistoryEvent[], row: RunRow): number {
  const { at, before } = point;
  if (at !== undefined) {
    if (at <= history.length) return at;
    refuse("option at of fork()", at, `a whole number from 0 to ${history.length}`);
  }
  if (before !== undefined) {
    const named = history.flatMap((event, index) =>
      isDelivery(event) && event.position !== null && event.name === before ? [index] : []
    );
    if (named.length === 1) return named[0]!;
    refuse(
      "option before of fork()",
      before,
      named.length === 0
        ? "the name of an effect that the present generation has an answer of"
        : `the name of one effect; events ${named.slice(0, 10).join(", ")} have it: pass one as at`,
    );
  }
  const failure = history.findLastIndex((event) =>
    isDelivery(event) && (event.kind.endsWith(".failed") || event.kind === "cancel.requested")
  );
  if (failure >= 0) return failure;
  if (row.state === "failed") return history.length;
  throw wrongRunState(row.runId, "fork the run", row.state, "one of which an effect has failed");
}

/**
 * The part of a history before a point. It ends with a delivery. The notes after it stay behind: the
 * code makes them again. So do failed attempts of effects that have no answer yet: the fork tries
 * these effects anew. Decisions of `ctx.patched` are written after all deliveries of their commit, so
 * those that follow the commit of the last delivery are taken over.
 *
 * @param history The events.
 * @param at How many events come before the point.
 */
export function prefixOf(history: readonly HistoryEvent[], at: number): Prefix {
  const last = history.slice(0, at).findLastIndex(isDelivery);
  if (last < 0) return { events: 0, dropped: [], extra: [], kept: [], until: 0 };
  const answered = new Set(
    history.slice(0, last + 1).filter(isDelivery).map(({ position }) => position),
  );
  const isIn = (event: HistoryEvent, index: number): boolean =>
    index > last ? event.kind === "patched" : event.kind !== "attempt.failed" ||
      answered.has(event.position);
  const places = [...history.slice(0, decidedBy(history, last)).entries()];
  const kept = places.filter(([index, event]) => isIn(event, index));
  const events = last + 1;
  return {
    events,
    dropped: places.slice(0, events).filter(([i, event]) => !isIn(event, i)).map(([i]) => i),
    extra: kept.filter(([index]) => index >= events).map(([index]) => index),
    kept: kept.map(([, event], seq) => ({ ...event, seq })),
    until: kept.filter(([index]) => index < events).length,
  };
}

/** Where the decisions end that a delivery, or one of its commit, has led to. */
function decidedBy(history: readonly HistoryEvent[], delivery: number): number {
  const { at } = history[delivery]!;
  const isLater = (event: HistoryEvent, index: number) =>
    index > delivery && isDelivery(event) && event.at !== at;
  const later = history.findIndex(isLater);
  return later < 0 ? history.length : later;
}

/**
 * The starts under which the events of a prefix were recorded (ORIGIN-2 of `src/replay/origins.ts`).
 *
 * @param inherited Those of the original itself.
 * @param own The start of the original.
 * @param prefix The prefix.
 */
export function startsOf(
  inherited: readonly OriginStart[],
  own: Omit<OriginStart, "until">,
  { dropped, until }: Prefix,
): OriginStart[] {
  const starts: OriginStart[] = [];
  for (const start of [...inherited, { ...own, until: Infinity }]) {
    if ((starts.at(-1)?.until ?? 0) >= until) break;
    const place = start.until - dropped.filter((index) => index < start.until).length;
    starts.push({ ...start, until: Math.min(place, until) });
  }
  return starts;
}
