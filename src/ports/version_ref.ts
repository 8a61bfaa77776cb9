/**
 * A version, as runs and their starts name it.
 *
 * @module
 */

/** Which version a child takes. */
export interface VersionRef {
  /** The workflow's name. */
  readonly workflow: string;
  /** The version. */
  readonly hash: string;
  /** The specifier that it is known under. */
  readonly specifier: string;
}
