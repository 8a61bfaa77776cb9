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
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { RELEASE } from "../base/release.ts";
import { shortHash } from "../base/text.ts";
import type { AttemptLabels } from "./attempt_labels.ts";
import { type Instruments, SCOPE } from "./instruments.ts";
import type { Sites } from "./sites.ts";
import { isSampled } from "./trace_text.ts";

/** A span belongs to the trace of what caused it if it begins within so many milliseconds. */
const SAME_TRACE_MS = 60_000;

/** What the parts of one observer share. */
export interface Shared {
  /** The provider; the global one when `undefined`. */
  readonly tracerProvider: TracerProvider | undefined;
  /** Whether spans are made. */
  readonly spans: boolean;
  /** Whether metrics of runs name the version. */
  readonly versions: boolean;
  /** Records metrics. */
  readonly instruments: Instruments;
  /** Where effects are requested. */
  readonly sites: Sites;
  /** The attributes of attempts that were measured before. */
  readonly attemptLabels: AttemptLabels;
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

/** The tracer, asked for at each use, so that a provider may be registered later. */
export function tracerOf({ tracerProvider }: Shared): Tracer {
  return (tracerProvider ?? trace).getTracer(SCOPE, RELEASE);
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

/** The attributes of metrics of runs. */
export function runLabels(
  { versions, instruments }: Shared,
  { workflow, hash }: { readonly workflow: string; readonly hash?: string | null },
): Attributes {
  const name = instruments.bounded("continuum.workflow.name", workflow);
  const labels: Attributes = { "continuum.workflow.name": name };
  if (versions && typeof hash === "string") {
    labels["continuum.version"] = instruments.bounded("continuum.version", shortHash(hash));
  }
  return labels;
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
