/**
 * Errors of `jsr:@db/postgres`, recognized by their names.
 *
 * @module
 */

import { messageOf } from "../../base/text.ts";

/** What the server said of an error. */
interface Fields {
  readonly severity?: string;
  readonly code?: string;
  readonly constraint?: string;
  readonly routine?: string;
}

/** Messages of errors after which the driver no longer knows what the server has answered. */
const OUT_OF_STEP = /^Unexpected (simple|prepared) query message/;

/**
 * An error as the store reads it: the SQLSTATE is its `code`, as with other drivers.
 *
 * @param thrown What the driver threw.
 * @returns The same error, if it is one.
 */
export function serverError(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
  if (!isServerError(error)) return error;
  const { severity, code, constraint, routine } = error.fields;
  return Object.assign(error, { severity, code, constraint, routine });
}

/**
 * Whether the server has answered with an error.
 *
 * @param error What the driver threw.
 */
export function isServerError(error: unknown): error is Error & { readonly fields: Fields } {
  return error instanceof Error && error.name === "PostgresError" &&
    typeof (error as { fields?: Fields }).fields?.code === "string";
}

/**
 * Whether an error says that the connection is of no use any more. All others that are none of the
 * server's are about the arguments of a call, or the shape of its result.
 *
 * @param error What the driver threw.
 */
export function isLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "ConnectionError" || OUT_OF_STEP.test(error.message)) return true;
  return Object.values(Deno.errors).some((kind) => error instanceof kind);
}
