/**
 * Errors of reading and pinning module graphs.
 *
 * @module
 */

import { ContinuumError } from "../base/errors.ts";
import { type Diagnostic, formatDiagnostic } from "./manifest/diagnostics.ts";

export { ContinuumError, type Diagnostic };

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
export class GraphError<Code extends GraphErrorCode = GraphErrorCode>
  extends ContinuumError<Code> {}

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
