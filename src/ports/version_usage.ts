/**
 * How versions are used, and which of them are denied.
 *
 * @module
 */

import type { StuckReason } from "./rows.ts";
import type { StoredSignature } from "./signatures.ts";

/**
 * How a version stands:
 *
 * - `denied`: a denial names it or one of its modules, so no node executes it.
 * - `missing`: live runs or a schedule need it, and no node can load it.
 * - `current`: runs that are started by the workflow's name are pinned to it.
 * - `draining`: it is not current, and live runs or a schedule are pinned to it.
 * - `drained`: only ended runs, or earlier generations, are pinned to it.
 * - `unused`: the database holds no run that is pinned to it.
 *
 * The first that holds is the state.
 *
 * @category Versions
 */
export type VersionState = "denied" | "missing" | "current" | "draining" | "drained" | "unused";

/** All states, in that order. */
export const VERSION_STATES: readonly VersionState[] = [
  "denied",
  "missing",
  "current",
  "draining",
  "drained",
  "unused",
];

/** A digest that no node executes. */
export interface Denial {
  /** The hash of a version, or the SHA-256 of a module, in hex. */
  readonly sha256: string;
  /** Why, as it was said. */
  readonly reason: string;
  /** Who said so; `null`: unknown. */
  readonly by: string | null;
  /** When. */
  readonly at: number;
}

/** A version and how it is used. */
export interface VersionUsage {
  /** SHA-256 of the manifest, lower-case hex. */
  readonly hash: string;
  /** The workflow's logical name. */
  readonly workflow: string;
  /** Label for people. */
  readonly label: string | null;
  /** How it stands. */
  readonly state: VersionState;
  /** Whether runs that are started by the workflow's name are pinned to it. */
  readonly isCurrent: boolean;
  /** Whether the archive holds its members. */
  readonly archived: boolean;
  /** The bytes that the archive holds of it, some of them for other versions, too. */
  readonly bytes: number;
  /** The specifiers under which it was registered, the newest first. */
  readonly specifiers: readonly string[];
  /** When it was registered. */
  readonly registeredAt: number;
  /** How many runs that have not ended are pinned to it, counted up to a limit. */
  readonly live: number;
  /** When the oldest of these was created. */
  readonly oldestLive: number | null;
  /** When the newest run that is pinned to it was created, ended or not. */
  readonly lastStart: number | null;
  /** How many schedules that can still fire are pinned to it. */
  readonly schedules: number;
  /** How many nodes are alive. */
  readonly nodes: number;
  /** The live nodes that can't load it. */
  readonly refusals: readonly { readonly node: string; readonly reason: StuckReason }[];
  /** The denial that names it or one of its members; `null`: none does. */
  readonly denied: Denial | null;
  /** Its signatures, not verified; not all if there are many. */
  readonly signatures: readonly StoredSignature[];
}

/** Which versions a page lists: the newest first. */
export interface VersionQuery {
  /** The workflow; all when omitted. */
  readonly workflow?: string;
  /** How the hash begins; any when omitted. */
  readonly prefix?: string;
  /** The states; all when omitted. */
  readonly states?: readonly VersionState[];
  /** Whether they are current; both when omitted. */
  readonly isCurrent?: boolean;
  /** The last version of the previous page. */
  readonly after?: { readonly registeredAt: number; readonly hash: string };
  /** At most how many. */
  readonly limit: number;
  /** Up to which number live runs are counted. */
  readonly most: number;
}
