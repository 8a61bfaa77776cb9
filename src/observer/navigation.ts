/**
 * What the menu of every page lists.
 *
 * @module
 */

/** An entry of the menu. */
export interface Entry {
  /** Its word. */
  readonly text: string;
  /** The first segment of the paths that belong to it; "": the overview. */
  readonly segment: string;
  /** The key that follows `g`, to go there. */
  readonly key: string;
}

/** The menu. */
export const MENU: readonly Entry[] = [
  { text: "Overview", segment: "", key: "o" },
  { text: "Runs", segment: "runs", key: "r" },
  { text: "Versions", segment: "versions", key: "v" },
  { text: "Schedules", segment: "schedules", key: "s" },
  { text: "Queues", segment: "queues", key: "q" },
  { text: "Nodes", segment: "nodes", key: "n" },
  { text: "Health", segment: "health", key: "h" },
  { text: "Audit", segment: "audit", key: "a" },
];
