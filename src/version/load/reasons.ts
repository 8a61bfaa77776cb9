/**
 * What a failure to load a version means: the one place that tells passing, this node's and lasting
 * failures apart.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import { type FailureKind, FetchFailedError, type SourceReason } from "../load_errors.ts";

/** Kinds by code; what is not here says its kind itself, or is taken to pass. */
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
 * Says what was thrown as the reason of a source.
 *
 * @param error What was thrown.
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
  if (error instanceof FetchFailedError) return error.kind;
  if (code === "MODULE_NOT_FOUND") {
    // Another node may have the file; nobody else has the URL.
    const isFile = isContinuumError(error) && String(error.details["url"]).startsWith("file:");
    return isFile ? "node" : "lasting";
  }
  // A file's syntax is its bytes', but an unreadable one may be read later.
  return KINDS[code] ?? "passing";
}
