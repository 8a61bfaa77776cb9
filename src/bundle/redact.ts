/**
 * Removes payloads from the runs of a bundle.
 *
 * - REDACT-1: a redacted run keeps what the code and its author named (ids, names of effects, kinds,
 *   places in the code) and all times. It keeps no value of the run: no input, result, error,
 *   payload, attribute or status, no digest of one, no message that may quote one, and no seed.
 *
 * @module
 */

import type { Trace, TracedAnswer, TracedEffect } from "../dry_run/trace.ts";
import type { DriftReport, DriftSide } from "../replay/turn.ts";
import { originText, readOrigin } from "../replay/origins.ts";
import { policyOf, policyText } from "../workflow/run_policy.ts";
import type { StuckReason } from "../ports/rows.ts";
import type { BundledRun, BundledTimeline } from "./content.ts";

const REMOVED = "(redacted)";

/**
 * Removes the payloads of a run.
 *
 * @param run The run.
 * @param timelines The traces of its generations, made before.
 * @returns The run without its payloads (REDACT-1).
 */
export function redacted(run: BundledRun, timelines: readonly BundledTimeline[]): BundledRun {
  const { facts } = run;
  return {
    ...run,
    facts: {
      ...facts,
      attributes: {},
      customStatus: null,
      failure: null,
      policy: withoutHeaders(facts.policy),
      stuckReason: facts.stuckReason && withoutMessage(facts.stuckReason),
    },
    generations: run.generations.map(({ origin, headers: _, ...history }) => ({
      ...history,
      ...withoutStarts(origin),
      seed: "",
      input: "",
      result: null,
      error: null,
      events: history.events.map((event) => ({ ...event, digest: null, payload: null })),
    })),
    inbox: run.inbox.map((message) => ({ ...message, payload: null })),
    tasks: run.tasks.map((task) => ({
      ...task,
      failures: task.failures.map((failure) => ({ ...failure, error: "" })),
      heartbeat: null,
    })),
    loadFailures: run.loadFailures.map(({ node, reason }) => ({
      node,
      reason: withoutMessage(reason),
    })),
    timelines: timelines.map((timeline) => ({
      ...timeline,
      trace: timeline.trace && withoutPayloads(timeline.trace),
    })),
  };
}

function withoutHeaders(policy: string | null): string | null {
  const { headers: _, ...terms } = policyOf(policy);
  return policyText(terms);
}

/** The starts of a fork's origin hold seeds; which run it comes from stays. */
function withoutStarts(text: string | null | undefined): { readonly origin?: string } {
  const origin = readOrigin(text);
  return origin === null ? {} : { origin: originText({ ...origin, starts: [] }) };
}

function withoutMessage({ code }: StuckReason): StuckReason {
  return { code, message: REMOVED };
}

function withoutPayloads({ stoppedAt: _, ...trace }: Trace): Trace {
  return {
    ...trace,
    effects: trace.effects.map(withoutValues),
    waiting: trace.waiting.map(withoutValues),
    output: null,
    drift: trace.drift && withoutDigests(trace.drift),
  };
}

function withoutValues(effect: TracedEffect): TracedEffect {
  const answer = (found: TracedAnswer) => ({ ...found, payload: null });
  return {
    ...effect,
    input: null,
    omitted: [],
    answer: effect.answer && answer(effect.answer),
    failures: effect.failures.map(answer),
  };
}

function withoutDigests(drift: DriftReport): DriftReport {
  const side = (found: DriftSide) => ({ ...found, digest: null });
  return {
    ...drift,
    expected: side(drift.expected),
    found: drift.found && side(drift.found),
    message: REMOVED,
  };
}
