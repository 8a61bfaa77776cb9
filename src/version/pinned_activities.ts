/**
 * The activities of a version, by the module and the name that export them.
 *
 * @module
 */

import type { ActivityLike } from "../replay/commands.ts";
import { isActivity } from "../workflow/activity.ts";
import type { LoadedVersion } from "./loaded_version.ts";

/** The activities of a version, by the export that contains them: `label#export`. */
export interface PinnedActivities {
  /** Activities by export. */
  readonly activities: ReadonlyMap<string, ActivityLike>;
  /** Exports by activity; the first export if there are several. */
  readonly codes: ReadonlyMap<ActivityLike, string>;
}

const pinned = new WeakMap<LoadedVersion["modules"], PinnedActivities>();

/**
 * Finds the activities that a version's modules export.
 *
 * @param version The version.
 * @returns The activities; the same object each time.
 */
export function pinnedActivities({ modules }: Pick<LoadedVersion, "modules">): PinnedActivities {
  let found = pinned.get(modules);
  if (found === undefined) pinned.set(modules, found = findActivities(modules));
  return found;
}

function findActivities(modules: LoadedVersion["modules"]): PinnedActivities {
  const activities = new Map<string, ActivityLike>();
  const codes = new Map<ActivityLike, string>();
  for (const [label, namespace] of modules) {
    for (const [name, value] of Object.entries(namespace)) {
      if (!isActivity(value)) continue;
      const code = `${label}#${name}`;
      activities.set(code, value as ActivityLike);
      if (!codes.has(value as ActivityLike)) codes.set(value as ActivityLike, code);
    }
  }
  return { activities, codes };
}
