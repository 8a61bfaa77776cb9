/**
 * Why a module graph is not pinned exactly, and where.
 *
 * @module
 */

import type { Diagnostic } from "../../base/error_codes/details.ts";

export type { Diagnostic } from "../../base/error_codes/details.ts";

/** The stable code of a diagnostic. */
export type DiagnosticCode = Diagnostic["code"];

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
