/**
 * What operators did, as plain JSON.
 *
 * @module
 */

import { ACTION_FILTERS, type Operation, type OperationListOptions } from "../client/operations.ts";
import type { Continuum } from "../continuum.ts";
import { given } from "./client.ts";
import { type Plain, plain } from "./plain.ts";

export { ACTION_FILTERS };

/** An act of an operator. */
export type OperationLine = Plain<Operation>;

/** Which acts. Whatever is given must hold. */
export type OperationFilter = {
  readonly [Key in "target" | "run" | "action" | "as" | "since"]?:
    | OperationListOptions[Key]
    | undefined;
};

/** A page of acts. */
export interface OperationLines {
  /** The acts, the newest first. */
  readonly operations: readonly OperationLine[];
  /** Leads to the next page; `null`: there is none. */
  readonly cursor: string | null;
}

/**
 * Lists what operators did, the newest first.
 *
 * @param client The client.
 * @param filter Which acts.
 * @param page How many, and the cursor of the page before.
 * @throws {InvalidArgumentError} If a filter is invalid, or the cursor is of another query.
 */
export async function listOperations(
  client: Continuum,
  filter: OperationFilter,
  page: { readonly limit?: number | undefined; readonly cursor?: string | undefined } = {},
): Promise<OperationLines> {
  const { operations, cursor } = await client.operations.list(given({ ...filter, ...page }));
  return { operations: operations.map((operation) => plain(operation)), cursor };
}
