/**
 * Places in source.
 *
 * @module
 */

/** A place in a module. */
export interface Site {
  /** The module's label; `null`: only its URL is known. */
  readonly member: string | null;
  /** Its URL. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/**
 * A place in one word: `lib/approve.ts:31`.
 *
 * @param site The place.
 */
export function siteText({ member, file, line }: Site): string {
  return `${(member ?? file).replace(/^\.\//, "")}:${line}`;
}
