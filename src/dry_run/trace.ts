/**
 * The trace of a run: a dry-run replay of its history, or of its beginning, that tells for each
 * effect when and where the code requested it, and what answered. Plain data: it can cross a
 * process boundary.
 *
 * @module
 */

import type { CommandKind } from "../replay/commands.ts";
import type { Drain } from "../replay/drain.ts";
import type { EventKind, HistoryEvent } from "../replay/history.ts";
import type { CallSite, DriftReport, Outcome, Refusal, RunStart } from "../replay/turn.ts";
import type { TracedCommand, TracedExecution } from "../replay/traced_execution.ts";
import { tracedExecutionOf } from "../workflow/execute.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** Which part of a run is traced. */
export interface TraceRequest {
  /** The run's start. */
  readonly start: RunStart;
  /** Its whole history. */
  readonly events: readonly HistoryEvent[];
  /** How many events the code receives. */
  readonly at: number;
  /** The first effect to tell, by its place in program order. */
  readonly from: number;
  /** How many effects to tell. */
  readonly limit: number;
  /** Whether to show the lines of code: reading a stack costs about 0.2 ms an effect. */
  readonly sites: boolean;
  /** The most characters of an encoded input or answer; a larger one is left out. */
  readonly payloadChars: number;
  /** Whether an attached debugger stops before the code receives its first event. */
  readonly debug?: boolean;
}

/** One effect of a run. */
export interface TracedEffect {
  /** Its place in program order, from 0. */
  readonly position: number;
  /** What the code requested. */
  readonly kind: CommandKind;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its encoded input; `null`: its kind has none, or it is left out. */
  readonly input: string | null;
  /** What is left out because it is too large: `value` is the payload of the answer. */
  readonly omitted: readonly ("input" | "value")[];
  /** When it ends by itself, in milliseconds since the epoch; `null`: never. */
  readonly until: number | null;
  /** The id of the child run that it is about; `null`: it is about none. */
  readonly child: string | null;
  /** When the code requested it, by the run's clock, in milliseconds since the epoch. */
  readonly requestedAt: number;
  /**
   * `waiting`: no event has answered it. `withdrawn`: the code gave it up, or it is a wait for a
   * signal that has lost a race, and nothing awaits it (ATTENTION-1).
   */
  readonly state: "waiting" | "answered" | "withdrawn";
  /** The event that answered it. */
  readonly answer: TracedAnswer | null;
  /** Its failed attempts, as the history has them. */
  readonly failures: readonly TracedAnswer[];
  /** Where the code requested it, the innermost call first; empty where no line is known. */
  readonly sites: readonly CallSite[];
}

/** What an event says of an effect. */
export interface TracedAnswer {
  /** The event's place in the history, from 0. */
  readonly seq: number;
  /** What it says. */
  readonly kind: EventKind;
  /** The encoded value; `null`: there is none, or it is left out. */
  readonly payload: string | null;
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number;
}

/** What a traced replay shows. */
export interface Trace {
  /** The effects that were asked for, in program order. */
  readonly effects: readonly TracedEffect[];
  /** How many effects the code requested in all. */
  readonly total: number;
  /** What the code waits for at the end of the replay, in program order. */
  readonly waiting: readonly TracedEffect[];
  /** How the code ended; `null`: it has not. */
  readonly outcome: Outcome["kind"] | null;
  /** The encoded result, or the encoded error with which it ended; `null`: neither. */
  readonly output: string | null;
  /** Where code and history part; nothing after it is known. */
  readonly drift: DriftReport | null;
  /** What the code called that a replay can't repeat; nothing after it is known. */
  readonly refused: Refusal | null;
  /**
   * Where the code stopped before its end: where it diverged from the history, made a call that is
   * refused, or threw the error with which it ended. Left out: it did not, or the place is unknown. Bundles do not
   * hold it.
   */
  readonly stoppedAt?: CallSite;
}

