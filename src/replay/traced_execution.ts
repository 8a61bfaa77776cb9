/**
 * An execution that remembers each effect that the code requests: when, where, and what answered.
 *
 * @module
 */

import { CallStack, siteOfError } from "./call_stack.ts";
import { calledRun, type CommandKind } from "./commands.ts";
import type { HistoryEvent } from "./history.ts";
import { Execution } from "./machine.ts";
import type { Request } from "./requested_command.ts";
import type { CallSite } from "./turn.ts";

/** One effect that the code requested. */
export interface TracedCommand {
  /** Its place in program order, from 0. */
  readonly position: number;
  /** What was requested. */
  readonly kind: CommandKind;
  /** Its name; "" for a sleep. */
  readonly name: string;
  /** Its encoded input; `null`: its kind has none. */
  readonly input: string | null;
  /** The digest of its input; `null`: its kind has none. */
  readonly digest: string | null;
  /** When it ends by itself, in milliseconds since the epoch; `null`: never. */
  readonly deadline: number | null;
  /** The id of the child run that it is about; `null`: it is about none. */
  readonly child: string | null;
  /** The idempotency key that the code gives its attempts; `undefined`: the engine makes one. */
  readonly key: string | null | undefined;
  /** The run's clock at the request, in milliseconds since the epoch. */
  readonly requestedAt: number;
  /** The stack at the request: taken in microseconds, and read only on demand. */
  readonly stack: CallStack;
  /** The event that answered it; `null`: none has. */
  answer: HistoryEvent | null;
}

/** Remembers each effect that its code requests. */
export class TracedExecution extends Execution {
  /** The effects, in program order. */
  readonly requested: TracedCommand[] = [];

  override ask(request: Request): Promise<unknown> {
    const { kind, name, input, digest, deadline, options: { child, call, idempotencyKey } } =
      request;
    this.requested.push({
      position: this.position,
      kind,
      name,
      input,
      digest,
      deadline,
      child: child?.id ?? (call === undefined ? null : calledRun(call)),
      key: idempotencyKey,
      requestedAt: this.virtualNow(),
      stack: new CallStack(),
      answer: null,
    });
    return super.ask(request);
  }

  /** Where the error was made with which the code ended; `null`: it has not, or that is unknown. */
  thrownAt: CallSite | null = null;

  protected override onThrown(error: unknown): void {
    this.thrownAt = siteOfError(error);
  }

  protected override onAnswer(position: number, event: HistoryEvent): void {
    this.requested[position]!.answer = event;
  }
}
