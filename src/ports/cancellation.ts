/**
 * Requests to end a run, as its inbox has them.
 *
 * @module
 */

import { CancelledError } from "../base/errors.ts";
import { decode } from "../base/values.ts";
import { encodeError } from "../base/values_failure.ts";
import type { CancelRequest } from "../replay/history.ts";
import type { InboxRow, Transition } from "./rows.ts";

/** A transition that ends a run. */
export type EndTransition = Extract<Transition, { readonly result: string | null }>;

/**
 * Decides how a run ends whose code never learns that its end was requested.
 *
 * @param inbox Its messages.
 * @returns Its end; undefined: its end was not requested.
 */
export function endCancelled(inbox: readonly InboxRow[]): EndTransition | undefined {
  const request = inbox.find(({ kind }) => kind === "cancel");
  if (request === undefined) return undefined;
  const { reason = null } = decode(request.payload ?? "{}") as CancelRequest;
  return { to: "cancelled", result: null, error: encodeError(new CancelledError(reason)) };
}