/** How many waiting effects a trace tells at most: a run may wait for 100,000. */
const MOST_WAITING = 200;

/**
 * Traces a run on its code.
 *
 * @param definition The code.
 * @param request The run, and which part of it.
 * @param drain How the execution drains its microtasks.
 * @returns The trace.
 */
export async function traceOn(
  definition: WorkflowDefinition<never, unknown>,
  { start, events, at, from, limit, sites, payloadChars, debug = false }: TraceRequest,
  drain: Drain,
): Promise<Trace> {
  if (debug) stopHere();
  const execution = tracedExecutionOf(definition, start, { drain, trace: sites });
  const received = events.slice(0, at);
  // A patch is decided among the events that come with it, and written after them.
  const decided = events.slice(at).filter(({ kind }) => kind === "patched");
  const { outcome, drift, refused } = await execution.turn([...received, ...decided]);
  const waits = new Set(
    execution.outstanding.filter(({ attention }) => attention !== "lost")
      .map(({ position }) => position),
  );
  const failures = Map.groupBy(
    received.filter(({ kind }) => kind === "attempt.failed"),
    ({ position }) => position,
  );
  const isLarge = (text: string | null | undefined) => (text?.length ?? 0) > payloadChars;
  const tell = (command: TracedCommand): TracedEffect => ({
    position: command.position,
    kind: command.kind,
    name: command.name,
    input: isLarge(command.input) ? null : command.input,
    omitted: [
      ...isLarge(command.input) ? ["input" as const] : [],
      ...isLarge(command.answer?.payload) ? ["value" as const] : [],
    ],
    until: command.deadline,
    child: command.child,
    requestedAt: command.requestedAt,
    state: command.answer !== null
      ? "answered"
      : waits.has(command.position)
      ? "waiting"
      : "withdrawn",
    answer: command.answer && answerOf(command.answer, isLarge(command.answer.payload)),
    failures: (failures.get(command.position) ?? []).map((event) => answerOf(event)),
    sites: sites ? command.stack.sites : [],
  });
  const { requested } = execution;
  const stoppedAt = drift?.site ?? refused?.site ?? thrownAt(execution, outcome);
  return {
    effects: requested.slice(from, from + limit).map(tell),
    total: requested.length,
    waiting: [...waits].slice(0, MOST_WAITING).map((position) => tell(requested[position]!)),
    outcome: outcome?.kind ?? null,
    output: outputOf(outcome),
    drift,
    refused,
    ...(stoppedAt === null ? {} : { stoppedAt }),
  };
}

/**
 * An error that an effect answered with has no place of its own: it is thrown by the code's wait for
 * that effect.
 */
function thrownAt(execution: TracedExecution, outcome: Outcome | null): CallSite | null {
  if (outcome?.kind !== "failed" && outcome?.kind !== "cancelled") return null;
  if (execution.thrownAt !== null) return execution.thrownAt;
  const isIts = ({ answer }: TracedCommand) =>
    answer === null
      ? outcome.kind === "cancelled"
      : answer.kind.endsWith(".failed") && holdsMessage(outcome.error, answer.payload);
  return execution.requested.findLast(isIts)?.stack.site ?? null;
}

/** Whether an encoded error is, or was caused by, the error of an event. */
function holdsMessage(error: string, payload: string | null): boolean {
  const [message] = /"message":"(?:[^"\\]|\\.)*"/.exec(payload ?? "") ?? [];
  return message !== undefined && error.includes(message);
}

function answerOf({ seq, kind, payload, at }: HistoryEvent, isOmitted = false): TracedAnswer {
  return { seq, kind, payload: isOmitted ? null : payload, at };
}

function outputOf(outcome: Outcome | null): string | null {
  if (outcome === null || outcome.kind === "continued") return null;
  return outcome.kind === "completed" ? outcome.result : outcome.error;
}

/** Every module of the version is loaded here, so breakpoints can be set in all of them. */
function stopHere(): void {
  // deno-lint-ignore no-debugger
  debugger;
}
