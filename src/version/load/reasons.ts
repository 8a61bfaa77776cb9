/**
 * Classifies failures to load a version as passing, specific to this node, or lasting.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import { type FailureKind, isFetchFailure, type SourceReason } from "../load_errors.ts";

/** Kinds by code; an error of another code has a kind itself, or counts as passing. */
const KINDS: Readonly<Record<string, FailureKind>> = {
  UNTRUSTED_MODULE: "node",
  GRAPH_LIMIT: "node",
  GRAPH_FORBIDDEN: "node",
  GRAPH_UNPINNED: "node",
  CONFIG_INVALID: "node",
  EXTERNAL_UNAVAILABLE: "node",
  LIVE_UNKNOWN: "node",
  LOAD_LIMIT: "node",
  PROTOCOL_TOO_NEW: "node",
  // A specifier that this engine does not read.
  INVALID_ARGUMENT: "node",
  INTEGRITY_MISMATCH: "lasting",
  NOT_ARCHIVED: "lasting",
  MANIFEST_INVALID: "lasting",
  MODULE_SYNTAX: "lasting",
  UNPINNED_IMPORT: "lasting",
  NO_DEFAULT_EXPORT: "lasting",
  NOT_A_WORKFLOW: "lasting",
};

/**
 * Makes the reason of a source from an error.
 *
 * @param error The error.
 * @param source The source.
 * @param specifier The specifier that was tried, for a URL.
 * @returns The reason.
 */
export function reasonOf(
  error: unknown,
  source: SourceReason["source"],
  specifier?: string,
): SourceReason {
  const code = isContinuumError(error) ? error.code : "UNKNOWN";
  return {
    source,
    ...(specifier === undefined ? {} : { specifier }),
    kind: kindOf(error, code),
    code,
    message: error instanceof Error ? error.message : String(error),
  };
}

function kindOf(error: unknown, code: string): FailureKind {
  if (isFetchFailure(error)) return error.details.kind;
  if (code === "MODULE_NOT_FOUND") {
    // Another node may have the file; for a URL, every node gets the same answer.
    const isFile = isContinuumError(error) && String(error.details["url"]).startsWith("file:");
    return isFile ? "node" : "lasting";
  }
  // Bytes of a known hash stay malformed; a file that could not be read may be readable later.
  return KINDS[code] ?? "passing";
}
