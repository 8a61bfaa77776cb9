/**
 * A tiny executor over a journal in memory, for tests of the machine alone.
 *
 * @module
 */

import { digestText } from "../../src/base/digest.ts";
import { encode } from "../../src/base/values.ts";
import { encodeError } from "../../src/base/values_failure.ts";
import { askText } from "../../src/replay/asks.ts";
import type { Command } from "../../src/replay/commands.ts";
import { asyncDrain, type Drain, probeDrain } from "../../src/replay/drain.ts";
import type { CancelRequest, EventKind, HistoryEvent } from "../../src/replay/history.ts";
import type { Execution, ExecutionOptions } from "../../src/replay/machine.ts";
import type { RunStart } from "../../src/replay/turn.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { executionOf } from "../../src/workflow/execute.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";

/** Both drains, by name: what holds for one must hold for the other. */
export const DRAINS: readonly (readonly [string, Drain])[] = [
  ["runMicrotasks", await probeDrain()],
  ["setImmediate", asyncDrain],
];

/** When every run of these tests starts: 2026-01-31T00:00:00Z. */
export const STARTED_AT = 1_769_817_600_000;

/** An execution of `body`, which has not taken a turn. */
export function executionFor(
  body: (ctx: WorkflowContext, input: never) => unknown,
  options: Partial<ExecutionOptions> & { input?: unknown; start?: Partial<RunStart> } = {},
): Execution {
  const { input, start, ...rest } = options;
  return executionOf(
    defineWorkflow({ name: "tested" }, body),
    {
      runId: "run-1",
      workflow: "tested",
      version: "v1",
      input: encode(input),
      seed: "a seed",
      startedAt: STARTED_AT,
      origin: null,
      ...start,
    },
    { drain: (DRAINS[0] as readonly [string, Drain])[1], ...rest },
  );
}

/** What identifies a command: everything that the journal or a timer knows about it. */
export function essence(commands: readonly Command[]): unknown[] {
  return commands.map(({ position, nth, kind, name, digest, input, deadline }) => ({
    position,
    nth,
    kind,
    name,
    digest,
    input,
    deadline,
  }));
}

/** A journal in memory that numbers its events and lets a second pass for each. */
export class Journal {
  readonly events: HistoryEvent[] = [];

  /** Appends one event about a command. */
  add(kind: EventKind, command: Command, payload: string | null = null): HistoryEvent {
    const { position, name, digest } = command;
    return this.append({ kind, position, name, digest, payload });
  }

  /** Appends one event as it is given. */
  append(event: Omit<HistoryEvent, "seq" | "at">): HistoryEvent {
    const seq = this.events.length;
    const full = { ...event, seq, at: STARTED_AT + (seq + 1) * 1_000 };
    this.events.push(full);
    return full;
  }

  /** Gives the last events one time, as those have that are written by one commit. */
  commit(batch: readonly HistoryEvent[]): HistoryEvent[] {
    const written = batch.map((event) => ({ ...event, at: batch.at(-1)!.at }));
    this.events.splice(this.events.length - written.length, written.length, ...written);
    return written;
  }

  /** Appends the success of a command; a value for those that answer with one. */
  succeed(command: Command, value?: unknown): HistoryEvent {
    switch (command.kind) {
      case "step":
        return this.add("step.completed", command, encode(value));
      case "activity":
        return this.add("activity.completed", command, encode(value));
      case "sleep":
        return this.add("timer.fired", command);
      case "signal": {
        const { names = [command.name] } = command;
        const name = names[this.events.length % names.length]!;
        const isAsk = command.options.handles === true && this.events.length % 2 === 0;
        if (isAsk) return this.ask(command, `ask-${this.events.length}`, name, value);
        return this.add("signal.received", { ...command, name }, encode(value));
      }
      default:
        return this.add(`${command.kind}.completed`, command, encode(value));
    }
  }

  /** Appends an ask that a handler takes. */
  ask(command: Command, id: string, signal: string, value: unknown): HistoryEvent {
    const text = askText(id, signal, encode(value));
    return this.add("ask.received", { ...command, name: id }, text);
  }

  /** Appends the failure of a step or an activity, or the timeout of a wait. */
  fail(command: Command, error: unknown = new Error("It failed")): HistoryEvent {
    if (command.kind === "signal") return this.add("signal.timeout", command);
    if (command.kind === "sleep") throw new Error("A sleep cannot fail");
    const failure = encodeError(error);
    const isChild = command.kind === "child";
    const payload = isChild ? encode({ state: "failed", error: failure }) : failure;
    return this.add(`${command.kind}.failed`, command, payload);
  }

  /** Appends a request to cancel the run. */
  cancel(more: Pick<CancelRequest, "force"> = {}): HistoryEvent {
    const payload = encode({ reason: "at random", ...more } satisfies CancelRequest);
    return this.append({
      kind: "cancel.requested",
      position: null,
      name: "",
      digest: null,
      payload,
    });
  }

  /** Appends the `true` of a patch. */
  patch(name: string): HistoryEvent {
    return this.append({ kind: "patched", position: null, name, digest: null, payload: null });
  }
}

/** A command as a history may hold it, for histories written by hand. */
export function recorded(
  kind: Command["kind"],
  position: number,
  name: string,
  digest: string | null = null,
): Command {
  return {
    kind,
    position,
    nth: 0,
    name,
    digest,
    input: null,
    deadline: null,
    options: {},
    cancelled: null,
  };
}

/** The digest of an activity's input. */
export function inputDigest(input: unknown): string {
  return digestText(encode(input));
}
