/**
 * Replays histories, to check that code still does what the run has done.
 *
 * @module
 */

import { importAbsolute } from "../base/import_absolute.ts";
import { quoteId } from "../base/describe.ts";
import { isContinuumError } from "../base/errors.ts";
import { messageOf } from "../base/text.ts";
import { decodeError } from "../base/values_failure.ts";
import { type RunHistory, startOf } from "../bundle/history.ts";
import { type Drain, probeDrain } from "../replay/drain.ts";
import { installGuard } from "../replay/guard.ts";
import { Execution } from "../replay/machine.ts";
import type { Request } from "../replay/requested_command.ts";
import type { Outcome, Turn } from "../replay/turn.ts";
import { readDefinition } from "../version/definition.ts";
import { Context } from "../workflow/context.ts";
import { isWorkflow } from "../workflow/workflow.ts";
import type { AnyWorkflow } from "./definitions.ts";
import { ReplayError } from "./errors.ts";
import { loadHistory } from "./history.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/**
 * Asserts that a history replays on some code: every effect that the code requests matches the
 * recorded one, no recorded event is left over, and a run that had ended ends in the same way. No
 * effect is executed.
 *
 * ```ts ignore
 * import history from "./order-o-1.history.json" with { type: "json" };
 *
 * Deno.test("orders that are on their way continue with this code", async () => {
 *   await assertReplays(order, history);
 * });
 * ```
 *
 * @param code The workflow: its definition, its module's namespace, or the module's absolute
 *   specifier, which is imported.
 * @param history What `dump()` or {@linkcode dumpHistory} returned, or its JSON, in text or parsed.
 * @throws {ReplayError} If the history does not replay, with the place where code and history
 * diverge.
 * @throws {HistoryFormatError} If the history can't be parsed.
 */
export async function assertReplays(
  code: AnyWorkflow | { readonly default: AnyWorkflow } | string,
  history: unknown,
): Promise<void> {
  installGuard();
  const read = loadHistory(history);
  await replay(await definitionOf(code), read, { drain: await probeDrain() });
}

/** The properties of a requested effect that a replay must repeat. */
export interface AskedEffect {
  /** Its place in program order, from 0. */
  readonly position: number;
  /** The kind of effect. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** The digest of its input. */
  readonly digest: string | null;
}

/** Records every requested effect, including those that settle in the same turn. */
class RecordingExecution extends Execution {
  readonly requested: AskedEffect[] = [];

  override ask(request: Request): Promise<unknown> {
    const { kind, name, digest } = request;
    this.requested.push({ position: this.position, kind, name, digest });
    return super.ask(request);
  }
}

/** Options of a replay. */
export interface ReplayOptions {
  /** How executions drain their microtasks. */
  readonly drain: Drain;
  /** The most bytes of a value; taken from the history when omitted. */
  readonly payloadBytes?: number;
  /** How many events the first turn receives; all when omitted. */
  readonly cut?: number;
}

/**
 * Replays a history on a definition.
 *
 * @returns The effects that the code requested, in program order.
 * @throws {ReplayError} If the history does not replay.
 */
export async function replay(
  definition: AnyWorkflow,
  history: RunHistory,
  { drain, payloadBytes = limitOf(history), cut = history.events.length }: ReplayOptions,
): Promise<readonly AskedEffect[]> {
  if (history.events.length === 0 && !endedByItsCode(history)) return [];
  const execution = new RecordingExecution(
    (effects, input) =>
      (definition as WorkflowDefinition).run(new Context(effects, definition.signals), input),
    startOf(history),
    { drain, payloadBytes, trace: true },
  );
  const { events } = history;
  // A patch is decided within a batch of events and written after them, so no crash can separate
  // them.
  const decided = events.slice(cut).filter(({ kind }) => kind === "patched");
  let turn = checked(history, await execution.turn([...events.slice(0, cut), ...decided]));
  if (cut < events.length) turn = checked(history, await execution.turn(events.slice(cut)));
  checkOutcome(history, turn.outcome);
  return execution.requested;
}

/**
 * Replays a history once for each of several cuts, each time on a fresh execution, as if the
 * process had died there. All replays must request the same effects.
 *
 * @throws {ReplayError} If one does not replay, or if two request different effects.
 */
export async function replayWithCuts(
  definition: AnyWorkflow,
  history: RunHistory,
  options: ReplayOptions,
): Promise<void> {
  const [first = 0, ...others] = cutsOf(history.events.length);
  const wanted = await replay(definition, history, { ...options, cut: first });
  for (const cut of others) {
    const requested = await replay(definition, history, { ...options, cut });
    const at = wanted.findIndex((effect, index) => !isSame(effect, requested[index]));
    const differs = at >= 0 || requested.length > wanted.length;
    if (!differs) continue;
    const index = at >= 0 ? at : wanted.length;
    throw new ReplayError(
      history.runId,
      `the code asked for ${
        show(wanted[index])
      } when the run was taken up after ${first} events, ` +
        `and for ${
          show(requested[index])
        } after ${cut}; it depends on something that is not in its ` +
        `history, such as a variable of its module`,
    );
  }
}

