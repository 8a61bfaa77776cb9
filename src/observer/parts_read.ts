/**
 * Reads the parts of a page together.
 *
 * - PART-1: a part that is not read in time (BOUNDS-1) leaves the others. The page shows them, and a
 *   sentence in place of the part. If no part is read in time, the page is not either.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import { LATE } from "./bounds.ts";
import { ObserverError, shownError } from "./errors.ts";

/** Why a part is missing, as JSON. */
export interface Missing {
  /** `QUERY_TIMEOUT`. */
  readonly code: string;
  /** The sentence. */
  readonly message: string;
}

/** The parts that were read; `null`: `missing` says why. */
export type Parts<All extends object> = {
  readonly [Name in keyof All]: All[Name] | null;
};

/** By the name of a part: why it is missing. */
export type MissingParts = Readonly<Record<string, Missing>>;

/**
 * Reads parts of a page together (PART-1).
 *
 * @param reads By name: reads the part.
 * @returns The parts, and which of them are missing.
 * @throws The error of a part that failed for another reason than its time; that of the first part, if
 * all were late.
 */
export async function readParts<All extends object>(
  reads: { readonly [Name in keyof All]: () => Promise<All[Name]> },
): Promise<{ readonly parts: Parts<All>; readonly missing: MissingParts }> {
  const names = Object.keys(reads) as (keyof All & string)[];
  const settled = await Promise.all(names.map(async (name) => {
    try {
      return { name, part: await reads[name](), late: null };
    } catch (error) {
      if (!isLate(error)) throw error;
      return { name, part: null, late: error };
    }
  }));
  const late = settled.filter((part) => part.late !== null);
  if (late.length > 0 && late.length === settled.length) throw late[0]!.late;
  return {
    parts: Object.fromEntries(settled.map(({ name, part }) => [name, part])) as Parts<All>,
    missing: Object.fromEntries(late.map(({ name, late }) => [name, missingFor(late)])),
  };
}

/**
 * Whether something was not done in time.
 *
 * @param error What was thrown.
 */
export function isLate(error: unknown): boolean {
  return isContinuumError(error, LATE) || error instanceof ObserverError && error.code === LATE;
}

/**
 * What is shown in place of a part.
 *
 * @param error What was thrown.
 */
export function missingFor(error: unknown): Missing {
  const { code, message } = shownError(error);
  return { code, message };
}
