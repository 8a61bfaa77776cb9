/**
 * A reference to a version, as runs and their starts hold it.
 *
 * @module
 */

/** A registered version of a workflow, and a specifier of it. */
export interface VersionPin {
  /** The version's hash. */
  readonly hash: string;
  /** The specifier under which it was registered, or under which a caller named it. */
  readonly specifier: string;
}

/** A version with the name of its workflow: what a run starts on. */
export interface VersionRef extends VersionPin {
  /** The workflow's logical name. */
  readonly workflow: string;
}
