/**
 * Follows the history of a run by readings, as it grows.
 *
 * @module
 */

import type { HistoryEntry } from "../../client/run/history.ts";
import type { Plain } from "../plain.ts";
import { type AwaitOptions, isEnd, PARKED } from "../result.ts";
import { pause } from "./await_result.ts";
import type { Read } from "./reader.ts";

/** How many entries are read at once. */
const PAGE = 1_000;

/** An entry, and the generation that it belongs to. */
export type FollowedEntry = Plain<HistoryEntry> & {
  /** The generation, from 0. */
  readonly generation: number;
};

/**
 * Reads the entries of a history as they come, until the run has ended. The entries of a generation
 * that ends in the meantime come, too.
 *
 * @param read Reads.
 * @param id The run.
 * @param skipped How many events of the present generation are skipped.
 * @param options Aborts it, and is notified each time the run is parked.
 * @returns The entries, each once.
 * @throws {unknown} The reason of the signal, if it aborts, and the errors of reading.
 */
export async function* followReading(
  read: Read,
  id: string,
  skipped: number,
  { signal, onParked }: AwaitOptions = {},
): AsyncGenerator<FollowedEntry> {
  let place: { readonly generation: number; readonly from: number } | undefined;
  let parked: string | null = null;
  /** Failed attempts are no events: what they answer and when they failed says which they are. */
  const attempts = new Set<string>();
  const isNew = ({ seq, position, at }: FollowedEntry) => {
    if (seq !== null) return true;
    const key = JSON.stringify([position, at]);
    return !attempts.has(key) && attempts.add(key);
  };
  for (;;) {
    // The state first: what is read after the end is all.
    const { state, reason, generation } = await read("runs.show", { id });
    place ??= { generation, from: skipped };
    for (let isRead = false; !isRead;) {
      const part: Plain<HistoryEntry>[] = await read("runs.history", { id, ...place, limit: PAGE });
      for (const entry of part) {
        const followed = { ...entry, generation: place.generation };
        if (isNew(followed)) yield followed;
      }
      const events = part.filter(({ seq }) => seq !== null).length;
      const isOver: boolean = events < PAGE && place.generation < generation;
      place = isOver
        ? { generation: place.generation + 1, from: 0 }
        : { ...place, from: place.from + events };
      isRead = events < PAGE && !isOver;
    }
    if (isEnd(state)) return;
    const isParked = (PARKED as readonly string[]).includes(state);
    if (isParked && parked !== state) onParked?.({ state, reason });
    parked = isParked ? state : null;
    await pause(signal);
  }
}
