/**
 * Signals that are asks: how they are sent, and what their askers receive.
 *
 * @module
 */

import { checkText, refuse } from "../../base/arguments.ts";
import { authored } from "../../base/authored.ts";
import {
  askFailed,
  askNotFound,
  type AskPlace,
  askUnanswered,
  readError,
} from "../../base/run_errors.ts";
import { decode } from "../../base/values.ts";
import type { AskRow } from "../../ports/answers.ts";
import type { Message } from "../../ports/store.ts";
import { askText } from "../../replay/asks.ts";

/** How a signal is sent: once for each id, and with or without an answer. */
export interface Sending {
  /** Deliveries of the same signal to the same run with the same id count once. */
  readonly deliveryId?: string | undefined;
  /** The id of the ask. */
  readonly askId?: string | undefined;
}

/**
 * Checks the ids of a signal.
 *
 * @param sending The options.
 * @param what What an option is, for errors.
 */
export function readSending({ deliveryId, askId }: Sending, what: (option: string) => string) {
  if (deliveryId !== undefined) checkText(deliveryId, what("deliveryId"));
  if (askId === undefined) return;
  checkText(askId, what("askId"));
  if (deliveryId !== undefined) {
    refuse(what("deliveryId"), deliveryId, "either askId, which is one too, or deliveryId");
  }
}

/**
 * The message of a signal.
 *
 * @param name The signal's name.
 * @param payload Its encoded payload.
 * @param sending Its ids.
 */
export function signalMessage(
  name: string,
  payload: string,
  { deliveryId, askId }: Sending,
): Omit<Message, "kind"> & { readonly kind: "signal" | "ask"; readonly payload: string } {
  if (askId !== undefined) {
    return { kind: "ask", name, payload: askText(askId, name, payload), deliveryId: askId };
  }
  return { kind: "signal", name, payload, ...(deliveryId === undefined ? {} : { deliveryId }) };
}

/**
 * What an asker receives.
 *
 * @param place Which ask.
 * @param row What is known of it.
 * @returns The value that the handler returned.
 * @throws {AskError} If there is none.
 */
export function answerOf(place: AskPlace, { status, payload, state }: AskRow): unknown {
  switch (status) {
    case "answered":
      return payload === null ? undefined : decode(payload);
    case "failed":
      throw askFailed(place, payload === null ? undefined : readError(authored(payload)));
    case "over":
      throw askUnanswered(place, state);
    default:
      throw askNotFound(place);
  }
}
