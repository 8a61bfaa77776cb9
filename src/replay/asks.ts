/**
 * Asks: signals whose senders wait for an answer.
 *
 * - ASK-1: an ask has an id, which its sender chooses. It is one event where the run receives it, and
 *   one where the run answers. Both are named by the id, so the asker finds the answer.
 * - ASK-2: only a handler takes an ask, since only a handler has a result to answer with.
 *
 * @module
 */

import { decode } from "../base/values.ts";
import type { HistoryEvent } from "./history.ts";

/** An ask, as its message and its event hold it. */
export interface Ask {
  /** Its id. */
  readonly ask: string;
  /** The name of the signal. */
  readonly signal: string;
  /** The payload of the signal. */
  readonly payload: unknown;
}

/**
 * Writes an ask.
 *
 * @param ask Its id.
 * @param signal The name of the signal.
 * @param payload The encoded payload of the signal.
 * @returns The encoded ask.
 */
export function askText(ask: string, signal: string, payload: string): string {
  return `{"ask":${JSON.stringify(ask)},"signal":${JSON.stringify(signal)},"payload":${payload}}`;
}

/**
 * Reads an ask.
 *
 * @param text What {@linkcode askText} wrote.
 */
export function readAsk(text: string): Ask {
  return decode(text) as Ask;
}

/** What a handler answers: the value that it returned, or what it threw. */
export type Answer = { readonly value: unknown } | { readonly error: unknown };

/** What a handler's wait receives of an ask: the engine answers it with the handler's result. */
export class Asked {
  /** The id of the ask. */
  readonly id: string;
  /** The name of the signal. */
  readonly signal: string;
  /** What the handler receives. */
  readonly message: unknown;

  /**
   * @param id The id of the ask.
   * @param signal The name of the signal.
   * @param message What the handler receives.
   */
  constructor(id: string, signal: string, message: unknown) {
    this.id = id;
    this.signal = signal;
    this.message = message;
  }
}

/** Whether an event brings a signal to the code: one that is only sent, or an ask. */
export function bringsSignal({ kind }: Pick<HistoryEvent, "kind">): boolean {
  return kind === "signal.received" || kind === "ask.received";
}

/** The name of the signal that an event brings; of another event, its own name. */
export function signalOf(
  { kind, name, payload }: Pick<HistoryEvent, "kind" | "name" | "payload">,
): string {
  return kind === "ask.received" ? readAsk(payload ?? "{}").signal : name;
}
