/**
 * Observes what is sent to runs.
 *
 * @module
 */

import type { Sending, Sent, Telemetry } from "../ports/telemetry.ts";

/** The trace context that goes with what is sent, if there is one. */
export type Traced = { readonly trace?: string };

const UNTRACED: Traced = {};

/**
 * Sends something, and tells telemetry when and whether it was sent.
 *
 * @param telemetry The observer; `undefined`: there is no observer.
 * @param sent What is sent.
 * @param send Sends it, with the trace context.
 * @returns What `send` returns.
 */
export function sending<T>(
  telemetry: Telemetry | undefined,
  sent: Sent,
  send: (trace: Traced) => Promise<T>,
): Promise<T> {
  const under = telemetry?.sending(sent);
  return under === undefined ? send(UNTRACED) : observed(under, send);
}

async function observed<T>(under: Sending, send: (trace: Traced) => Promise<T>): Promise<T> {
  const { trace } = under;
  try {
    const result = await send(trace === undefined ? UNTRACED : { trace });
    under.ended();
    return result;
  } catch (error) {
    under.ended({ error });
    throw error;
  }
}
