/**
 * What the client requires of a store to remove old versions. Times are milliseconds of the database's
 * clock since the epoch.
 *
 * @module
 */

/** Which versions may lose something. */
export interface CollectionScope {
  /** Versions that were last registered, and last given a run, at this time or earlier. */
  readonly before: number;
  /** How many of the newest versions of each workflow stay, whatever uses them. */
  readonly keep: number;
}

/**
 * Why a version loses nothing; the first that holds:
 *
 * - `current`: runs that are started by the workflow's name are pinned to it.
 * - `needed`: a run that has not ended is pinned to it, or a task of one, or an upgrade of many runs
 *   that is not finished moves runs to it.
 * - `scheduled`: a schedule that can still fire is pinned to it.
 * - `denied`: a denial names it or one of its modules.
 * - `recent`: it was registered, or a run was started on it, since the cutoff.
 * - `newest`: it is among the newest versions of its workflow.
 * - `contains`: its bytes are gone or it has none, and it vouches for a version that consists of its
 *   modules.
 * - `held`: its bytes are gone or it has none, and ended runs, earlier generations or schedules that
 *   are over refer to it.
 *
 * @category Versions
 */
export type KeptBecause =
  | "current"
  | "needed"
  | "scheduled"
  | "denied"
  | "recent"
  | "newest"
  | "contains"
  | "held";

/**
 * What a version loses: the bytes of its modules, or all that the database has of it.
 *
 * @category Versions
 */
export type Loss = "bytes" | "row";

/** What becomes of a version. */
export interface CollectionVerdict {
  /** The version. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** Its label for people. */
  readonly label: string | null;
  /** Whether the archive has its bytes. */
  readonly archived: boolean;
  /** When it was registered. */
  readonly registeredAt: number;
  /** When it was last registered, or last given a run: the later of the two. */
  readonly usedAt: number;
  /** What becomes of it. */
  readonly verdict: Loss | KeptBecause;
}

/** A place in the order in which versions are examined: the order of their registration. */
export interface CollectionPlace {
  /** When the version was registered. */
  readonly registeredAt: number;
  /** Its hash. */
  readonly hash: string;
}

/** Modules that no version refers to. */
export interface RemovedModules {
  /** How many. */
  readonly modules: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** Removal of old versions. Each call examines and removes a bounded number of rows. */
export interface CollectionStore {
  /**
   * Says what would become of some versions, the oldest first.
   *
   * @param scope Which versions may lose something.
   * @param after The last version of the previous page; `null`: from the beginning.
   * @param limit At most how many are examined.
   * @returns The verdict on each; fewer than `limit`: there are no more. `row` holds unless the
   * version is {@linkcode CollectionStore.vouching}, and never says `contains`.
   */
  plan(
    scope: CollectionScope,
    after: CollectionPlace | null,
    limit: number,
  ): Promise<CollectionVerdict[]>;
  /**
   * Of some versions, those that vouch for another one, which consists of their modules: such a
   * version loses at most its bytes. It costs as much as all versions that nodes have registered
   * only as parts of others.
   *
   * @param hashes The versions whose rows would go.
   */
  vouching(hashes: readonly string[]): Promise<string[]>;
  /**
   * Counts what {@linkcode CollectionStore.sweep} would remove if some versions had lost their bytes.
   *
   * @param hashes The versions.
   */
  weigh(hashes: readonly string[]): Promise<RemovedModules>;
  /**
   * Removes what some versions lose, in one transaction. Each is examined again behind locks; one that
   * is in use meanwhile stays.
   *
   * @param scope Which versions may lose something.
   * @param hashes The versions.
   * @returns The verdict on each that lost something.
   */
  remove(scope: CollectionScope, hashes: readonly string[]): Promise<CollectionVerdict[]>;
  /**
   * Removes modules that no version refers to, in the order of their digests, unless they were
   * written within the last day.
   *
   * @param after The last digest of the previous step; `""`: from the beginning.
   * @param limit At most how many are removed.
   * @returns What was removed, and where the next step begins; `null`: nothing is left.
   */
  sweep(after: string, limit: number): Promise<RemovedModules & { readonly next: string | null }>;
}