/**
 * Returns the cuts: before the first event, then at every event of a short history, and at some
 * events of a long one.
 */
function cutsOf(length: number): number[] {
  const step = Math.max(1, length / MOST_CUTS);
  const cuts = new Set([0, length]);
  for (let cut = 0; cut < length; cut += step) cuts.add(Math.floor(cut));
  return [...cuts].sort((a, b) => a - b);
}

const MOST_CUTS = 16;

function isSame(a: AskedEffect, b: AskedEffect | undefined): boolean {
  return a.position === b?.position && a.kind === b.kind && a.name === b.name &&
    a.digest === b.digest;
}

function show(effect: AskedEffect | undefined): string {
  if (effect === undefined) return "nothing";
  const { kind, name, position, digest } = effect;
  const input = digest === null ? "" : ` (${digest})`;
  return `${kind}${name === "" ? "" : ` ${quoteId(name)}`} at position ${position}${input}`;
}

function checked({ runId }: RunHistory, turn: Turn): Turn {
  const { drift, refused } = turn;
  if (drift !== null) throw new ReplayError(runId, drift.message, { drift });
  if (refused !== null) throw new ReplayError(runId, refused.message, { refused });
  if (turn.idle) {
    throw new ReplayError(
      runId,
      "the code neither ended nor waits for anything of the engine's: it awaits a promise that " +
        "is not ctx's",
    );
  }
  return turn;
}

/** Checks that a run that had ended by its code ends again in the same way. */
function checkOutcome(history: RunHistory, outcome: Outcome | null): void {
  const { runId, state, result, error } = history;
  if (state === "over" && outcome === null) {
    throw new ReplayError(
      runId,
      "its generation ended, and on this code it still waits in the end",
    );
  }
  if (state !== "completed" && state !== "failed" && state !== "cancelled") return;
  if (!endedByItsCode(history)) return;
  if (outcome?.kind === "continued" && codeOf(history) === "INVALID_INPUT") return;
  if (outcome?.kind !== state) {
    const found = outcome === null ? "still waits" : `is ${outcome.kind}`;
    throw new ReplayError(runId, `it was ${state}, and on this code it ${found} in the end`);
  }
  if (outcome.kind === "completed") {
    if (outcome.result === result) return;
    throw new ReplayError(
      runId,
      `it returned ${result ?? "nothing"}, and on this code it returns ${outcome.result}`,
    );
  }
  const [was, is] = [error, outcome.error].map(signature);
  if (was !== is) {
    throw new ReplayError(runId, `it ended by ${was}, and on this code it ends by ${is}`);
  }
}

/**
 * Whether a run ended by its code. Code receives a cancellation or a timeout by an event, unless no
 * code had run yet or the code was unavailable.
 */
function endedByItsCode(history: RunHistory): boolean {
  const isStopped = history.state === "cancelled" || codeOf(history) === "RUN_TIMEOUT";
  return !isStopped || history.events.some(({ kind }) => kind === "cancel.requested");
}

/** The code of the error with which it ended, if that error has one. */
function codeOf({ error }: RunHistory): string | null {
  const thrown = typeof error === "string" ? decodeError(error) : null;
  return isContinuumError(thrown) ? thrown.code : null;
}

/** A result that was too large is too large again. */
function limitOf({ error }: RunHistory): number {
  const thrown = typeof error === "string" ? decodeError(error) : null;
  const limit = isContinuumError(thrown, "PAYLOAD_TOO_LARGE") ? thrown.details.limit : Infinity;
  return typeof limit === "number" ? limit : Infinity;
}

/** The compared properties of an error: stacks differ between processes. */
function signature(encoded: string | null | undefined): string {
  if (encoded === null || encoded === undefined) return "nothing";
  const error = decodeError(encoded);
  if (!(error instanceof Error)) return messageOf(error);
  const code = isContinuumError(error) ? ` (${error.code})` : "";
  return `${error.name}${code}: ${error.message}`;
}

async function definitionOf(
  code: AnyWorkflow | { readonly default: AnyWorkflow } | string,
): Promise<AnyWorkflow> {
  if (isWorkflow(code)) return code as AnyWorkflow;
  if (typeof code !== "string") return readDefinition({ ...code }, "the module");
  return readDefinition(await importAbsolute(import.meta.resolve(code)), code);
}
