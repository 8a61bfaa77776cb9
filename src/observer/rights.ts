/**
 * What people may do with an observer.
 *
 * - RIGHT-1: the server decides. Each route declares its rights, and `handler.ts` answers 403 before
 *   anything is read if one is missing. A page also hides what its viewer may not do.
 *
 * @module
 */

import { checkKeys, checkText, refuse } from "../base/arguments.ts";

/** All rights. */
export const RIGHTS = [
  "read",
  "payloads",
  "source",
  "signal",
  "start",
  "cancel",
  "terminate",
  "pause",
  "retry",
  "upgrade",
  "fork",
  "export",
  "versions",
  "schedules",
  "repair",
  "prune",
] as const;

/**
 * Something that a person may do:
 *
 * - `read`: look at runs, versions, schedules, nodes, queues and health. Nothing works without it.
 * - `payloads`: see values: inputs, results, errors, attributes, statuses. Without it none leaves the
 *   server.
 * - `source`: see the code of versions.
 * - `signal`, `start`, `cancel`, `terminate`, `pause` (and resume), `retry` (also of failed runs),
 *   `upgrade`, `fork`, `export`, `schedules`, `repair`, `prune`: do what the word says.
 * - `versions`: activate and deny versions.
 */
export type Right = typeof RIGHTS[number];

/** Rights that change nothing: what is left if an observer is read-only. */
const READING: readonly Right[] = ["read", "payloads", "source", "export"];

/** Who looks at an observer, and what they may do. */
export interface Viewer {
  /** Their name, for the record of operations. */
  readonly name: string;
  /** What they may do. */
  readonly may: readonly Right[];
  /**
   * What they may do in single namespaces, in place of `may`. What concerns the whole database, such
   * as nodes, queues and versions, follows `may`.
   */
  readonly namespaces?: Readonly<Record<string, readonly Right[]>>;
}

/**
 * Checks what the option `access` returned.
 *
 * @param viewer The viewer.
 * @throws {InvalidArgumentError} If a field is missing or a right is unknown.
 */
export function checkViewer(viewer: Viewer): void {
  const what = "what option access of observer() returned";
  checkKeys(viewer, ["name", "may", "namespaces"], what);
  checkText(viewer.name, `name in ${what}`);
  checkRights(viewer.may, what);
  for (const rights of Object.values(viewer.namespaces ?? {})) checkRights(rights, what);
}

function checkRights(rights: readonly Right[], what: string): void {
  if (!Array.isArray(rights)) refuse(`the rights in ${what}`, rights, "an array of rights");
  const wrong = rights.find((right) => !RIGHTS.includes(right));
  if (wrong !== undefined) refuse(`a right in ${what}`, wrong, RIGHTS.join(", "));
}

/**
 * The rights of a viewer.
 *
 * @param viewer Who looks.
 * @param namespace Where; `null`: what concerns the whole database.
 * @param isReadOnly Whether the observer changes nothing.
 */
export function rightsOf(
  { may, namespaces = {} }: Viewer,
  namespace: string | null,
  isReadOnly: boolean,
): ReadonlySet<Right> {
  const own = namespace !== null && Object.hasOwn(namespaces, namespace)
    ? namespaces[namespace]!
    : may;
  if (!own.includes("read")) return new Set();
  return new Set(isReadOnly ? own.filter((right) => READING.includes(right)) : own);
}
