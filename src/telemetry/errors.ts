/**
 * How errors are shown in spans and metrics.
 *
 * @module
 */

import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { authored } from "../base/authored.ts";
import { isContinuumError } from "../base/errors.ts";

/** The value of `error.type`: the error's name, which is bounded in metrics. */
export function errorType(error: unknown): string {
  if (typeof error !== "object" || error === null) return typeof error;
  const { name } = error as { readonly name?: unknown };
  return typeof name === "string" && name !== "" ? name : "Error";
}

/** Whether an attempt was ended by a cancellation, which is no error. */
export function isCancellation(error: unknown): boolean {
  return isContinuumError(error, "CANCELLED") || errorType(error) === "AbortError";
}

/** Marks a span as failed. The event has the fields of the semantic conventions. */
export function markFailed(span: Span, error: unknown): void {
  const type = errorType(error);
  const { message, stack } = (typeof error === "object" && error !== null ? error : {}) as {
    readonly message?: unknown;
    readonly stack?: unknown;
  };
  const text = authored(typeof message === "string" ? message : String(error));
  span.setAttribute("error.type", type);
  span.addEvent("exception", {
    "exception.type": type,
    "exception.message": text,
    ...(typeof stack === "string" ? { "exception.stacktrace": authored(stack) } : {}),
  });
  span.setStatus({ code: SpanStatusCode.ERROR, message: text });
}
