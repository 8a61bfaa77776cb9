/**
 * Trace contexts as texts, in the columns `trace` of runs, messages and tasks. They are written by
 * hand, since the application may have no propagator, or another one.
 *
 * @module
 */

import { createTraceState, type SpanContext, TraceFlags } from "@opentelemetry/api";

/** The longest `tracestate` that is kept, in characters. */
const MOST_STATE = 512;

/** Of a run's stays, the first and the last that many are kept. */
const MOST_STAYS = 16;

const PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?: (.*))?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/**
 * Writes a trace context.
 *
 * @param context The context.
 * @returns The text; `undefined` if the context is invalid, as it is without a provider.
 */
export function contextText(context: SpanContext): string | undefined {
  const { traceId, spanId, traceFlags, traceState } = context;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  const text = `00-${traceId}-${spanId}-${flags}`;
  if (readContext(text) === undefined) return undefined;
  const state = traceState?.serialize() ?? "";
  return state === "" || state.length > MOST_STATE || /[^\x20-\x7e]/.test(state)
    ? text
    : `${text} ${state}`;
}

/**
 * Reads a trace context.
 *
 * @param text The text.
 * @returns The context; `undefined` if the text is not one.
 */
export function readContext(text: string | null | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags, state] = PARENT.exec(text ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  const traceFlags = parseInt(flags, 16);
  const context = { traceId, spanId, traceFlags, isRemote: true };
  return state === undefined ? context : { ...context, traceState: createTraceState(state) };
}

/** Whether spans under a context are recorded. */
export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** The trace of a run: the context of its start, and its stays in the memory of nodes. */
export interface RunTrace {
  /** The start; `undefined`: it had none. */
  readonly start: SpanContext | undefined;
  /** The first stays and the last ones, in order. */
  readonly stays: readonly SpanContext[];
}

/** Reads the trace of a run. */
export function readTrace(text: string | null | undefined): RunTrace {
  const [start, ...stays] = (text ?? "").split("\n");
  return { start: readContext(start), stays: stays.flatMap((line) => readContext(line) ?? []) };
}

/**
 * Adds a stay to the trace of a run.
 *
 * @param text The trace of the run; `null`: it has none.
 * @param stay The stay.
 * @returns The new trace; `undefined`: the stay has no valid context.
 */
export function withStay(text: string | null | undefined, stay: SpanContext): string | undefined {
  const { traceState: _, ...plain } = stay;
  const line = contextText(plain);
  if (line === undefined) return undefined;
  const [start = "", ...stays] = (text ?? "").split("\n");
  const all = [...stays, line];
  if (all.length > 2 * MOST_STAYS) all.splice(MOST_STAYS, all.length - 2 * MOST_STAYS);
  return [start, ...all].join("\n");
}
