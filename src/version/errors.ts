/**
 * Errors of reading and pinning module graphs.
 *
 * @module
 */

import { shownId } from "../base/describe.ts";
import { ContinuumError, type ErrorDetails } from "../base/errors.ts";
import { shorten } from "../base/text.ts";
import { type Diagnostic, formatDiagnostic } from "./manifest/diagnostics.ts";

export { ContinuumError, type Diagnostic };

/** How many characters are shown of a message, and of a text in details. */
const MAX_MESSAGE = 2_000;

/**
 * The codes of {@linkcode GraphError}.
 *
 * @category Errors
 */
export type GraphErrorCode =
  | "MANIFEST_INVALID"
  | "MODULE_NOT_FOUND"
  | "MODULE_UNREADABLE"
  | "MODULE_SYNTAX"
  | "GRAPH_FORBIDDEN"
  | "GRAPH_LIMIT"
  | "CONFIG_INVALID"
  | "GRAPH_UNPINNED";

/**
 * The graph of a workflow module can't be read or pinned, or a manifest is not one.
 *
 * @category Errors
 */
export class GraphError<Code extends GraphErrorCode = GraphErrorCode> extends ContinuumError<Code> {
  /**
   * Makes the error. The URLs in its message and its details are shown without secrets
   * (DESCRIBE-1). A message about syntax may quote source code, and is shown as it is.
   *
   * @param code The stable code.
   * @param message What could not be done, why, the value found, what was wanted.
   * @param options The facts about the condition, and the cause.
   */
  constructor(
    code: Code,
    message: string,
    options: { readonly details: ErrorDetails[Code]; readonly cause?: unknown },
  ) {
    const details = Object.entries(options.details).map(([key, value]) =>
      [key, typeof value === "string" ? shownId(value, MAX_MESSAGE) : value] as const
    );
    super(code, code === "MODULE_SYNTAX" ? message : shorten(message, MAX_MESSAGE), {
      ...options,
      details: Object.fromEntries(details) as unknown as ErrorDetails[Code],
    });
  }
}

/**
 * With `pinning: "strict"`, a graph has diagnostics: it cannot be pinned exactly.
 *
 * @param root The root of the graph.
 * @param diagnostics All diagnostics.
 * @returns The error, with code `GRAPH_UNPINNED`.
 */
export function graphUnpinned(root: string, diagnostics: readonly Diagnostic[]): GraphError {
  const [first, ...more] = diagnostics.map(formatDiagnostic);
  const rest = more.length === 0 ? "" : `, and ${more.length} more`;
  return new GraphError("GRAPH_UNPINNED", `Cannot pin ${root} exactly: ${first}${rest}`, {
    details: { diagnostics },
  });
}
