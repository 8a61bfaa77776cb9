/**
 * Why a module graph is not pinned exactly, and where.
 *
 * @module
 */

/**
 * The stable code of a diagnostic:
 * - `UNPINNED_EXTERNAL`: an `npm:` or `jsr:` import without an exact version or lock integrity;
 * - `NON_LITERAL_IMPORT`: a dynamic import whose specifier or options are computed; the loader
 *   refuses it;
 * - `IMPORT_META`: a use of `import.meta` other than `import.meta.main`; the value differs between
 *   nodes and sources;
 * - `CONFIG_UNSEEN`: there may be a workspace above the project's config that this process may not
 *   read.
 *
 * @category Versions
 */
export type DiagnosticCode =
  | "UNPINNED_EXTERNAL"
  | "NON_LITERAL_IMPORT"
  | "IMPORT_META"
  | "CONFIG_UNSEEN";

/**
 * One reason why a graph is not exact. An error with `pinning: "strict"`.
 *
 * @category Versions
 */
export interface Diagnostic {
  /** The stable code. */
  readonly code: DiagnosticCode;
  /** What was found, and what to write instead. */
  readonly message: string;
  /** The label of the member that holds it. */
  readonly label: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column in UTF-16 units, from 1. */
  readonly column: number;
}

/**
 * One line for people: `label:line:column CODE message`.
 *
 * @param diagnostic The diagnostic.
 * @returns The line, without a line feed.
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { label, line, column, code, message } = diagnostic;
  return `${label}:${line}:${column} ${code} ${message}`;
}
