/**
 * What the parts of one observer share.
 *
 * @module
 */

import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import type { Instruments } from "./instruments.ts";
import type { RunMeters, RunMetersFinder } from "./run_meters.ts";
import type { Sites } from "./sites.ts";
import { isSampled } from "./trace_text.ts";
import type { Tracing } from "./tracing.ts";

/** A span belongs to the trace of what caused it if it begins within so many milliseconds. */
const SAME_TRACE_MS = 60_000;

/** What the parts of one observer share. */
export interface Shared {
  /** Where spans go. */
  readonly tracing: Tracing;
  /** Where metrics go. */
  readonly instruments: Instruments;
  /** Finds the metrics of a run. */
  readonly meters: RunMetersFinder;
  /** Where effects are requested. */
  readonly sites: Sites;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Looks which providers there are, and says the time: at the beginning of everything but steps. */
export function look({ instruments, sites, now }: Shared): void {
  const at = now();
  instruments.look(at);
  sites.pace.tick(at);
}

/** What spans and metrics say of a run. */
export interface RunFacts {
  /** Its id. */
  readonly runId?: string | null | undefined;
  /** Its namespace. */
  readonly namespace?: string | undefined;
  /** Its workflow. */
  readonly workflow?: string | null | undefined;
  /** Its version. */
  readonly hash?: string | null | undefined;
}

/** The metrics of a run; `undefined`: there is no provider of metrics. */
export function metersOf(
  { instruments: { board }, meters }: Shared,
  { workflow, hash }: RunFacts,
): RunMeters | undefined {
  return board && meters.of(board, workflow, hash);
}

/** The attributes of every span of a run. */
export function runAttributes({ runId, namespace, workflow, hash }: RunFacts): Attributes {
  const attributes: Attributes = {};
  if (typeof runId === "string") attributes["continuum.run.id"] = runId;
  if (typeof workflow === "string") attributes["continuum.workflow.name"] = workflow;
  if (typeof namespace === "string") attributes["continuum.namespace"] = namespace;
  if (typeof hash === "string") attributes["continuum.version"] = hash;
  return attributes;
}

/** Where a span stands. */
export interface Placed {
  /** Its parent. */
  readonly parent: Context;
  /** What it is linked to. */
  readonly links: { readonly context: SpanContext }[];
}

/**
 * Where a span stands that another one caused, maybe long ago. What is not sampled stays so: a new
 * root would be sampled anew.
 *
 * @param cause The cause; `undefined`: there is none.
 * @param ageMs How long ago the cause was.
 */
export function placed(cause: SpanContext | undefined, ageMs: number): Placed {
  if (cause === undefined) return { parent: ROOT_CONTEXT, links: [] };
  if (ageMs <= SAME_TRACE_MS || !isSampled(cause)) {
    return { parent: trace.setSpanContext(ROOT_CONTEXT, cause), links: [] };
  }
  return { parent: ROOT_CONTEXT, links: [{ context: cause }] };
}
