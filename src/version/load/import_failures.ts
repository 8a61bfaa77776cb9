/**
 * How often the code of versions could not be imported: what fails a few times passes, what fails
 * again and again is taken to last.
 *
 * @module
 */

import { LoadFailure, type SourceReason } from "../load_errors.ts";

/** How often a version may fail to import before that is taken to last. */
const MAX_IMPORTS = 5;

/** Failed imports, by version. */
export class ImportFailures {
  readonly #failures = new Map<string, { count: number; failure: LoadFailure }>();

  /** Why a version is not tried again; `undefined`: it may be. */
  lasting(hash: string): LoadFailure | undefined {
    const failure = this.#failures.get(hash)?.failure;
    return failure?.kind === "lasting" ? failure : undefined;
  }

  /**
   * Counts a failure.
   *
   * @param hash The version.
   * @param reason Why.
   * @param cause What was thrown.
   * @returns The failure, which tells how often it was tried.
   */
  note(hash: string, reason: SourceReason, cause: unknown): LoadFailure {
    const count = (this.#failures.get(hash)?.count ?? 0) + 1;
    const counted: SourceReason = {
      ...reason,
      kind: count >= MAX_IMPORTS ? "lasting" : "passing",
      message: `${reason.message} (attempt ${count} of ${MAX_IMPORTS})`,
    };
    const failure = new LoadFailure(hash, [counted], cause);
    this.#failures.set(hash, { count, failure });
    return failure;
  }

  /** The next failure of a version counts as its first. */
  forget(hash: string): void {
    this.#failures.delete(hash);
  }
}
