/**
 * Searches in the history of a run, as plain JSON.
 *
 * @module
 */

import type { Continuum } from "../continuum.ts";
import type { HistoryEntry } from "../client/run/history.ts";
import { given } from "./client.ts";
import { type Plain, plain } from "./plain.ts";

/** Which entries of a history. Whatever is given must hold. */
export interface HistorySearch {
  /** The generation, from 0; the present one when omitted. */
  readonly generation?: number | undefined;
  /** The first event to look at, from 0. */
  readonly from?: number | undefined;
  /** The most entries to find. */
  readonly limit: number;
  /** Kinds of events: a whole kind, or what stands before its dot, such as `step`. */
  readonly kinds?: readonly string[] | undefined;
  /** Whether only failures are wanted: of effects and of attempts. */
  readonly failures?: boolean | undefined;
  /** A part of the name, in any case. */
  readonly name?: string | undefined;
}

/** An entry that was found. */
export type FoundEntry = Plain<HistoryEntry> & {
  /** Its place in the history of its generation, from 0; `null`: it is no event. */
  readonly event: number | null;
};

/** What a search has found. */
export interface FoundEntries {
  /** The entries, in the order of the history. */
  readonly entries: readonly FoundEntry[];
  /** How many events were looked at. */
  readonly searched: number;
  /** Where to look next; `null`: the history ends here. */
  readonly next: number | null;
}

/** One search looks at this many events, so that it is quick in any history. */
const MOST_SEARCHED = 5_000;

const PAGE = 1_000;

/**
 * Searches in the history of a run. It stops at the limit, or after 5,000 events.
 *
 * @param client The client.
 * @param id The run's id.
 * @param search What is wanted.
 * @throws {RunNotFoundError} If there is no such run, or it has no such generation.
 */
export async function searchHistory(
  client: Continuum,
  id: string,
  { generation, from = 0, limit, ...wanted }: HistorySearch,
): Promise<FoundEntries> {
  const entries: FoundEntry[] = [];
  const isAll = wanted.kinds === undefined && wanted.name === undefined && !wanted.failures;
  let searched = 0;
  while (searched < MOST_SEARCHED) {
    const size = isAll ? limit + 1 - entries.length : PAGE;
    const place = from + searched;
    const page = await client.run(id).history(given({ generation, from: place, limit: size }));
    for (const entry of page) {
      const event = entry.seq === null ? null : from + searched;
      if (isWanted(entry, wanted)) {
        // What is no event has no place to continue from, and is little.
        if (entries.length >= limit && event !== null) return { entries, searched, next: event };
        entries.push({ ...plain(entry), event });
      }
      if (event !== null) searched++;
    }
    if (page.length < size || page.at(-1)!.seq === null) return { entries, searched, next: null };
  }
  return { entries, searched, next: from + searched };
}

/** Events that concern all of a run. */
const LANDMARKS = ["version.changed", "cancel.requested"];

/**
 * Finds when a run was moved to another version, and when it was asked to end.
 *
 * @param client The client.
 * @param id The run's id.
 * @param generation The generation; the present one when omitted.
 * @throws {RunNotFoundError} If there is no such run, or it has no such generation.
 */
export async function landmarksOf(
  client: Continuum,
  id: string,
  generation?: number,
): Promise<FoundEntry[]> {
  const found: FoundEntry[] = [];
  for (let from: number | null = 0; from !== null;) {
    const search: HistorySearch = { generation, from, limit: PAGE, kinds: LANDMARKS };
    const { entries, next }: FoundEntries = await searchHistory(client, id, search);
    found.push(...entries);
    from = next;
  }
  return found;
}

function isWanted(
  { kind, name }: HistoryEntry,
  { kinds, failures, name: part }: Pick<HistorySearch, "kinds" | "failures" | "name">,
): boolean {
  if (failures && !kind.endsWith(".failed") && kind !== "payload.refused") return false;
  if (kinds !== undefined && !kinds.some((each) => kind === each || kind.startsWith(`${each}.`))) {
    return false;
  }
  return part === undefined || name.toLowerCase().includes(part.toLowerCase());
}
