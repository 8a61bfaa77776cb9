/**
 * A version, as runs and their starts name it.
 *
 * @module
 */

/** A version of a workflow that is known, and the specifier that it is known under. */
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
