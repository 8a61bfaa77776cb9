/**
 * What pages are rendered with: links, rights, and how times are shown.
 *
 * @module
 */

import type { Links } from "./links.ts";
import type { Right } from "./rights.ts";

/** Choices of a viewer, kept in cookies. */
export interface Preferences {
  /** Colours: as the system has them when `null`. */
  readonly theme: "dark" | "light" | null;
  /** The time zone in which times are shown. */
  readonly zone: string;
}

/** What pages are rendered with. */
export interface View extends Preferences {
  /** Makes links to pages of the same namespace. */
  readonly to: Links;
  /** Makes links to pages of the observer's own namespace. */
  readonly root: Links;
  /** The path of this page below the observer's own, decoded, one text a segment. */
  readonly path: readonly string[];
  /** The query of this page. */
  readonly query: URLSearchParams;
  /** When the data was read. */
  readonly now: Date;
  /** Who looks. */
  readonly by: string;
  /** The namespace. */
  readonly namespace: string;
  /** Whether the viewer may look at other namespaces, too. */
  readonly hasOthers: boolean;
  /** Whether the observer changes nothing. */
  readonly isReadOnly: boolean;
  /**
   * Whether the viewer has a right.
   *
   * @param right The right.
   */
  may(right: Right): boolean;
}
