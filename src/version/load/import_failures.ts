/**
 * Counts how often the code of a version could not be imported. A few failures count as passing;
 * after {@linkcode MAX_IMPORTS} the failure counts as lasting.
 *
 * @module
 */

import { loadFailure, type SourceReason, type VersionUnavailableError } from "../load_errors.ts";

/** How often a version may fail to import before the failure counts as lasting. */
const MAX_IMPORTS = 5;

/** Failed imports, by version. */
export class ImportFailures {
  readonly #failures = new Map<string, { count: number; failure: VersionUnavailableError }>();

  /** Why a version is not imported again; `undefined` if it may be. */
  lasting(hash: string): VersionUnavailableError | undefined {
    const failure = this.#failures.get(hash)?.failure;
    return failure?.details.kind === "lasting" ? failure : undefined;
  }

  /**
   * Counts a failed import.
   *
   * @param hash The version.
   * @param reason The reason.
   * @param cause The error.
   * @returns The failure, which states how many imports failed.
   */
  note(hash: string, reason: SourceReason, cause: unknown): VersionUnavailableError {
    const count = (this.#failures.get(hash)?.count ?? 0) + 1;
    const counted: SourceReason = {
      ...reason,
      kind: count >= MAX_IMPORTS ? "lasting" : "passing",
      message: `${reason.message} (attempt ${count} of ${MAX_IMPORTS})`,
    };
    const failure = loadFailure(hash, [counted], cause);
    this.#failures.set(hash, { count, failure });
    return failure;
  }

  /** The next failure of a version counts as its first. */
  forget(hash: string): void {
    this.#failures.delete(hash);
  }
}
