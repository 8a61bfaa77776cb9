/**
 * Denials: digests of versions and modules that no node executes.
 *
 * @module
 */

import type { StuckReason } from "./rows.ts";
import type { Denial } from "./version_usage.ts";

/** A denial, and what it bars. */
export interface ListedDenial extends Denial {
  /** The hashes of the registered versions that have that hash, or such a module. */
  readonly versions: readonly string[];
}

/** All denials. */
export interface DenialList {
  /** Differs whenever the denials differ; a heartbeat returns the same text. */
  readonly stamp: string;
  /** The denials, the oldest first. */
  readonly denials: readonly ListedDenial[];
}

/** A version that a digest names. */
export interface BarredVersion {
  /** Its hash. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** Its label for people. */
  readonly label: string | null;
  /** Whether runs that are started by the workflow's name are pinned to it. */
  readonly isCurrent: boolean;
}

/** A run that was parked. */
export interface ParkedRun {
  /** Its id. */
  readonly runId: string;
  /** Whether another process waits for it. */
  readonly watched: boolean;
}

/** Denials of versions and modules. */
export interface DenialStore {
  /** Denies a digest; a second denial of it replaces reason and name. */
  deny(sha256: string, reason: string, by: string | null): Promise<void>;
  /** Takes a denial back. `false`: there is none. */
  allow(sha256: string): Promise<boolean>;
  /** All denials. */
  list(): Promise<DenialList>;
  /** The registered versions that a digest names: their own hash, or that of a module. */
  versionsOf(sha256: string): Promise<BarredVersion[]>;
  /**
   * Parks runs of a version that no node holds, as `stuck_unknown_version`.
   *
   * @param hash The version.
   * @param reason Why.
   * @param limit At most how many; repeat the call until it returns none.
   * @returns The runs.
   */
  park(hash: string, reason: StuckReason, limit: number): Promise<ParkedRun[]>;
  /** Deletes what nodes have recorded about failures to load a version. */
  forgetRefusals(hash: string): Promise<void>;
}
