/**
 * A trace from a history alone, for runs whose code can't be replayed: what the events say of their
 * effects. When the code requested an effect, its input and its line are unknown.
 *
 * @module
 */

import type { TracedAnswer, TracedEffect, TraceRequest } from "../../dry_run/trace.ts";
import { signalOf } from "../../replay/asks.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import { ANSWERS } from "../../replay/settle.ts";

/** An effect, as far as it is known. */
export type KnownEffect = Omit<TracedEffect, "requestedAt"> & {
  /** When the code requested it, in milliseconds since the epoch; `null`: unknown. */
  readonly requestedAt: number | null;
};

/**
 * Lists the effects that a history has events of.
 *
 * @param request The history, and which part of it.
 * @returns The effects of the page, in program order, and how many are known.
 */
export function effectsOf(
  { events, at, from, limit, payloadChars }: TraceRequest,
): { readonly effects: readonly KnownEffect[]; readonly total: number } {
  const received = events.slice(0, at).filter(({ position }) => position !== null);
  const byPosition = [...Map.groupBy(received, ({ position }) => position!)]
    .sort(([a], [b]) => a - b);
  const effects = byPosition.slice(from, from + limit).map(([position, found]) =>
    effectOf(position, found, payloadChars)
  );
  return { effects, total: byPosition.length };
}

function effectOf(
  position: number,
  events: readonly HistoryEvent[],
  payloadChars: number,
): KnownEffect {
  const answer = events.find(({ kind }) => ANSWERS[kind] !== null) ?? null;
  const failures = events.filter(({ kind }) => kind === "attempt.failed");
  const { kind, digest } = answer ?? events[0]!;
  const isOmitted = (answer?.payload?.length ?? 0) > payloadChars;
  return {
    position,
    // A failed attempt of an activity has the digest of its input, one of a step has none.
    kind: ANSWERS[kind] ?? (digest === null ? "step" : "activity"),
    name: signalOf(answer ?? events[0]!),
    input: null,
    omitted: isOmitted ? ["value"] : [],
    until: null,
    child: null,
    requestedAt: null,
    state: answer === null ? "waiting" : "answered",
    answer: answer === null ? null : shown(answer, isOmitted),
    failures: failures.map((event) => shown(event, false)),
    sites: [],
  };
}

function shown({ seq, kind, payload, at }: HistoryEvent, isOmitted: boolean): TracedAnswer {
  return { seq, kind, payload: isOmitted ? null : payload, at };
}
