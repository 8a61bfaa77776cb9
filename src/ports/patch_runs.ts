/**
 * What the client requires of a store to say which runs need a patch. Times are milliseconds of the
 * database's clock since the epoch.
 *
 * @module
 */

/** A live run, and what its history says of patches. */
export interface PatchRun {
  /** The run's id. */
  readonly runId: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The internal key. */
  readonly id: number;
  /** When it was created. */
  readonly createdAt: number;
  /** The version that it is pinned to. */
  readonly hash: string;
  /** Whether its present generation has any event. */
  readonly hasHistory: boolean;
  /** Whether it began as a part of another run's history. */
  readonly isFork: boolean;
  /** The names of the patches that its present generation has taken. */
  readonly taken: readonly string[];
  /**
   * The payload of the first `version.changed` event of its present generation; `null`: it began on the
   * version that it is on.
   */
  readonly moved: string | null;
}

/** Reads what the histories of live runs say of patches. */
export interface PatchStore {
  /**
   * Live runs of some versions, in all namespaces, in the order of their creation.
   *
   * @param hashes The versions.
   * @param after The last run of the previous page; `null`: from the beginning.
   * @param limit At most how many.
   */
  runs(
    hashes: readonly string[],
    after: { readonly createdAt: number; readonly id: number } | null,
    limit: number,
  ): Promise<PatchRun[]>;
}
